"""Operations that repeat turn by turn, made lazily from two turns: what grows from one to the other goes on growing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hiersim.errors import TraceError
from hiersim.traces.operation import PER_OPERATION, Operations, OperationStream, OperationTrace

PIECE = 20_000  # operations that a piece may have, if a turn is shorter: few enough to stay in the processor's caches
GROWING = ("flops", "near_read", "near_written", "duration_ps")


def repeated(trace: OperationTrace, start: int, turns: int) -> OperationStream:
    """Return a trace whose last two turns go on.

    Args:
        trace: some operations, and then two turns of equally many that differ only by what grows, FLOPs and bytes, and
            by what they come after: that is taken from the second, which may come after operations of the turn before.
        start: the place of the first turn's first operation.
        turns: how many there are to be in all, at least 2; turn n is the first plus n times what the second has more.

    Raises:
        TraceError: the two turns differ in something else, or use an object whose life ends.
    """
    length, rest = divmod(len(trace) - start, 2)
    if rest or not length or turns < 2:
        raise TraceError(f"{trace.name}: {len(trace) - start} operations are not two turns, or {turns} are too few")
    head = piece(trace.operations, 0, start + length)
    first = piece(trace.operations, start, start + length)
    second = piece(trace.operations, start + length, len(trace))
    growth = _growth(trace, first, second, start)

    def pieces() -> Iterator[Operations]:
        yield head
        at_once = max(1, PIECE // length)
        same: dict[str, Any] = {}
        for turn in range(0, turns - 1, at_once):
            numbers = range(turn, min(turn + at_once, turns - 1))
            if turn == 0 or len(numbers) < at_once:
                same = _tiled(second, growth, len(numbers))
            yield _grown(second, growth, same, numbers)

    grows = all((more >= 0).all() for more in growth.values())
    return OperationStream(trace.header, pieces, start + turns * length, alike=2 if grows else turns)


def _tiled(turn: Operations, growth: dict[str, Any], count: int) -> dict[str, Any]:
    """Return the columns that so many turns, one after the other, have in common with all others."""
    keys = [key for key in (*PER_OPERATION, "uses") if key not in growth]
    columns: dict[str, Any] = {key: np.tile(getattr(turn, key), count) for key in keys}
    for key in ("offsets", "after_offsets"):
        ends = getattr(turn, key)
        columns[key] = np.concatenate([ends[:1], (ends[1:] + np.arange(count)[:, None] * ends[-1]).ravel()])
    return columns


def _grown(turn: Operations, growth: dict[str, Any], same: dict[str, Any], numbers: range) -> Operations:
    """Return turns one after the other: the one given with so many times its growth, for each of the numbers."""
    steps = np.arange(numbers.start, numbers.stop)[:, None]
    columns = {key: (getattr(turn, key) + steps * more).ravel() for key, more in growth.items()}
    return Operations(**same, **columns, after=(turn.after + steps * len(turn)).ravel())


def streamed(trace: OperationTrace) -> OperationStream:
    """Return a whole trace as one that comes in one piece."""
    return OperationStream(trace.header, trace.chunks, len(trace))


def piece(operations: Operations, start: int, end: int) -> Operations:
    """Return the operations from one place to before another; what they come after keeps its place in the trace."""
    columns: dict[str, Any] = {key: getattr(operations, key)[start:end] for key in PER_OPERATION}
    for offsets, entries in (("offsets", "uses"), ("after_offsets", "after")):
        ends = getattr(operations, offsets)[start : end + 1]
        columns[offsets] = ends - ends[0]
        columns[entries] = getattr(operations, entries)[ends[0] : ends[-1]]
    amounts, (low, high) = operations.use_bytes, operations.offsets[[start, end]]
    return Operations(**columns, use_bytes=None if amounts is None else amounts[low:high])


def _growth(trace: OperationTrace, first: Operations, second: Operations, start: int) -> dict[str, Any]:
    """Return what the second turn has more than the first, by column, after checking that the rest is equal."""
    for key in (*PER_OPERATION, "offsets", "uses"):
        if key not in GROWING and not np.array_equal(getattr(second, key), getattr(first, key)):
            raise TraceError(f"{trace.name}: two turns of operations differ in `{key}`")
    ending = trace.objects.last_use[second.uses] >= 0
    if ending.any():
        what = trace.objects.name(int(second.uses[np.argmax(ending)]))
        raise TraceError(f"{trace.name}: object {what} ends in a turn that repeats")
    if (second.after < start).any():
        raise TraceError(f"{trace.name}: a turn comes after what is more than a turn before it")
    growth: dict[str, Any] = {key: getattr(second, key) - getattr(first, key) for key in GROWING}
    growth = {key: more for key, more in growth.items() if more.any()}
    if first.use_bytes is not None and second.use_bytes is not None:
        growth["use_bytes"] = second.use_bytes - first.use_bytes
    return growth
