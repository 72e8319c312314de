"""Rates that were set before: the same groups with as many flows each have the same rates, and need no filling.

A run comes back to few states. What the groups ask of the bounds is told by route, class, flows and, where costs depend
on it, size, or the shape of an operation; all of that is compared, so that what is recalled is to the bit what the
solver would give.
"""

from __future__ import annotations

from hiersim.engine.columns import (
    CB_BOUND,
    G_BOUND,
    G_CLASS,
    G_FLOWS,
    G_NEXT,
    G_ROUTE,
    G_SHAPE,
    GROUP_HEAD,
    MEMO_GROUPS,
    MEMO_ROWS,
    NONE,
    RESIDUES,
    TARGET_RATE,
    THROTTLED,
)
from hiersim.engine.last import note_rate
from hiersim.engine.mixing import mix
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@inner
def find(w: World) -> int:
    """Describe the active groups in ``memo_asked``; return the row that is theirs, -1 where they have none."""
    if w.clock[THROTTLED] == 1:
        return NONE
    count = 0
    mixed = full_caches(w)
    w.memo_asked[1] = mixed
    g = w.clock[GROUP_HEAD]
    while g != NONE:
        route = w.groups[g, G_ROUTE]
        if count == MEMO_GROUPS:
            return NONE
        asks = (w.groups[g, G_FLOWS] << 18) | (w.groups[g, G_CLASS] << 16) | route
        shape = w.groups[g, G_SHAPE]
        w.memo_asked[2 + 3 * count] = asks
        w.memo_asked[3 + 3 * count] = shape
        mixed = mix(mix(mixed, asks), shape)
        count += 1
        g = w.groups[g, G_NEXT]
    w.memo_asked[0] = 1 + count  # 0 is in rows that nothing has been kept in
    return int((mixed >> 12) & (MEMO_ROWS - 1))


@hot
def full_caches(w: World) -> int:
    """Return which write caches are full, a bit each: what their bounds have to give depends on it."""
    which = 0
    for i in range(w.cache.shape[0]):
        if w.budget[w.cache_at[i, CB_BOUND]] == 1.0:
            which |= 1 << i
    return which


@hot
def knows(w: World, row: int) -> bool:
    """Say whether a row holds what is described in ``memo_asked``."""
    if w.memo[row, 0] != w.memo_asked[0] or w.memo[row, 1] != w.memo_asked[1]:
        return False
    for i in range(w.memo_asked[0] - 1):
        if w.memo[row, 2 + 3 * i] != w.memo_asked[2 + 3 * i] or w.memo[row, 3 + 3 * i] != w.memo_asked[3 + 3 * i]:
            return False
    return True


@inner
def recall(w: World, row: int) -> None:
    """Give the groups the rates of a row, and take from the bounds what they took then."""
    place = 0
    g = w.clock[GROUP_HEAD]
    while g != NONE:
        note_rate(w, g, w.memo[row, 4 + 3 * place], w.memo_rate[row, place])
        place += 1
        g = w.groups[g, G_NEXT]
    if w.clock[RESIDUES] == 1:
        for k in range(w.budget.shape[0]):
            w.residual[k] = w.memo_rate[row, MEMO_GROUPS + k]


@inner
def keep(w: World, row: int) -> None:
    """Note in a row the rates that have just been set."""
    for i in range(3 * w.memo_asked[0] - 1):
        w.memo[row, i] = w.memo_asked[i]
    place = 0
    g = w.clock[GROUP_HEAD]
    while g != NONE:
        w.memo_rate[row, place] = w.rates[g, TARGET_RATE]
        w.memo[row, 4 + 3 * place] = w.groups[g, G_BOUND]
        place += 1
        g = w.groups[g, G_NEXT]
    if w.clock[RESIDUES] == 1:
        for k in range(w.budget.shape[0]):
            w.memo_rate[row, MEMO_GROUPS + k] = w.residual[k]


@inner
def forget(w: World) -> None:
    """Empty all rows, when an agent has changed what rates depend on."""
    for row in range(MEMO_ROWS):
        w.memo[row, 0] = 0
