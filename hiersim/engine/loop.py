"""The compiled event loop: one event, its handler, the ready line; rates and time between instants."""

from __future__ import annotations

from hiersim.engine import accounting, heap, lookups, moves, prefetchers, ready, rooms, solver, transfers
from hiersim.engine.columns import (
    A_LOOKING,
    ACCESSES_FREE,
    ALLOCATE,
    BAD_TIER,
    BROKEN,
    CARRY,
    CHANGE,
    COMPUTE,
    COPY,
    CREATE,
    CURSOR,
    DIRECT_WRITE,
    DIRTY,
    EVENTS,
    G_HEAD,
    GROUPS_FREE,
    GROW,
    HEAP_SIZE,
    I_GROUP,
    I_ISSUE,
    I_LATENCY,
    IDLE,
    J_ACCESS,
    J_COMPUTING,
    J_KIND,
    J_OBJECT,
    J_TAG,
    J_TARGET,
    J_UNIT,
    JOBS_FREE,
    JOURNAL_SIZE,
    LEVELS_SIZE,
    LIMIT,
    MASK,
    MIGRATE,
    NEAR_WRITE,
    NONE,
    NOW,
    PAUSE,
    R_ASK,
    R_OVER,
    R_RESUME,
    R_ROOM,
    R_SLOT,
    SETTLE,
    SETTLED,
    SHIFT,
    SPANS_SIZE,
    T_LINE_HEAD,
    TIMELINE_SIZE,
    U_NEAR,
    VICTIMS_SIZE,
    WAITING,
    WAKE,
    WOKEN,
)
from hiersim.engine.rows import free_job
from hiersim.engine.world import DRIVEN, OPEN_LOOP, World
from hiersim.jit import hot, inner, kernel

NEVER = 1 << 62


@kernel
def advance(w: World, until: int, margin: int, budget: int) -> int:
    """Handle all events before ``until`` (picoseconds), in order; say why it came back.

    Returns:
        IDLE when nothing is left to happen, LIMIT at ``until``, WAKE when a watch has fired, GROW when fewer than
        ``margin`` rows of some table are free, BROKEN when a policy offered a victim that is not there, PAUSE after
        ``budget`` events.
    """
    last = w.clock[EVENTS] + budget
    while True:
        if prefetchers.pending(w):
            if lacks_rows(w, margin):
                return GROW
            prefetchers.step(w)
            settle(w)
            drain(w)
            if w.clock[BAD_TIER] != NONE:
                return BROKEN
            continue
        if w.clock[WOKEN] == 1:
            return WAKE
        if w.clock[EVENTS] >= last:
            return PAUSE
        arrival = next_arrival(w)
        time = min(arrival, w.heap[0, 0]) if w.clock[HEAP_SIZE] > 0 else arrival
        changed = w.clock[CHANGE] <= w.clock[NOW]
        if (w.clock[DIRTY] == 1 or changed) and min(time, until) > w.clock[NOW]:
            solver.set_rates(w)
            continue
        if w.clock[CHANGE] < min(time, until) and not changed:
            if lacks_rows(w, margin):
                return GROW
            accounting.pass_time(w, w.clock[CHANGE])
            continue
        if time >= until:
            return LIMIT
        if time == NEVER:
            return IDLE
        if lacks_rows(w, margin):
            return GROW
        if time > w.clock[NOW]:
            accounting.pass_time(w, time)
        w.clock[EVENTS] += 1
        handle(w, arrival)
        drain(w)
        if w.clock[BAD_TIER] != NONE:
            return BROKEN


@hot
def next_arrival(w: World) -> int:
    """Return when the next access of an open loop arrives."""
    cursor = w.clock[CURSOR]
    if w.setup[OPEN_LOOP] == 0 or cursor >= w.trace_object.shape[0]:
        return NEVER
    return int(w.trace_time[cursor])


@hot
def lacks_rows(w: World, margin: int) -> bool:
    """Say whether some table may be too short for what one event can bring."""
    rows = min(w.clock[JOBS_FREE], w.clock[GROUPS_FREE], w.clock[ACCESSES_FREE] + margin - 1)
    if w.journal.shape[0] > 0:
        rows = min(rows, w.journal.shape[0] - w.clock[JOURNAL_SIZE])
    if w.timeline.shape[0] > 0:
        rows = min(rows, w.timeline.shape[0] - w.clock[TIMELINE_SIZE])
    if w.victims.shape[0] > 0:
        rows = min(rows, w.victims.shape[0] - w.clock[VICTIMS_SIZE])
    if w.spans.shape[0] > 0:
        rows = min(rows, w.spans.shape[0] - w.clock[SPANS_SIZE], w.levels.shape[0] - w.clock[LEVELS_SIZE])
    return bool(rows < margin)


@inner
def handle(w: World, arrival: int) -> None:
    """Handle the earliest event: flows end before latencies, latencies before issues."""
    pending = NONE
    if w.clock[HEAP_SIZE] == 0 or arrival < w.heap[0, 0] or (arrival == w.heap[0, 0] and w.heap[0, 1] >= 2 << 61):
        cursor = w.clock[CURSOR]
        w.clock[CURSOR] = cursor + 1
        pending = lookups.issue(w, cursor)
    else:
        item = w.heap[0, 2]
        kind = item >> SHIFT
        number = item & MASK
        if kind == I_GROUP:
            end_flow(w, w.groups[number, G_HEAD])
        else:
            heap.remove(w, 0)
            if kind == I_LATENCY:
                transfers.start_flow(w, number)
            elif kind == I_ISSUE:
                pending = lookups.issue(w, number)
            else:
                w.accesses[number, A_LOOKING] = 0
                pending = number
    if pending != NONE:
        ready.put(w, R_RESUME, pending | LOOK)
    settle(w)


LOOK = 1 << 39  # with R_RESUME: look up, instead of going on after a transit


@inner
def drain(w: World) -> None:
    """Run the ready line until it is empty."""
    while True:
        entry = ready.take(w)
        if entry < 0:
            break
        run_entry(w, entry >> SHIFT, entry & MASK)


@inner
def run_entry(w: World, kind: int, number: int) -> None:
    """Run one entry of the ready line as a handler."""
    if kind == R_SLOT:
        transfers.go_on(w, number)
    elif kind == R_ROOM and w.setup[DRIVEN] == 1 and w.jobs[number, J_KIND] == ALLOCATE:
        place(w, number)
    elif kind == R_ROOM:
        moves.start(w, number)
    elif kind == R_ASK:
        rooms.ask(w, w.jobs[number, J_TARGET], number)
    else:
        if number & LOOK == 0:
            number = lookups.resume(w, number)
        if number >= 0:
            lookups.look_up(w, number & (LOOK - 1))
    settle(w)


@inner
def place(w: World, job: int) -> None:
    """Make resident what an operation is going to write: its bytes are written by the operation itself."""
    moves.arrived(w, job)
    lookups.finish(w, w.jobs[job, J_ACCESS])
    moves.resume_joined(w, job)
    free_job(w, job)


@inner
def settle(w: World) -> None:
    """At the end of a handler in which room may have become free: evict and serve again wherever someone waits."""
    if w.clock[SETTLE] == 0:
        return
    w.clock[SETTLED] += 1
    if w.clock[WAITING] > 0:
        for tier in range(w.tiers.shape[0]):
            if w.tiers[tier, T_LINE_HEAD] != NONE:
                rooms.make_room(w, tier)
                rooms.serve(w, tier)
    w.clock[SETTLE] = 0


@inner
def end_flow(w: World, job: int) -> None:
    """End a job's flow; with it end the job, and the access that waits for it."""
    transfers.end_flow(w, job)
    if w.jobs[job, J_COMPUTING] == 1:
        moves.write_computed(w, job)
        return
    kind = w.jobs[job, J_KIND]
    if kind >= CARRY:
        ready.put(w, R_OVER, job)
        return
    if kind <= MIGRATE:
        moves.arrived(w, job)
    elif kind in (NEAR_WRITE, DIRECT_WRITE):
        moves.written(w, job)
    elif kind == COMPUTE:
        moves.created(w, w.jobs[job, J_OBJECT])
    a = w.jobs[job, J_ACCESS]
    awaited = kind != CREATE and copies_through(w, job, kind) and moves.copy_through(w, job, a)
    if a != NONE and not awaited:
        lookups.finish(w, a)
    if kind == CREATE:
        moves.copy_through(w, job, NONE)
    if kind <= MIGRATE:
        moves.resume_joined(w, job)
    if w.jobs[job, J_TAG] == NONE:
        free_job(w, job)
    else:
        ready.put(w, R_OVER, job)


@hot
def copies_through(w: World, job: int, kind: int) -> bool:
    """Say whether what has arrived may go on outwards: a write to the near tier, or a copy."""
    at_near = kind == ALLOCATE and w.jobs[job, J_TARGET] == w.units[w.jobs[job, J_UNIT], U_NEAR]
    return kind in (NEAR_WRITE, COPY) or at_near


@kernel
def begin(w: World, outstanding: int) -> None:
    """Enter the first issues of a closed loop in the calendar: every stream has ``outstanding`` free slots."""
    for stream in range(w.streams.shape[0]):
        for _ in range(outstanding):
            lookups.schedule_next(w, stream, w.clock[NOW])


@kernel
def reach(w: World, time: int) -> None:
    """Let the clock come to ``time``, before which nothing is left to happen, so that an agent can act there."""
    if time > w.clock[NOW]:
        if w.clock[DIRTY] == 1:
            solver.set_rates(w)
        accounting.pass_time(w, time)
