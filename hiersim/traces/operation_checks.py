"""What must be true of operations by themselves, before any machine is known; mistakes name the operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.errors import TraceError
from hiersim.jit import kernel
from hiersim.traces.operation import CARRY, DTYPES, PER_OPERATION

if TYPE_CHECKING:
    from hiersim.traces.operation import Header, Operations, OperationTrace

Label = Callable[[int], str]


def check_chunk(header: Header, piece: Operations, start: int, label: Label, earlier: bool = False) -> None:
    """Check the columns of consecutive operations.

    Args:
        header: of their trace.
        piece: the operations.
        start: the place of the first in the trace.
        label: what the operation of a place is called.
        earlier: whether they may come after earlier ones only.

    Raises:
        TraceError: with the operation's name.
    """
    _shapes(piece)
    count = len(piece)
    if not count:
        return
    most = {
        "kind": len(header.kinds),
        "unit": len(header.units),
        "stream": len(header.streams),
        "dtype": len(DTYPES),
        "near_class": len(header.objects.classes),
        "source": len(header.objects.tiers),
        "target": len(header.objects.tiers),
    }
    for key, names in most.items():
        _refuse(piece, getattr(piece, key) >= names, start, label, f"its {key} has no name")
    _refuse(piece, piece.unit < 0, start, label, "it has no unit")
    for key in ("flops", "near_read", "near_written", "stream", "reads"):
        column = getattr(piece, key)
        _refuse(piece, column < 0, start, label, f"{key} may not be negative, got {int(column.min())}")
    _refuse(piece, piece.duration_ps < -1, start, label, "duration_ps may not be negative")
    carries = np.array(header.actions)[piece.kind] == CARRY
    ends = (piece.source < 0) | (piece.target < 0) | (piece.source == piece.target) | (piece.near_read < 1)
    _refuse(piece, carries & ends, start, label, "a carry needs two tiers and at least 1 byte")
    _uses(header, piece, start, label)
    limit = np.repeat(start + np.arange(count), np.diff(piece.after_offsets)) if earlier else None
    if len(piece.after):
        row = np.repeat(np.arange(count), np.diff(piece.after_offsets))
        itself = piece.after == start + row
        _refuse_row(row, itself, start, label, "it comes after itself")
        late = piece.after >= limit if limit is not None else np.zeros(len(row), bool)
        _refuse_row(row, late | (piece.after < 0), start, label, "it comes after an operation that is not before it")


def _shapes(piece: Operations) -> None:
    count = len(piece)
    for key, kind in PER_OPERATION.items():
        column = getattr(piece, key)
        if column.shape != (count,) or column.dtype != kind:
            raise TraceError(
                f"column `{key}` is {column.dtype}{list(column.shape)}, expected {np.dtype(kind)}[{count}]"
            )
    for key, entries in (("offsets", piece.uses), ("after_offsets", piece.after)):
        offsets = getattr(piece, key)
        if (
            offsets.shape != (count + 1,)
            or offsets[0] != 0
            or offsets[-1] != len(entries)
            or (np.diff(offsets) < 0).any()
        ):
            raise TraceError(f"`{key}` must rise from 0 to {len(entries)} in {count + 1} steps")
    if piece.use_bytes is not None and piece.use_bytes.shape != piece.uses.shape:
        raise TraceError("`use_bytes` must have an entry for each of `uses`")


def _refuse(piece: Operations, wrong: Any, start: int, label: Label, what: str) -> None:
    if wrong.any():
        raise TraceError(f"operation {label(start + int(np.argmax(wrong)))}: {what}")


def _refuse_row(row: Any, wrong: Any, start: int, label: Label, what: str) -> None:
    if wrong.any():
        raise TraceError(f"operation {label(start + int(row[np.argmax(wrong)]))}: {what}")


def _uses(header: Header, piece: Operations, start: int, label: Label) -> None:
    counts = np.diff(piece.offsets)
    _refuse(piece, piece.reads > counts, start, label, "it reads more objects than it names")
    actions = np.array(header.actions)[piece.kind]
    _refuse(piece, (actions > 0) & (piece.reads < counts), start, label, "only what computes writes objects")
    row = np.repeat(np.arange(len(piece)), counts)
    strange = (piece.uses < 0) | (piece.uses >= len(header.objects))
    _refuse_row(row, strange, start, label, f"objects are numbered 0 to {len(header.objects) - 1}")
    if piece.use_bytes is not None:
        _refuse_row(row, piece.use_bytes < 0, start, label, "bytes may not be negative")


def check_whole(trace: OperationTrace) -> None:
    """Check what only a whole trace can tell: names, that nobody comes after who is not there, and rings.

    Raises:
        TraceError: with the operations' names.
    """
    header, operations, count = trace.header, trace.operations, len(trace)
    if len(header.actions) != len(header.kinds) or len(header.stream_units) != len(header.streams):
        raise TraceError("each kind needs an action, and each stream a unit or -1")
    for what, names in (("operation", trace.names), ("object", trace.objects.names)):
        if names and len(set(names)) < len(names):
            seen: set[str] = set()
            twice = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            raise TraceError(f"{what} {twice}: there are two of this name")
    row = np.repeat(np.arange(count), np.diff(operations.after_offsets))
    _refuse_row(row, operations.after >= count, 0, trace.label, "it comes after an operation that does not exist")
    if (operations.after > row).any():  # only then can there be a ring
        _refuse_rings(trace)


def _refuse_rings(trace: OperationTrace) -> None:
    order = np.empty(len(trace), np.int64)
    done = in_order(trace.operations, order)
    if done == len(trace):
        return
    left = np.ones(len(trace), bool)
    left[order[:done]] = False
    before = previous(trace.operations)
    here = int(np.argmax(left))
    seen: dict[int, int] = {}
    while here not in seen:
        seen[here] = len(seen)
        begin, end = trace.operations.after_offsets[here : here + 2]
        ahead = [*trace.operations.after[begin:end].tolist(), int(before[here])]
        here = next(each for each in ahead if each >= 0 and left[each])
    ring = [trace.label(each) for each, place in seen.items() if place >= seen[here]]
    words = " after ".join([*ring[:6], *(["..."] if len(ring) > 6 else []), ring[0]])
    raise TraceError(f"operation {ring[0]}: it waits for itself: {words} (streams are in order, too)")


def previous(operations: Operations) -> Any:
    """Return for each operation the one before it in its stream, int64, -1 for none."""
    order = np.argsort(operations.stream, kind="stable")
    before = np.full(len(operations), -1, np.int64)
    same = operations.stream[order[1:]] == operations.stream[order[:-1]]
    before[order[1:][same]] = order[:-1][same]
    return before


def in_order(operations: Operations, order: Any) -> int:
    """Write the places of operations to ``order``, none before those that it waits for; return how many there are.

    Those on a ring, and those that wait for them, are missing.
    """
    left = np.diff(operations.after_offsets) + (previous(operations) >= 0)
    first, entries = successors(operations.after_offsets, operations.after)
    following = np.full(len(operations), -1, np.int64)
    before = previous(operations)
    following[before[before >= 0]] = np.flatnonzero(before >= 0)
    return int(_in_order(left, first, entries, following, order))


def successors(offsets: Any, after: Any) -> tuple[Any, Any]:
    """Return (first, entries): those that come after operation i, ascending, are ``entries[first[i]:first[i + 1]]``.

    Args:
        offsets: int64 [operations + 1], whose ``after`` is where.
        after: int64, places from 0; those below 0 do not count.
    """
    first = np.zeros(len(offsets) + 1, np.int64)
    entries = np.empty(len(after), np.int32)
    _turn_over(offsets, after, first, entries)
    return first[:-1], entries[: first[-2]]


@kernel
def _turn_over(offsets: Any, after: Any, first: Any, entries: Any) -> None:
    """Fill ``first``, which has a place more and is 0, and ``entries`` by counting."""
    for e in range(after.shape[0]):
        if after[e] >= 0:
            first[after[e] + 2] += 1
    for i in range(2, first.shape[0]):
        first[i] += first[i - 1]
    for i in range(offsets.shape[0] - 1):
        for e in range(offsets[i], offsets[i + 1]):
            if after[e] >= 0:
                entries[first[after[e] + 1]] = i
                first[after[e] + 1] += 1


@kernel
def _in_order(left: Any, first: Any, entries: Any, following: Any, order: Any) -> Any:
    """Take operations off in the order in which nothing is left before them."""
    filled = 0
    for i in range(left.shape[0]):
        if left[i] == 0:
            order[filled] = i
            filled += 1
    at = 0
    while at < filled:
        i = order[at]
        at += 1
        for e in range(first[i], first[i + 1]):
            left[entries[e]] -= 1
            if left[entries[e]] == 0:
                order[filled] = entries[e]
                filled += 1
        if following[i] >= 0:
            left[following[i]] -= 1
            if left[following[i]] == 0:
                order[filled] = following[i]
                filled += 1
    return filled
