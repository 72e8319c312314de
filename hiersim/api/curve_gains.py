"""What a miss-ratio curve says: where it bends, and what more capacity would buy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hiersim.api.curve_points import Addition, Place
from hiersim.drivers.curves.curve import Curve

LEAST_BEND = 0.05  # share of the accesses by which two doublings must differ to make a knee
MOST_KNEES = 3


@dataclass(frozen=True)
class Knee:
    """A capacity after which more capacity pays less.

    Attributes:
        capacity: in bytes, or objects where all count the same.
        miss_ratio: there.
        before: by how much the last doubling of the capacity up to here lowered the miss ratio, as a share of accesses.
        after: by how much the next one does.
    """

    capacity: int
    miss_ratio: float
    before: float
    after: float


@dataclass(frozen=True)
class Gain:
    """What more of a tier would buy, all tiers up to it taken as one cache.

    Attributes:
        policy: the curve that it is read from.
        place: the tier, or the capacity that was asked for.
        capacity: of that tier now, in bytes or objects.
        more: how much is added, in bytes or objects.
        upto: capacity of all tiers up to this one now, in bytes or objects.
        hit_ratio: share of the accesses that they serve now.
        hit_ratio_then: share that they would serve.
        hits: accesses that would no longer go further out.
    """

    policy: str
    place: str
    capacity: int
    more: int
    upto: int
    hit_ratio: float
    hit_ratio_then: float
    hits: int


def knees(curve: Curve) -> list[Knee]:
    """Return the knees of a curve by capacity, at most three: where the doubling before saves far more than the next.

    Between two points the curve is taken as straight over the logarithm of the capacity.
    """
    if len(curve.capacity) < 3:
        return []
    log = np.log2(curve.capacity.astype(float))
    inside = np.flatnonzero(log >= log[0] + 1)
    ratio = curve.miss_ratio
    before = np.interp(log - 1, log, ratio) - ratio
    after = ratio - np.interp(log + 1, log, ratio)
    bend = np.round(before - after, 3)  # after a cliff all are about equal for an octave: the first of them counts
    found: list[int] = []
    for i in sorted(inside.tolist(), key=lambda i: (-bend[i], i)):
        if bend[i] < LEAST_BEND or len(found) == MOST_KNEES:
            break
        around = bend[(log > log[i] - 1) & (log < log[i] + 1)]
        if bend[i] >= around.max() and all(abs(log[i] - log[other]) >= 1 for other in found):
            found.append(i)
    return [
        Knee(int(curve.capacity[i]), float(ratio[i]), float(before[i]), max(0.0, float(after[i])))
        for i in sorted(found)
    ]


def steps(places: Sequence[Place], adds: Sequence[Addition]) -> Iterator[tuple[Place, int]]:
    """Yield what is looked at: each place with what is added to it; doubled first."""
    for place in places:
        yield place, place.capacity
        yield from ((place, each.size) for each in adds if each.place in ("", place.name))


def gains(
    curve: Curve, places: Sequence[Place], adds: Sequence[Addition], accesses: int, least: int, footprint: int
) -> list[Gain]:
    """Return what doubling each place and each addition would buy; nothing for what the curve has no point of.

    Args:
        curve: has points at the places and at what they would be, as far as they are below the footprint.
        places: the tiers.
        adds: what might be added.
        accesses: of the trace.
        least: the smallest object, in bytes or objects; less capacity than that is of no use.
        footprint: in bytes or objects; more capacity than that is of no use.
    """
    found = []
    for place, more in steps(places, adds):
        now, then = (_hit_ratio(curve, min(size, footprint), least) for size in (place.upto, place.upto + more))
        if now is not None and then is not None:
            hits = round((then - now) * accesses)
            found.append(Gain(curve.policy, place.name, place.capacity, more, place.upto, now, then, hits))
    return found


def _hit_ratio(curve: Curve, capacity: int, least: int) -> float | None:
    ratio = 1.0 if capacity < least else curve.at(capacity)
    return None if ratio is None else 1.0 - ratio
