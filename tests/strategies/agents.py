"""Random agents: a short list of steps, carried out by the same API on the twin and on the core."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from strategies.dice import Dice
from strategies.scenario import Scenario, build

WAITS = (0, 1, 10, 50, 100, 300)


@dataclass
class Scripted:
    """An agent that does one step after another; ``log`` is what it saw and was told, with times."""

    steps: list[tuple]
    log: list[tuple] = field(default_factory=list)

    def __call__(self, env: Any, core: Any) -> Iterator[Any]:
        for name, *args in self.steps:
            if name == "wait":
                yield env.timeout(args[0])
            elif name == "watch":
                records = yield core.watch(*args)
                self.log.append((core.now, "heard", tuple(tuple(record) for record in records)))
            else:
                self.log.append((core.now, name, *args, getattr(core, name)(*args)))

    def again(self) -> Scripted:
        """The same agent before it did anything."""
        return Scripted(self.steps)


def acted_scenario(seed: int, *, tight: bool = False) -> tuple[Scenario, list[Scripted]]:
    """A scenario with one or two agents. It may stand still for ever: agents move objects where there is no room."""
    dice = Dice(Random(seed))
    scenario = build(dice, tight)
    return scenario, [_agent(dice, scenario) for _ in range(dice.pick((1, 2)))]


def _agent(dice: Dice, scenario: Scenario) -> Scripted:
    """Wait, look and act; what was pinned is unpinned at the end, and nobody who pins waits for something to happen."""
    tiers, objects = list(scenario.rules), len(scenario.trace.size)
    pins, steps = dice.chance(3), []
    for _ in range(dice.number(1, 8)):
        obj, tier, other = dice.number(0, objects - 1), dice.pick(tiers), dice.pick(tiers)
        steps.append(("wait", dice.pick(WAITS)))
        if not pins and dice.chance(3):
            kind = dice.pick(("done", "hit", "miss", "evict"))
            steps.append(("watch", kind, None if kind == "done" else dice.pick((None, tier)), dice.number(1, 3)))
        steps.append(
            dice.pick(
                (
                    ("prefetch", obj, tier),
                    ("prefetch", obj, tiers[0]),
                    ("prefetch", dice.number(0, objects - 1), tiers[0]),
                    ("prefetch", objects - 1, tiers[0]),
                    ("migrate", obj, tier, other),
                    ("pin", obj, tier) if pins else ("resident", tier),
                    ("where", obj),
                    ("throttle", _hop(dice, scenario), dice.number(0, 2), dice.pick((0.5, 1.0, 0.25))),
                    ("weight", dice.number(0, 2), dice.pick((1.0, 2.0, 0.5))),
                )
            )
        )
    steps += [("unpin", *args) for name, *args in steps if name == "pin"]
    return Scripted(steps)


def _hop(dice: Dice, scenario: Scenario) -> str:
    """The name of a hop of a tier or a link; one time in two, one whose bounds hold together in some way."""
    names, joined = [], []
    for parts, directions in (
        (scenario.machine.tiers, ("read", "write")),
        (scenario.machine.links, ("forward", "backward")),
    ):
        for name, part in parts.items():
            hops = [name] if part.duplex == "half" else [f"{name}.{direction}" for direction in directions]
            media = [f"{name}.media"] if getattr(part, "media_bandwidth", None) else []
            turns = getattr(part, "turnaround", None) is not None
            names += hops + media
            joined += media + (hops if part.sharpness is not None or (turns and not media) else [])
    return dice.pick(joined) if joined and dice.chance(2) else dice.pick(names)
