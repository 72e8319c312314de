"""Where the time goes: every picosecond of every unit is busy, stalled for a named cause, or idle (section 9)."""

from __future__ import annotations

from hiersim.engine import spans
from hiersim.engine.columns import (
    A_INDEX,
    A_JOB,
    A_JOINED,
    A_LOOKING,
    A_OBJECT,
    A_UNIT,
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
    S_COMPUTE,
    S_IDLE,
    S_JOINED,
    S_LATENCY,
    S_NEAR,
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
        if w.units[unit, U_COMPUTING] > 0:
            w.units[unit, U_BUSY_COMPUTE] += passed
            keep(w, unit, S_COMPUTE, passed)
        elif w.units[unit, U_PORT] > 0:
            w.units[unit, U_BUSY_NEAR] += passed
            keep(w, unit, S_NEAR, passed)
            if w.units[unit, U_OPERATING] > 0:
                w.units[unit, U_ACTIVE] += passed
        elif w.units[unit, U_HEAD] == NONE:
            w.units[unit, U_IDLE] += passed
            keep(w, unit, S_IDLE, passed)
        else:
            stall(w, unit, w.units[unit, U_HEAD], passed)
    w.clock[NOW] = until


@hot
def keep(w: World, unit: int, state: int, passed: int) -> None:
    """Write down what a unit does from now on, if a timeline is kept."""
    if w.spans.shape[0] > 0:
        now = w.clock[NOW]
        spans.note(w, unit, (state, NONE, NONE), (NONE, NONE, NONE), (now, now + passed))


@inner
def charge(w: World, a: int, cause: tuple[int, int, int], start: int, passed: int) -> None:
    """Charge a stall to an access: its kind, place and detail, from ``start`` on."""
    unit, key = w.accesses[a, A_UNIT], w.accesses[a, A_OBJECT]
    w.stall[unit, cause[0], cause[1], cause[2], w.object_class[key]] += passed
    if w.spans.shape[0] > 0:
        who = w.accesses[a, A_INDEX], key, spans.awaited(w, a)
        spans.note(w, unit, cause, who, (start, start + passed))


@inner
def stall(w: World, unit: int, a: int, passed: int) -> None:
    """Charge a stall to the phase of the unit's oldest outstanding access."""
    now = w.clock[NOW]
    if w.accesses[a, A_LOOKING] == 1:
        charge(w, a, (S_LATENCY, w.tiers[w.units[unit, U_NEAR], T_PORT], 0), now, passed)
        return
    job = w.accesses[a, A_JOB]
    if w.accesses[a, A_JOINED] == 1:
        charge(w, a, (S_JOINED, w.jobs[job, J_TARGET], w.jobs[job, J_CLASS]), now, passed)
        return
    phase = w.jobs[job, J_PHASE]
    if phase == P_ROOM:
        tier = w.jobs[job, J_TARGET]
        charge(w, a, (S_ROOM, tier, 0 if w.tiers[tier, T_LEAVING] > 0 else 1), now, passed)
    elif phase == P_SLOT:
        hop = w.jobs[job, J_HOP]
        charge(w, a, (S_SLOT, hop, busiest_class(w, hop)), now, passed)
    elif phase == P_LATENCY:
        stall_latency(w, a, job, passed)
    else:
        bound = w.groups[w.jobs[job, J_GROUP], G_BOUND]
        charge(w, a, (S_BANDWIDTH, w.bound_hop[bound], w.bound_kind[bound]), now, passed)


@inner
def busiest_class(w: World, hop: int) -> int:
    """Return the class of traffic that holds most slots of a hop, the lower one on a tie."""
    best = 0
    for traffic in range(1, CLASSES):
        if w.hops[hop, H_HELD + traffic] > w.hops[hop, H_HELD + best]:
            best = traffic
    return best


@inner
def stall_latency(w: World, a: int, job: int, passed: int) -> None:
    """Charge an interval of a transfer's latencies to the hops whose latency ran in it."""
    route = w.jobs[job, J_ROUTE]
    first = w.jobs[job, J_SLOTS]
    begin = w.clock[NOW] - first  # both counted from the start of the first latency
    end = begin + passed
    border = 0
    for i in range(w.routes[route, R_HOPS]):
        before = border
        border += latency.of_hop(w, job, i)
        start = max(begin, before)
        share = min(end, border) - start
        if share > 0:
            charge(w, a, (S_LATENCY, w.route_hop[route, i], 0), first + start, share)
