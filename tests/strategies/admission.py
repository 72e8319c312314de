"""Random admissions for the tiers of a scenario, drawn apart, so that the scenario of a seed stays what it is."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hiersim.machine import PolicyChoice
from strategies.dice import Dice
from strategies.scenario import Scenario, scenario

PARAMS = {
    "second-request": {"requests": (2, 3), "window": (0, 20)},
    "tinylfu": {"sample": (8, 2)},
    "size": {"c": (1, 10, 25)},
    "size-chance": {"c": (10, 40)},
    "cost": {"k": (4, 1)},
    "expected-cost": {},
    "probability": {"p": (0.5, 0.1, 0.9)},
}


def admitting(seed: int, *, tight: bool = False) -> Scenario:
    """The scenario of a seed, with an admission in at least one tier."""
    drawn, dice = scenario(seed, tight=tight), Dice(Random(-2 - 7 * seed))
    sure = dice.pick(tuple(drawn.rules))
    rules = {
        name: rule.model_copy(update={"admission": choice(dice)}) if name == sure or dice.chance(2) else rule
        for name, rule in drawn.rules.items()
    }
    return replace(drawn, rules=rules)


def refusing(seed: int) -> Scenario:
    """The same, with a policy that refuses by itself in some tiers."""
    drawn, dice = admitting(seed), Dice(Random(-5 - 7 * seed))
    policy = PolicyChoice(name="clock-pro-lcs")
    sure = dice.pick(tuple(drawn.rules))
    rules = {
        name: rule.model_copy(update={"policy": policy}) if name == sure or dice.chance(2) else rule
        for name, rule in drawn.rules.items()
    }
    return replace(drawn, rules=rules)


def choice(dice: Dice) -> PolicyChoice:
    name = dice.pick(tuple(PARAMS))
    return PolicyChoice(name=name, params={key: dice.pick(values) for key, values in PARAMS[name].items()})
