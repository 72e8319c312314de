"""Runs a sweep: every point of its grid, and with uncertainty each of them on drawn machines."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hiersim.errors import ConfigError
from hiersim.sweep.evaluate import Outcome
from hiersim.sweep.files import Options, Sweep, load
from hiersim.sweep.point import Point
from hiersim.sweep.running import Progress, RunAll, check_paths, running
from hiersim.sweep.swept import Swept
from hiersim.sweep.table import check_names


def run(sweep: Sweep | str | Path, progress: Progress | None = None, options: Options | None = None) -> Swept:
    """Run all points of a sweep.

    Args:
        sweep: what ``load`` returned, or a file.
        progress: called now and then with the runs that are done and their number in all.
        options: what wins over the file, if it is one.

    Raises:
        ConfigError: the file is wrong, or every point failed.
    """
    start = time.perf_counter()
    chosen = sweep if isinstance(sweep, Sweep) else load(sweep, options)
    check_paths(chosen.setup.base, chosen.axes, chosen.tree)
    points, told = chosen.points(), progress or _nobody
    with running(chosen.setup) as run_all:
        outcomes = _points(chosen, points, run_all, told)
        drawn = _draws(chosen, points, outcomes, run_all, told) if chosen.draws else []
    return Swept(chosen, points, outcomes, time.perf_counter() - start, drawn)


def _nobody(done: int, total: int) -> None:
    """Be told and do nothing."""


def _points(chosen: Sweep, points: Sequence[Point], run_all: RunAll, progress: Progress) -> list[Outcome]:
    """Run the points; at the first that comes out check that the names in the file are those of numbers."""
    outcomes: list[Outcome] = []
    checked = False
    with contextlib.closing(run_all(points)) as coming:
        for outcome in coming:
            outcomes.append(outcome)
            if not checked and outcome.numbers:
                check_names(chosen.setup.define, chosen.columns, [*chosen.paths, *outcome.numbers])
                checked = True
            progress(len(outcomes), len(points) * (1 + chosen.draws))
    if all(outcome.error for outcome in outcomes):
        raise ConfigError(f"{chosen.name}: all {len(points)} points failed; the first: {outcomes[0].error}")
    return outcomes


def _draws(
    chosen: Sweep, points: Sequence[Point], outcomes: Sequence[Outcome], run_all: RunAll, progress: Progress
) -> list[list[Outcome]]:
    """Run each point that came out on drawn machines, all of them side by side."""
    good = [point for point, outcome in zip(points, outcomes, strict=True) if not outcome.error]
    runs = [replace(point, draw=draw) for point in good for draw in range(chosen.draws)]
    drawn: list[list[Outcome]] = [[] for _ in points]
    with contextlib.closing(run_all(runs)) as coming:
        for done, outcome in enumerate(coming, 1):
            drawn[outcome.index].append(outcome)
            progress(len(points) + done, len(points) + len(runs))
    return drawn
