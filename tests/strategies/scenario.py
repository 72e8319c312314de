"""A whole random scenario: machine, rules, classes, replay, trace."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

from hiersim.machine import ClassRules, Machine, Replay, TierRules
from hiersim.traces.access import AccessTrace
from strategies.dice import Dice
from strategies.machines import machine
from strategies.rules import class_rules, replay, tier_rules, with_recompute
from strategies.traces import trace


@dataclass(frozen=True)
class Scenario:
    """What a run is given; ``units`` are the units that streams are dealt to in turn."""

    machine: Machine
    rules: dict[str, TierRules]
    classes: dict[str, ClassRules]
    replay: Replay
    trace: AccessTrace
    units: tuple[str, ...]


def scenarios(*, tight: bool = False) -> st.SearchStrategy[Scenario]:
    """Scenarios that shrink; ``tight`` ones may stand still for ever (see ``strategies.rules``)."""
    return st.randoms(use_true_random=False).map(lambda random: build(Dice(random), tight))


def scenario(seed: int, *, tight: bool = False) -> Scenario:
    """The scenario of a seed, for runs over thousands."""
    return build(Dice(Random(seed)), tight)


def build(dice: Dice, tight: bool) -> Scenario:
    drawn, accesses, loop = machine(dice), trace(dice), replay(dice)
    units = tuple(drawn.units)[: dice.pick((2, 1))]
    classes = class_rules(dice, _homes(drawn))
    rules = tier_rules(dice, drawn, classes, loop, accesses, tight)
    rules = with_recompute(dice, rules)  # drawn last: the rest of a seed's scenario is as it was without
    return Scenario(drawn, rules, classes, loop, accesses, units)


def _homes(machine: Machine) -> list[str]:
    """Tiers in the chains of all units, the last one twice as likely."""
    units, names = list(machine.units.values()), list(machine.tiers)
    near = {unit.tier for unit in units}
    shared = [name for name in names if name not in near]
    if len(near) == 1:
        shared = [*near, *shared]
    return [*shared, *shared[-1:]]
