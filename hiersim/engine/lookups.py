"""The life of an access: issue, look-up, what a hit or a miss sets going, and its end (docs/model.md, section 8)."""

from __future__ import annotations

from hiersim.engine import early, gates, heap, managers, moves, prefetchers, ready, rooms, transfers, watches
from hiersim.engine.columns import (
    A_ARRIVED,
    A_COUNTED,
    A_INDEX,
    A_ISSUE,
    A_JOB,
    A_JOIN,
    A_JOINED,
    A_LACKS,
    A_LOOKING,
    A_OBJECT,
    A_SEQ,
    A_STREAM,
    A_UNIT,
    A_WRITE,
    ALLOCATE,
    AROUND,
    ARRIVING,
    COMPUTE,
    COUNTED,
    COUNTED_USE,
    CREATE,
    DEMAND,
    DIRECT_WRITE,
    DONE,
    FETCH,
    I_ISSUE,
    I_LOOKUP,
    ISSUED,
    J_ACCESS,
    J_CLASS,
    J_JOIN_HEAD,
    J_JOIN_TAIL,
    J_PROMISED,
    J_UNIT,
    LACKS,
    NEAR_READ,
    NEAR_WRITE,
    NONE,
    NOW,
    PREFETCH,
    PROMISED,
    R_HELD,
    RESIDENT,
    SEQ,
    SETTLE,
    SHIFT,
    STREAM_READ,
    T_HITS,
    T_LOOKUP,
    T_MERGED,
    T_MISSES,
    T_NEXT,
    T_PROMOTE,
    T_QUEUED,
    T_WRITE,
    THROUGH,
    U_LOOKED,
    U_NEAR,
    WATCH_DONE,
    WATCH_HIT,
    WATCH_MISS,
    X_END,
    X_NEXT,
    X_UNIT,
)
from hiersim.engine.rows import free_access, new_access, new_job
from hiersim.engine.world import DRIVEN, OPEN_LOOP, THINK, World
from hiersim.jit import hot, inner


@inner
def schedule_next(w: World, stream: int, time: int) -> None:
    """Enter the issue of a stream's next access in the calendar, if it has one left."""
    place = w.streams[stream, X_NEXT]
    if place < w.streams[stream, X_END]:
        w.streams[stream, X_NEXT] = place + 1
        heap.push(w, time, heap.order_key(2, 0, stream, w.clock[SEQ]), (I_ISSUE << SHIFT) | w.order[place])
        w.clock[SEQ] += 1


@inner
def issue(w: World, index: int) -> int:
    """Issue an access of the trace; return it when it looks up at once, -1 when looking up takes time."""
    stream = int(w.stream_of[index])
    unit = w.streams[stream, X_UNIT]
    key = int(w.trace_object[index])
    a = new_access(w, unit)
    w.accesses[a, A_INDEX] = index
    w.accesses[a, A_OBJECT] = key
    w.accesses[a, A_WRITE] = w.trace_write[index]
    w.accesses[a, A_STREAM] = stream
    w.accesses[a, A_SEQ] = w.clock[SEQ]
    w.clock[SEQ] += 1
    w.accesses[a, A_ISSUE] = w.clock[NOW]
    w.accesses[a, A_JOB] = NONE
    w.accesses[a, A_JOINED] = 0
    w.accesses[a, A_COUNTED] = 0
    w.accesses[a, A_LOOKING] = 0
    w.issued[index] = w.clock[NOW]
    w.clock[ISSUED] += 1
    if w.trace_next.shape[0] > 1:
        w.next_use[key] = w.trace_next[index]
    wait = look_up_time(w, unit, key)
    if wait == 0:
        return a
    w.accesses[a, A_LOOKING] = 1
    order = heap.order_key(1, DEMAND, stream, w.accesses[a, A_SEQ])
    heap.push(w, w.clock[NOW] + wait, order, (I_LOOKUP << SHIFT) | a)
    return NONE


@inner
def find(w: World, unit: int, key: int) -> int:
    """Return the first tier of the unit's chain where the object is resident or arriving, or -1."""
    tier = w.units[unit, U_NEAR]
    while tier != NONE and w.state[tier, key] != RESIDENT and w.state[tier, key] != ARRIVING:
        tier = w.tiers[tier, T_NEXT]
    return int(tier)


@inner
def look_up_time(w: World, unit: int, key: int) -> int:
    """Return the picoseconds that looking the object up takes: the sum over the tiers that it visits."""
    last = find(w, unit, key)
    tier = w.units[unit, U_NEAR]
    wait = 0
    while tier != NONE:
        wait += w.tiers[tier, T_LOOKUP]
        if tier == last:
            break
        tier = w.tiers[tier, T_NEXT]
    return wait


@inner
def look_up(w: World, a: int) -> None:
    """Find the object and set going what its place asks for."""
    key = w.accesses[a, A_OBJECT]
    found = find(w, w.accesses[a, A_UNIT], key)
    if w.accesses[a, A_COUNTED] == 0:
        w.accesses[a, A_COUNTED] = COUNTED
        count(w, a, key, found)
    if found != NONE and w.state[found, key] == ARRIVING:
        join(w, a, key)
    elif w.accesses[a, A_WRITE] == 1:
        write(w, a, key, found)
    else:
        read(w, a, key, found)


@inner
def count(w: World, a: int, key: int, found: int) -> None:
    """Count a first look-up: a hit (or merged) where the object was found, a miss in every tier before."""
    if w.setup[DRIVEN] == 0:
        w.served[w.accesses[a, A_INDEX]] = found
    unit = w.accesses[a, A_UNIT]
    if count_along(w, unit, key, found, w.accesses[a, A_STREAM]) and found == w.units[unit, U_NEAR]:
        w.accesses[a, A_COUNTED] = COUNTED_USE


@inner
def count_along(w: World, unit: int, key: int, found: int, stream: int) -> bool:
    """Count a look-up at the tiers of a unit's chain; say whether it was the first use of a prefetch."""
    w.units[unit, U_LOOKED] += 1
    tier = w.units[unit, U_NEAR]
    while tier != found:
        w.tiers[tier, T_MISSES] += 1
        gates.asked_for(w, tier, key)
        managers.missed(w, tier, key)
        early.miss(w, tier, key)
        watches.occurrence(w, WATCH_MISS, tier, key, stream)
        tier = w.tiers[tier, T_NEXT]
    if found == NONE:
        return False
    gates.asked_for(w, found, key)
    used = early.use(w, found, key)
    if w.state[found, key] == RESIDENT:
        w.tiers[found, T_HITS] += 1
        watches.occurrence(w, WATCH_HIT, found, key, stream)
    else:
        w.tiers[found, T_MERGED] += 1
    return used


@inner
def join(w: World, a: int, key: int) -> None:
    """Let an access wait for the object's transit; a prefetch becomes a demand fetch."""
    job = w.transit[key]
    w.accesses[a, A_JOB] = job
    w.accesses[a, A_JOINED] = 1
    w.accesses[a, A_JOIN] = NONE
    tail = w.jobs[job, J_JOIN_TAIL]
    if tail == NONE:
        w.jobs[job, J_JOIN_HEAD] = a
    else:
        w.accesses[tail, A_JOIN] = a
    w.jobs[job, J_JOIN_TAIL] = a
    if w.jobs[job, J_CLASS] == PREFETCH:
        transfers.raise_to_demand(w, job)


@inner
def resume(w: World, a: int) -> int:
    """Go on after a joined transit: a read of what arrived near is done (-1); anything else looks up again (a)."""
    key = w.accesses[a, A_OBJECT]
    near = w.units[w.accesses[a, A_UNIT], U_NEAR]
    w.accesses[a, A_JOINED] = 0
    stayed = w.setup[DRIVEN] == 0 or w.state[near, key] == RESIDENT  # what is acquired must be there still
    if w.accesses[a, A_WRITE] == 0 and w.accesses[a, A_ARRIVED] == near and stayed:
        if w.state[near, key] == RESIDENT:
            managers.hit(w, near, key)
        finish(w, a)
        return NONE
    return a


@inner
def own_job(w: World, a: int, kind: int, source: int, target: int) -> int:
    """Take a job that an access owns and waits for."""
    job = new_job(w, kind, w.accesses[a, A_OBJECT], source, target, DEMAND, w.accesses[a, A_STREAM])
    w.jobs[job, J_ACCESS] = a
    w.jobs[job, J_UNIT] = w.accesses[a, A_UNIT]
    w.accesses[a, A_JOB] = job
    return job


@inner
def begin_transit(w: World, a: int, key: int, kind: int, source: int, target: int) -> None:
    """Let an access begin a transit to a tier: the object is arriving there, and room is asked for."""
    job = own_job(w, a, kind, source, target)
    if w.accesses[a, A_LACKS] == PROMISED:
        w.accesses[a, A_LACKS] = 0
        w.jobs[job, J_PROMISED] = 1
    w.transit[key] = job
    w.state[target, key] = ARRIVING
    rooms.ask(w, target, job)


@inner
def read(w: World, a: int, key: int, found: int) -> None:
    """Read an object that is resident in tier ``found``, or in none (-1)."""
    near = w.units[w.accesses[a, A_UNIT], U_NEAR]
    if found == NONE:
        if w.transit[key] != NONE:  # on its way in a tier that this unit does not look through
            join(w, a, key)
        elif w.setup[DRIVEN] == 1:
            bring_near(w, a, key, elsewhere(w, key), near)
        else:
            create(w, a, key, near)
        return
    managers.hit(w, found, key)
    if w.setup[DRIVEN] == 1:
        bring_near(w, a, key, found, near)
    elif found == near:
        transfers.begin(w, own_job(w, a, NEAR_READ, near, near), w.near_read[near], w.size[key])
    elif not promotes(w, found, key):
        stream(w, a, key, found, near)
    elif w.transit[key] != NONE:
        join(w, a, key)
    elif not gates.admits(w, near, key):
        stream(w, a, key, found, near)
    else:
        begin_transit(w, a, key, FETCH, found, near)


@hot
def elsewhere(w: World, key: int) -> int:
    """Return the first tier of all where an object is resident, or -1."""
    for tier in range(w.tiers.shape[0]):
        if w.state[tier, key] == RESIDENT:
            return tier
    return NONE


@inner
def bring_near(w: World, a: int, key: int, found: int, near: int) -> None:
    """Hold near a unit what a driver acquires, which is resident in tier ``found``, or in none (-1)."""
    if found == NONE:
        redeem(w, a)
        w.accesses[a, A_LACKS] = LACKS
        finish(w, a)
    elif found == near:
        finish(w, a)
    elif w.transit[key] != NONE:
        join(w, a, key)
    else:
        begin_transit(w, a, key, FETCH, found, near)


@inner
def stream(w: World, a: int, key: int, source: int, near: int) -> None:
    """Read past the near tier."""
    transfers.begin(w, own_job(w, a, STREAM_READ, source, near), w.stream_route[source, near], w.size[key])


@inner
def create(w: World, a: int, key: int, near: int) -> None:
    """Make an object that is nowhere, for the first tier that admits it; where none does it is used and not kept."""
    target = moves.first_that_admits(w, near, key)
    unit = w.accesses[a, A_UNIT]
    if target != NONE:
        begin_transit(w, a, key, CREATE, NONE, target)
    elif w.flops[unit, key] > 0:
        transfers.begin(w, own_job(w, a, COMPUTE, near, near), w.compute[unit], w.flops[unit, key])
    else:
        moves.created(w, key)
        finish(w, a)


@inner
def promotes(w: World, tier: int, key: int) -> bool:
    """Say whether this hit brings the object into the near tier."""
    hits_needed = w.tiers[tier, T_PROMOTE]
    if hits_needed <= 1:
        return bool(hits_needed == 1)
    return bool(w.hit_count[tier, key] >= hits_needed)


@inner
def write(w: World, a: int, key: int, found: int) -> None:
    """Write a whole object that is resident in tier ``found``, or in none (-1)."""
    near = w.units[w.accesses[a, A_UNIT], U_NEAR]
    mode = w.tiers[near, T_WRITE]
    in_transit = w.transit[key] != NONE
    if w.setup[DRIVEN] == 1:
        claim(w, a, key, found, near)
    elif mode == AROUND and w.tiers[near, T_NEXT] != NONE and w.home[near, key] == 0:
        if in_transit:
            join(w, a, key)
        else:
            write_around(w, a, key, found, near)
    elif found == near and not (mode == THROUGH and in_transit):
        managers.hit(w, near, key)
        rooms.pin(w, near, key)
        transfers.begin(w, own_job(w, a, NEAR_WRITE, near, near), w.near_write[near], w.size[key])
    elif in_transit:
        join(w, a, key)
    elif gates.may_go_around(w, near) and not gates.admits(w, near, key):
        write_around(w, a, key, found, near)
    else:
        begin_transit(w, a, key, ALLOCATE, NONE, near)


@inner
def claim(w: World, a: int, key: int, found: int, near: int) -> None:
    """Hold near a unit what an operation overwrites; what is not there is given room, and nothing is read."""
    if found == near:
        managers.hit(w, near, key)
        finish(w, a)
    elif w.transit[key] != NONE:
        join(w, a, key)
    else:
        begin_transit(w, a, key, ALLOCATE, NONE, near)


@inner
def write_around(w: World, a: int, key: int, found: int, near: int) -> None:
    """Write past the near tier: to the nearest copy further out, or to a new one in the next tier."""
    if found == near:
        managers.removed(w, near, key)
        rooms.depart(w, near, key)
        found = find(w, w.accesses[a, A_UNIT], key)
    if found == NONE:
        begin_transit(w, a, key, ALLOCATE, NONE, w.tiers[near, T_NEXT])
        return
    managers.hit(w, found, key)
    rooms.pin(w, found, key)
    transfers.begin(w, own_job(w, a, DIRECT_WRITE, near, found), w.direct[near, found], w.size[key])


@inner
def finish(w: World, a: int) -> None:
    """End an access: its slot is free, and its stream may issue the next one."""
    now = w.clock[NOW]
    if w.setup[DRIVEN] == 1:
        hold(w, a)
        return
    index, stream = w.accesses[a, A_INDEX], w.accesses[a, A_STREAM]
    w.done[index] = now
    w.clock[DONE] += 1
    watches.occurrence(w, WATCH_DONE, w.served[index], w.accesses[a, A_OBJECT], stream)
    prefetchers.hear(w, w.units[w.accesses[a, A_UNIT], U_NEAR], index, w.accesses[a, A_COUNTED] == COUNTED_USE)
    free_access(w, a)
    if w.setup[OPEN_LOOP] == 0:
        schedule_next(w, stream, now + w.setup[THINK])


@inner
def redeem(w: World, a: int) -> None:
    """Give back the room that was set aside for what a driver acquires, if it was not asked for."""
    if w.accesses[a, A_LACKS] == PROMISED:
        w.accesses[a, A_LACKS] = 0
        w.tiers[w.units[w.accesses[a, A_UNIT], U_NEAR], T_QUEUED] -= w.size[w.accesses[a, A_OBJECT]]
        w.clock[SETTLE] = 1


@inner
def hold(w: World, a: int) -> None:
    """End what a driver acquires: it stays near until it is released; the driver hears of it from the ready line."""
    w.clock[DONE] += 1
    redeem(w, a)
    if w.accesses[a, A_LACKS] == 0:
        rooms.pin(w, w.units[w.accesses[a, A_UNIT], U_NEAR], w.accesses[a, A_OBJECT])
    ready.put(w, R_HELD, a)
