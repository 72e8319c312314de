"""What a driver asks of the core: operations of units, bytes over a route, and objects that it wants near and held.

The driver runs a loop of its own: it takes the core's events with ``loop.handle``, and from the ready line R_OVER (a
job that it submitted has ended) and R_HELD (an object that it acquired is near, or nowhere). docs/model.md, section 13.
"""

from __future__ import annotations

from hiersim.engine import early, gates, lookups, managers, moves, ready, rooms, transfers, watches, work
from hiersim.engine.coding import size_in
from hiersim.engine.columns import (
    A_COUNTED,
    A_INDEX,
    A_ISSUE,
    A_JOB,
    A_JOINED,
    A_LACKS,
    A_LOOKING,
    A_OBJECT,
    A_SEQ,
    A_STREAM,
    A_UNIT,
    A_WRITE,
    ALLOCATE,
    CARRY,
    COUNTED,
    CREATE,
    DEMAND,
    DONE,
    ISSUED,
    J_MEMORY,
    J_TAG,
    J_UNIT,
    NONE,
    NOW,
    OPERATE,
    PROMISED,
    R_RESUME,
    RESIDENT,
    SEQ,
    SETTLE,
    T_CAPACITY,
    T_HITS,
    T_NEXT,
    T_QUEUED,
    T_USED,
    U_APART,
    U_LOOKED,
    U_NEAR,
    WATCH_HIT,
    WRITE_BACK,
)
from hiersim.engine.loop import LOOK
from hiersim.engine.rows import free_access, free_job, new_access, new_job
from hiersim.engine.world import I64, World
from hiersim.jit import hot, inner, kernel


@inner
def new_operation(w: World, unit: int, key: int, stream: int, tag: int) -> int:
    """Take a job for an operation; the caller fills in ``flops_of``, ``work_read`` and ``work_written`` and begins it.

    Args:
        w: the World.
        unit: which unit works.
        key: an object, for the class that the operation counts under.
        stream: for the order of simultaneous events.
        tag: what the driver knows it by.
    """
    job = new_job(w, OPERATE, key, NONE, NONE, DEMAND, stream)
    w.jobs[job, J_UNIT] = unit
    w.jobs[job, J_TAG] = tag
    w.flops_of[job] = 0
    for kind in range(w.payload.shape[2]):
        w.work_read[job, kind] = 0
        w.work_written[job, kind] = 0
    return job


@inner
def way(w: World, job: int) -> int:
    """Sum what an operation moves, whose ``work_read`` and ``work_written`` are filled in; return its route."""
    work.add_up(w, job)
    reads, writes = work.moved(w, job, 0) > 0, work.moved(w, job, 1) > 0
    return int(w.operate[w.jobs[job, J_UNIT], (1 if reads else 0) + (2 if writes else 0)])


@inner
def operate(w: World, job: int, route: int, duration: int, by_memory: bool) -> None:
    """Begin an operation that takes ``duration`` picoseconds when nothing else is on its unit or near tier.

    Its route is that which ``way`` returned.
    """
    w.jobs[job, J_MEMORY] = 1 if by_memory else 0
    transfers.begin(w, job, route, max(1, duration))


@inner
def carry(w: World, key: int, route: int, amount: int, traffic: int, stream: int, tag: int) -> int:
    """Begin a transfer of bytes that changes nobody's residence; ``key`` is an object, for the class of the bytes."""
    job = new_job(w, CARRY, key, NONE, NONE, traffic, stream)
    w.jobs[job, J_TAG] = tag
    transfers.begin(w, job, route, amount)
    return job


@inner
def acquire(w: World, unit: int, key: int, owner: int, stream: int) -> None:
    """Ask for an object near a unit, held there: it looks up when the ready line comes to it."""
    a = new_row(w, unit, key, owner, stream)
    ready.put(w, R_RESUME, a | LOOK)


@inner
def acquire_promised(w: World, unit: int, key: int, owner: int, stream: int) -> None:
    """Ask for an object near a unit, as ``acquire``; its room there counts as asked for from now on.

    So nobody else is given it while the object is still in a transit elsewhere. The caller has seen that it is free.
    """
    a = new_row(w, unit, key, owner, stream)
    w.accesses[a, A_LACKS] = PROMISED
    w.tiers[w.units[unit, U_NEAR], T_QUEUED] += w.size[key]
    ready.put(w, R_RESUME, a | LOOK)


@inner
def new_row(w: World, unit: int, key: int, owner: int, stream: int) -> int:
    """Take a row for something that a driver wants near a unit."""
    a = new_access(w, unit)
    w.accesses[a, A_INDEX] = owner
    w.accesses[a, A_OBJECT] = key
    w.accesses[a, A_WRITE] = 0
    w.accesses[a, A_STREAM] = stream
    w.accesses[a, A_SEQ] = w.clock[SEQ]
    w.clock[SEQ] += 1
    w.accesses[a, A_ISSUE] = w.clock[NOW]
    w.accesses[a, A_JOB] = NONE
    w.accesses[a, A_JOINED] = 0
    w.accesses[a, A_COUNTED] = 0
    w.accesses[a, A_LOOKING] = 0
    w.accesses[a, A_LACKS] = 0
    w.clock[ISSUED] += 1
    return a


@inner
def produce(w: World, unit: int, key: int, owner: int, stream: int) -> None:
    """Ask for room near a unit for an object that is nowhere and that an operation writes; it is held, and dirty."""
    a = new_row(w, unit, key, owner, stream)
    lookups.begin_transit(w, a, key, ALLOCATE, NONE, w.units[unit, U_NEAR])


@inner
def claim(w: World, unit: int, key: int, owner: int, stream: int) -> None:
    """Ask for an object near a unit that an operation overwrites, wherever it was: held, and dirty if it was not there.

    It counts as no look-up, and looks up when the ready line comes to it.
    """
    a = new_row(w, unit, key, owner, stream)
    w.accesses[a, A_WRITE] = 1
    w.accesses[a, A_COUNTED] = COUNTED
    ready.put(w, R_RESUME, a | LOOK)


@inner
def remake(w: World, a: int) -> None:
    """Make an object near a unit that acquires it and found it nowhere; look it up again if it has come meanwhile."""
    unit, key = w.accesses[a, A_UNIT], w.accesses[a, A_OBJECT]
    w.accesses[a, A_LACKS] = 0
    w.clock[DONE] -= 1
    if w.transit[key] == NONE and lookups.elsewhere(w, key) == NONE:
        lookups.begin_transit(w, a, key, CREATE, NONE, w.units[unit, U_NEAR])
    else:
        ready.put(w, R_RESUME, a | LOOK)


@inner
def take(w: World, unit: int, key: int, stream: int, counted: bool) -> None:
    """Hold an object that is resident near a unit; ``counted`` as a look-up that found it."""
    near = w.units[unit, U_NEAR]
    if counted:
        w.units[unit, U_LOOKED] += 1
        w.tiers[near, T_HITS] += 1
        gates.asked_for(w, near, key)
        early.use(w, near, key)
        watches.occurrence(w, WATCH_HIT, near, key, stream)
    w.clock[ISSUED] += 1
    w.clock[DONE] += 1
    managers.hit(w, near, key)
    rooms.pin(w, near, key)


@inner
def wrote(w: World, unit: int, key: int, stream: int) -> None:
    """Note that an operation has written an object that is held near its unit: dirty, and other copies are stale."""
    near = w.units[unit, U_NEAR]
    if w.state[near, key] != RESIDENT:  # fetched away by another unit meanwhile
        return
    w.dirty[near, key] = 1
    if w.transit[key] != NONE:
        return
    if w.units[unit, U_APART] == 1:
        for tier in range(w.tiers.shape[0]):
            if w.state[tier, key] == RESIDENT and not sees(w, unit, tier):
                give_up(w, tier, key)
    if moves.may_copy(w, near, key):
        moves.copy_out(w, near, key, WRITE_BACK, stream)


@hot
def sees(w: World, unit: int, tier: int) -> bool:
    """Say whether a tier is in a unit's chain."""
    here = w.units[unit, U_NEAR]
    while here != NONE and here != tier:
        here = w.tiers[here, T_NEXT]
    return bool(here == tier)


@inner
def give_up(w: World, tier: int, key: int) -> bool:
    """Remove a resident copy, dirty or not, that is not at home and that nobody holds; say whether it was so."""
    if w.home[tier, key] == 1 or w.pins[tier, key] > 0:
        return False
    managers.removed(w, tier, key)
    rooms.depart(w, tier, key)
    return True


@inner
def release(w: World, tier: int, key: int) -> None:
    """Hold an object no longer; it may be evicted once nobody does."""
    rooms.unpin(w, tier, key)
    w.clock[SETTLE] = 1


@inner
def heard(w: World, a: int) -> None:
    """Give back the row of an object that was acquired, once the driver has read it."""
    free_access(w, a)


@inner
def over(w: World, job: int) -> None:
    """Give back the row of a job that has ended, once the driver has read it."""
    free_job(w, job)


@kernel
def place(w: World, tiers: I64) -> int:
    """Make objects resident, clean, before anything happens; return the first that does not fit, or -1.

    Args:
        w: the World.
        tiers: the tier by object, -1 for none.
    """
    for key in range(tiers.shape[0]):
        tier = tiers[key]
        if tier != NONE:
            if w.tiers[tier, T_USED] + size_in(w, tier, key) > w.tiers[tier, T_CAPACITY]:
                return key
            rooms.change_used(w, tier, size_in(w, tier, key))
            rooms.arrive(w, tier, key, 0)
    return NONE
