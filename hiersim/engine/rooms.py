"""Room in tiers: who waits for it, who is evicted for it, and when it is given (docs/model.md, section 6)."""

from __future__ import annotations

from hiersim.engine import early, gates, managers, ready, spans, transfers, watches
from hiersim.engine.coding import moved_between, size_in
from hiersim.engine.columns import (
    ABSENT,
    ARRIVING,
    DEMOTES,
    EVICT,
    J_DIRTY,
    J_NEXT,
    J_OBJECT,
    J_PHASE,
    J_PROMISED,
    J_STREAM,
    J_UPDATE,
    LEAVING,
    NONE,
    NOW,
    P_ROOM,
    R_ASK,
    R_ROOM,
    RECOMPUTES,
    RESIDENT,
    SETTLE,
    T_CAPACITY,
    T_DROPPED,
    T_EVICTIONS,
    T_LEAVING,
    T_LINE_HEAD,
    T_LINE_TAIL,
    T_LOST,
    T_MANAGED,
    T_NEXT,
    T_ON_EVICT,
    T_PASSED,
    T_PEAK,
    T_PINNED,
    T_PLACED,
    T_QUEUED,
    T_REFUSE,
    T_REFUSED,
    T_REMOVED,
    T_SINCE,
    T_USED,
    T_WRITTEN_BACK,
    V_DENIED,
    V_DROP,
    V_LOST,
    V_MOVE,
    V_REFUSED,
    VICTIMS_SIZE,
    WAITING,
    WRITE_BACK,
)
from hiersim.engine.rows import new_job
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@hot
def pin(w: World, tier: int, key: int) -> None:
    """Keep an object from being evicted from a tier, until it is unpinned as often."""
    if w.pins[tier, key] == 0:
        w.tiers[tier, T_PINNED] += size_in(w, tier, key)
    w.pins[tier, key] += 1


@hot
def unpin(w: World, tier: int, key: int) -> None:
    """Take one pin off."""
    w.pins[tier, key] -= 1
    if w.pins[tier, key] == 0:
        w.tiers[tier, T_PINNED] -= size_in(w, tier, key)


@hot
def evictable(w: World, tier: int) -> int:
    """Return the bytes of a tier that may be evicted: what is resident, not leaving and not pinned; or fewer."""
    resident = w.tiers[tier, T_PLACED] - w.tiers[tier, T_REMOVED] - w.tiers[tier, T_LEAVING]
    return int(resident - w.tiers[tier, T_PINNED])


@inner
def change_used(w: World, tier: int, change: int) -> None:
    """Change the room taken in a tier, and keep its peak and its integral over time."""
    now = w.clock[NOW]
    w.area[tier] += float(w.tiers[tier, T_USED]) * float(now - w.tiers[tier, T_SINCE])
    w.tiers[tier, T_SINCE] = now
    used = w.tiers[tier, T_USED] + change
    w.tiers[tier, T_USED] = used
    if used > w.tiers[tier, T_PEAK]:
        w.tiers[tier, T_PEAK] = used
    if w.levels.shape[0] > 0:
        spans.note_level(w, tier)
    if change < 0:
        w.clock[SETTLE] = 1


@inner
def arrive(w: World, tier: int, key: int, dirty: int) -> None:
    """Make an object resident whose room was granted before."""
    w.state[tier, key] = RESIDENT
    w.dirty[tier, key] = dirty
    w.tiers[tier, T_PLACED] += size_in(w, tier, key)
    if w.hit_count.shape[1] > 1:
        w.hit_count[tier, key] = 0
    early.arrive(w, tier, key)
    managers.inserted(w, tier, key)


@inner
def depart(w: World, tier: int, key: int) -> None:
    """End an object's residence and free its room; its policy has been told."""
    w.state[tier, key] = ABSENT
    w.dirty[tier, key] = 0
    w.tiers[tier, T_REMOVED] += size_in(w, tier, key)
    early.depart(w, tier, key)
    change_used(w, tier, -size_in(w, tier, key))


@inner
def ask(w: World, tier: int, job: int) -> None:
    """Put a job in a tier's line for room, and try to make it."""
    w.jobs[job, J_PHASE] = P_ROOM
    w.jobs[job, J_NEXT] = NONE
    tail = w.tiers[tier, T_LINE_TAIL]
    if tail == NONE:
        w.tiers[tier, T_LINE_HEAD] = job
    else:
        w.jobs[tail, J_NEXT] = job
    w.tiers[tier, T_LINE_TAIL] = job
    if w.jobs[job, J_PROMISED] == 0:
        w.tiers[tier, T_QUEUED] += size_in(w, tier, w.jobs[job, J_OBJECT])
    w.clock[WAITING] += 1
    make_room(w, tier)
    serve(w, tier)


@inner
def serve(w: World, tier: int) -> None:
    """Give room to those at the head of the line, as far as there is any."""
    while w.tiers[tier, T_LINE_HEAD] != NONE:
        job = w.tiers[tier, T_LINE_HEAD]
        size = size_in(w, tier, w.jobs[job, J_OBJECT])
        if w.tiers[tier, T_USED] + size > w.tiers[tier, T_CAPACITY]:
            break
        change_used(w, tier, size)
        w.tiers[tier, T_QUEUED] -= size
        w.tiers[tier, T_LINE_HEAD] = w.jobs[job, J_NEXT]
        if w.jobs[job, J_NEXT] == NONE:
            w.tiers[tier, T_LINE_TAIL] = NONE
        w.clock[WAITING] -= 1
        ready.put(w, R_ROOM, job)


@hot
def is_short(w: World, tier: int) -> bool:
    """Say whether what is there and does not leave, and what waits, do not fit together."""
    taken = w.tiers[tier, T_USED] - w.tiers[tier, T_LEAVING] + w.tiers[tier, T_QUEUED]
    return bool(taken > w.tiers[tier, T_CAPACITY])


@inner
def gives_up(w: World, tier: int, job: int) -> bool:
    """Take a job that has just asked out of the line again if no room may be taken for it; say whether it was so."""
    if not is_short(w, tier) or w.tiers[tier, T_LINE_TAIL] != job:
        return False
    before = w.tiers[tier, T_LINE_HEAD]
    if before == job:
        w.tiers[tier, T_LINE_HEAD] = NONE
        w.tiers[tier, T_LINE_TAIL] = NONE
    else:
        while w.jobs[before, J_NEXT] != job:
            before = w.jobs[before, J_NEXT]
        w.jobs[before, J_NEXT] = NONE
        w.tiers[tier, T_LINE_TAIL] = before
    w.tiers[tier, T_QUEUED] -= size_in(w, tier, w.jobs[job, J_OBJECT])
    w.clock[WAITING] -= 1
    return True


@inner
def make_room(w: World, tier: int) -> None:
    """Evict until what is there and does not leave, and what waits, fit together; or nothing can be evicted."""
    if w.tiers[tier, T_REFUSE] == 1:
        return
    head = w.tiers[tier, T_LINE_HEAD]
    while is_short(w, tier):
        key = pick(w, tier, w.jobs[head, J_OBJECT])
        if key < 0:
            break
        early.displace(w, tier, key)
        evict(w, tier, key, w.jobs[head, J_STREAM])


@inner
def make_way(w: World, tier: int, size: int, incoming: int, stream: int) -> bool:
    """Evict for bytes that are no object, on behalf of one; say whether there is room for them now.

    Room that its victims still take is missing until their bytes have left.
    """
    w.tiers[tier, T_QUEUED] += size
    while is_short(w, tier):
        key = pick(w, tier, incoming)
        if key < 0:
            break
        evict(w, tier, key, stream)
    w.tiers[tier, T_QUEUED] -= size
    return bool(w.tiers[tier, T_USED] + w.tiers[tier, T_QUEUED] + size <= w.tiers[tier, T_CAPACITY])


@inner
def pick(w: World, tier: int, incoming: int) -> int:
    """Return the policy's victim, setting aside what is pinned or on its way meanwhile; -1 when nothing can go."""
    chosen = NONE
    passed = 0
    while w.tiers[tier, T_MANAGED] > 0 and chosen == NONE:
        key = managers.victim(w, tier, incoming)
        if key < 0:
            break
        if w.transit[key] == NONE and w.pins[tier, key] == 0:
            chosen = key
        else:
            managers.removed(w, tier, key)
            w.aside[passed] = key
            passed += 1
    w.tiers[tier, T_PASSED] += passed
    for i in range(passed):
        managers.inserted(w, tier, w.aside[i])
    return chosen


@inner
def evict(w: World, tier: int, key: int, stream: int) -> int:
    """Evict an object: drop it, or send it to the next tier (its room is free when its bytes have left).

    Returns:
        The job of its transit, or -1 when it was dropped.
    """
    managers.removed(w, tier, key)
    w.tiers[tier, T_EVICTIONS] += 1
    watches.note_eviction(w, tier, key, stream)
    fate = decide(w, tier, key)
    if w.victims.shape[0] > 0:
        row = w.clock[VICTIMS_SIZE]
        w.clock[VICTIMS_SIZE] = row + 1
        w.victims[row, 0] = w.clock[NOW]
        w.victims[row, 1] = tier
        w.victims[row, 2] = key
        w.victims[row, 3] = fate
    if fate == V_MOVE:
        return send_out(w, tier, key, stream)
    w.tiers[tier, T_DROPPED] += 1
    if fate == V_REFUSED:
        w.tiers[tier, T_REFUSED] += 1
    if w.dirty[tier, key] == 1 and fate != V_DROP:
        w.tiers[tier, T_LOST] += 1
    depart(w, tier, key)
    return NONE


@inner
def decide(w: World, tier: int, key: int) -> int:
    """Say what becomes of a victim."""
    further = w.tiers[tier, T_NEXT]
    dirty = w.dirty[tier, key] == 1
    if dirty and w.tiers[tier, T_ON_EVICT] == RECOMPUTES and is_renewed(w, tier, key):
        return V_DROP
    if further == NONE:
        return V_LOST if dirty else V_DROP
    if not dirty and (w.tiers[tier, T_ON_EVICT] != DEMOTES or w.state[further, key] != ABSENT):
        return V_DROP
    if w.state[further, key] == ABSENT and refuses(w, further, size_in(w, further, key)):
        return V_REFUSED
    if gates.turns_away(w, further, key, dirty):
        return V_DENIED
    return V_MOVE


@hot
def is_renewed(w: World, tier: int, key: int) -> bool:
    """Say whether a dirty victim is made again when it is needed: it has a cost, and no older copy further out."""
    further = w.tiers[tier, T_NEXT]
    while further != NONE:
        if w.state[further, key] != ABSENT:
            return False
        further = w.tiers[further, T_NEXT]
    return bool(w.renewable[key] == 1)


@hot
def refuses(w: World, tier: int, size: int) -> bool:
    """Say whether a tier turns a newcomer away now."""
    taken = w.tiers[tier, T_USED] + w.tiers[tier, T_QUEUED] + size
    return bool(w.tiers[tier, T_REFUSE] == 1 and taken > w.tiers[tier, T_CAPACITY])


@inner
def send_out(w: World, tier: int, key: int, stream: int) -> int:
    """Begin an eviction's transit to the next tier; return its job."""
    further = w.tiers[tier, T_NEXT]
    job = new_job(w, EVICT, key, tier, further, WRITE_BACK, stream)
    w.jobs[job, J_DIRTY] = w.dirty[tier, key]
    w.transit[key] = job
    w.tiers[tier, T_WRITTEN_BACK] += 1
    w.tiers[tier, T_LEAVING] += size_in(w, tier, key)
    w.state[tier, key] = LEAVING
    go_out(w, job, key, tier, further)
    return job


@inner
def go_out(w: World, job: int, key: int, tier: int, further: int) -> None:
    """Start the way of an eviction or a copy: at once to a copy that is there, else once there is room."""
    there = w.state[further, key]
    w.state[further, key] = ARRIVING
    if there == RESIDENT:
        w.jobs[job, J_UPDATE] = 1
        transfers.begin(w, job, w.move[tier, further], moved_between(w, tier, further, key))
        return
    w.jobs[job, J_PHASE] = P_ROOM
    if w.tiers[further, T_REFUSE] == 1:  # it is promised now, so that nobody else is
        w.jobs[job, J_PROMISED] = 1
        w.tiers[further, T_QUEUED] += size_in(w, further, key)
    ready.put(w, R_ASK, job)
