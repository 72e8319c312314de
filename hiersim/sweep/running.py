"""Runs points, and makes the result of a sweep of what became of them."""

from __future__ import annotations

import functools
import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from hiersim import jitcache
from hiersim.errors import ConfigError, Mistake
from hiersim.report.files import write_files
from hiersim.report.numbers import Number
from hiersim.sweep.evaluate import Job, Outcome, evaluate
from hiersim.sweep.files import Options, Setup, Sweep, load
from hiersim.sweep.point import Point, here
from hiersim.sweep.spread import processes, spread
from hiersim.sweep.table import check_names, inputs, table, with_defined

if TYPE_CHECKING:
    import polars as pl

Progress = Callable[[int, int], None]
"""Called now and then with the points that are done and their number in all."""


@dataclass(frozen=True)
class Swept:
    """What a sweep returns.

    Attributes:
        sweep: what was asked for.
        points: its points.
        outcomes: what became of each, in the same order.
        seconds: wall time of all.
    """

    sweep: Sweep
    points: Sequence[Point]
    outcomes: Sequence[Outcome]
    seconds: float

    @property
    def computed(self) -> int:
        """Points that were simulated now."""
        return sum(outcome.how == "computed" for outcome in self.outcomes)

    @property
    def failed(self) -> list[Outcome]:
        """The points that failed."""
        return [outcome for outcome in self.outcomes if outcome.error]

    @property
    def notes(self) -> list[str]:
        """What was odd about stored results, a line each."""
        return notes(self.outcomes)

    def settings(self) -> dict[str, list[Any]]:
        """Return the column of each varied path; quantities in base units."""
        return inputs(self.points, self.sweep.paths)

    def numbers(self) -> list[dict[str, Number]]:
        """Return the numbers of each point by dotted name, those that the file defines included; none if it failed."""
        columns, define = self.settings(), self.sweep.setup.define
        return [
            with_defined(outcome.numbers, {path: values[i] for path, values in columns.items()}, define)
            for i, outcome in enumerate(self.outcomes)
        ]

    def table(self) -> pl.DataFrame:
        """Return a row per point: ``point``, what was set, numbers by name, ``error`` and ``address``."""
        return table(self.settings(), self.numbers(), self.outcomes, self.sweep.columns)

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


def run(sweep: Sweep | str | Path, progress: Progress | None = None, options: Options | None = None) -> Swept:
    """Run all points of a sweep.

    Args:
        sweep: what ``load`` returned, or a file.
        progress: called now and then with the points that are done and their number in all.
        options: what wins over the file, if it is one.

    Raises:
        ConfigError: the file is wrong, or every point failed.
    """
    start = time.perf_counter()
    chosen = sweep if isinstance(sweep, Sweep) else load(sweep, options)
    check_paths(chosen)
    points = chosen.points()
    outcomes: list[Outcome] = []
    checked = False
    for outcome in run_points(chosen.setup, points):
        outcomes.append(outcome)
        if not checked and outcome.numbers:
            check_names(chosen.setup.define, chosen.columns, [*chosen.paths, *outcome.numbers])
            checked = True
        if progress is not None:
            progress(len(outcomes), len(points))
    if all(outcome.error for outcome in outcomes):
        raise ConfigError(f"{chosen.name}: all {len(points)} points failed; the first: {outcomes[0].error}")
    return Swept(chosen, points, outcomes, time.perf_counter() - start)


def run_points(setup: Setup, points: Sequence[Point]) -> Iterator[Outcome]:
    """Run points where the setup says, and yield what became of each, in their order."""
    setup.store.tidy()
    work = functools.partial(evaluate, Job(setup.base, str(setup.store.folder), carry=bool(setup.at.cluster)))
    first = 0
    if not setup.at.cluster and processes(setup.at, len(points)) > 1 and not compiled_before():
        yield work(points[0])  # compiles, once for all workers
        first = 1
    for outcome in spread(work, points[first:], setup.at):
        if outcome.document is not None and outcome.address and not setup.store.path(outcome.address).exists():
            setup.store.write(outcome.address, outcome.document)
        yield outcome


def compiled_before() -> bool:
    """Return whether this version has compiled anything on this computer."""
    folder = jitcache.folder()
    return folder is not None and next(folder.glob("*.bin"), None) is not None


def check_paths(sweep: Sweep) -> None:
    """Check that every varied path exists: that some value of each axis goes into the scenario.

    Raises:
        ConfigError: no value of an axis does, for a reason at one of its paths; the first value's mistakes.
    """
    first = {path: value for axis in sweep.axes for path, value in axis.settings[0].items()}
    mistakes: list[Mistake] = []
    for axis in sweep.axes:
        wrong = [mistakes_at(sweep, axis.paths, Point(0, first | dict(setting))) for setting in axis.settings[:10]]
        if all(wrong):
            place = sweep.tree.place(axis.key)
            at = (place.file, place.line) if place else (None, None)
            mistakes += [Mistake(mistake.where, mistake.what, *at) for mistake in wrong[0]]
    if mistakes:
        raise ConfigError([here(mistake) for mistake in mistakes])


def mistakes_at(sweep: Sweep, paths: Sequence[str], point: Point) -> list[Mistake]:
    """Return what is wrong with a point's scenario at or below some paths."""
    try:
        sweep.setup.base.scenario(point)
    except ConfigError as why:
        return [each for each in why.mistakes if any(_related(each.where, path) for path in paths)]
    return []


def _related(where: str, path: str) -> bool:
    """Return whether one of two dotted paths leads through the other."""
    return bool(where) and (f"{where}.".startswith(f"{path}.") or f"{path}.".startswith(f"{where}."))


def notes(outcomes: Sequence[Outcome]) -> list[str]:
    """Return what was odd about stored results, a line each, equal ones once with their number."""
    lines = [f"point {outcome.index}: {outcome.note}" for outcome in outcomes if "kept result" in outcome.note]
    unkept = [
        outcome.note.partition("again; ")[2] or outcome.note for outcome in outcomes if "cannot be kept" in outcome.note
    ]
    return lines + [f"{unkept.count(text)} results: {text}" for text in dict.fromkeys(unkept)]
