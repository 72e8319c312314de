"""The table of measured points, and which of them no fit may use.

One point per line of a CSV file with the columns ``curve,device,x,x_unit,y,y_unit,detail,source``.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hiersim.errors import ConfigError, Mistake

COLUMNS = ("curve", "device", "x", "x_unit", "y", "y_unit", "detail", "source")
ENOUGH = 9
"""Of a curve with more points than this a third is held out."""


@dataclass(frozen=True)
class Row:
    """A measured point, as the table has it; ``y`` is a number, ``x`` may be a word such as ``sequential``."""

    curve: str
    device: str
    x: str
    y: float
    y_unit: str
    detail: str
    source: str

    @property
    def number(self) -> float:
        """``x`` as a number; a word is larger than any."""
        try:
            return float(self.x)
        except ValueError:
            return float("inf")


@dataclass(frozen=True)
class Table:
    """All points of a file."""

    name: str
    rows: tuple[Row, ...]

    def of(self, curve: str, device: str, detail: str = "", order: Callable[[Row], Any] | None = None) -> list[Row]:
        """Return the points of a curve in the order of ``x``, or in another one.

        Args:
            curve: its name in the table.
            device: the device, or the beginning of its name.
            detail: how the detail begins.
            order: what to sort by.

        Raises:
            ConfigError: the table has none.
        """
        mine = [row for row in self.rows if row.curve == curve and row.device.startswith(device)]
        found = [row for row in mine if row.detail.startswith(detail)]
        if not found:
            what = f"has no points of `{curve}` for `{device}`" + f" with `{detail}`" * bool(detail)
            raise ConfigError([Mistake("", f"{what}; it is not the table of device curves", self.name)])
        return sorted(found, key=order or (lambda row: row.number))


def read_table(path: str | Path) -> Table:
    """Read the points.

    Raises:
        ConfigError: the file cannot be read, lacks a column, or a value is no number; the line is named.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as why:
        raise ConfigError([Mistake("", f"cannot be read: {getattr(why, 'strerror', why)}", str(path))]) from why
    reader = csv.DictReader(lines)
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        what = f"has no column {', '.join(missing)} (needed are {', '.join(COLUMNS)})"
        raise ConfigError([Mistake("", what, str(path))])
    return Table(path.name, tuple(_row(entry, reader.line_num, path) for entry in reader))


def _row(entry: dict[str, str], line: int, path: Path) -> Row:
    empty = [name for name in COLUMNS if entry[name] is None]
    if empty:
        raise ConfigError([Mistake(empty[0], "has no value: the line is too short", str(path), line)])
    fields = {name: entry[name] for name in COLUMNS if name not in ("y", "x_unit")}
    try:
        y = float(entry["y"])
    except ValueError:
        y = math.nan
    if not math.isfinite(y):
        raise ConfigError([Mistake("y", f"`{entry['y']}` is not a number", str(path), line)])
    return Row(y=y, **fields)


def held_out(count: int, of: int | None = None) -> list[bool]:
    """Return which of ``count`` points in their order no fit may use: every third one, the second, the fifth, ...

    Args:
        count: the points of one line, or of a grid whose lines follow one another.
        of: the points of the whole curve, if that has further lines; with nine or fewer none is held out.
    """
    return [(of or count) > ENOUGH and i % 3 == 1 for i in range(count)]
