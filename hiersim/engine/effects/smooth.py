"""Smooth minimum: a device's bandwidth, operation rate and dies bind together, with a knee instead of a corner.

The p-norm of the accounts is at most 1: for one kind of transfer that is (sum of bound^-p)^(-1/p).
"""

from __future__ import annotations

from hiersim.engine.columns import NONE, THROTTLED
from hiersim.engine.effects.room import room_of
from hiersim.engine.world import World
from hiersim.jit import hot, inner

SMALL = 1e-7  # a step of so little leaves an error of its square
TURNS = 60  # Newton's method from above on a convex function comes down without passing the root; it needs about 6


@hot
def raised(x: float, p: int) -> float:
    """Return x, a share of an account, to the p-th by multiplication from the left: every machine rounds it alike."""
    if p == 0:
        return 1.0
    product = x
    for _ in range(p - 1):
        product *= x
    return product


@hot
def level(w: World, bound: int, at: float) -> float:
    """Return how far the open groups may rise: to ``at``, or less; ``bound`` is the first of the accounts."""
    first, end = bound, bound + w.span[bound]
    if w.clock[THROTTLED] == 0 and is_clear(w, first, end, at):
        return at
    given = at
    for k in range(first, end):
        if w.load[k] > 0.0:
            at = min(at, room_of(w, k) / w.load[k])
    if not is_clear(w, first, end, at):
        at = descend(w, first, end, at)
    return at if at == given or uses_some(w, bound, at) else 0.0


@hot
def is_clear(w: World, first: int, end: int, at: float) -> bool:
    """Say whether the accounts surely allow a level: their sum, which is more than their p-norm, is below 1."""
    total = 0.0
    for k in range(first, end):
        total += 1.0 - w.residual[k]
        if w.load[k] > 0.0:
            total += at * w.load[k]
    return bool(total < 1.0 - 1e-9)


@inner
def descend(w: World, first: int, end: int, at: float) -> float:
    """Come down from a level to the one at which the p-norm of the accounts is 1, by Newton's method."""
    p = w.sharpness[first]
    for _ in range(TURNS):
        total = 0.0
        slope = 0.0
        for k in range(first, end):
            x = (1.0 - w.residual[k]) + at * w.load[k]
            less = raised(x, p - 1)
            total += less * x
            slope += p * w.load[k] * less
        if total <= 1.0:
            break
        step = (total - 1.0) / slope
        if not at - step < at:
            break
        small = step <= SMALL * at
        at -= step
        if small:
            break
    return at


@inner
def uses_some(w: World, bound: int, at: float) -> bool:
    """Say whether a level is more than rounding of some account."""
    for k in range(bound, bound + w.span[bound]):
        if at * w.load[k] > 1e-9:
            return True
    return False


@inner
def binding(w: World, bound: int, at: float) -> int:
    """Return the account that is used most when the open groups stand at a level."""
    best = NONE
    most = -1.0
    for k in range(bound, bound + w.span[bound]):
        if w.load[k] > 0.0:
            use = (1.0 - w.residual[k]) + at * w.load[k]
            if use > most:
                most = use
                best = k
    return best
