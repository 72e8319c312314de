"""What each unit did when, and how full each tier was: written down while a run goes on, when a timeline is kept."""

from __future__ import annotations

from hiersim.engine.columns import (
    A_JOB,
    A_LOOKING,
    J_PHASE,
    J_SEQ,
    LEVELS_SIZE,
    NONE,
    NOW,
    P_IDLE,
    P_ROOM,
    SP_DETAIL,
    SP_END,
    SP_INDEX,
    SP_OBJECT,
    SP_PLACE,
    SP_START,
    SP_STATE,
    SP_TRANSFER,
    SP_UNIT,
    SPANS_SIZE,
    T_USED,
    U_SPAN,
)
from hiersim.engine.world import FROM, UNTIL, World
from hiersim.jit import hot, inner


@inner
def note(w: World, unit: int, cause: tuple[int, int, int], who: tuple[int, int, int], when: tuple[int, int]) -> None:
    """Write down what a unit did for a while, or let its last span go on if that says the same.

    Args:
        w: the world.
        unit: the unit.
        cause: state, place and detail.
        who: the access that a stall is charged to (its place in the trace), its object, and the transfer that it
            waits for.
        when: start and end, in picoseconds; only what lies in the window is kept.
    """
    start, end = max(when[0], w.setup[FROM]), min(when[1], w.setup[UNTIL])
    if start >= end:
        return
    last = w.units[unit, U_SPAN]
    if last == NONE or not says(w, last, cause, who):
        last = w.clock[SPANS_SIZE]
        w.clock[SPANS_SIZE] = last + 1
        w.units[unit, U_SPAN] = last
        w.spans[last, SP_UNIT] = unit
        w.spans[last, SP_START] = start
        w.spans[last, SP_STATE] = cause[0]
        w.spans[last, SP_PLACE] = cause[1]
        w.spans[last, SP_DETAIL] = cause[2]
        w.spans[last, SP_INDEX] = who[0]
        w.spans[last, SP_OBJECT] = who[1]
        w.spans[last, SP_TRANSFER] = who[2]
    w.spans[last, SP_END] = end


@hot
def says(w: World, row: int, cause: tuple[int, int, int], who: tuple[int, int, int]) -> bool:
    """Say whether a span is of this cause, access, object and transfer."""
    same = w.spans[row, SP_STATE] == cause[0] and w.spans[row, SP_PLACE] == cause[1]
    same = same and w.spans[row, SP_DETAIL] == cause[2] and w.spans[row, SP_INDEX] == who[0]
    return bool(same and w.spans[row, SP_OBJECT] == who[1] and w.spans[row, SP_TRANSFER] == who[2])


@hot
def awaited(w: World, a: int) -> int:
    """Return the sequence number of the transfer that an access waits for, or NONE while there is none yet."""
    if w.accesses[a, A_LOOKING] == 1:
        return NONE
    return transfer_of(w, w.accesses[a, A_JOB])


@hot
def transfer_of(w: World, job: int) -> int:
    """Return the sequence number of a job's transfer, or NONE while there is none yet."""
    phase = w.jobs[job, J_PHASE]
    return NONE if phase in (P_ROOM, P_IDLE) else int(w.jobs[job, J_SEQ])


@inner
def note_level(w: World, tier: int) -> None:
    """Write down the room taken in a tier, which has just changed; before the window only the last change is kept."""
    now = w.clock[NOW]
    if now >= w.setup[UNTIL]:
        return
    row = tier
    if now > w.setup[FROM]:
        row = w.clock[LEVELS_SIZE]
        w.clock[LEVELS_SIZE] = row + 1
    w.levels[row, 0] = max(now, w.setup[FROM])
    w.levels[row, 1] = tier
    w.levels[row, 2] = w.tiers[tier, T_USED]
