"""Rows of the tables of jobs and accesses: taking a free one, giving it back, and who is outstanding at a unit."""

from __future__ import annotations

from hiersim.engine.columns import (
    A_NEXT,
    A_PREV,
    A_UNIT,
    ACCESSES_FREE,
    FREE_ACCESS,
    FREE_JOB,
    J_ACCESS,
    J_CLASS,
    J_COMPUTING,
    J_DIRTY,
    J_JOIN_HEAD,
    J_JOIN_TAIL,
    J_KIND,
    J_MEMORY,
    J_NEXT,
    J_OBJECT,
    J_PHASE,
    J_PROMISED,
    J_SLOT,
    J_SOURCE,
    J_STREAM,
    J_TAG,
    J_TARGET,
    J_UNIT,
    J_UPDATE,
    J_WITH,
    JOBS_FREE,
    NONE,
    P_IDLE,
    U_HEAD,
    U_TAIL,
)
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@inner
def new_job(w: World, kind: int, key: int, source: int, target: int, traffic: int, stream: int) -> int:
    """Take a row for a job that belongs to no access yet."""
    job = w.clock[FREE_JOB]
    w.clock[FREE_JOB] = w.jobs[job, J_NEXT]
    w.clock[JOBS_FREE] -= 1
    w.jobs[job, J_KIND] = kind
    w.jobs[job, J_OBJECT] = key
    w.jobs[job, J_SOURCE] = source
    w.jobs[job, J_TARGET] = target
    w.jobs[job, J_ACCESS] = NONE
    w.jobs[job, J_UNIT] = NONE
    w.jobs[job, J_STREAM] = stream
    w.jobs[job, J_CLASS] = traffic
    w.jobs[job, J_PHASE] = P_IDLE
    w.jobs[job, J_COMPUTING] = 0
    w.jobs[job, J_SLOT] = 0
    w.jobs[job, J_JOIN_HEAD] = NONE
    w.jobs[job, J_JOIN_TAIL] = NONE
    w.jobs[job, J_UPDATE] = 0
    w.jobs[job, J_DIRTY] = 0
    w.jobs[job, J_PROMISED] = 0
    w.jobs[job, J_TAG] = NONE
    w.jobs[job, J_MEMORY] = 0
    w.jobs[job, J_WITH] = NONE
    return int(job)


@hot
def free_job(w: World, job: int) -> None:
    """Give back a job's row."""
    w.jobs[job, J_NEXT] = w.clock[FREE_JOB]
    w.clock[FREE_JOB] = job
    w.clock[JOBS_FREE] += 1


@inner
def new_access(w: World, unit: int) -> int:
    """Take a row for an access and put it behind the unit's other outstanding ones."""
    a = w.clock[FREE_ACCESS]
    w.clock[FREE_ACCESS] = w.accesses[a, A_NEXT]
    w.clock[ACCESSES_FREE] -= 1
    tail = w.units[unit, U_TAIL]
    w.accesses[a, A_UNIT] = unit
    w.accesses[a, A_PREV] = tail
    w.accesses[a, A_NEXT] = NONE
    if tail == NONE:
        w.units[unit, U_HEAD] = a
    else:
        w.accesses[tail, A_NEXT] = a
    w.units[unit, U_TAIL] = a
    return int(a)


@inner
def free_access(w: World, a: int) -> None:
    """Give back an access's row; it is outstanding no longer."""
    unit = w.accesses[a, A_UNIT]
    before, after = w.accesses[a, A_PREV], w.accesses[a, A_NEXT]
    if before == NONE:
        w.units[unit, U_HEAD] = after
    else:
        w.accesses[before, A_NEXT] = after
    if after == NONE:
        w.units[unit, U_TAIL] = before
    else:
        w.accesses[after, A_PREV] = before
    w.accesses[a, A_NEXT] = w.clock[FREE_ACCESS]
    w.clock[FREE_ACCESS] = a
    w.clock[ACCESSES_FREE] += 1
