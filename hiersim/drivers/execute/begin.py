"""An operation that is free: what it lacks is brought near, and when all is held it works."""

from __future__ import annotations

import math

from hiersim.drivers.execute import copies, duration, over, rows
from hiersim.drivers.execute.columns import (
    ASKING,
    AT,
    BEGIN,
    COPY,
    CURRENT,
    FUTURE,
    IN_TURN,
    K_ALONE,
    K_COMPUTE,
    K_NEAR,
    K_UNIT,
    LOST_BY,
    LOST_OBJECT,
    MODE,
    NONE,
    TL_HEAD,
    WORKING,
)
from hiersim.drivers.execute.program import Program
from hiersim.engine import driven
from hiersim.engine.columns import (
    A_INDEX,
    A_LACKS,
    A_NEXT,
    A_OBJECT,
    NOW,
    RESIDENT,
    T_LINE_HEAD,
    U_NEAR,
    U_TAIL,
)
from hiersim.engine.world import World
from hiersim.jit import hot, inner
from hiersim.traces.operation import CARRY, COMPUTE, FETCH


@inner
def consider(w: World, d: Program, place: int) -> None:
    """Let a free operation begin, or wait for its turn."""
    o = rows.row(d, place)
    action = d.action[o]
    if action == CARRY:
        copies.carry(w, d, place)
        d.state[CURRENT] = NONE
    elif action not in (COMPUTE, FETCH):
        copies.start(d, o)
        d.state[MODE] = COPY
        d.state[AT] = d.offsets[o]
    else:
        near = w.units[d.unit[o], U_NEAR]
        if has_all(w, d, o, near) or (d.turns[near, TL_HEAD] == NONE and w.tiers[near, T_LINE_HEAD] == NONE):
            begin(w, d, o)
            ask(w, d, place)
        else:
            d.phase[o] = IN_TURN
            rows.join_turn(d, near, d.stream[o])
            d.state[CURRENT] = NONE


@hot
def has_all(w: World, d: Program, o: int, near: int) -> bool:
    """Say whether all objects of an operation are resident near."""
    for i in range(d.offsets[o], d.offsets[o + 1]):
        if w.state[near, d.uses[i]] != RESIDENT:
            return False
    return True


@inner
def begin(w: World, d: Program, o: int) -> None:
    """Hold what is resident near; what is not is asked for in the steps that follow."""
    d.phase[o] = ASKING
    d.outstanding[o] = 1  # until all has been asked for
    d.work[o] = NONE
    d.begun[o] = w.clock[NOW]
    unit, stream = d.unit[o], d.stream[o]
    near = w.units[unit, U_NEAR]
    start = d.offsets[o]
    row = len_units(w) + unit if d.action[o] == FETCH else unit
    for i in range(start, d.offsets[o + 1]):
        key = d.uses[i]
        d.taken[i] = 0
        if w.state[near, key] == RESIDENT:
            d.taken[i] = 1
            if d.state[FUTURE] == 1:
                w.next_use[key] = d.next_use[i]
            driven.take(w, row, key, stream, i - start < d.reads[o])
    d.state[MODE] = BEGIN
    d.state[AT] = start


@hot
def len_units(w: World) -> int:
    """Return the number of units, behind whose rows those of their fetches are."""
    return int(w.units.shape[0] >> 1)


@inner
def ask(w: World, d: Program, place: int) -> None:
    """Ask for the next object that an operation lacks; when there is none left, it waits for those, or works."""
    o = rows.row(d, place)
    i = d.state[AT]
    while i < d.offsets[o + 1] and d.taken[i] == 1:
        i += 1
    if i == d.offsets[o + 1]:
        d.state[CURRENT] = NONE
        came(w, d, place)
        return
    d.state[AT] = i + 1
    key, unit, stream = d.uses[i], d.unit[o], d.stream[o]
    row = len_units(w) + unit if d.action[o] == FETCH else unit
    if d.state[FUTURE] == 1:
        w.next_use[key] = d.next_use[i]
    d.outstanding[o] += 1
    if i - d.offsets[o] < d.reads[o]:
        driven.acquire(w, row, key, place, stream)
    else:
        driven.claim(w, row, key, place, stream)
    if d.work[o] == NONE:
        d.work[o] = w.units[row, U_TAIL]


@inner
def heard(w: World, d: Program, a: int) -> None:
    """Take note that an object is held, or is nowhere: then it is made again, or the run ends."""
    place, key = w.accesses[a, A_INDEX], w.accesses[a, A_OBJECT]
    o = rows.row(d, place)
    if w.accesses[a, A_LACKS] == 1:
        if d.action[o] == FETCH or d.makeable[key] == 0:
            if d.state[LOST_BY] == NONE:  # the first of several at one instant
                d.state[LOST_BY] = place
                d.state[LOST_OBJECT] = key
        else:
            driven.remake(w, a)
        return
    if d.work[o] == a:
        behind = w.accesses[a, A_NEXT]
        d.work[o] = behind if behind != NONE and w.accesses[behind, A_INDEX] == place else NONE
    driven.heard(w, a)
    came(w, d, place)


@inner
def came(w: World, d: Program, place: int) -> None:
    """Count something that an operation waited for; with the last it works, or, of a fetch, is over."""
    o = rows.row(d, place)
    d.outstanding[o] -= 1
    if d.outstanding[o] > 0:
        return
    if d.action[o] == FETCH:
        over.end(w, d, place)
    else:
        d.begun[o] = w.clock[NOW]
        operate(w, d, place)


@inner
def operate(w: World, d: Program, place: int) -> None:
    """Let the unit work."""
    o = rows.row(d, place)
    unit, kind = d.unit[o], d.kind[o]
    key = d.uses[d.offsets[o]] if d.offsets[o] < d.offsets[o + 1] else copies.stand_in(d, d.near_class[o])
    job = driven.new_operation(w, unit, key, d.stream[o], place)
    w.flops_of[job] = d.flops[o]
    tally(w, d, job, o)
    route = driven.way(w, job)
    near = duration.near_of(w, d, kind, job, route)
    compute = d.flops[o] * d.cost[unit, d.dtype[o]]
    length = d.duration[o]
    by_memory = near > compute
    if length >= 0:
        length = max(1, length)
        by_memory = near > length
    else:
        length = duration.alone(d, unit, compute, near)
    d.kinds[kind, K_ALONE] += length
    own = length if d.duration[o] >= 0 else math.ceil(compute)
    d.kinds[kind, K_COMPUTE] += own
    d.computing[unit] += own if d.duration[o] >= 0 else own + d.overhead[unit]
    d.kinds[kind, K_NEAR] += math.ceil(near)
    d.kinds[kind, K_UNIT] = unit
    d.busy[unit] += length
    d.critical[o] += length
    d.phase[o] = WORKING
    d.outstanding[o] = 1
    d.work[o] = job
    driven.operate(w, job, route, length, by_memory)


@inner
def tally(w: World, d: Program, job: int, o: int) -> None:
    """Enter the bytes that an operation reads and writes near its unit, by class."""
    start, whole = d.offsets[o], d.amounts.shape[0] == 0
    for i in range(start, d.offsets[o + 1]):
        key = d.uses[i]
        amount = w.size[key] if whole else d.amounts[i]
        if i - start < d.reads[o]:
            w.work_read[job, w.object_class[key]] += amount
        else:
            w.work_written[job, w.object_class[key]] += amount
    w.work_read[job, d.near_class[o]] += d.near_read[o]
    w.work_written[job, d.near_class[o]] += d.near_written[o]
