"""The compiled loop of a run of operations: the core's events, and between them the operations' own lines."""

from __future__ import annotations

from hiersim.drivers.execute import begin, copies, lines, rows, waits
from hiersim.drivers.execute.columns import COMPLETE, LOST, LOST_BY, MORE, NONE, QUEUED, S_HEAD, SHORT
from hiersim.drivers.execute.program import Program
from hiersim.engine import ready, solver
from hiersim.engine.columns import (
    BAD_TIER,
    BROKEN,
    CHANGE,
    DIRTY,
    EVENTS,
    GROW,
    HEAP_SIZE,
    IDLE,
    MASK,
    NOW,
    PAUSE,
    R_HELD,
    R_OVER,
    SHIFT,
)
from hiersim.engine.loop import NEVER, handle, lacks_rows, run_entry, settle
from hiersim.engine.world import World
from hiersim.jit import inner, kernel


@kernel
def advance(w: World, d: Program, margin: int, budget: int) -> int:
    """Handle all events, in order; say why it came back.

    Returns:
        IDLE when nothing is left to happen, GROW when fewer than ``margin`` rows of some table are free, MORE when a
        stream needs further operations in rows, BROKEN when a policy offered a victim that is not there, LOST when an
        object is nowhere, PAUSE after ``budget`` events.
    """
    last = w.clock[EVENTS] + budget
    while True:
        if d.state[SHORT] > 0 and d.state[COMPLETE] == 0:
            return MORE
        if not lines.idle(w, d):
            if lacks_rows(w, margin):
                return GROW
            stepped = lines.step(w, d)
            settle(w)
            drain(w, d)
            if w.clock[BAD_TIER] != NONE:
                return BROKEN
            if d.state[LOST_BY] != NONE:
                return LOST
            if stepped:
                continue
        if w.clock[EVENTS] >= last:
            return PAUSE
        time = w.heap[0, 0] if w.clock[HEAP_SIZE] > 0 else NEVER
        changed = w.clock[CHANGE] <= w.clock[NOW]
        if (w.clock[DIRTY] == 1 or changed) and time > w.clock[NOW]:
            solver.set_rates(w)
            continue
        if w.clock[CHANGE] < time and not changed and time != NEVER:
            waits.pass_time(w, d, w.clock[CHANGE])
            continue
        if time == NEVER:
            return IDLE
        if lacks_rows(w, margin):
            return GROW
        if time > w.clock[NOW]:
            waits.pass_time(w, d, time)
        w.clock[EVENTS] += 1
        handle(w, NEVER)
        drain(w, d)
        if w.clock[BAD_TIER] != NONE:
            return BROKEN
        if d.state[LOST_BY] != NONE:
            return LOST


@inner
def drain(w: World, d: Program) -> None:
    """Run the ready line until it is empty; what concerns operations is for them."""
    while True:
        entry = ready.take(w)
        if entry < 0:
            break
        kind, number = entry >> SHIFT, entry & MASK
        if kind == R_HELD:
            begin.heard(w, d, number)
            settle(w)
        elif kind == R_OVER:
            copies.ended(w, d, number)
            settle(w)
        else:
            run_entry(w, kind, number)


@kernel
def start(w: World, d: Program) -> None:
    """Put the operations that are free at first on the begin line, in trace order."""
    for o in range(d.phase.shape[0]):
        if d.phase[o] == QUEUED and d.left[o] == 0 and d.streams[d.stream[o], S_HEAD] == o:
            rows.line_up(w, d, o)
