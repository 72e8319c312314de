"""A unit that has nothing to compute for want of room: it stands still, and a row of what is outstanding says why."""

from __future__ import annotations

from hiersim.drivers.serve.columns import C_KIND, E_BUSY, E_QUEUE, E_RUNNING, E_TIER, E_UNIT, E_WAITER, NONE
from hiersim.drivers.serve.state import Serve
from hiersim.engine.columns import (
    A_INDEX,
    A_JOB,
    A_JOINED,
    A_LOOKING,
    A_OBJECT,
    A_STREAM,
    CARRY,
    DEMAND,
    J_PHASE,
    P_ROOM,
    T_LEAVING,
    U_HEAD,
)
from hiersim.engine.rows import free_access, free_job, new_access, new_job
from hiersim.engine.world import World
from hiersim.jit import inner


@inner
def begin(w: World, s: Serve, e: int) -> None:
    """Note that an engine without a step waits for bytes to leave its near tier, if that is so."""
    unit, near = s.engines[e, E_UNIT], s.engines[e, E_TIER]
    wanted = s.engines[e, E_QUEUE] > 0 or s.engines[e, E_RUNNING] > 0
    if s.engines[e, E_BUSY] == 1 or not wanted or w.tiers[near, T_LEAVING] == 0 or w.units[unit, U_HEAD] != NONE:
        return
    job = new_job(w, CARRY, s.settings[C_KIND], NONE, near, DEMAND, e)
    w.jobs[job, J_PHASE] = P_ROOM
    a = new_access(w, unit)
    w.accesses[a, A_INDEX] = 0
    w.accesses[a, A_OBJECT] = s.settings[C_KIND]
    w.accesses[a, A_STREAM] = e
    w.accesses[a, A_JOB] = job
    w.accesses[a, A_JOINED] = 0
    w.accesses[a, A_LOOKING] = 0
    s.engines[e, E_WAITER] = a


@inner
def end(w: World, s: Serve, e: int) -> None:
    """Take the note back."""
    a = s.engines[e, E_WAITER]
    if a != NONE:
        free_job(w, w.accesses[a, A_JOB])
        free_access(w, a)
        s.engines[e, E_WAITER] = NONE
