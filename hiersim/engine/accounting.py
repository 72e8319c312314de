"""Where the time goes: every picosecond of every unit is busy, stalled for a named cause, or idle (section 9)."""

from __future__ import annotations

from hiersim.engine.columns import (
    A_JOB,
    A_JOINED,
    A_LOOKING,
    A_OBJECT,
    CLASSES,
    G_BOUND,
    H_HELD,
    J_CLASS,
    J_GROUP,
    J_HOP,
    J_PHASE,
    J_ROUTE,
    J_SLOTS,
    J_TARGET,
    NONE,
    NOW,
    P_LATENCY,
    P_ROOM,
    P_SLOT,
    R_HOPS,
    S_BANDWIDTH,
    S_JOINED,
    S_LATENCY,
    S_ROOM,
    S_SLOT,
    T_LEAVING,
    T_PORT,
    U_ACTIVE,
    U_BUSY_COMPUTE,
    U_BUSY_NEAR,
    U_COMPUTING,
    U_HEAD,
    U_IDLE,
    U_NEAR,
    U_OPERATING,
    U_PORT,
)
from hiersim.engine.effects import latency
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@inner
def pass_time(w: World, until: int) -> None:
    """Charge the time from now to ``until``, for which the present state holds, and move the clock there."""
    passed = until - w.clock[NOW]
    for unit in range(w.units.shape[0]):
        if not is_busy(w, unit, passed):
            if w.units[unit, U_HEAD] == NONE:
                w.units[unit, U_IDLE] += passed
            else:
                stall(w, unit, w.units[unit, U_HEAD], passed)
    w.clock[NOW] = until


@hot
def is_busy(w: World, unit: int, passed: int) -> bool:
    """Charge time to a unit that computes or is at its near port; say whether it does."""
    if w.units[unit, U_COMPUTING] > 0:
        w.units[unit, U_BUSY_COMPUTE] += passed
        return True
    if w.units[unit, U_PORT] > 0:
        w.units[unit, U_BUSY_NEAR] += passed
        if w.units[unit, U_OPERATING] > 0:
            w.units[unit, U_ACTIVE] += passed
        return True
    return False


@inner
def stall(w: World, unit: int, a: int, passed: int) -> None:
    """Charge a stall to the phase of the unit's oldest outstanding access."""
    kind = w.object_class[w.accesses[a, A_OBJECT]]
    if w.accesses[a, A_LOOKING] == 1:
        w.stall[unit, S_LATENCY, w.tiers[w.units[unit, U_NEAR], T_PORT], 0, kind] += passed
        return
    job = w.accesses[a, A_JOB]
    if w.accesses[a, A_JOINED] == 1:
        w.stall[unit, S_JOINED, w.jobs[job, J_TARGET], w.jobs[job, J_CLASS], kind] += passed
    else:
        stall_for(w, unit, job, passed, kind)


@inner
def stall_for(w: World, unit: int, job: int, passed: int, kind: int) -> None:
    """Charge a stall, for objects of a class, to the phase of a job."""
    phase = w.jobs[job, J_PHASE]
    if phase == P_ROOM:
        tier = w.jobs[job, J_TARGET]
        w.stall[unit, S_ROOM, tier, 0 if w.tiers[tier, T_LEAVING] > 0 else 1, kind] += passed
    elif phase == P_SLOT:
        hop = w.jobs[job, J_HOP]
        w.stall[unit, S_SLOT, hop, busiest_class(w, hop), kind] += passed
    elif phase == P_LATENCY:
        stall_latency(w, unit, job, passed, kind)
    else:
        bound = w.groups[w.jobs[job, J_GROUP], G_BOUND]
        w.stall[unit, S_BANDWIDTH, w.bound_hop[bound], w.bound_kind[bound], kind] += passed


@inner
def busiest_class(w: World, hop: int) -> int:
    """Return the class of traffic that holds most slots of a hop, the lower one on a tie."""
    best = 0
    for traffic in range(1, CLASSES):
        if w.hops[hop, H_HELD + traffic] > w.hops[hop, H_HELD + best]:
            best = traffic
    return best


@inner
def stall_latency(w: World, unit: int, job: int, passed: int, kind: int) -> None:
    """Charge an interval of a transfer's latencies to the hops whose latency ran in it."""
    route = w.jobs[job, J_ROUTE]
    begin = w.clock[NOW] - w.jobs[job, J_SLOTS]  # both counted from the start of the first latency
    end = begin + passed
    border = 0
    for i in range(w.routes[route, R_HOPS]):
        hop = w.route_hop[route, i]
        before = border
        border += latency.of_hop(w, job, i)
        share = min(end, border) - max(begin, before)
        if share > 0:
            w.stall[unit, S_LATENCY, hop, 0, kind] += share
