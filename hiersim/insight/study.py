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
from hiersim.insight.knobs import Knob, applied, knobs
from hiersim.insight.runs import Progress, opened, run_all
from hiersim.report.better import better
from hiersim.report.json import to_json
from hiersim.report.numbers import Number, numbers, unknown

if TYPE_CHECKING:
    from hiersim.insight.prices import Prices

NUDGES, NUDGE = 4, 1e-6
"""Runs that tell how much a run jitters, and by which share the rates of each differ from those of the one before."""
LONG = 100_000
"""Latencies of at least so many picoseconds differ too, by one picosecond each."""
SURE = 2.0
"""Changes of less than so many times the jitter are not told from it."""
SMOOTH = 1e-4
"""Differences of less than this share of the time are no jitter: the nudges themselves bring as much."""


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
        middle: the measures that others are held against: the mean of the first run and of some that hardly differ.
        jitter: measure -> by how much those differ from their mean at most, as a share of it; empty if they do not.
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
    middle: Measures = field(default_factory=dict)
    jitter: Mapping[str, float] = field(default_factory=dict)

    def start(self) -> None:
        """Run the scenario as it is."""
        accesses = opened(self.simulation) if self.trace is None else self.trace
        result = self.simulation.run(trace=accesses)
        self.grain = int(max(getattr(accesses, "size", ()), default=0))
        self.document, self.seconds, self.runs = to_json(result), result.seconds, 1
        found = numbers(self.document)
        if self.asked.number not in found:
            raise ConfigError([Mistake("number", unknown(self.asked.number, found))])
        self.base = self.middle = self._measures(self.simulation.scenario, found)
        if self.asked.slopes:
            self._shake()

    def _shake(self) -> None:
        """Run again with figures that hardly differ, which only changes how streams interleave."""
        figures = {path: v for knob in knobs(self.simulation.scenario) for path, v in knob.figures.items()}
        nudged = [_nudged(figures, i) for i in range(1, NUDGES + 1)]
        runs = [each for each in self.all(nudged) if not isinstance(each, HiersimError)]
        every = [self.base, *runs]
        middle = {name: sum(each[name] for each in every) / len(every) for name in self.base}
        off = {name: max(abs(each[name] - value) for each in every) for name, value in middle.items()}
        if off["time"] > SMOOTH * middle["time"]:
            self.middle = middle
            self.jitter = {name: share / middle[name] for name, share in off.items() if share}

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
        return self.saved(measured, "time") or 0.0

    def saved(self, measured: Measures, name: str) -> float | None:
        """Return by which share a run bettered a measure; ``None`` where it was 0."""
        return saved(self.middle, measured, name, better(self.asked.number))

    def _changed(self, figures: Mapping[str, float]) -> Scenario | HiersimError:
        try:
            return applied(self.simulation.scenario, figures)
        except HiersimError as why:
            return why

    def _measured(self, scenario: Scenario, outcome: Any) -> Measures | HiersimError:
        return outcome if isinstance(outcome, HiersimError) else self._measures(scenario, outcome)


def _nudged(figures: Mapping[str, float], i: int) -> dict[str, float]:
    """Return the figures of a scenario with its rates and its long latencies a trifle better."""
    rates = {path: value * (1.0 + i * NUDGE) for path, value in figures.items() if isinstance(value, float)}
    times = {path: value - i for path, value in figures.items() if "latency" in path and value >= LONG}
    return rates | times


def _tell(progress: Progress, before: int, done: int, total: int) -> None:
    progress(before + done, before + total)


def _numbers(result: Result) -> dict[str, Number]:
    return numbers(to_json(result))


def doubled(group: Sequence[Knob], factor: float = 2.0) -> dict[str, float]:
    """Return the figures of resources so many times as good."""
    return {path: value for knob in group for path, value in knob.turned(factor).items()}
