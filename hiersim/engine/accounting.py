"""Where the time goes: every picosecond of every unit is busy, stalled for a named cause, or idle (section 9)."""

from __future__ import annotations

from hiersim.engine import spans
from hiersim.engine.columns import (
    A_INDEX,
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
    S_COMPUTE,
    S_IDLE,
    S_JOINED,
    S_LATENCY,
    S_NEAR,
    S_ROOM,
    S_SLOT,
    SORT,
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
from hiersim.engine.world import DRIVEN, World
from hiersim.jit import hot, inner


@inner
def pass_time(w: World, until: int) -> None:
    """Charge the time from now to ``until``, for which the present state holds, and move the clock there."""
    passed = until - w.clock[NOW]
    for unit in range(count_units(w)):
        if not is_busy(w, unit, passed):
            if w.units[unit, U_HEAD] == NONE:
                idle(w, unit, passed)
            else:
                stall(w, unit, w.units[unit, U_HEAD], passed)
    w.clock[NOW] = until


@hot
def count_units(w: World) -> int:
    """Return the number of units; with a driver the table has a second row of each."""
    return int(w.units.shape[0] >> w.setup[DRIVEN])


@hot
def is_busy(w: World, unit: int, passed: int) -> bool:
    """Charge time to a unit that computes or is at its near port; say whether it does."""
    if w.units[unit, U_COMPUTING] > 0:
        w.units[unit, U_BUSY_COMPUTE] += passed
        keep(w, unit, S_COMPUTE, passed)
        return True
    if w.units[unit, U_PORT] > 0:
        w.units[unit, U_BUSY_NEAR] += passed
        keep(w, unit, S_NEAR, passed)
        if w.units[unit, U_OPERATING] > 0:
            w.units[unit, U_ACTIVE] += passed
        return True
    return False


@hot
def idle(w: World, unit: int, passed: int) -> None:
    """Charge time to a unit that has nothing to do."""
    w.units[unit, U_IDLE] += passed
    keep(w, unit, S_IDLE, passed)


@hot
def keep(w: World, unit: int, state: int, passed: int) -> None:
    """Write down what a unit does from now on, if a timeline is kept."""
    if w.spans.shape[0] > 0:
        now = w.clock[NOW]
        spans.note(w, unit, (state, NONE, NONE), (NONE, NONE, NONE), (now, now + passed))


@inner
def charge(w: World, unit: int, who: tuple[int, int, int], cause: tuple[int, int, int], when: tuple[int, int]) -> None:
    """Charge a stall to a unit.

    Args:
        w: the world.
        unit: the unit.
        who: the place in the trace of what waits, the object, and the transfer that it waits for.
        cause: kind, place and detail.
        when: start and length, in picoseconds.
    """
    w.stall[unit, cause[0], cause[1], cause[2], w.object_class[who[1]]] += when[1]
    if w.waits.shape[0] > 0:
        w.waits[w.clock[SORT], cause[0], cause[1], cause[2]] += when[1]
    if w.spans.shape[0] > 0:
        spans.note(w, unit, cause, who, (when[0], when[0] + when[1]))


@inner
def stall(w: World, unit: int, a: int, passed: int) -> None:
    """Charge a stall of a unit to the phase of an outstanding access."""
    now = w.clock[NOW]
    transfer = spans.awaited(w, a) if w.spans.shape[0] > 0 else NONE
    who = w.accesses[a, A_INDEX], w.accesses[a, A_OBJECT], transfer
    if w.accesses[a, A_LOOKING] == 1:
        charge(w, unit, who, (S_LATENCY, w.tiers[w.units[unit, U_NEAR], T_PORT], 0), (now, passed))
    elif w.accesses[a, A_JOINED] == 1:
        stall_joined(w, unit, who, w.accesses[a, A_JOB], passed)
    else:
        stall_job(w, unit, who, w.accesses[a, A_JOB], passed)


@inner
def stall_joined(w: World, unit: int, who: tuple[int, int, int], job: int, passed: int) -> None:
    """Charge a stall to a transit that another began."""
    charge(w, unit, who, (S_JOINED, w.jobs[job, J_TARGET], w.jobs[job, J_CLASS]), (w.clock[NOW], passed))


@inner
def stall_room(w: World, unit: int, who: tuple[int, int, int], tier: int, passed: int) -> None:
    """Charge a stall to the want of room in a tier."""
    behind = 0 if w.tiers[tier, T_LEAVING] > 0 else 1
    charge(w, unit, who, (S_ROOM, tier, behind), (w.clock[NOW], passed))


@inner
def stall_job(w: World, unit: int, who: tuple[int, int, int], job: int, passed: int) -> None:
    """Charge a stall of a unit to the phase of a job."""
    when = w.clock[NOW], passed
    phase = w.jobs[job, J_PHASE]
    if phase == P_ROOM:
        stall_room(w, unit, who, w.jobs[job, J_TARGET], passed)
    elif phase == P_SLOT:
        hop = w.jobs[job, J_HOP]
        charge(w, unit, who, (S_SLOT, hop, busiest_class(w, hop)), when)
    elif phase == P_LATENCY:
        stall_latency(w, unit, who, job, passed)
    else:
        bound = w.groups[w.jobs[job, J_GROUP], G_BOUND]
        charge(w, unit, who, (S_BANDWIDTH, w.bound_hop[bound], w.bound_kind[bound]), when)


@inner
def busiest_class(w: World, hop: int) -> int:
    """Return the class of traffic that holds most slots of a hop, the lower one on a tie."""
    best = 0
    for traffic in range(1, CLASSES):
        if w.hops[hop, H_HELD + traffic] > w.hops[hop, H_HELD + best]:
            best = traffic
    return best


@inner
def stall_latency(w: World, unit: int, who: tuple[int, int, int], job: int, passed: int) -> None:
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
            charge(w, unit, who, (S_LATENCY, w.route_hop[route, i], 0), (first + start, share))
