"""The ready line: what must go on in the same instant, first in, first out (docs/model.md, section 7)."""

from __future__ import annotations

from hiersim.engine.columns import READY_HEAD, READY_TAIL, SHIFT
from hiersim.engine.world import World
from hiersim.jit import hot


@hot
def put(w: World, kind: int, number: int) -> None:
    """Put an entry at the end of the line."""
    tail = w.clock[READY_TAIL]
    w.ready[tail & (w.ready.shape[0] - 1)] = (kind << SHIFT) | number
    w.clock[READY_TAIL] = tail + 1


@hot
def take(w: World) -> int:
    """Take the first entry, or -1 when the line is empty."""
    head = w.clock[READY_HEAD]
    if head == w.clock[READY_TAIL]:
        return -1
    w.clock[READY_HEAD] = head + 1
    return int(w.ready[head & (w.ready.shape[0] - 1)])
