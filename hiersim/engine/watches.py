"""What agents asked to be told: a journal of occurrences, and who must be woken for them."""

from __future__ import annotations

from hiersim.engine.columns import (
    JOURNAL_SIZE,
    NONE,
    NOW,
    W_ACTIVE,
    W_COUNT,
    W_EVERY,
    W_KIND,
    W_REACHED,
    W_TIER,
    WATCH_EVICT,
    WOKEN,
)
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@inner
def note(w: World, kind: int, tier: int, key: int, stream: int) -> None:
    """Write an occurrence down if any watch asks for it; wake those whose count is reached."""
    wanted = False
    for i in range(w.watches.shape[0]):
        if w.watches[i, W_ACTIVE] == 1 and w.watches[i, W_KIND] == kind and w.watches[i, W_TIER] in (NONE, tier):
            wanted = True
            w.watches[i, W_COUNT] += 1
            if w.watches[i, W_COUNT] == w.watches[i, W_EVERY]:
                w.watches[i, W_REACHED] = w.clock[JOURNAL_SIZE]
                w.clock[WOKEN] = 1
    if wanted:
        row = w.clock[JOURNAL_SIZE]
        w.clock[JOURNAL_SIZE] = row + 1
        w.journal[row, 0] = kind
        w.journal[row, 1] = w.clock[NOW]
        w.journal[row, 2] = key
        w.journal[row, 3] = tier
        w.journal[row, 4] = stream


@hot
def occurrence(w: World, kind: int, tier: int, key: int, stream: int) -> None:
    """Note an occurrence, when agents watch at all (the journal has rows only then)."""
    if w.journal.shape[0] > 0:
        note(w, kind, tier, key, stream)


@hot
def note_eviction(w: World, tier: int, key: int, stream: int) -> None:
    """Note that a tier evicts an object."""
    occurrence(w, WATCH_EVICT, tier, key, stream)
