"""What if a resource were better: the run again, with each a few per cent and twice as good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiersim.api.simulation import Simulation, load
from hiersim.config import Scenario
from hiersim.errors import ConfigError, HiersimError, Mistake, nearest
from hiersim.insight.effect import Effect, Measures
from hiersim.insight.knobs import Knob, idle, knobs
from hiersim.insight.runs import Progress
from hiersim.insight.study import SURE, Asked, Study, doubled

if TYPE_CHECKING:
    import polars as pl

    from hiersim.insight.cheapest import Cheapest

ALIKE = 0.02
"""Resources whose savings differ by less than this share of the largest bind alike."""
ALONE, TOGETHER = 0.05, 0.10
"""Where no resource saves the first share of the time alone, but all together the second, several bind at once."""
LITTLE = 0.01
"""Less than this share of the time is not worth a word."""


@dataclass(frozen=True, repr=False)
class WhatIf:
    """What binds a run, and what would help.

    Attributes:
        name: the scenario's.
        number: the number of results that counts as time.
        base: the measures of the run as it is.
        effects: of every resource, the one that saves most first.
        binding: those that bind: one alone, or several alike.
        together: resources that bind only together: each alone saves little.
        following: of each resource what it saves of the time that is left when those that bind are twice as good.
        all_doubled: share of the time saved when every resource of the machine is twice as good.
        jitter: measure -> by how much runs differ whose figures hardly do, as a share of it; empty if they do not.
            Savings are counted from the mean of these runs.
        runs: how many simulations it took.
        cheapest: the cheapest way to save what was asked for, if prices were given.
    """

    name: str
    number: str
    base: Measures
    effects: Sequence[Effect]
    binding: Sequence[Effect]
    together: Sequence[Knob] = ()
    following: Sequence[Effect] = ()
    all_doubled: float | None = None
    jitter: Mapping[str, float] = field(default_factory=dict)
    runs: int = 1
    cheapest: Cheapest | None = None

    def __repr__(self) -> str:
        return f"<WhatIf {self.name}: {' '.join(self.sentences())}>"

    def table(self) -> pl.DataFrame:
        """Return a row per resource: its figure, and for each measure ``slope_`` and ``doubled_`` (shares of 1)."""
        import polars as pl

        return pl.DataFrame([effect.row() for effect in self.effects], infer_schema_length=None)

    def sentences(self) -> list[str]:
        """Return what it says, a sentence each."""
        from hiersim.insight.whatif_words import sentences

        return sentences(self)

    def plot(self, ax: Any = None) -> Any:
        """Draw what each resource saves when it is twice as good, into Matplotlib's axes or new ones; return them."""
        from hiersim.report.savings import savings

        rows = [(effect.knob.name, effect.slope.get("time"), effect.saves) for effect in self.effects]
        return savings(rows, ax, title=self.name)

    def __getitem__(self, name: str) -> Effect:
        """Return the effect of a resource by its name (``flash latency``) or path."""
        for effect in self.effects:
            if name in (effect.knob.name, effect.knob.path):
                return effect
        raise KeyError(f"no resource `{name}`{nearest(name, [effect.knob.name for effect in self.effects])}")


def whatif(
    scenario: str | Path | Scenario | Simulation,
    *,
    trace: Any = None,
    progress: Progress | None = None,
    **asked: Any,
) -> WhatIf:
    """Simulate a scenario again with each of its resources better, and say what binds it.

    Args:
        scenario: a file, or what ``hiersim.load`` returned.
        trace: accesses to replay instead of the scenario's own.
        progress: called now and then with the runs done and their number so far.
        asked: ``number`` of results that counts as time, such as ``"latency_ps.p99"`` (``"elapsed_ps"``); ``step``, by
            which share better for the slope (0.05); ``apart``, reads apart from writes; ``prices``, a file, with
            ``save``, the share of the time that the cheapest way should save (0.2); ``slopes=False`` and
            ``follow=False`` for fewer runs; ``workers``, processes.

    Raises:
        HiersimError: the scenario, its trace or an option is wrong.
    """
    study = Study(_simulation(scenario), _asked(asked), trace, progress)
    study.start()
    effects = _effects(study)
    found = WhatIf(
        study.simulation.name, study.asked.number, study.base, effects, _binding(effects, study.jitter.get("time", 0.0))
    )
    found = replace(found, jitter=study.jitter)
    found = _followed(study, found) if study.asked.follow else found
    if study.asked.prices is not None:
        from hiersim.insight.cheapest import cheapest

        found = replace(found, cheapest=cheapest(study, effects))
    return replace(found, runs=study.runs)


def _simulation(scenario: Any) -> Simulation:
    if isinstance(scenario, Scenario):
        return Simulation(scenario)
    return scenario if isinstance(scenario, Simulation) else load(scenario)


def _asked(options: dict[str, Any]) -> Asked:
    known = list(Asked.__dataclass_fields__)
    for name in options:
        if name not in known:
            raise TypeError(f"whatif() has no option `{name}`{nearest(name, known)}")
    wrong = [
        Mistake(name, f"must be more than 0 and less than 1, got {options[name]}")
        for name in ("step", "save")
        if name in options and not 0 < options[name] < 1
    ]
    if wrong:
        raise ConfigError(wrong)
    if isinstance(options.get("prices"), str | Path):
        from hiersim.insight.prices import read_prices

        options = options | {"prices": read_prices(options["prices"])}
    return Asked(**options)


def _effects(study: Study) -> list[Effect]:
    """Return the effect of every resource, the one that saves most first; what had no part in the run is not run."""
    mine = knobs(study.simulation.scenario, study.asked.apart, study.grain)
    moved = [knob for knob in mine if not idle(knob, study.document, study.simulation.scenario)]
    slopes = study.all([knob.turned(1.0 + study.asked.step) for knob in moved] if study.asked.slopes else [])
    twice = study.all([knob.turned(2.0) for knob in moved])
    none: dict[str, float | None] = dict.fromkeys(study.base, 0.0)
    effects = {knob.path: Effect(knob, none if study.asked.slopes else {}, none) for knob in mine}
    for knob, near, far in zip(moved, slopes or [{}] * len(moved), twice, strict=True):
        effects[knob.path] = _effect(study, knob, near, far)
    order = {path: i for i, path in enumerate(effects)}
    found = effects.values()
    return sorted(found, key=lambda one: (-one.saves, -(one.slope.get("time") or 0.0), order[one.knob.path]))


def _effect(study: Study, knob: Knob, near: Measures | HiersimError, twice: Measures | HiersimError) -> Effect:
    for outcome in (near, twice):
        if isinstance(outcome, HiersimError):
            return Effect(knob, {}, {}, " ".join(str(outcome).split()))
    assert not isinstance(near, HiersimError)
    assert not isinstance(twice, HiersimError)
    change = knob.change(1.0 + study.asked.step)
    lost = near and abs(study.share(near)) <= SURE * study.jitter.get("time", -1.0)
    little = {name: None if lost else study.saved(near, name) for name in near}
    slope = {name: None if share is None else share / change for name, share in little.items()}
    return Effect(knob, slope, {name: study.saved(twice, name) for name in twice})


def _binding(effects: Sequence[Effect], jitter: float) -> list[Effect]:
    """Return the resources that save most when twice as good: one, or several that save alike."""
    most = max((effect.saves for effect in effects), default=0.0)
    least = max(LITTLE, SURE * jitter, most * (1 - ALIKE) - SURE * jitter)
    return [effect for effect in effects if effect.saves >= least]


def _followed(study: Study, found: WhatIf) -> WhatIf:
    """Find what binds once those that bind are twice as good; where none binds alone, which bind together."""
    mine = [effect.knob for effect in found.effects if not effect.error and not effect.knob.given]
    (every,) = study.saves([doubled(mine)])
    found = replace(found, all_doubled=every)
    most = max((effect.saves for effect in found.effects), default=0.0)
    if most >= ALONE:
        return replace(found, following=_next(study, found, mine))
    if every < TOGETHER:
        return found
    rest = study.saves([doubled([other for other in mine if other is not knob]) for knob in mine])
    needed = [knob for knob, without in zip(mine, rest, strict=True) if without < every - TOGETHER / 2]
    return replace(found, together=needed, binding=[])


def _next(study: Study, found: WhatIf, mine: Sequence[Knob]) -> list[Effect]:
    """Return what each resource saves of the time that is left when those that bind are twice as good."""
    first = [effect.knob for effect in found.binding]

    def step(knob: Knob) -> dict[str, float]:
        return doubled(first) | knob.turned(4.0 if any(knob is one for one in first) else 2.0)

    once, *further = study.saves([doubled(first), *map(step, mine)])
    shares = [(knob, (value - once) / (1 - once)) for knob, value in zip(mine, further, strict=True)]
    return sorted((Effect(knob, {}, {"time": share}) for knob, share in shares), key=lambda one: -one.saves)
