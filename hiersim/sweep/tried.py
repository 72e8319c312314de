"""The points that a search has tried: each once, with its numbers, and whether it keeps the limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from hiersim.errors import ConfigError
from hiersim.report.numbers import Number, shown
from hiersim.sweep.evaluate import Outcome
from hiersim.sweep.point import Point
from hiersim.sweep.running import Progress, RunAll
from hiersim.sweep.search_file import Search
from hiersim.sweep.table import check_names, inputs, with_defined


class Tried:
    """What was tried so far, in the order in which it was chosen.

    Attributes:
        points, outcomes: what was run, and what became of it.
        numbers: of each point, by dotted name, defined ones and settings included; none if it failed.
        within: whether each keeps the limits.
    """

    def __init__(self, search: Search) -> None:
        self.search = search
        self.points: list[Point] = []
        self.outcomes: list[Outcome] = []
        self.numbers: list[Mapping[str, Number]] = []
        self.within: list[bool] = []
        self._places: dict[str, int] = {}
        self._checked = False

    def run(self, settings: Sequence[Mapping[str, Any]], run_all: RunAll, progress: Progress | None) -> list[int]:
        """Run what was not tried before, and return where in the lists each of the settings stands."""
        places: list[int] = []
        new: list[Point] = []
        for values in settings:
            next_place = len(self.points) + len(new)
            place = self._places.setdefault(repr(sorted(values.items())), next_place)
            if place == next_place:
                new.append(Point(place, values))
            places.append(place)
        columns = inputs(new, [each.path for each in self.search.space])
        self.points += new
        with closing(run_all(new)) as coming:
            for i, outcome in enumerate(coming):
                self._add(outcome, {path: values[i] for path, values in columns.items()})
                if progress is not None:
                    progress(i + 1, len(new))
        return places

    def _add(self, outcome: Outcome, settings: Mapping[str, Any]) -> None:
        search, limits = self.search, self.search.limits
        if outcome.numbers and not self._checked:
            wanted = [*search.objectives, *(limit.name for limit in limits)]
            check_names(search.setup.define, (), [*settings, *outcome.numbers], wanted)
            self._checked = True
        row: dict[str, Number] = {}
        if outcome.numbers:
            row = {path: value for path, value in settings.items() if isinstance(value, int | float)}
            row |= with_defined(outcome.numbers, settings, search.setup.define)
        complete = all(name in row for name in (*search.objectives, *(limit.name for limit in limits)))
        self.outcomes.append(outcome)
        self.numbers.append(row if complete else {})
        self.within.append(bool(row) and complete and all(limit.excess(row[limit.name]) <= 0 for limit in limits))

    def check(self) -> None:
        """Check that there is something to choose from.

        Raises:
            ConfigError: every point failed, or none keeps the limits; the message says what comes nearest.
        """
        count, name = len(self.points), self.search.name
        if any(self.within):
            return
        if not any(self.numbers):
            error = next((outcome.error for outcome in self.outcomes if outcome.error), "not all numbers came out")
            raise ConfigError(f"{name}: all {count} points failed; the first: {error}")
        raise ConfigError(f"{name}: none of {count} points keeps the limits; {self._nearest()}")

    def _nearest(self) -> str:
        """Say which point comes closest to the limits, as a share of each, and which of them it misses."""
        limits = self.search.limits
        misses = {i: sum(limit.miss(row[limit.name]) for limit in limits) for i, row in enumerate(self.numbers) if row}
        i = min(misses, key=lambda place: (misses[place], place))
        row = self.numbers[i]
        told = [
            f"{limit.name} is {shown(limit.name, row[limit.name])}, not {limit.told()}"
            for limit in self.search.limits
            if limit.excess(row[limit.name]) > 0
        ]
        values = ", ".join(f"{path}={value}" for path, value in self.points[i].values.items())
        return f"nearest is {values}, where {' and '.join(told)}"
