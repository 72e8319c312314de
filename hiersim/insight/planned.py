"""Plans runs, one scenario with every combination of values, and runs them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from hiersim.api.simulation import Simulation
from hiersim.config import Scenario
from hiersim.engine.result import Result
from hiersim.errors import ConfigError, HiersimError, Mistake
from hiersim.insight.explain import Explanation, explain
from hiersim.insight.runs import Progress, run_all
from hiersim.report.format import setting
from hiersim.report.json import to_json
from hiersim.report.numbers import Number, numbers

MOST = 1000
"""Runs that a comparison may have; a sweep keeps what it has done and takes more."""
Vary = Mapping[str, Sequence[Any]]
"""Dotted path -> the values that it takes; every combination is run, the last path changing fastest."""


@dataclass(frozen=True)
class Run:
    """One of the runs.

    Attributes:
        name: what tells it from the others.
        settings: what was varied: dotted path -> value, as it was given.
        result: what the run returned.
        figures: figures of its scenario by dotted path, to say in what two runs differ; empty if it is not known.
        more: numbers that only other runs tell of it, by name.
    """

    name: str
    settings: Mapping[str, Any]
    result: Result
    figures: Mapping[str, Any]
    more: Mapping[str, Number] = field(default_factory=dict)

    def numbers(self) -> dict[str, Number]:
        """Return the numbers of the result by dotted name, and ``stalled_ps`` over all units."""
        return self._numbers

    @cached_property
    def _numbers(self) -> dict[str, Number]:
        found = numbers(to_json(self.result))
        stalled = [value for name, value in found.items() if name.startswith("units.") and name.endswith(".stalled_ps")]
        return found | {"stalled_ps": sum(stalled), **self.more}

    def plain(self) -> dict[str, Any]:
        """Return the settings as a table holds them: what is no number or text as text."""
        kept = (str, int, float)
        return {path: value if isinstance(value, kept) else _text(value) for path, value in self.settings.items()}

    def told(self) -> dict[str, str]:
        """Return the settings as people write them."""
        return {path: _text(value) for path, value in self.settings.items()}

    def explain(self) -> Explanation:
        """Return in words what bounds the run and what would help."""
        return explain(self.result)


Planned = tuple[str, Mapping[str, Any], Simulation]
"""A run to be: its name, its settings and what to run."""


def varied(simulation: Simulation, vary: Vary) -> list[Planned]:
    """Return every combination of values.

    Raises:
        ConfigError: the values that are wrong, all at once.
    """
    empty = [Mistake(path, "has no values", "--vary") for path, values in vary.items() if not values]
    count = math.prod(map(len, vary.values()))
    if count > MOST:
        empty.append(Mistake("", f"{count:,} runs are more than {MOST:,}; hiersim sweep does so many", "--vary"))
    if empty:
        raise ConfigError(empty)
    planned: list[Planned] = []
    mistakes: dict[Mistake, None] = {}
    for combination in itertools.product(*vary.values()):
        settings = dict(zip(vary, combination, strict=True))
        try:
            planned.append((_label(settings), settings, _with(simulation, settings)))
        except ConfigError as why:
            mistakes |= dict.fromkeys(Mistake(each.where, each.what, each.file or "--vary") for each in why.mistakes)
    if mistakes:
        raise ConfigError(list(mistakes))
    return planned


def _with(simulation: Simulation, settings: Mapping[str, Any]) -> Simulation:
    from hiersim.config.load import replaced

    return Simulation(replaced(simulation.scenario, settings))


def _label(settings: Mapping[str, Any]) -> str:
    """Return what tells a combination from the others: ``hbm.policy=lru, dram.capacity=128 GiB``."""
    lasts = [path.rpartition(".")[2] for path in settings]
    told = []
    for path, value in settings.items():
        steps = path.split(".")
        word = steps[-1] if lasts.count(steps[-1]) == 1 else ".".join(steps[-2:])
        told.append(f"{word}={_text(value)}")
    return ", ".join(told)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("name", dict(value)))
    return setting(value)


def run_planned(planned: Sequence[Planned], workers: int | None, progress: Progress | None) -> list[Run]:
    """Run the first here, which compiles and tells how long the others will take, then the others on all cores.

    Raises:
        HiersimError: of the first that is wrong, or cannot end.
    """
    for _, _, simulation in planned:
        simulation.check()
    found: list[Run] = []
    for some in (planned[:1], planned[1:]):
        seconds = found[0].result.seconds * len(some) if found else 0.0
        tell = None if progress is None else partial(_tell, progress, len(found), len(planned))
        simulations = [simulation for _, _, simulation in some]
        outcomes = run_all(simulations, whole, workers=workers, seconds=seconds, progress=tell)
        for (name, settings, simulation), outcome in zip(some, outcomes, strict=True):
            if isinstance(outcome, HiersimError):
                raise ConfigError([Mistake(name, " ".join(str(outcome).split()))]) if name else outcome
            found.append(Run(name or simulation.name, settings, outcome, figures(simulation.scenario)))
    return found


def _tell(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    progress(before + done, total)


def whole(result: Result) -> Result:
    """Return a result as it is."""
    return result


def figures(scenario: Scenario) -> dict[str, Any]:
    """Return all that can change a result by dotted path, names and sources left out."""

    def walk(node: Any, path: str) -> Iterator[tuple[str, Any]]:
        if isinstance(node, Mapping):
            for key, value in node.items():
                if key not in ("provenance", "part", "summary"):
                    yield from walk(value, f"{path}.{key}" if path else str(key))
        else:
            yield path, node

    found = dict(walk(scenario.model_dump(exclude={"name", "summary"}), ""))
    found.pop("machine.name", None)
    return found
