"""Blocks of prompts that requests share: finding them, taking hold of them, offering them, letting go."""

from __future__ import annotations

from hiersim.drivers.serve import room
from hiersim.drivers.serve.columns import (
    C_ANYWHERE,
    C_BACKWARD,
    C_BLOCK,
    C_BLOCK_BYTES,
    C_CHEAPER,
    E_COPIED,
    E_TIER,
    E_UNIT,
    FREE,
    NONE,
    Q_AT,
    Q_BLOCKS,
    Q_BYTES,
    Q_COPIED,
    Q_ENGINE,
    Q_HELD,
    Q_PENDING,
    Q_PUBLISHED,
    Q_REUSED,
    Q_SKIP,
    REUSED,
    SHARED,
)
from hiersim.drivers.serve.state import Serve
from hiersim.engine import driven, lookups, managers, moves, rooms
from hiersim.engine.columns import ABSENT, DONE, ISSUED, RESIDENT, T_EXCLUSIVE, T_NEXT, WRITE_BACK
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@inner
def find(w: World, s: Serve, r: int) -> int:
    """Mark and keep the blocks of a request that are somewhere and of use; return how many are not near.

    What is kept cannot be evicted where it is, until it is dropped again (``drop``) or has been fetched.
    """
    e = s.queries[r, Q_ENGINE]
    unit, near, begin = s.engines[e, E_UNIT], s.engines[e, E_TIER], s.first_block[r]
    far = 0
    for j in range(s.queries[r, Q_BLOCKS]):
        key = s.block[begin + j]
        tier = lookups.find(w, unit, key)
        if tier == NONE:
            if s.settings[C_ANYWHERE] == 0:
                break
            continue
        if tier != near and not pays(s, e, tier, j):
            continue
        s.fate[begin + j] = REUSED
        s.pinned[begin + j] = 1 + tier
        rooms.pin(w, tier, key)
        far += 1 if tier != near else 0
    return far


@hot
def pays(s: Serve, e: int, tier: int, j: int) -> bool:
    """Say whether fetching a block is faster than computing it, where that is asked."""
    if s.settings[C_CHEAPER] == 0:
        return True
    before = j * s.settings[C_BLOCK]
    return bool(s.fetch_time[e, tier] < s.compute_time[e, 0] + s.compute_time[e, 1] * before)


@inner
def drop(w: World, s: Serve, r: int) -> None:
    """Undo ``find``."""
    begin = s.first_block[r]
    for i in range(begin, begin + s.queries[r, Q_BLOCKS]):
        s.fate[i] = FREE
        unpin(w, s, i)


@inner
def unpin(w: World, s: Serve, i: int) -> None:
    """Keep a block no longer where it was found."""
    if s.pinned[i] > 0:
        driven.release(w, s.pinned[i] - 1, s.block[i])
        s.pinned[i] = 0


@inner
def reused(s: Serve, r: int) -> int:
    """Return how many blocks of a request are of use."""
    begin, count = s.first_block[r], 0
    for i in range(begin, begin + s.queries[r, Q_BLOCKS]):
        count += 1 if s.fate[i] == REUSED else 0
    return count


@inner
def hold(w: World, s: Serve, r: int) -> None:
    """Take hold of what ``find`` marked: at once of what is near, of the rest when it has come."""
    e = s.queries[r, Q_ENGINE]
    unit, near, begin = s.engines[e, E_UNIT], s.engines[e, E_TIER], s.first_block[r]
    tiers = s.served.shape[1] - 1
    for i in range(begin, begin + s.queries[r, Q_BLOCKS]):
        key = s.block[i]
        if s.fate[i] != REUSED:
            w.clock[ISSUED] += 1
            w.clock[DONE] += 1
            lookups.count_along(w, unit, key, lookups.find(w, unit, key), e)
            continue
        tier = s.pinned[i] - 1
        s.served[r, min(tier, tiers)] += s.settings[C_BLOCK]
        s.queries[r, Q_SKIP] += 1
        s.queries[r, Q_HELD] += 1
        s.queries[r, Q_REUSED] += s.settings[C_BLOCK]
        if tier == near and w.state[near, key] == RESIDENT:
            w.clock[ISSUED] += 1
            w.clock[DONE] += 1
            lookups.count_along(w, unit, key, near, e)
            managers.hit(w, near, key)
            s.pinned[i] = 0  # the pin is the request's own from here on
        elif tier == near:  # on its way there, with room of its own
            s.queries[r, Q_PENDING] += 1
            driven.acquire(w, unit, key, i, e)
        else:
            s.queries[r, Q_PENDING] += 1
            driven.acquire_promised(w, unit, key, i, e)


@inner
def came(w: World, s: Serve, i: int, lacks: bool) -> int:
    """Note that a block has come, or is nowhere any more; return its request."""
    r = s.owner[i]
    unpin(w, s, i)
    s.queries[r, Q_PENDING] -= 1
    if lacks:
        s.fate[i] = FREE
        s.queries[r, Q_HELD] -= 1
        if s.queries[r, Q_AT] > 0:  # what it remembers stands behind a gap now, and is computed anew with it
            s.queries[r, Q_AT] = 0
            s.queries[r, Q_SKIP] = reused(s, r)
        else:
            s.queries[r, Q_SKIP] -= 1
        s.queries[r, Q_REUSED] -= s.settings[C_BLOCK]
    return int(r)


@inner
def publish(w: World, s: Serve, r: int, until: int) -> None:
    """Offer the full blocks before token ``until`` of a prompt to others: their bytes are its own no longer."""
    size = s.settings[C_BLOCK]
    if size == 0:
        return
    e = s.queries[r, Q_ENGINE]
    near, begin = s.engines[e, E_TIER], s.first_block[r]
    while s.queries[r, Q_PUBLISHED] < s.queries[r, Q_BLOCKS] and (s.queries[r, Q_PUBLISHED] + 1) * size <= until:
        i = begin + s.queries[r, Q_PUBLISHED]
        s.queries[r, Q_PUBLISHED] += 1
        key = s.block[i]
        if s.fate[i] == FREE and w.state[near, key] == ABSENT and w.transit[key] == NONE:
            s.fate[i] = SHARED
            s.queries[r, Q_HELD] += 1
            s.queries[r, Q_BYTES] -= s.settings[C_BLOCK_BYTES]
            moves.created(w, key)
            rooms.arrive(w, near, key, 0)
            rooms.pin(w, near, key)
            supersede(w, key, near)


@inner
def supersede(w: World, key: int, near: int) -> None:
    """Remove the copies of a block that was computed anew from exclusive tiers further out, unless they are kept."""
    tier = w.tiers[near, T_NEXT]
    while tier != NONE:
        if w.state[tier, key] == RESIDENT and w.tiers[tier, T_EXCLUSIVE] == 1 and w.pins[tier, key] == 0:
            managers.removed(w, tier, key)
            rooms.depart(w, tier, key)
        tier = w.tiers[tier, T_NEXT]


@inner
def copy_out(w: World, s: Serve, r: int) -> None:
    """Start the write-through copies of the blocks that a step has computed."""
    near, first = s.engines[s.queries[r, Q_ENGINE], E_TIER], s.first_block[r]
    begin, end = s.queries[r, Q_COPIED], s.queries[r, Q_PUBLISHED]
    s.queries[r, Q_COPIED] = end
    for i in range(first + begin, first + end):
        if s.fate[i] == SHARED and moves.may_copy(w, near, s.block[i]):
            moves.copy_out(w, near, s.block[i], WRITE_BACK, s.queries[r, Q_ENGINE])
            s.engines[s.queries[r, Q_ENGINE], E_COPIED] += 1


@inner
def let_go(w: World, s: Serve, r: int) -> None:
    """Let go of all blocks that a request holds; they stay until their room is needed."""
    near, begin = s.engines[s.queries[r, Q_ENGINE], E_TIER], s.first_block[r]
    for j in range(s.queries[r, Q_BLOCKS] - 1, -1, -1):
        i = begin + j
        if s.fate[i] != FREE and s.pinned[i] == 0:
            key = s.block[i]
            driven.release(w, near, key)
            if s.settings[C_BACKWARD] == 1 and w.pins[near, key] == 0:
                managers.hit(w, near, key)
            s.fate[i] = FREE
    s.queries[r, Q_HELD] = 0
    s.queries[r, Q_SKIP] = 0
    s.queries[r, Q_PUBLISHED] = 0
    s.queries[r, Q_COPIED] = 0
    s.queries[r, Q_AT] = 0


@hot
def missing(s: Serve, r: int, size: int) -> int:
    """Return the bytes of its own that a request still lacks for ``size`` tokens."""
    return int(room.own_bytes(s, r, size) - s.queries[r, Q_BYTES])
