"""A write cache of a second rate (SLC): writes fill it at full rate, and go at its own rate while it is full."""

from __future__ import annotations

import math

from hiersim.engine.columns import (
    C_CAPACITY,
    C_COST,
    C_DRAIN,
    C_LEVEL,
    C_LOOSE,
    C_SLOPE,
    CB_ANCHOR,
    CB_BOUND,
    CHANGE,
    NOW,
)
from hiersim.engine.world import World
from hiersim.jit import hot

NEVER = 1 << 62


@hot
def is_full(w: World, i: int) -> bool:
    """Say whether a cache is full; a byte is rounding."""
    return bool(w.cache[i, C_LEVEL] >= w.cache[i, C_CAPACITY] - 1.0)


@hot
def is_idle(w: World, i: int) -> bool:
    """Say whether a cache is empty and nothing fills it."""
    return bool(w.cache[i, C_LEVEL] == 0.0 and w.cache[i, C_SLOPE] <= 0.0)


@hot
def before_rates(w: World) -> None:
    """Bring the levels up to now, and say what each cache's bound has to give."""
    now = w.clock[NOW]
    for i in range(w.cache.shape[0]):
        passed = now - w.cache_at[i, CB_ANCHOR]
        w.cache_at[i, CB_ANCHOR] = now
        if not is_idle(w, i):
            level = w.cache[i, C_LEVEL] + w.cache[i, C_SLOPE] * passed
            w.cache[i, C_LEVEL] = min(w.cache[i, C_CAPACITY], max(0.0, level))
            w.budget[w.cache_at[i, CB_BOUND]] = 1.0 if is_full(w, i) else w.cache[i, C_LOOSE]


@hot
def after_rates(w: World) -> None:
    """Note how fast each cache fills or empties, and when the first of them is full."""
    w.clock[CHANGE] = NEVER
    for i in range(w.cache.shape[0]):
        bound = w.cache_at[i, CB_BOUND]
        used = w.budget[bound] - w.residual[bound]
        if used <= 0.0:
            w.cache[i, C_SLOPE] = -w.cache[i, C_DRAIN]
        elif is_full(w, i):
            w.cache[i, C_SLOPE] = 0.0
        else:
            w.cache[i, C_SLOPE] = used / w.cache[i, C_COST]
            left = (w.cache[i, C_CAPACITY] - w.cache[i, C_LEVEL]) / w.cache[i, C_SLOPE]
            if left < NEVER / 2:
                wait = max(1, int(math.ceil(left)))  # noqa: RUF046 - a float in compiled code
                w.clock[CHANGE] = min(w.clock[CHANGE], w.cache_at[i, CB_ANCHOR] + wait)
