"""Random operation traces on random machines: a few streams of computes and copies over a few objects."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from hiersim.machine import ClassRules, Execute, Machine, TierRules
from hiersim.traces.operation import OperationTrace
from hiersim.traces.operation_builder import OperationBuilder
from strategies.dice import Dice
from strategies.machines import machine
from strategies.rules import POLICIES, with_recompute

SIZES = (10, 20, 4, 1, 6, 100, 30)


@dataclass(frozen=True)
class Task:
    """What a run of operations is given."""

    machine: Machine
    rules: dict[str, TierRules]
    classes: dict[str, ClassRules]
    execute: Execute
    trace: OperationTrace


def tasks(*, tight: bool = False) -> st.SearchStrategy[Task]:
    """Tasks that shrink; ``tight`` ones may stand still for ever."""
    return st.randoms(use_true_random=False).map(lambda random: build(Dice(random), tight))


def task(seed: int, *, tight: bool = False) -> Task:
    """The task of a seed, for runs over thousands."""
    return build(Dice(Random(seed)), tight)


def build(dice: Dice, tight: bool) -> Task:
    drawn = _with_overheads(dice, machine(dice))
    classes = _classes(dice, list(drawn.tiers))
    trace = _trace(dice, drawn)
    execute = Execute(ahead=dice.pick((0, 1, 2, 4)), smooth=dice.often(0, (1, 2, 3), 4))
    rules = with_recompute(dice, _rules(dice, drawn, trace, classes, tight))
    return Task(drawn, rules, classes, execute, trace)


def _with_overheads(dice: Dice, drawn: Machine) -> Machine:
    units = {
        name: unit.model_copy(update={"overhead": dice.pick((0, 0, 3)), "flops": unit.flops | {"fp16": 3e12}})
        for name, unit in drawn.units.items()
    }
    return drawn.model_copy(update={"units": units})


def _classes(dice: Dice, tiers: list[str]) -> dict[str, ClassRules]:
    rules: dict[str, ClassRules] = {}
    if dice.chance(4):
        rules["weight"] = ClassRules(home=tiers[-1])
    if dice.chance(2):
        rules["kv"] = dice.pick((ClassRules(compute_time=25), ClassRules(flops_per_byte=1.5)))
    return rules


def _trace(dice: Dice, drawn: Machine) -> OperationTrace:
    tiers = list(drawn.tiers)
    build = OperationBuilder(ordered=not dice.chance(6))
    objects = [_object(dice, build, tiers) for _ in range(dice.number(1, 16))]
    known = [obj for obj, there in objects if there]  # that some tier has, or something has written
    streams = dice.pick((1, 2, 3, 4, 6))
    for _ in range(dice.pick((6, 12, 25, 40, 1))):
        _operation(dice, build, ([obj for obj, _ in objects], known), streams, drawn)
    return build.build()


def _object(dice: Dice, build: OperationBuilder, tiers: list[str]) -> tuple[int, bool]:
    home = dice.pick(tiers) if dice.chance(4) else None
    start = dice.pick(tiers) if dice.chance(3) else None
    flops = dice.pick((0.0, 0.0, 0.0, 12.5, 40.0))
    about: dict[str, Any] = {"home": home, "start": start, "flops": flops, "kept": dice.chance(4)}
    number = build.object(dice.pick(SIZES), dice.pick(("kv", "weight")), **about)
    return number, home is not None or start is not None or flops > 0


def _operation(
    dice: Dice, build: OperationBuilder, choice: tuple[list[int], list[int]], streams: int, drawn: Machine
) -> None:
    (objects, known), tiers, units = choice, list(drawn.tiers), list(drawn.units)
    count = len(build)
    about: dict[str, Any] = {"unit": dice.pick(units), "stream": f"s{dice.number(0, streams - 1)}"}
    about["after"] = sorted({dice.number(0, count - 1) for _ in range(dice.pick((0, 0, 1, 2)))}) if count else []
    action = dice.pick(("compute",) * 14 + ("fetch", "offload", "store") * 2 + ("drop", "carry"))
    if action == "carry" and len(tiers) > 1:
        one = dice.number(0, len(tiers) - 1)
        two = (one + dice.number(1, len(tiers) - 1)) % len(tiers)
        ends = {"source": tiers[one], "target": tiers[two], "near_read": dice.pick(SIZES)}
        build.add("carry", action="carry", near_class=dice.pick(("kv", "weight")), **ends, **about)
    elif action in ("fetch", "offload", "store", "drop"):
        build.add(action, action=action, reads=_some(dice, known), **about)
    else:
        reads, writes = _some(dice, known), _some(dice, objects) if dice.chance(2) else []
        _compute(dice, build, reads, writes, about)
        known += [obj for obj in writes if obj not in known]


def _compute(dice: Dice, build: OperationBuilder, reads: list[int], writes: list[int], about: dict[str, Any]) -> None:
    kind = dice.pick(("one", "two"))
    work = {
        "flops": dice.pick((0, 10, 40, 100, 7)),
        "dtype": dice.pick(("bf16", "fp16")),
        "duration_ps": dice.often(-1, (0, 1, 30), 5),
        "near_read": dice.often(0, (3, 50), 4),
        "near_written": dice.often(0, (5,), 5),
        "near_class": dice.pick(("kv", "weight")),
    }
    if dice.chance(4):  # of some objects only a part is touched
        reads = [(obj, dice.number(0, 30)) for obj in reads]
    build.add(kind, reads=reads, writes=writes, **work, **about)


def _some(dice: Dice, objects: list[int]) -> list[int]:
    return [dice.pick(objects) for _ in range(dice.pick((1, 1, 2, 3, 0)))] if objects else []


def _rules(
    dice: Dice, drawn: Machine, trace: OperationTrace, classes: dict[str, ClassRules], tight: bool
) -> dict[str, TierRules]:
    objects, o = trace.objects, trace.operations
    sizes = [int(size) for size in objects.size]
    homes = [_home(trace, obj, classes) for obj in range(len(sizes))]
    widest = max(
        (sum(sizes[obj] for obj in {*o.uses[o.offsets[i] : o.offsets[i + 1]]}) for i in range(len(trace))), default=1
    )
    near, rules = {unit.tier for unit in drawn.units.values()}, {}
    for name in drawn.tiers:
        held = sum(size for size, home in zip(sizes, homes, strict=True) if home == name)
        begun = sum(s for s, at in zip(sizes, objects.start, strict=True) if at >= 0 and objects.tiers[at] == name)
        least = max(widest, begun, 1)
        room = dice.pick((least, least + dice.number(0, 40), 2 * least, sum(sizes), 3 * sum(sizes)))
        last = name == list(drawn.tiers)[-1] and name not in near
        rules[name] = TierRules(
            policy=dice.pick(POLICIES),
            inclusion=dice.pick(("exclusive", "inclusive")),
            write=dice.pick(("back", "back", "through")),
            on_evict=dice.pick(("demote", "drop")),
            when_full="refuse" if last and dice.chance(4) else "evict",
            capacity=held + (least if tight else max(least, room, 0 if name in near else sum(sizes))),
        )
    return rules


def _home(trace: OperationTrace, obj: int, classes: dict[str, ClassRules]) -> str | None:
    objects = trace.objects
    if objects.home[obj] >= 0:
        return objects.tiers[objects.home[obj]]
    rules = classes.get(objects.classes[objects.object_class[obj]])
    return rules.home if rules else None
