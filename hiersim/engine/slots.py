"""Slots: who may use a hop that serves a limited number of transfers at once (docs/model.md, section 3)."""

from __future__ import annotations

from hiersim.engine import ready
from hiersim.engine.columns import (
    FAIR,
    FIFO,
    H_DISCIPLINE,
    H_FREE,
    H_HEAD,
    H_HELD,
    H_TAIL,
    H_WAITED,
    J_CLASS,
    J_HOP,
    J_NEXT,
    J_ORDER,
    J_PHASE,
    J_PREV,
    J_ROUTE,
    J_SLOT,
    J_STREAM,
    NONE,
    NOW,
    P_SLOT,
    R_SLOT,
    R_SLOTS,
    SEQ,
)
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@inner
def take_all(w: World, job: int) -> bool:
    """Take the slots that the job's transfer still lacks; return False when it had to join a line."""
    route = w.jobs[job, J_ROUTE]
    while w.jobs[job, J_SLOT] < w.routes[route, R_SLOTS]:
        hop = w.route_slot[route, w.jobs[job, J_SLOT]]
        if w.hops[hop, H_FREE] == 0:
            stand_in_line(w, job, hop)
            return False
        w.hops[hop, H_FREE] -= 1
        grant(w, job, hop)
    return True


@hot
def grant(w: World, job: int, hop: int) -> None:
    """Note that a job holds a slot of a hop."""
    w.jobs[job, J_SLOT] += 1
    w.hops[hop, H_HELD + w.jobs[job, J_CLASS]] += 1
    w.clock[SEQ] += 1
    w.granted[hop, w.jobs[job, J_STREAM]] = w.clock[SEQ]


@inner
def stand_in_line(w: World, job: int, hop: int) -> None:
    """Put a job at the end of a hop's line."""
    w.jobs[job, J_PHASE] = P_SLOT
    w.jobs[job, J_HOP] = hop
    w.jobs[job, J_ORDER] = w.clock[NOW]
    tail = w.hops[hop, H_TAIL]
    w.jobs[job, J_PREV] = tail
    w.jobs[job, J_NEXT] = NONE
    if tail == NONE:
        w.hops[hop, H_HEAD] = job
    else:
        w.jobs[tail, J_NEXT] = job
    w.hops[hop, H_TAIL] = job


@inner
def give_back(w: World, job: int) -> None:
    """Give back all slots of a job whose flow has ended; each passes to a waiter if there is one."""
    route = w.jobs[job, J_ROUTE]
    for i in range(w.routes[route, R_SLOTS]):
        hop = w.route_slot[route, i]
        w.hops[hop, H_HELD + w.jobs[job, J_CLASS]] -= 1
        if w.hops[hop, H_HEAD] == NONE:
            w.hops[hop, H_FREE] += 1
        else:
            waiter = choose(w, hop)
            unlink(w, hop, waiter)
            w.hops[hop, H_WAITED] += w.clock[NOW] - w.jobs[waiter, J_ORDER]
            grant(w, waiter, hop)
            ready.put(w, R_SLOT, waiter)


@inner
def choose(w: World, hop: int) -> int:
    """Return the waiter that the hop's discipline names."""
    best = w.hops[hop, H_HEAD]
    discipline = w.hops[hop, H_DISCIPLINE]
    if discipline == FIFO:
        return best
    job = w.jobs[best, J_NEXT]
    while job != NONE:
        if goes_first(w, hop, job, best, discipline == FAIR):
            best = job
        job = w.jobs[job, J_NEXT]
    return best


@hot
def goes_first(w: World, hop: int, job: int, other: int, fair: bool) -> bool:
    """Say whether a job goes before one that joined the line earlier."""
    if not fair:
        return bool(w.jobs[job, J_CLASS] < w.jobs[other, J_CLASS])
    mine, others = w.jobs[job, J_STREAM], w.jobs[other, J_STREAM]
    if w.granted[hop, mine] != w.granted[hop, others]:
        return bool(w.granted[hop, mine] < w.granted[hop, others])
    return bool(mine < others)


@hot
def unlink(w: World, hop: int, job: int) -> None:
    """Take a job out of a hop's line."""
    before, after = w.jobs[job, J_PREV], w.jobs[job, J_NEXT]
    if before == NONE:
        w.hops[hop, H_HEAD] = after
    else:
        w.jobs[before, J_NEXT] = after
    if after == NONE:
        w.hops[hop, H_TAIL] = before
    else:
        w.jobs[after, J_PREV] = before
