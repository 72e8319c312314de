"""What a sweep returns: its points, what became of each, and the table of their numbers."""

from __future__ import annotations

import functools
import io
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from hiersim.report.files import write_files
from hiersim.report.numbers import Number
from hiersim.sweep.evaluate import Outcome
from hiersim.sweep.files import Sweep
from hiersim.sweep.intervals import FEWEST, Interval, intervals
from hiersim.sweep.point import Point
from hiersim.sweep.table import inputs, table, with_defined

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Swept:
    """What a sweep returns.

    Attributes:
        sweep: what was asked for.
        points: its points.
        outcomes: what became of each, in the same order.
        seconds: wall time of all.
        drawn: of each point, what became of it on each drawn machine; empty without uncertainty, or where it failed.
    """

    sweep: Sweep
    points: Sequence[Point]
    outcomes: Sequence[Outcome]
    seconds: float
    drawn: Sequence[Sequence[Outcome]] = ()

    @property
    def runs(self) -> list[Outcome]:
        """All outcomes: of the points, and of each point's drawn machines."""
        return [*self.outcomes, *itertools.chain.from_iterable(self.drawn)]

    @property
    def computed(self) -> int:
        """Runs that were simulated now, those of drawn machines included."""
        return sum(outcome.how == "computed" for outcome in self.runs)

    @property
    def failed(self) -> list[Outcome]:
        """The points that failed."""
        return [outcome for outcome in self.outcomes if outcome.error]

    @property
    def notes(self) -> list[str]:
        """What was odd about stored results, a line each."""
        return notes(self.runs)

    @functools.cached_property
    def settings(self) -> dict[str, list[Any]]:
        """The column of each varied path; quantities in base units."""
        return inputs(self.points, self.sweep.paths)

    def numbers(self) -> list[dict[str, Number]]:
        """Return the numbers of each point by dotted name, those that the file defines included; none if it failed."""
        return [self._row(i, outcome) for i, outcome in enumerate(self.outcomes)]

    def intervals(self) -> list[dict[str, Interval]]:
        """Return the intervals of each point's numbers; none without uncertainty, or where too few draws came out."""
        rows = [[self._row(i, each) for each in drawn if each.numbers] for i, drawn in enumerate(self.drawn)]
        return [intervals(each) if len(each) >= FEWEST else {} for each in rows]

    def _row(self, i: int, outcome: Outcome) -> dict[str, Number]:
        settings = {path: values[i] for path, values in self.settings.items()}
        return with_defined(outcome.numbers, settings, self.sweep.setup.define)

    def table(self) -> pl.DataFrame:
        """Return a row per point: ``point``, what was set, numbers by name, ``error`` and ``address``.

        With uncertainty ``NAME.low`` and ``NAME.high`` stand beside a number.
        """
        return table(self.settings, self.numbers(), self.outcomes, self.sweep.columns, self.intervals())

    def write(self, path: Path | str) -> Path:
        """Write the table as a Parquet file, whole or not at all; the same points give the same bytes.

        Raises:
            OutputError: it cannot be written.
        """
        path = Path(path)
        return write_files(path.parent, {path.name: parquet(self.table())})[0]


def parquet(frame: pl.DataFrame) -> Callable[[BinaryIO], None]:
    """Return what writes a table as Parquet into an open file."""

    def write(file: BinaryIO) -> None:
        buffer = io.BytesIO()  # so that a full disk raises the system's own error, which Polars would hide
        frame.write_parquet(buffer, compression="zstd")
        file.write(buffer.getbuffer())

    return write


def notes(outcomes: Sequence[Outcome]) -> list[str]:
    """Return what was odd about stored results, a line each, equal ones once with their number."""
    lines = [f"point {outcome.index}: {outcome.note}" for outcome in outcomes if "kept result" in outcome.note]
    unkept = [
        outcome.note.partition("again; ")[2] or outcome.note for outcome in outcomes if "cannot be kept" in outcome.note
    ]
    return lines + [f"{unkept.count(text)} results: {text}" for text in dict.fromkeys(unkept)]
