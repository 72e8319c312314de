"""Random prefetchers for the near tiers of a scenario, drawn apart, so that the scenario of a seed stays what it is."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hiersim.machine import PrefetchChoice
from strategies.dice import Dice
from strategies.scenario import Scenario, scenario

PARAMS = {
    "next-n": {"n": (1, 2, 5), "when": ("tagged", "miss", "always")},
    "stride": {"degree": (1, 2, 3)},
    "leap": {"window": (4, 2, 8), "splits": (2, 1), "most": (8, 2, 4)},
    "successor": {"ways": (4, 1, 2)},
    "layer-ahead": {"per_layer": (1, 2, 3), "ahead": (1, 2), "degree": (8, 1, 2)},
    "oracle": {"lookahead": (4, 1, 32)},
}


def prefetching(seed: int, *, tight: bool = False) -> Scenario:
    """The scenario of a seed, with a prefetcher in each near tier."""
    return with_prefetchers(scenario(seed, tight=tight), seed)


def with_prefetchers(drawn: Scenario, seed: int) -> Scenario:
    """A scenario with a prefetcher in each near tier."""
    dice = Dice(Random(-1 - seed))
    near = {unit.tier for unit in drawn.machine.units.values()}
    rules = {
        name: rule.model_copy(update={"prefetch": choice(dice)}) if name in near else rule
        for name, rule in drawn.rules.items()
    }
    return replace(drawn, rules=rules)


def choice(dice: Dice) -> PrefetchChoice:
    name = dice.pick(tuple(PARAMS))
    params = {key: dice.pick(values) for key, values in PARAMS[name].items()}
    return PrefetchChoice(name=name, params=params, outstanding=dice.pick((32, 1, 2, 4)))
