"""What units wait for: a stall is charged to what the first operation of their streams waits for (section 14)."""

from __future__ import annotations

from hiersim.drivers.execute import copies, rows
from hiersim.drivers.execute.columns import ASKING, BASE, IN_TURN, NONE, QUEUED, S_HEAD, S_UNIT, WAITING
from hiersim.drivers.execute.program import Program
from hiersim.engine import accounting, spans
from hiersim.engine.columns import J_OBJECT, NOW, SORT, U_NEAR
from hiersim.engine.world import World
from hiersim.jit import inner


@inner
def pass_time(w: World, d: Program, until: int) -> None:
    """Charge the time from now to ``until``, for which the present state holds, and move the clock there."""
    passed = until - w.clock[NOW]
    for unit in range(accounting.count_units(w)):
        if not accounting.is_busy(w, unit, passed):
            place = first_of(d, unit)
            if place == NONE:
                accounting.idle(w, unit, passed)
            else:
                w.clock[SORT] = d.kind[rows.row(d, place)]
                charge(w, d, unit, place, passed)
    w.clock[NOW] = until


@inner
def first_of(d: Program, unit: int) -> int:
    """Return the first operation at the head of a stream of a unit, or -1 when its streams are over."""
    first = NONE
    for stream in range(d.streams.shape[0]):
        head = d.streams[stream, S_HEAD]
        if d.streams[stream, S_UNIT] == unit and head != NONE and (first == NONE or head < first):
            first = head
    return int(first)


@inner
def blocking(d: Program, place: int) -> int:
    """Return the operation that one at the head of its stream waits for in the end: one that is free, or itself."""
    while True:
        o = rows.row(d, place)
        if d.phase[o] != QUEUED:
            return int(place)
        first = NONE
        for e in range(d.after_offsets[o], d.after_offsets[o + 1]):
            other = d.after[e]
            if other >= d.state[BASE] and d.over[rows.row(d, other)] < 0 and (first == NONE or other < first):
                first = other
        place = d.streams[d.stream[rows.row(d, first)], S_HEAD]


@inner
def charge(w: World, d: Program, unit: int, place: int, passed: int) -> None:
    """Charge a stall of a unit to what an operation waits for."""
    place = blocking(d, place)
    o = rows.row(d, place)
    phase = d.phase[o]
    near = w.units[d.unit[o], U_NEAR]
    if phase == IN_TURN:
        accounting.stall_room(w, unit, (place, d.uses[d.offsets[o]], NONE), near, passed)
    elif phase == ASKING:
        accounting.stall(w, unit, d.work[o], passed)
    elif phase == WAITING:
        key, job = d.uses[d.place[o]], copies.awaited(w, d, o)
        if job == NONE:
            accounting.stall_room(w, unit, (place, key, NONE), near, passed)
        else:
            accounting.stall_joined(w, unit, (place, key, spans.transfer_of(w, job)), job, passed)
    else:
        job = d.work[o]
        accounting.stall_job(w, unit, (place, w.jobs[job, J_OBJECT], spans.transfer_of(w, job)), job, passed)
