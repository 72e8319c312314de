"""Random rules for the tiers of a machine and the classes of a trace's objects.

Two ways to stand still for ever are left out unless a scenario is ``tight``. A fetch waits for room near, the victim
there for room further out, and all objects there are on their way near: so a tier that objects are fetched from has
room for one more object than can be fetched at once. And a full tier that refuses never makes room for a newcomer that
has no choice: so it is never near, nor next to a near tier that writes around.

About one scenario in two thousand still stands still: a policy may offer the same pinned or moving object again and
again (LFU puts what was passed over below all others), and two victims at one instant may both be promised the last
room of a tier that refuses. The twin raises ``StuckError`` then.
"""

from __future__ import annotations

from typing import Any

from hiersim.machine import ClassRules, Machine, Replay, TierRules
from hiersim.traces.access import AccessTrace
from strategies.dice import Dice

POLICIES = ("lru", "fifo", "clock", "sieve", "lfu", "s3fifo", "arc")


def replay(dice: Dice) -> Replay:
    return Replay(
        mode=dice.pick(("closed", "closed", "open")),
        streams=dice.number(1, 4),
        outstanding=dice.number(1, 3),
        think=dice.often(0, (5, 100)),
        time_scale=dice.often(1.0, (0.5, 1.7), 6),
    )


def class_rules(dice: Dice, homes: list[str]) -> dict[str, ClassRules]:
    """How objects are made, and perhaps a home for those of the second class."""
    rules = {"kv": _computed(dice)}
    if homes and dice.chance(2):
        rules["weight"] = ClassRules(on_miss="home", home=dice.pick(homes))
    elif dice.chance(2):
        rules["weight"] = _computed(dice)
    return rules


def _computed(dice: Dice) -> ClassRules:
    return dice.pick((ClassRules(), ClassRules(flops_per_byte=1.5), ClassRules(compute_time=25)))


def tier_rules(
    dice: Dice, machine: Machine, classes: dict[str, ClassRules], replay: Replay, trace: AccessTrace, tight: bool
) -> dict[str, TierRules]:
    """Draw rules for all tiers, with capacities that force evictions."""
    names, near = list(machine.tiers), {unit.tier for unit in machine.units.values()}
    refuses = len(names) > 1 and names[-1] not in near and dice.chance(3)
    rules = {}
    for i, name in enumerate(names):
        last = i == len(names) - 1
        home = _home_of(name, near, names, classes)
        write = dice.pick(("back", "through", "around"))
        if write == "around" and (home or refuses):
            write = "back"
        rules[name] = TierRules(
            policy=dice.pick(POLICIES),
            inclusion=dice.pick(("exclusive", "inclusive")),
            write=write,
            write_wait=dice.chance(2),
            on_evict=dice.pick(("demote", "drop")),
            promotion={"on_nth_hit": dice.pick((1, 1, 2, 3, 0))},
            when_full="refuse" if last and refuses else "evict",
            capacity=_capacity(dice, name, i > 0 and not (last and refuses), classes, replay, trace, tight),
        )
    return rules


def with_recompute(dice: Dice, rules: dict[str, TierRules]) -> dict[str, TierRules]:
    """Let some tiers that drop give up what can be made again, too."""
    return {
        name: rule.model_copy(update={"on_evict": "recompute"}) if rule.on_evict == "drop" and dice.chance(2) else rule
        for name, rule in rules.items()
    }


def _home_of(name: str, near: set[str], names: list[str], classes: dict[str, ClassRules]) -> bool:
    """A near tier that is a home: a write around it would have to remove what is never removed."""
    return name in near and any(rules.home == name for rules in classes.values())


def _capacity(
    dice: Dice, name: str, fetched_from: bool, classes: Any, replay: Replay, trace: AccessTrace, tight: bool
) -> int:
    sizes = [int(size) for size in trace.size]
    at_home = [_home(trace, obj, classes) == name for obj in range(len(sizes))]
    held = sum(size for size, home in zip(sizes, at_home, strict=True) if home)
    others = [size for size, home in zip(sizes, at_home, strict=True) if not home] or [1]
    least = max(others)
    if fetched_from and not tight:
        at_once = len(sizes) if replay.mode == "open" else min(len(sizes), replay.streams * replay.outstanding)
        least = min(least * (at_once + 1), sum(sizes) + least)
    room = dice.pick((least, least + dice.number(0, max(others)), 2 * least, sum(others) // 2, sum(others)))
    return held + max(least, room)


def _home(trace: AccessTrace, obj: int, classes: dict[str, ClassRules]) -> str | None:
    rules = classes.get(trace.classes[int(trace.object_class[obj])])
    return rules.home if rules else None
