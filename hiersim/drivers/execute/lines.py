"""What is done when the ready line is empty: the begin line, turns, what waits for settle (model.md, section 14)."""

from __future__ import annotations

from hiersim.drivers.execute import ahead, begin, copies, over, rows
from hiersim.drivers.execute.columns import (
    AHEAD,
    AT,
    BEGIN,
    CONSIDER,
    COPY,
    CURRENT,
    GO_ON,
    LEAVE,
    LEAVERS,
    LINE_HEAD,
    LINE_TAIL,
    LOOK,
    MODE,
    NONE,
    REST,
    S_HEAD,
    SEEN,
    STAGE,
    STAGE_AT,
    TL_HEAD,
    TURNS,
    WAITERS,
    WORKING,
)
from hiersim.drivers.execute.program import Program
from hiersim.engine.columns import SETTLED, T_LINE_HEAD
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@inner
def step(w: World, d: Program) -> bool:
    """Do the next thing; say whether there was one."""
    if d.state[CURRENT] == NONE and not take(w, d):
        return stages(w, d)
    place = d.state[CURRENT]
    if d.state[MODE] == CONSIDER:
        begin.consider(w, d, place)
    elif d.state[MODE] == BEGIN:
        begin.ask(w, d, place)
    else:
        copies.go_on(w, d, place)
    return True


@inner
def take(w: World, d: Program) -> bool:
    """Take the first of the begin line, else the first whose turn it is, as the current operation."""
    if d.state[LINE_HEAD] < d.state[LINE_TAIL]:
        d.state[CURRENT] = rows.first_in_line(d)
        d.state[MODE] = CONSIDER
        return True
    if d.state[TURNS] == 0:
        return False
    for tier in range(d.turns.shape[0]):
        if d.turns[tier, TL_HEAD] != NONE and w.tiers[tier, T_LINE_HEAD] == NONE:
            place = d.streams[rows.take_turn(d, tier), S_HEAD]
            d.state[CURRENT] = place
            begin.begin(w, d, rows.row(d, place))
            return True
    return False


@hot
def idle(w: World, d: Program) -> bool:
    """Say whether nothing is to be done: what ``step`` would find out at more expense."""
    if d.state[CURRENT] != NONE or d.state[LINE_HEAD] < d.state[LINE_TAIL] or d.state[TURNS] > 0:
        return False
    return bool(d.state[STAGE] == REST and d.state[SEEN] == w.clock[SETTLED])


@inner
def stages(w: World, d: Program) -> bool:
    """Go through what waits for settle, if it has run since: objects that ended, copies that wait, prefetches."""
    if d.state[STAGE] == REST:
        if d.state[SEEN] == w.clock[SETTLED]:
            return False
        d.state[SEEN] = w.clock[SETTLED]
        d.state[STAGE] = LEAVE
    if d.state[STAGE] == LEAVE:
        remove_ended(w, d)
        d.state[STAGE] = GO_ON
        return True
    if d.state[STAGE] == GO_ON:
        if wake(w, d):
            return True
        d.state[STAGE] = AHEAD
        d.state[STAGE_AT] = 0
    while d.state[LOOK] > 0 and d.state[STAGE_AT] < d.streams.shape[0]:
        if ahead.look(w, d, d.state[STAGE_AT]):
            return True
        d.state[STAGE_AT] += 1
    d.state[STAGE] = REST
    return True


@inner
def remove_ended(w: World, d: Program) -> None:
    """Remove the objects that ended while they were in transit, and no longer are."""
    kept = 0
    for i in range(d.state[LEAVERS]):
        key = d.leaving[i]
        if w.transit[key] == NONE:
            over.leave(w, key)
        else:
            d.leaving[kept] = key
            kept += 1
    d.state[LEAVERS] = kept


@inner
def wake(w: World, d: Program) -> bool:
    """Let the first operation of the waiting line that can go on do so; say whether there was one."""
    for i in range(d.state[WAITERS]):
        place = d.waiting[i]
        if copies.can_go_on(w, d, place):
            for j in range(i, d.state[WAITERS] - 1):
                d.waiting[j] = d.waiting[j + 1]
            d.state[WAITERS] -= 1
            o = rows.row(d, place)
            d.phase[o] = WORKING
            d.state[CURRENT] = place
            d.state[MODE] = COPY
            d.state[AT] = d.place[o]
            return True
    return False
