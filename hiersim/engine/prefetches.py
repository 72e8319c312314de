"""A prefetch, whoever asks for it: from where the object is, and when there is nothing to do (model.md, 8 and 12)."""

from __future__ import annotations

from hiersim.engine import early, rooms
from hiersim.engine.coding import size_in
from hiersim.engine.columns import (
    ABSENT,
    AH_AWAY,
    AH_BYTES,
    AH_DROPPED,
    AH_ISSUED,
    ARRIVING,
    EARLY,
    NONE,
    PREFETCH,
    PREFETCHING,
    RESIDENT,
    T_NEXT,
    U_NEAR,
)
from hiersim.engine.rows import free_job, new_job
from hiersim.engine.world import World
from hiersim.jit import inner


@inner
def attempt(w: World, key: int, tier: int, limit: int) -> bool:
    """Begin a prefetch of an object into a tier; return False when there is nothing to do, or it is dropped.

    ``limit`` is how many may be on their way into the tier at once. Its stream is the one after the last.
    """
    source = source_beyond(w, key, tier)
    if source == NONE or w.transit[key] != NONE:
        return False
    w.ahead[tier, AH_ISSUED] += 1
    if w.ahead[tier, AH_AWAY] >= limit or rooms.refuses(w, tier, size_in(w, tier, key)):
        w.ahead[tier, AH_DROPPED] += 1
        return False
    job = new_job(w, PREFETCHING, key, source, tier, PREFETCH, w.streams.shape[0])
    w.transit[key] = job
    w.state[tier, key] = ARRIVING
    rooms.ask(w, tier, job)
    if rooms.gives_up(w, tier, job):
        w.transit[key] = NONE
        w.state[tier, key] = ABSENT
        free_job(w, job)
        w.ahead[tier, AH_DROPPED] += 1
        return False
    if early.marks(w):
        w.early[tier, key] = EARLY
    w.ahead[tier, AH_AWAY] += 1
    w.ahead[tier, AH_BYTES] += w.size[key]
    return True


@inner
def source_beyond(w: World, key: int, tier: int) -> int:
    """Return the nearest tier beyond ``tier`` that has the object, or -1 if there is none, or a nearer one has it.

    Nearer and beyond are along the chain of the first unit that has the tier in its chain.
    """
    for unit in range(w.units.shape[0]):
        seen = False
        found = NONE
        here = w.units[unit, U_NEAR]
        while here != NONE:
            seen = seen or here == tier
            there = w.state[here, key]
            nearer = not seen or here == tier
            if nearer and there in (RESIDENT, ARRIVING) and found == NONE:
                found = here
            if not nearer and there == RESIDENT and found == NONE:
                found = here
            here = w.tiers[here, T_NEXT]
        if seen:
            return found if is_beyond(w, found, tier) else NONE
    return NONE


@inner
def is_beyond(w: World, found: int, tier: int) -> bool:
    """Say whether a tier is further out than another, along the chain that they share."""
    here = w.tiers[tier, T_NEXT]
    while here != NONE and here != found:
        here = w.tiers[here, T_NEXT]
    return bool(found != NONE and here == found)
