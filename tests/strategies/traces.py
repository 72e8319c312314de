"""Random short traces: 1 to 12 objects, 1 to 60 accesses, reads and writes."""

from __future__ import annotations

from hiersim.traces.access import AccessTrace
from strategies.dice import Dice

SIZES = (10, 20, 4, 1, 6, 100, 30)
GAPS = (0, 0, 1, 10, 20, 100, 1000)
CLASSES = ("kv", "weight")


def trace(dice: Dice, *, flops: bool = True) -> AccessTrace:
    """Draw a trace; accesses favour low object numbers, and some come in runs."""
    objects, accesses = dice.number(1, 12), dice.pick((8, 20, 40, 60, 3, 1))
    writes_one_in = dice.pick((1000, 4, 2, 1))
    chosen, times, now = [], [], 0
    for _ in range(accesses):
        chosen.append(dice.number(0, dice.number(0, objects - 1)))
        now += dice.pick(GAPS)
        times.append(now)
    columns = {
        "time_ps": times,
        "write": [int(dice.chance(writes_one_in)) for _ in range(accesses)] if writes_one_in < 1000 else 0,
        "stream": [dice.number(0, 4) for _ in range(accesses)],
        "group": _groups(dice, accesses),
        "object_class": [int(dice.chance(3)) for _ in range(objects)],
        "flops": [dice.pick((0.0, 10.0, 12.5, 40.0)) for _ in range(objects)] if flops and dice.chance(2) else 0.0,
    }
    return AccessTrace.build(chosen, _sizes(dice, objects), columns, classes=CLASSES)


def _sizes(dice: Dice, objects: int) -> list[int]:
    if dice.chance(2):
        return [dice.pick(SIZES)] * objects
    return [dice.pick(SIZES) for _ in range(objects)]


def _groups(dice: Dice, accesses: int) -> list[int]:
    """Requests of one length each, or each access its own."""
    length = dice.pick((1, 2, 5))
    return [i // length for i in range(accesses)]
