"""Searches a design space: points are chosen in batches, run side by side, and what nothing beats is the front."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hiersim.report.numbers import Number
from hiersim.sweep.axes import points_of
from hiersim.sweep.evaluate import Outcome
from hiersim.sweep.files import Options
from hiersim.sweep.front import front
from hiersim.sweep.point import Point
from hiersim.sweep.running import Progress, RunAll, check_paths, running
from hiersim.sweep.sampling import Chooser
from hiersim.sweep.search_file import Search, load_search
from hiersim.sweep.table import inputs, table
from hiersim.sweep.tried import Tried

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Searched:
    """What a search returns.

    Attributes:
        search: what was asked for.
        points: the points that were tried, each once, in the order in which they were chosen.
        outcomes: what became of each.
        numbers: of each, by dotted name, those that the file defines included; none if it failed.
        within: whether each keeps the limits.
        on_front: whether each is on the Pareto front of those that do.
        seconds: wall time of all.
    """

    search: Search
    points: Sequence[Point]
    outcomes: Sequence[Outcome]
    numbers: Sequence[Mapping[str, Number]]
    within: Sequence[bool]
    on_front: Sequence[bool]
    seconds: float

    @property
    def computed(self) -> int:
        """Points that were simulated now."""
        return sum(outcome.how == "computed" for outcome in self.outcomes)

    def table(self) -> pl.DataFrame:
        """Return a row per point: what was set, numbers, ``within_limits``, ``on_front``, ``error`` and ``address``."""
        import polars as pl

        settings = inputs(self.points, [each.path for each in self.search.space])
        found = table(settings, self.numbers, self.outcomes)
        marks = [pl.Series("within_limits", self.within), pl.Series("on_front", self.on_front)]
        return found.select(pl.col(found.columns[:-2]), *marks, pl.col(found.columns[-2:]))

    def front(self) -> pl.DataFrame:
        """Return the rows of the front, the best in the first objective first."""
        import polars as pl

        first, descending = next(iter(self.search.objectives.items()))
        return self.table().filter(pl.col("on_front")).sort(first, descending=descending, maintain_order=True)


def search(source: Search | str | Path, progress: Progress | None = None, options: Options | None = None) -> Searched:
    """Search a design space.

    Args:
        source: what ``load_search`` returned, or a file.
        progress: called now and then with the points that are done and their number in all.
        options: what wins over the file, if it is one.

    Raises:
        ConfigError: the file is wrong, every point failed, or none keeps the limits.
    """
    start = time.perf_counter()
    chosen = source if isinstance(source, Search) else load_search(source, options)
    check_paths(chosen.setup.base, chosen.axes(), chosen.tree)
    tried = Tried(chosen)
    with running(chosen.setup) as run_all:
        if chosen.chosen_sampler == "all":
            tried.run([point.values for point in points_of(chosen.axes())], run_all, progress)
        else:
            _sampled(chosen, tried, run_all, progress)
    tried.check()
    kept = [row for row, within in zip(tried.numbers, tried.within, strict=True) if within]
    best = iter(front([[row[name] for name in chosen.objectives] for row in kept], [*chosen.objectives.values()]))
    on_front = [bool(within and next(best)) for within in tried.within]
    seconds = time.perf_counter() - start
    return Searched(chosen, tried.points, tried.outcomes, tried.numbers, tried.within, on_front, seconds)


def _sampled(chosen: Search, tried: Tried, run_all: RunAll, progress: Progress | None) -> None:
    """Choose, run and learn, batch by batch; how many processes run a batch changes nothing."""
    chooser = Chooser(chosen.space, chosen.objectives, chosen.chosen_sampler, chosen.seed)
    for done in range(0, chosen.trials, chosen.batch):
        settings = chooser.ask(min(chosen.batch, chosen.trials - done))
        for i, place in enumerate(tried.run(settings, run_all, None)):
            row = tried.numbers[place]
            excess = {limit.name: limit.excess(row[limit.name]) for limit in chosen.limits if row}
            chooser.tell(i, [row.get(name) for name in chosen.objectives], excess)
        if progress is not None:
            progress(done + len(settings), chosen.trials)
