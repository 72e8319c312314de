"""Who makes way: preempted for want of room or for fairness, or holding room while the first in line lacks it."""

from __future__ import annotations

from hiersim.drivers.serve import blocks, moving, phase, queue, room
from hiersim.drivers.serve.columns import (
    C_FAIR,
    E_QUEUE,
    E_RUNNING,
    E_STEPS,
    K_FRONT,
    NONE,
    Q_AT,
    Q_BYTES,
    Q_ENGINE,
    Q_HELD,
    Q_KEY,
    Q_PENDING,
    Q_PREEMPTIONS,
    Q_SKIP,
    Q_STATE,
    Q_USER,
    W_PREEMPTED,
    WAITING,
)
from hiersim.drivers.serve.state import Serve
from hiersim.engine.columns import NOW
from hiersim.engine.world import World
from hiersim.jit import inner


@inner
def preempt(w: World, s: Serve, r: int) -> None:
    """Take everything from a running request and let it wait before all others; what it had is remembered."""
    s.queries[r, Q_PREEMPTIONS] += 1
    s.clock[K_FRONT] += 1
    s.queries[r, Q_KEY] = -s.clock[K_FRONT]
    phase.turn(s, r, W_PREEMPTED, w.clock[NOW])
    if moving.swap_out(w, s, r):
        return
    room.expect_more(w, s, r)
    room.remember(w, s, r, s.queries[r, Q_AT] if s.queries[r, Q_SKIP] == 0 else 0)
    blocks.let_go(w, s, r)
    s.queries[r, Q_STATE] = WAITING
    queue.put(s, s.queries[r, Q_ENGINE], r)


@inner
def make_fair(w: World, s: Serve, e: int) -> None:
    """Now and then let the running request of the user who got most make way for one of a user who got less."""
    every = s.settings[C_FAIR]
    if every == 0 or s.engines[e, E_QUEUE] == 0 or s.engines[e, E_STEPS] % every != 0:
        return
    most, place = s.service[s.queries[s.queue[e, 0, 1], Q_USER]], NONE
    for i in range(s.engines[e, E_RUNNING]):
        got = s.service[s.queries[s.running[e, i], Q_USER]]
        if got > most:
            most, place = got, i
    if place == NONE:
        return
    r = s.running[e, place]
    s.engines[e, E_RUNNING] -= 1
    for i in range(place, s.engines[e, E_RUNNING]):
        s.running[e, i] = s.running[e, i + 1]
    preempt(w, s, r)
    if s.queries[r, Q_STATE] == WAITING:  # it goes behind those that wait now
        behind(s, e, r)


@inner
def behind(s: Serve, e: int, r: int) -> None:
    """Put a request that was put before all others behind all of them."""
    first = queue.take(s, e)
    last = s.queries[r, Q_KEY]
    for i in range(s.engines[e, E_QUEUE]):
        last = max(last, s.queue[e, i, 0])
    s.queries[first, Q_KEY] = last + 1
    queue.put(s, e, first)


@inner
def unburden(w: World, s: Serve, e: int) -> bool:
    """Where nothing runs, take the room of all that wait behind the first, who lacks it; say whether some had any."""
    freed = False
    for i in range(s.engines[e, E_QUEUE]):
        r = s.queue[e, i, 1]
        held = s.queries[r, Q_BYTES] > 0 or s.queries[r, Q_HELD] > 0
        if held and s.queries[r, Q_ENGINE] == e and s.queries[r, Q_PENDING] == 0:
            room.give_back(w, s, r, s.queries[r, Q_BYTES])
            blocks.let_go(w, s, r)
            s.queries[r, Q_PREEMPTIONS] += 1
            freed = True
    return freed
