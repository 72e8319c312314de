"""Runs one scenario again and again with other figures, and keeps what is looked at of each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from hiersim.api.simulation import Simulation
from hiersim.config import Scenario
from hiersim.engine.result import Result
from hiersim.errors import ConfigError, HiersimError, Mistake
from hiersim.insight.effect import Measures, measures, saved
from hiersim.insight.knobs import Knob, applied
from hiersim.insight.runs import Progress, opened, run_all
from hiersim.report.better import better
from hiersim.report.json import to_json
from hiersim.report.numbers import Number, numbers, unknown

if TYPE_CHECKING:
    from hiersim.insight.prices import Prices


@dataclass(frozen=True)
class Asked:
    """How a what-if looks.

    Attributes:
        number: the number of results that counts as time, such as ``latency_ps.p99``.
        step: by how much a resource is better for its slope, as a share.
        apart: each figure is a resource of its own.
        prices: what resources cost.
        save: the share of the time that the cheapest way should save.
        slopes: find slopes too; twice the runs.
        follow: find what binds next.
        workers: processes; absent: all cores where that is worth their start.
    """

    number: str = "elapsed_ps"
    step: float = 0.05
    apart: bool = False
    prices: Prices | None = None
    save: float = 0.2
    slopes: bool = True
    follow: bool = True
    workers: int | None = None


@dataclass
class Study:
    """One scenario that is run with other figures.

    Attributes:
        simulation: the scenario as it is.
        asked: how to look at it.
        trace: accesses to replay instead of the scenario's own.
        progress: called now and then with the runs done and their number so far.
        seconds: wall time of the first run.
        runs: runs so far.
        grain: bytes of the largest object.
        document: the first result as JSON has it.
        base: its measures.
    """

    simulation: Simulation
    asked: Asked
    trace: Any = None
    progress: Progress | None = None
    seconds: float = 0.0
    runs: int = 0
    grain: int = 0
    document: dict[str, Any] = field(default_factory=dict)
    base: Measures = field(default_factory=dict)

    def start(self) -> None:
        """Run the scenario as it is."""
        accesses = opened(self.simulation) if self.trace is None else self.trace
        result = self.simulation.run(trace=accesses)
        self.grain = int(max(getattr(accesses, "size", ()), default=0))
        self.document, self.seconds, self.runs = to_json(result), result.seconds, 1
        found = numbers(self.document)
        if self.asked.number not in found:
            raise ConfigError([Mistake("number", unknown(self.asked.number, found))])
        self.base = self._measures(self.simulation.scenario, found)

    def _measures(self, scenario: Scenario, found: Mapping[str, Number]) -> Measures:
        prices = self.asked.prices
        return measures(found, self.asked.number) | ({} if prices is None else {"cost": prices.of_run(scenario, found)})

    def all(self, changes: Sequence[Mapping[str, float]]) -> list[Measures | HiersimError]:
        """Run the scenario with each set of figures; return the measures of each, or why it could not be run."""
        scenarios = [self._changed(each) for each in changes]
        right = [replace(self.simulation, scenario=each) for each in scenarios if isinstance(each, Scenario)]
        tell = None if self.progress is None else partial(_tell, self.progress, self.runs)
        self.runs += len(right)
        outcomes = run_all(
            right,
            _numbers,
            trace=self.trace,
            workers=self.asked.workers,
            seconds=self.seconds * len(right),
            progress=tell,
        )
        return [each if isinstance(each, HiersimError) else self._measured(each, next(outcomes)) for each in scenarios]

    def saves(self, changes: Sequence[Mapping[str, float]]) -> list[float]:
        """Return which share of the time each set of figures saves; 0 where it cannot be run."""
        return [0.0 if isinstance(each, HiersimError) else self.share(each) for each in self.all(changes)]

    def share(self, measured: Measures) -> float:
        """Return which share of the time a run saved."""
        return saved(self.base, measured, "time", better(self.asked.number)) or 0.0

    def _changed(self, figures: Mapping[str, float]) -> Scenario | HiersimError:
        try:
            return applied(self.simulation.scenario, figures)
        except HiersimError as why:
            return why

    def _measured(self, scenario: Scenario, outcome: Any) -> Measures | HiersimError:
        return outcome if isinstance(outcome, HiersimError) else self._measures(scenario, outcome)


def _tell(progress: Progress, before: int, done: int, total: int) -> None:
    progress(before + done, before + total)


def _numbers(result: Result) -> dict[str, Number]:
    return numbers(to_json(result))


def doubled(group: Sequence[Knob], factor: float = 2.0) -> dict[str, float]:
    """Return the figures of resources so many times as good."""
    return {path: value for knob in group for path, value in knob.turned(factor).items()}
