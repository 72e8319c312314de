"""A step: it begins as one operation of the unit, and gives its requests their tokens when it ends."""

from __future__ import annotations

import math

from hiersim.drivers.serve import batch, blocks, moving, phase, queue, room
from hiersim.drivers.serve.columns import (
    C_KIND,
    C_LAYERS,
    DONE,
    E_BUSY,
    E_COPIED,
    E_COUNT,
    E_ENCODED,
    E_FORMING,
    E_JOB,
    E_LATE,
    E_ROLE,
    E_RUNNING,
    E_STEPS,
    E_TAIL,
    E_TIER,
    E_TOKENS,
    E_UNIT,
    K_OPEN,
    K_WAKE,
    NONE,
    PREFILL_ONLY,
    Q_ARRIVE,
    Q_BYTES,
    Q_CHILD,
    Q_ENGINE,
    Q_FIRST,
    Q_GENERATED,
    Q_LAST,
    Q_OUTPUT,
    Q_SIBLING,
    Q_STATE,
    Q_STEP,
    Q_THINK,
    Q_USER,
    RUNNING,
    W_DECODE,
)
from hiersim.drivers.serve.state import Serve
from hiersim.drivers.serving import columns as k
from hiersim.drivers.serving.cost import step_cost
from hiersim.engine import driven
from hiersim.engine.columns import NOW, T_NEXT, T_WRITTEN_BACK
from hiersim.engine.world import World
from hiersim.jit import inner

KV, WEIGHT, ACTIVATION = 0, 1, 2  # object classes of a serving run


@inner
def begin(w: World, s: Serve, e: int) -> None:
    """Begin the step that was formed, if anybody is in it."""
    s.engines[e, E_FORMING] = 0
    if s.engines[e, E_COUNT] == 0:
        return
    time = step_cost(s.cost[e], s.figures, s.new, s.before, s.out)
    job = driven.new_operation(w, s.engines[e, E_UNIT], s.settings[C_KIND] + WEIGHT, e, e)
    w.flops_of[job] = int(s.out[k.FLOPS])
    w.work_read[job, KV] = int(s.out[k.KV_READ])
    w.work_read[job, WEIGHT] = int(s.out[k.WEIGHTS])
    w.work_read[job, ACTIVATION] = int(s.out[k.ACTIVATIONS_READ])
    w.work_written[job, KV] = int(s.out[k.KV_WRITTEN])
    w.work_written[job, ACTIVATION] = int(s.out[k.ACTIVATIONS_WRITTEN])
    time += coding_time(w, s, e)
    duration = max(1, int(math.ceil(time)))  # noqa: RUF046 - a float in compiled code
    s.engines[e, E_BUSY] = 1
    s.engines[e, E_JOB] = job
    s.engines[e, E_TAIL] = duration // max(1, s.settings[C_LAYERS])
    s.engines[e, E_STEPS] += 1
    driven.operate(w, job, driven.way(w, job), duration, s.out[k.MEMORY] > s.out[k.COMPUTE])


@inner
def coding_time(w: World, s: Serve, e: int) -> float:
    """Return the time that the unit codes and decodes blocks for, since the last step; it does so beside no step."""
    near = s.engines[e, E_TIER]
    further = w.tiers[near, T_NEXT]
    left = w.tiers[near, T_WRITTEN_BACK] + s.engines[e, E_COPIED]
    time = s.owed[e]
    if further != NONE:
        time += s.coding_time[further, 0] * (left - s.engines[e, E_ENCODED])
    s.engines[e, E_ENCODED] = left
    s.owed[e] = 0.0
    return float(time)


@inner
def over(w: World, s: Serve, e: int) -> None:
    """Go on when the operation of a step has ended: the last layer follows the last block that is fetched."""
    s.engines[e, E_JOB] = NONE
    if s.engines[e, E_LATE] == 0:
        end(w, s, e)


@inner
def arrived(w: World, s: Serve, e: int) -> None:
    """Note that a block has come that a request of the step waited for."""
    s.engines[e, E_LATE] -= 1
    if s.engines[e, E_LATE] == 0 and s.engines[e, E_JOB] == NONE and s.engines[e, E_BUSY] == 1:
        job = driven.new_operation(w, s.engines[e, E_UNIT], s.settings[C_KIND] + WEIGHT, e, e)
        s.engines[e, E_JOB] = job
        driven.operate(w, job, driven.way(w, job), max(1, s.engines[e, E_TAIL]), False)


@inner
def end(w: World, s: Serve, e: int) -> None:
    """Give everybody in the step what was computed for them, and one more token to whoever has caught up."""
    s.engines[e, E_BUSY] = 0
    s.clock[K_WAKE] = 1
    ended = 0
    for i in range(s.engines[e, E_COUNT]):
        r = s.batch[e, i]
        s.engines[e, E_TOKENS] += s.queries[r, Q_STEP]
        s.service[s.queries[r, Q_USER]] += s.queries[r, Q_STEP]
        blocks.copy_out(w, s, r)
        if batch.left(s, r) == 0:
            ended += 1 if give_token(w, s, r) else 0
    if ended > 0:
        kept = 0
        for i in range(s.engines[e, E_RUNNING]):
            r = s.running[e, i]
            if s.queries[r, Q_STATE] == RUNNING:
                s.running[e, kept] = r
                kept += 1
        s.engines[e, E_RUNNING] = kept


@inner
def give_token(w: World, s: Serve, r: int) -> bool:
    """Give a request one more token; say whether it was the last one here."""
    now = w.clock[NOW]
    if s.queries[r, Q_OUTPUT] > 0:
        s.queries[r, Q_GENERATED] += 1
    if s.queries[r, Q_FIRST] == NONE:
        s.queries[r, Q_FIRST] = now
        phase.turn(s, r, W_DECODE, now)
    if s.queries[r, Q_GENERATED] < s.queries[r, Q_OUTPUT]:
        if s.engines[s.queries[r, Q_ENGINE], E_ROLE] != PREFILL_ONLY:
            return False
        moving.hand_over(w, s, r)
        return True
    finish(w, s, r)
    return True


@inner
def finish(w: World, s: Serve, r: int) -> None:
    """End a request: its room is free, its blocks may be evicted, and whoever waited for its answer comes."""
    now = w.clock[NOW]
    s.queries[r, Q_LAST] = now
    s.queries[r, Q_STATE] = DONE
    phase.turn(s, r, W_DECODE, now)
    blocks.let_go(w, s, r)
    room.give_back(w, s, r, s.queries[r, Q_BYTES])
    close(s, r, now)


@inner
def close(s: Serve, r: int, now: int) -> None:
    """Count a request that is done or rejected, and let those come that follow it."""
    s.clock[K_OPEN] -= 1
    child = s.queries[r, Q_CHILD]
    while child != NONE:
        s.queries[child, Q_ARRIVE] = max(s.queries[child, Q_ARRIVE], now + s.queries[child, Q_THINK])
        queue.expect(s, child)
        child = s.queries[child, Q_SIBLING]
