"""Transits: what begins when room is granted, and what an arrival changes (docs/model.md, section 8)."""

from __future__ import annotations

from hiersim.engine import gates, managers, ready, rooms, transfers
from hiersim.engine.coding import moved_between, size_in
from hiersim.engine.columns import (
    A_ARRIVED,
    A_JOB,
    A_JOIN,
    ABSENT,
    AH_AWAY,
    ALLOCATE,
    COPY,
    CREATE,
    CREATED,
    CREATED_BYTES,
    DEMAND,
    EVICT,
    J_ACCESS,
    J_COMPUTING,
    J_DIRTY,
    J_JOIN_HEAD,
    J_KIND,
    J_OBJECT,
    J_SOURCE,
    J_STREAM,
    J_TARGET,
    J_UNIT,
    J_UPDATE,
    MIGRATE,
    NONE,
    PREFETCHING,
    R_RESUME,
    RESIDENT,
    SETTLE,
    T_EXCLUSIVE,
    T_LEAVING,
    T_NEXT,
    T_WAIT,
    T_WRITE,
    THROUGH,
    U_NEAR,
    WRITE_BACK,
)
from hiersim.engine.rows import new_job
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@inner
def first_that_admits(w: World, near: int, key: int) -> int:
    """Return the tier that takes an object which is nowhere yet: of a chain the first that admits it; -1 for none."""
    if gates.admits(w, near, key):
        return near
    tier = w.tiers[near, T_NEXT]
    while tier != NONE:
        if not rooms.refuses(w, tier, size_in(w, tier, key)) and gates.admits(w, tier, key):
            break
        tier = w.tiers[tier, T_NEXT]
    return int(tier)


@inner
def start(w: World, job: int) -> None:
    """Begin what a transit does once it has room: compute, write, or move."""
    kind, key, target = w.jobs[job, J_KIND], w.jobs[job, J_OBJECT], w.jobs[job, J_TARGET]
    unit = w.jobs[job, J_UNIT]
    amount = w.size[key]
    route = NONE
    if kind not in (CREATE, ALLOCATE):
        source = w.jobs[job, J_SOURCE]
        route, amount = w.move[source, target], moved_between(w, source, target, key)
    if kind == CREATE and w.flops[unit, key] > 0:
        w.jobs[job, J_COMPUTING] = 1
        route = w.compute[unit]
        amount = w.flops[unit, key]
    elif kind in (CREATE, ALLOCATE):
        route = way_in(w, unit, target)
    transfers.begin(w, job, route, amount)


@hot
def way_in(w: World, unit: int, target: int) -> int:
    """Return the route by which a unit writes into a tier of its chain."""
    near = w.units[unit, U_NEAR]
    return int(w.near_write[near] if target == near else w.direct[near, target])


@inner
def write_computed(w: World, job: int) -> None:
    """Go on after a computation: write its object to the tier that takes it."""
    w.jobs[job, J_COMPUTING] = 0
    route = way_in(w, w.jobs[job, J_UNIT], w.jobs[job, J_TARGET])
    transfers.begin(w, job, route, w.size[w.jobs[job, J_OBJECT]])


@inner
def arrived(w: World, job: int) -> None:
    """Change who has the object when a transit's bytes have arrived, and end the transit."""
    kind, key = w.jobs[job, J_KIND], w.jobs[job, J_OBJECT]
    source, target = w.jobs[job, J_SOURCE], w.jobs[job, J_TARGET]
    if kind == EVICT:
        w.tiers[source, T_LEAVING] -= size_in(w, source, key)
        rooms.depart(w, source, key)
        settle_copy(w, job, key, target)
    elif kind == COPY:
        settle_copy(w, job, key, target)
    elif kind == CREATE:
        created(w, key)
        rooms.arrive(w, target, key, 0)
    elif kind == ALLOCATE:
        rooms.arrive(w, target, key, 1)
        if target == w.units[w.jobs[job, J_UNIT], U_NEAR]:
            supersede(w, key, target)
    else:
        if kind == PREFETCHING:
            w.ahead[target, AH_AWAY] -= 1
        bring(w, kind, key, source, target)
    w.transit[key] = NONE
    w.clock[SETTLE] = 1


@hot
def created(w: World, key: int) -> None:
    """Count an object that was made."""
    w.clock[CREATED] += 1
    w.clock[CREATED_BYTES] += w.size[key]


@inner
def settle_copy(w: World, job: int, key: int, target: int) -> None:
    """Make a moved or copied object resident where it went, or update the copy that was there."""
    if w.jobs[job, J_UPDATE] == 1:
        w.state[target, key] = RESIDENT
        w.dirty[target, key] |= w.jobs[job, J_DIRTY]
    else:
        rooms.arrive(w, target, key, w.jobs[job, J_DIRTY])


@inner
def bring(w: World, kind: int, key: int, source: int, target: int) -> None:
    """End a fetch, prefetch or migration: resident in the target; the source may give up its copy."""
    gives_up = w.home[source, key] == 0 and (kind == MIGRATE or w.tiers[source, T_EXCLUSIVE] == 1)
    rooms.arrive(w, target, key, w.dirty[source, key] if gives_up else 0)
    if gives_up:
        managers.removed(w, source, key)
        rooms.depart(w, source, key)


@inner
def supersede(w: World, key: int, near: int) -> None:
    """Remove the copies that a write has made stale in exclusive tiers further out."""
    tier = w.tiers[near, T_NEXT]
    while tier != NONE:
        if w.state[tier, key] == RESIDENT and w.tiers[tier, T_EXCLUSIVE] == 1 and w.home[tier, key] == 0:
            managers.removed(w, tier, key)
            rooms.depart(w, tier, key)
        tier = w.tiers[tier, T_NEXT]


@inner
def resume_joined(w: World, job: int) -> None:
    """Let the accesses that joined a transit go on, now that it has ended."""
    a = w.jobs[job, J_JOIN_HEAD]
    while a != NONE:
        w.accesses[a, A_ARRIVED] = w.jobs[job, J_TARGET]
        ready.put(w, R_RESUME, a)
        a = w.accesses[a, A_JOIN]


@inner
def written(w: World, job: int) -> None:
    """End a write to a copy that was there: it is dirty, unless it went elsewhere meanwhile."""
    key, target = w.jobs[job, J_OBJECT], w.jobs[job, J_TARGET]
    rooms.unpin(w, target, key)
    w.clock[SETTLE] = 1
    if w.state[target, key] == RESIDENT:
        w.dirty[target, key] = 1


@inner
def copy_through(w: World, done: int, access: int) -> bool:
    """Start a write-through copy of what a job has brought to a tier, if that tier writes through.

    Returns:
        Whether ``access`` (-1 for none) must wait for the copy.
    """
    tier, key = w.jobs[done, J_TARGET], w.jobs[done, J_OBJECT]
    if not may_copy(w, tier, key):
        return False
    awaited = access != NONE and w.jobs[done, J_KIND] != COPY and w.tiers[tier, T_WAIT] == 1
    job = copy_out(w, tier, key, DEMAND if awaited else WRITE_BACK, w.jobs[done, J_STREAM])
    if awaited:
        w.jobs[job, J_ACCESS] = access
        w.accesses[access, A_JOB] = job
    return awaited


@inner
def may_copy(w: World, tier: int, key: int) -> bool:
    """Say whether a tier writes through what it has, and the next tier takes it."""
    further = w.tiers[tier, T_NEXT]
    if w.tiers[tier, T_WRITE] != THROUGH or further == NONE:
        return False
    if w.transit[key] != NONE or w.state[tier, key] != RESIDENT:
        return False
    if w.state[further, key] == ABSENT and rooms.refuses(w, further, size_in(w, further, key)):
        return False
    return not gates.turns_away(w, further, key, w.dirty[tier, key] == 1)


@inner
def copy_out(w: World, tier: int, key: int, traffic: int, stream: int) -> int:
    """Start a copy of an object to the next tier; return its job."""
    further = w.tiers[tier, T_NEXT]
    job = new_job(w, COPY, key, tier, further, traffic, stream)
    w.jobs[job, J_DIRTY] = w.dirty[tier, key]
    w.dirty[tier, key] = 0
    w.transit[key] = job
    rooms.go_out(w, job, key, tier, further)
    return job
