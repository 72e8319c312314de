"""Reads a CSV file of measurements by columns: numbers checked, mistakes with file, line and column."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import ConfigError, Mistake

MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class CsvFile:
    """A CSV file: its path, its header, and its lines with their numbers; lines that begin with ``#`` are left out."""

    path: Path
    header: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str, ...]], ...]

    @classmethod
    def read(cls, path: Path) -> CsvFile:
        """Read a file.

        Raises:
            ConfigError: it cannot be read, is no CSV file, or has lines of another width than its header.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError as why:
            raise ConfigError([Mistake("", f"cannot be read: {why.strerror}", str(path))]) from why
        except UnicodeDecodeError as why:
            raise ConfigError([Mistake("", "is not text in UTF-8, so it is no CSV file", str(path))]) from why
        told = [(i, line) for i, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
        rows = list(csv.reader(line for _, line in told))
        if not rows:
            raise ConfigError([Mistake("", "is empty; expected a header and measured kernels", str(path), 1)])
        if not 2 <= len(rows) <= MOST_ROWS:
            what = "has no line below its header" if len(rows) == 1 else f"has {len(rows):,} lines, more than fit"
            raise ConfigError([Mistake("", what, str(path))])
        header = tuple(cell.strip() for cell in rows[0])
        lines = []
        for (number, _), row in zip(told[1:], rows[1:], strict=True):
            if len(row) != len(header):
                what = f"has {len(row)} cells, the header has {len(header)}"
                raise ConfigError([Mistake("line", what, str(path), number)])
            lines.append((number, tuple(cell.strip() for cell in row)))
        return cls(path, header, tuple(lines))

    def has(self, *names: str) -> bool:
        """Return whether the header has all these columns."""
        return set(names) <= set(self.header)

    def texts(self, name: str, default: str = "") -> list[str]:
        """Return a column as texts; the default for each line where it is absent."""
        if name not in self.header:
            return [default] * len(self.lines)
        place = self.header.index(name)
        return [cells[place] for _, cells in self.lines]

    def numbers(self, name: str, least: float = 0.0, default: float | None = None) -> NDArray[np.float64]:
        """Return a column as numbers of at least ``least``.

        Raises:
            ConfigError: a cell holds no such number; the first one is named.
        """
        if name not in self.header and default is not None:
            return np.full(len(self.lines), default)
        found = []
        for (number, _), text in zip(self.lines, self.texts(name), strict=True):
            try:
                value = float(text)
            except ValueError:
                value = math.nan
            if not (math.isfinite(value) and value >= least):
                what = f"`{text[:40]}` is not a number of {least:g} or more"
                raise ConfigError([Mistake(name, what, str(self.path), number)])
            found.append(value)
        return np.array(found, np.float64)

    def keep(self, wanted: Sequence[bool] | NDArray[np.bool_]) -> CsvFile:
        """Return the file with some of its lines."""
        lines = tuple(line for line, keep in zip(self.lines, wanted, strict=True) if keep)
        return CsvFile(self.path, self.header, lines)
