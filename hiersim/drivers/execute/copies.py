"""Operations that only copy: bytes carried, objects sent out, stored or dropped, one object after the other."""

from __future__ import annotations

from hiersim.drivers.execute import duration, over, rows
from hiersim.drivers.execute.columns import AT, CURRENT, NONE, S_AWAY, WAITERS, WAITING, WORKING
from hiersim.drivers.execute.program import Program
from hiersim.engine import driven, gates, moves, rooms
from hiersim.engine.columns import (
    ABSENT,
    DEMAND,
    J_TAG,
    J_WITH,
    NOW,
    RESIDENT,
    T_NEXT,
    U_NEAR,
)
from hiersim.engine.world import World
from hiersim.jit import hot, inner
from hiersim.traces.operation import DROP, OFFLOAD, STORE


@hot
def stand_in(d: Program, kind: int) -> int:
    """Return the object that stands for bytes of a class that are no object: behind those of the trace."""
    return int(d.last_use.shape[0] + kind)


@inner
def carry(w: World, d: Program, place: int) -> None:
    """Begin to carry bytes from one tier to another."""
    o = rows.row(d, place)
    route = w.move[d.source[o], d.target[o]]
    d.phase[o] = WORKING
    d.outstanding[o] = 1
    d.begun[o] = w.clock[NOW]
    key = stand_in(d, d.near_class[o])
    d.work[o] = driven.carry(w, key, route, d.near_read[o], DEMAND, d.stream[o], place)
    d.critical[o] += duration.carry_of(w, d, d.kind[o], route, d.near_read[o])


@hot
def start(d: Program, o: int) -> None:
    """Begin with the first object of an offload, a store or a drop."""
    d.phase[o] = WORKING
    d.outstanding[o] = 1  # until all objects have been looked at
    d.work[o] = NONE
    d.begun[o] = d.free_at[o]


@inner
def go_on(w: World, d: Program, place: int) -> None:
    """Look at the next object of an offload, a store or a drop; one that cannot be moved now is waited for."""
    o = rows.row(d, place)
    i = d.state[AT]
    if i == d.offsets[o + 1]:
        d.state[CURRENT] = NONE
        came(w, d, place)
        return
    key = d.uses[i]
    if must_wait(w, d, o, key):
        d.place[o] = i
        d.phase[o] = WAITING
        d.waiting[d.state[WAITERS]] = place
        d.state[WAITERS] += 1
        d.state[CURRENT] = NONE
        return
    d.state[AT] = i + 1
    near = w.units[d.unit[o], U_NEAR]
    if w.state[near, key] == RESIDENT:
        move(w, d, place, near, key)


@hot
def must_wait(w: World, d: Program, o: int, key: int) -> bool:
    """Say whether an object is in transit near the unit, or (not for a store) held there."""
    near = w.units[d.unit[o], U_NEAR]
    stays = w.home[near, key] == 1 and d.action[o] != STORE
    if w.state[near, key] == ABSENT or stays:
        return False
    held = w.state[near, key] == RESIDENT and w.pins[near, key] > 0
    return bool(w.transit[key] != NONE or (held and d.action[o] != STORE))


@inner
def move(w: World, d: Program, place: int, near: int, key: int) -> None:
    """Send an object out, store it further out, or drop it."""
    o = rows.row(d, place)
    action, job = d.action[o], NONE
    if action == DROP:
        driven.give_up(w, near, key)
    elif action == OFFLOAD and w.home[near, key] == 0:
        job = rooms.evict(w, near, key, d.stream[o])
    elif action == STORE and stores(w, near, key):
        job = moves.copy_out(w, near, key, DEMAND, d.stream[o])
    if job != NONE:
        w.jobs[job, J_TAG] = place
        chain(w, d, o, job)


@inner
def stores(w: World, near: int, key: int) -> bool:
    """Say whether there is something to store, and the next tier takes it."""
    further = w.tiers[near, T_NEXT]
    if further == NONE or (w.dirty[near, key] == 0 and w.state[further, key] != ABSENT):
        return False
    if w.state[further, key] == ABSENT and rooms.refuses(w, further, w.size[key]):
        return False
    return not gates.turns_away(w, further, key, w.dirty[near, key] == 1)


@inner
def chain(w: World, d: Program, o: int, job: int) -> None:
    """Put a job at the end of those of an operation."""
    d.outstanding[o] += 1
    last = d.work[o]
    if last == NONE:
        d.work[o] = job
        return
    while w.jobs[last, J_WITH] != NONE:
        last = w.jobs[last, J_WITH]
    w.jobs[last, J_WITH] = job


@inner
def unchain(w: World, d: Program, o: int, job: int) -> None:
    """Take a job that has ended out of those of its operation."""
    here = d.work[o]
    if here == job:
        d.work[o] = w.jobs[job, J_WITH]
        return
    while w.jobs[here, J_WITH] != job:
        here = w.jobs[here, J_WITH]
    w.jobs[here, J_WITH] = w.jobs[job, J_WITH]


@inner
def ended(w: World, d: Program, job: int) -> None:
    """Take note that a job has ended; with the last of them its operation is over."""
    place = w.jobs[job, J_TAG]
    if place < NONE:  # a prefetch of a stream
        d.streams[-2 - place, S_AWAY] -= 1
        driven.over(w, job)
        return
    unchain(w, d, rows.row(d, place), job)
    driven.over(w, job)
    came(w, d, place)


@inner
def came(w: World, d: Program, place: int) -> None:
    """Count something that an operation waited for; with the last it is over."""
    o = rows.row(d, place)
    d.outstanding[o] -= 1
    if d.outstanding[o] == 0:
        over.end(w, d, place)


@hot
def can_go_on(w: World, d: Program, place: int) -> bool:
    """Say whether an operation in the waiting line can go on."""
    o = rows.row(d, place)
    return not must_wait(w, d, o, d.uses[d.place[o]])


@hot
def awaited(w: World, d: Program, o: int) -> int:
    """Return the job of the transit that a waiting operation waits for, or -1."""
    return int(w.transit[d.uses[d.place[o]]])
