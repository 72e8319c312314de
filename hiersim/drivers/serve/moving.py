"""Caches that move: out of the near tier when a request is preempted, back, and to the unit that decodes."""

from __future__ import annotations

from hiersim.drivers.serve import blocks, phase, queue, room
from hiersim.drivers.serve.columns import (
    C_KIND,
    C_SWAP,
    DECODE_ONLY,
    E_QUEUE,
    E_ROLE,
    E_RUNNING,
    E_SWAP,
    E_TIER,
    E_UNIT,
    MOVING,
    NONE,
    Q_AT,
    Q_BLOCKS,
    Q_BYTES,
    Q_ENGINE,
    Q_GENERATED,
    Q_HELD,
    Q_PROMPT,
    Q_ROW,
    Q_STATE,
    Q_SWAPPED,
    W_MOVE,
    W_QUEUE,
    WAITING,
)
from hiersim.drivers.serve.state import Serve
from hiersim.engine import driven, rooms
from hiersim.engine.columns import (
    A_INDEX,
    A_JOB,
    A_JOINED,
    A_LOOKING,
    A_OBJECT,
    A_STREAM,
    DEMAND,
    NOW,
    T_LEAVING,
    T_NEXT,
    WRITE_BACK,
)
from hiersim.engine.rows import free_access, new_access
from hiersim.engine.world import World
from hiersim.jit import inner

OUT, BACK, ACROSS, WAYS = (
    0,
    1,
    2,
    3,
)  # how a cache moves; the tag of its transfer is (request x engines + engine) x WAYS


@inner
def swap_out(w: World, s: Serve, r: int) -> bool:
    """Let a preempted request's bytes go to the next tier, if that has room and no block is shared; say whether."""
    e = s.queries[r, Q_ENGINE]
    near, size = s.engines[e, E_TIER], s.queries[r, Q_BYTES]
    further = w.tiers[near, T_NEXT]
    if s.settings[C_SWAP] == 0 or further == NONE or size == 0 or s.queries[r, Q_HELD] > 0:
        return False
    if not rooms.make_way(w, further, size, s.settings[C_KIND], e):
        return False
    rooms.change_used(w, further, size)
    w.tiers[near, T_LEAVING] += size
    s.engines[e, E_SWAP] += size
    s.queries[r, Q_SWAPPED] = size
    s.queries[r, Q_STATE] = MOVING
    begin(w, s, r, e, OUT, w.move[near, further], size)
    return True


@inner
def begin(w: World, s: Serve, r: int, e: int, way: int, route: int, size: int) -> None:
    """Begin the transfer of a request's cache."""
    tag = (r * s.engines.shape[0] + e) * WAYS + way
    traffic = WRITE_BACK if way == OUT else DEMAND
    job = driven.carry(w, s.settings[C_KIND], route, size, traffic, e, tag)
    if way == OUT:
        return
    a = new_access(w, s.engines[e, E_UNIT])  # what the unit waits for, if it has nothing else to do
    w.accesses[a, A_INDEX] = r
    w.accesses[a, A_OBJECT] = s.settings[C_KIND]
    w.accesses[a, A_STREAM] = e
    w.accesses[a, A_JOB] = job
    w.accesses[a, A_JOINED] = 0
    w.accesses[a, A_LOOKING] = 0
    s.queries[r, Q_ROW] = a


@inner
def come_back(w: World, s: Serve, e: int, r: int) -> bool:
    """Bring a request's cache back from the next tier; say whether there is room."""
    near, size = s.engines[e, E_TIER], s.queries[r, Q_SWAPPED]
    known = s.queries[r, Q_PROMPT] + s.queries[r, Q_GENERATED]
    if not room.take(w, s, r, max(size, room.bytes_of(s, r, known)), e):  # with room to go on
        return False
    s.queries[r, Q_STATE] = MOVING
    phase.turn(s, r, W_MOVE, w.clock[NOW])
    begin(w, s, r, e, BACK, w.move[w.tiers[near, T_NEXT], near], size)
    return True


@inner
def decoder(s: Serve) -> int:
    """Return the engine with the fewest requests of those that decode only."""
    best, least = NONE, 1 << 62
    for e in range(s.engines.shape[0]):
        has = s.engines[e, E_QUEUE] + s.engines[e, E_RUNNING]
        if s.engines[e, E_ROLE] == DECODE_ONLY and has < least:
            best, least = e, has
    return best


@inner
def hand_over(w: World, s: Serve, r: int) -> None:
    """Let a request whose prompt is computed wait for room at an engine that decodes."""
    s.queries[r, Q_STATE] = WAITING
    phase.turn(s, r, W_MOVE, w.clock[NOW])
    queue.put(s, decoder(s), r)


@inner
def come_across(w: World, s: Serve, e: int, r: int) -> bool:
    """Bring a request's cache from the engine that computed its prompt; say whether there is room."""
    size = room.cache_bytes(s, 0, s.queries[r, Q_PROMPT] + s.queries[r, Q_GENERATED])
    if not room.has_room(w, s, e, size, e):
        return False
    room.consume(s, e, size)
    rooms.change_used(w, s.engines[e, E_TIER], size)
    s.queries[r, Q_SWAPPED] = size
    s.queries[r, Q_STATE] = MOVING
    source = s.engines[s.queries[r, Q_ENGINE], E_TIER]
    amount = room.cache_bytes(s, 0, s.queries[r, Q_AT])
    begin(w, s, r, e, ACROSS, w.move[source, s.engines[e, E_TIER]], amount)
    return True


@inner
def over(w: World, s: Serve, tag: int) -> None:
    """Go on when a cache has moved."""
    way, pair = tag % WAYS, tag // WAYS
    r, e = pair // s.engines.shape[0], pair % s.engines.shape[0]
    near, size = s.engines[e, E_TIER], s.queries[r, Q_SWAPPED]
    if way != OUT:
        free_access(w, s.queries[r, Q_ROW])
        s.queries[r, Q_ROW] = NONE
        phase.turn(s, r, W_QUEUE, w.clock[NOW])
        s.queries[r, Q_SWAPPED] = 0
    if way == OUT:
        w.tiers[near, T_LEAVING] -= size
        s.engines[e, E_SWAP] -= size
        room.give_back(w, s, r, size)
    elif way == BACK:
        rooms.change_used(w, w.tiers[near, T_NEXT], -size)
    else:
        settle_across(w, s, e, r, size)
    s.queries[r, Q_STATE] = WAITING
    queue.put(s, e, r)


@inner
def settle_across(w: World, s: Serve, e: int, r: int, size: int) -> None:
    """Free what a request had at the engine that computed its prompt; at the other all is its own."""
    at = s.queries[r, Q_AT]
    blocks.let_go(w, s, r)
    room.give_back(w, s, r, s.queries[r, Q_BYTES])
    s.queries[r, Q_ENGINE] = e
    s.queries[r, Q_BYTES] = size
    s.queries[r, Q_BLOCKS] = 0
    s.queries[r, Q_AT] = at
