"""Where an operation is in the Program's rows, and the lines of operations."""

from __future__ import annotations

from hiersim.drivers.execute.columns import (
    BASE,
    LINE_HEAD,
    LINE_TAIL,
    NONE,
    ON_LINE,
    S_TURN,
    TL_HEAD,
    TL_TAIL,
    TURNS,
)
from hiersim.drivers.execute.program import Program
from hiersim.engine.columns import NOW
from hiersim.engine.world import World
from hiersim.jit import hot


@hot
def row(d: Program, place: int) -> int:
    """Return the row of the operation at a place of the trace."""
    return int(place - d.state[BASE])


@hot
def line_up(w: World, d: Program, place: int) -> None:
    """Put a free operation at the end of the begin line."""
    o = row(d, place)
    d.phase[o] = ON_LINE
    d.free_at[o] = w.clock[NOW]
    tail = d.state[LINE_TAIL]
    d.line[tail % d.line.shape[0]] = place
    d.state[LINE_TAIL] = tail + 1


@hot
def first_in_line(d: Program) -> int:
    """Take the first operation of the begin line, or -1."""
    head = d.state[LINE_HEAD]
    if head == d.state[LINE_TAIL]:
        return NONE
    d.state[LINE_HEAD] = head + 1
    return int(d.line[head % d.line.shape[0]])


@hot
def join_turn(d: Program, tier: int, stream: int) -> None:
    """Put the operation at the head of a stream at the end of a tier's turn line."""
    d.streams[stream, S_TURN] = NONE
    tail = d.turns[tier, TL_TAIL]
    if tail == NONE:
        d.turns[tier, TL_HEAD] = stream
    else:
        d.streams[tail, S_TURN] = stream
    d.turns[tier, TL_TAIL] = stream
    d.state[TURNS] += 1


@hot
def take_turn(d: Program, tier: int) -> int:
    """Take the first stream of a tier's turn line."""
    stream = d.turns[tier, TL_HEAD]
    d.turns[tier, TL_HEAD] = d.streams[stream, S_TURN]
    if d.turns[tier, TL_HEAD] == NONE:
        d.turns[tier, TL_TAIL] = NONE
    d.state[TURNS] -= 1
    return int(stream)
