"""The serving driver's loop: the core's events and arrivals merged; steps are formed at the end of an instant."""

from __future__ import annotations

from hiersim.drivers.serve import batch, blocks, moving, phase, preempting, queue, room, samples, step, waiting
from hiersim.drivers.serve.columns import (
    C_ASKED,
    C_CHUNKED,
    C_LONGEST,
    C_TOKENS,
    DECIDE,
    DECODE_ONLY,
    E_BUSY,
    E_FORMING,
    E_PREEMPTED,
    E_QUEUE,
    E_ROLE,
    E_RUNNING,
    E_TIER,
    FETCHING,
    FORMED,
    K_GROW,
    K_HEAP,
    K_NEXT,
    K_WAKE,
    NONE,
    Q_ARRIVE,
    Q_ENGINE,
    Q_KEY,
    Q_OUTPUT,
    Q_PENDING,
    Q_PROMPT,
    Q_SINCE,
    Q_STATE,
    Q_THINK,
    Q_WAITS,
    REJECTED,
    RUNNING,
    W_QUEUE,
    WAITING,
)
from hiersim.drivers.serve.state import Serve
from hiersim.engine import accounting, driven, ready, solver
from hiersim.engine import loop as core
from hiersim.engine.columns import (
    A_INDEX,
    A_LACKS,
    ACCESSES_FREE,
    BAD_TIER,
    BROKEN,
    CHANGE,
    DIRTY,
    EVENTS,
    GROW,
    HEAP_SIZE,
    IDLE,
    J_KIND,
    J_TAG,
    LACKS,
    LIMIT,
    MASK,
    NOW,
    OPERATE,
    PAUSE,
    R_HELD,
    R_OVER,
    SHIFT,
    T_CAPACITY,
)
from hiersim.engine.world import World
from hiersim.jit import hot, inner, kernel

NEVER = core.NEVER
FIRST = 1 << 60  # taken off the key of those who hold room already, so that they go before all who hold none


@kernel
def advance(w: World, s: Serve, until: int, margin: int, budget: int) -> int:
    """Handle all events before ``until`` (picoseconds), in order; say why it came back, as the core's ``advance``."""
    last = w.clock[EVENTS] + budget
    while True:
        if w.clock[EVENTS] >= last:
            return PAUSE
        coming = next_arrival(s)
        time = min(coming, w.heap[0, 0]) if w.clock[HEAP_SIZE] > 0 else coming
        if core.lacks_rows(w, margin) or w.clock[ACCESSES_FREE] < margin:
            return GROW
        if s.clock[K_WAKE] >= FORMED or (s.clock[K_WAKE] == 1 and time > w.clock[NOW]):
            code = begin_steps(w, s, margin)
            if code != NONE:
                return code
            continue
        changed = w.clock[CHANGE] <= w.clock[NOW]
        if (w.clock[DIRTY] == 1 or changed) and min(time, until) > w.clock[NOW]:
            solver.set_rates(w)
            continue
        if w.clock[CHANGE] < min(time, until) and not changed:
            accounting.pass_time(w, w.clock[CHANGE])
            continue
        if time >= until:
            return LIMIT
        if time == NEVER:
            return IDLE
        if time > w.clock[NOW]:
            accounting.pass_time(w, time)
        w.clock[EVENTS] += 1
        s.clock[K_WAKE] = 1
        if w.clock[HEAP_SIZE] > 0 and w.heap[0, 0] == time:
            core.handle(w, NEVER)
        else:
            arrive(w, s, take_arrival(s))
        drain(w, s)
        if w.clock[BAD_TIER] != NONE:
            return BROKEN


@inner
def begin_steps(w: World, s: Serve, margin: int) -> int:
    """Form steps, or take those that a scheduler has formed; say why to come back to Python first, -1 for no reason."""
    if s.clock[K_WAKE] >= FORMED:
        s.clock[K_WAKE] -= FORMED
    elif s.settings[C_ASKED] == 1:
        return DECIDE
    else:
        form(w, s, margin)
        if s.clock[K_GROW] == 1:
            s.clock[K_GROW] = 0
            return GROW
    core.settle(w)
    drain(w, s)
    return BROKEN if w.clock[BAD_TIER] != NONE else NONE


@hot
def next_arrival(s: Serve) -> int:
    """Return when the next request comes."""
    r = s.clock[K_NEXT]
    time = s.queries[r, Q_ARRIVE] if r < s.queries.shape[0] else NEVER
    return int(min(time, s.coming[0, 0]) if s.clock[K_HEAP] > 0 else time)


@inner
def take_arrival(s: Serve) -> int:
    """Return the request that comes next: at equal times the one of the trace's own order."""
    r = s.clock[K_NEXT]
    in_order = r < s.queries.shape[0] and (s.clock[K_HEAP] == 0 or s.queries[r, Q_ARRIVE] <= s.coming[0, 0])
    if not in_order:
        return queue.next_expected(s)
    after = r + 1
    while after < s.queries.shape[0] and s.queries[after, Q_THINK] != NONE:
        after += 1
    s.clock[K_NEXT] = after
    return int(r)


@inner
def arrive(w: World, s: Serve, r: int) -> None:
    """Let a request wait, or reject what could never be served."""
    now = w.clock[NOW]
    e = choose(s)
    s.queries[r, Q_ARRIVE] = now
    s.queries[r, Q_SINCE] = now
    s.queries[r, Q_WAITS] = W_QUEUE
    s.queries[r, Q_ENGINE] = e
    most = w.tiers[s.engines[e, E_TIER], T_CAPACITY]
    if is_hopeless(s, r, most):
        s.queries[r, Q_STATE] = REJECTED
        step.close(s, r, now)
        return
    if room.reserves(s):
        room.expect_what_fits(s, r, most)
    s.queries[r, Q_STATE] = WAITING
    s.queries[r, Q_KEY] = s.rank[r]
    queue.put(s, e, r)
    s.clock[K_WAKE] = 1


@inner
def is_hopeless(s: Serve, r: int, most: int) -> bool:
    """Say whether a request could never be served: no prompt, longer than allowed, too much for a step or the pool."""
    prompt = s.queries[r, Q_PROMPT]
    tokens = prompt + s.queries[r, Q_OUTPUT]
    kept = max(prompt, tokens - 1)  # of the last token no keys and values are computed
    if prompt == 0 or tokens > s.settings[C_LONGEST] or room.bytes_of(s, r, kept) > most:
        return True
    return bool(s.settings[C_CHUNKED] == 0 and kept > s.settings[C_TOKENS])


@inner
def choose(s: Serve) -> int:
    """Return the engine with the fewest requests."""
    best, least = 0, NEVER
    for e in range(s.engines.shape[0]):
        has = s.engines[e, E_QUEUE] + s.engines[e, E_RUNNING]
        if s.engines[e, E_ROLE] != DECODE_ONLY and has < least:
            best, least = e, has
    return best


@inner
def form(w: World, s: Serve, margin: int) -> None:
    """Form and begin the next step of every engine that has none; once more if all who ran had to make way."""
    again = 0
    for e in range(s.engines.shape[0]):
        if s.engines[e, E_BUSY] == 1:
            continue
        if s.engines[e, E_FORMING] == 0:
            waiting.end(w, s, e)
            batch.begin(s, e)
            preempting.make_fair(w, s, e)
            batch.schedule_running(w, s, e)
        batch.schedule_waiting(w, s, e, margin)
        if s.clock[K_GROW] == 1:
            return
        samples.note(w, s, e)
        step.begin(w, s, e)
        waiting.begin(w, s, e)
        again |= s.engines[e, E_PREEMPTED] & (1 - s.engines[e, E_BUSY])
    s.clock[K_WAKE] = again


@inner
def drain(w: World, s: Serve) -> None:
    """Run the ready line until it is empty."""
    while True:
        entry = ready.take(w)
        if entry < 0:
            break
        kind, number = entry >> SHIFT, entry & MASK
        if kind == R_OVER:
            job_over(w, s, number)
        elif kind == R_HELD:
            block_came(w, s, number)
        else:
            core.run_entry(w, kind, number)
        core.settle(w)
        s.clock[K_WAKE] = 1


@inner
def job_over(w: World, s: Serve, job: int) -> None:
    """Go on after a job of the driver."""
    kind, tag = w.jobs[job, J_KIND], w.jobs[job, J_TAG]
    driven.over(w, job)
    if kind == OPERATE:
        step.over(w, s, tag)
    else:
        moving.over(w, s, tag)


@inner
def block_came(w: World, s: Serve, a: int) -> None:
    """Go on after a block has come, or could not."""
    i, lacks = w.accesses[a, A_INDEX], w.accesses[a, A_LACKS] == LACKS
    driven.heard(w, a)
    tier = s.pinned[i] - 1
    r = blocks.came(w, s, i, lacks)
    if tier >= 0 and not lacks:
        s.owed[s.queries[r, Q_ENGINE]] += s.coding_time[tier, 1]
    if s.queries[r, Q_STATE] == RUNNING:
        step.arrived(w, s, s.queries[r, Q_ENGINE])
    elif s.queries[r, Q_STATE] == FETCHING and s.queries[r, Q_PENDING] == 0:
        s.queries[r, Q_STATE] = WAITING
        s.queries[r, Q_KEY] = s.rank[r] - FIRST
        phase.turn(s, r, W_QUEUE, w.clock[NOW])
        queue.put(s, s.queries[r, Q_ENGINE], r)
