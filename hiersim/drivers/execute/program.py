"""Program: every array of a run of operations beside the World's, by name."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hiersim.drivers.execute import columns as x
from hiersim.engine.pointed import Layout, pointed

I64 = NDArray[np.int64]


class Program(NamedTuple):
    """The operations of a run and where they are. ``R`` rows hold those from place BASE of the trace on."""

    state: I64  # [STATE_COLUMNS]
    # by row: the columns of `hiersim.traces.operation.Operations`, and
    action: NDArray[np.uint8]  # [R]
    kind: NDArray[np.uint16]  # [R]
    unit: NDArray[np.int16]  # [R]: number of the core's unit
    stream: NDArray[np.int32]  # [R]
    flops: I64  # [R]
    dtype: NDArray[np.uint8]  # [R]
    duration: I64  # [R]
    near_read: I64  # [R]
    near_written: I64  # [R]
    near_class: NDArray[np.uint8]  # [R]
    source: NDArray[np.int16]  # [R]: number of the core's tier
    target: NDArray[np.int16]  # [R]
    reads: NDArray[np.int32]  # [R]
    offsets: I64  # [R + 1]
    uses: NDArray[np.int32]  # [uses]
    amounts: I64  # [uses], or [0] where objects are used whole
    after_offsets: I64  # [R + 1]
    after: I64  # [entries]: places
    following: I64  # [R]: place of the next operation of its stream, -1 when it is in no row
    first: I64  # [R + 1]: those that come after row r are entries first[r] to first[r + 1]
    entries: NDArray[np.int32]  # [entries]: rows
    left: NDArray[np.int32]  # [R]: operations that it comes after and that are not over
    phase: NDArray[np.uint8]  # [R]
    outstanding: NDArray[np.int32]  # [R]: what it has asked for or submitted and not got back
    work: I64  # [R]: its oldest outstanding row of the core's accesses, or job
    place: I64  # [R]: of a copy that waits, which of its uses is next
    looked: NDArray[np.uint8]  # [R]: 1 when its inputs count as wanted
    taken: NDArray[np.uint8]  # [uses]: 1 when it was near as the operation began
    free_at: I64  # [R]: picoseconds, when it was free
    begun: I64  # [R]: when its work began
    over: I64  # [R]: when it was over
    critical: I64  # [R]: picoseconds, the longest chain of operations before it, and itself once it is over
    next_use: I64  # [uses], or [0]: place in the list of all uses of the object's next use, NEVER for none
    # by stream, tier, unit, kind, object
    streams: I64  # [streams, STREAM_COLUMNS]
    line: I64  # [ring]: places of the begin line
    waiting: I64  # [streams]: places of the waiting line
    turns: I64  # [T, TL_COLUMNS]
    cost: NDArray[np.float64]  # [units, number formats]: picoseconds per FLOP
    overhead: I64  # [units]: picoseconds
    kinds: I64  # [kinds, KIND_COLUMNS]
    near_ps: NDArray[np.float64]  # [kinds]: picoseconds that the bytes of the last one took near its unit
    busy: I64  # [units]: picoseconds of work alone
    computing: I64  # [units]: of these what FLOPs, given durations and overheads take
    remaining: NDArray[np.int32]  # [O]: uses by operations in rows that are not over
    last_use: I64  # [O]: place of the last operation that names it, -1: it stays
    wanted: NDArray[np.int32]  # [O or 1]: by how many operations that have been looked at
    leaving: NDArray[np.int32]  # [O]: objects that ended and are in transit


SHAPES = {
    "state": ("int64", 1),
    "action": ("uint8", 1),
    "kind": ("uint16", 1),
    "unit": ("int16", 1),
    "stream": ("int32", 1),
    "dtype": ("uint8", 1),
    "near_class": ("uint8", 1),
    "source": ("int16", 1),
    "target": ("int16", 1),
    "reads": ("int32", 1),
    "uses": ("int32", 1),
    "entries": ("int32", 1),
    "left": ("int32", 1),
    "phase": ("uint8", 1),
    "outstanding": ("int32", 1),
    "looked": ("uint8", 1),
    "taken": ("uint8", 1),
    "cost": ("float64", 2),
    "near_ps": ("float64", 1),
    "remaining": ("int32", 1),
    "wanted": ("int32", 1),
    "leaving": ("int32", 1),
}
VECTORS = (
    *("flops", "duration", "near_read", "near_written", "offsets", "amounts", "after_offsets", "after", "following"),
    *("first", "work", "place", "free_at", "begun", "over", "critical", "next_use", "waiting", "overhead", "busy"),
    *("computing", "last_use", "line"),
)
COLUMNS = {"streams": x.STREAM_COLUMNS, "turns": x.TL_COLUMNS, "kinds": x.KIND_COLUMNS}
MEASURED = frozenset({"amounts", "last_use", "phase", "streams", "line", "turns", "wanted"})

handle = pointed(Program, Layout(SHAPES | dict.fromkeys(VECTORS, ("int64", 1)), COLUMNS, MEASURED), __name__)
"""Turn a Program into what the kernels take."""


def empty(trace: Any, tiers: int, units: int, look: int) -> dict[str, Any]:
    """Return the arrays by stream, tier, unit, kind and object, and rows for no operation.

    Args:
        trace: an ``OperationTrace`` or ``OperationStream``.
        tiers: how many tiers the core manages.
        units: how many units it has.
        look: how many operations ahead are prefetched.
    """
    header, objects = trace.header, len(trace.objects)
    rows: dict[str, Any] = {}
    for name in Program._fields:
        kind, dimensions = SHAPES.get(name, ("int64", 1 if name in VECTORS else 2))
        if dimensions == 1:
            rows[name] = np.zeros(1 if name in ("offsets", "after_offsets", "first") else 0, kind)
    streams = np.full((len(header.streams), x.STREAM_COLUMNS), x.NONE, np.int64)
    streams[:, [x.S_LEFT, x.S_DISTANCE, x.S_AWAY, x.S_CRITICAL]] = 0
    kinds = np.zeros((len(header.kinds), x.KIND_COLUMNS), np.int64)
    kinds[:, x.K_ACTION], kinds[:, x.K_UNIT] = header.actions, x.NONE
    state = np.zeros(x.STATE_COLUMNS, np.int64)
    state[[x.CURRENT, x.SEEN, x.LOST_BY, x.LOST_OBJECT]] = x.NONE
    state[[x.LOOK, x.LEAST]] = look, look + 2
    return rows | {
        "state": state,
        "streams": streams,
        "line": np.zeros(len(header.streams) + 1, np.int64),
        "waiting": np.zeros(len(header.streams), np.int64),
        "turns": np.full((tiers, x.TL_COLUMNS), x.NONE, np.int64),
        "cost": np.zeros((units, 1)),
        "overhead": np.zeros(units, np.int64),
        "kinds": kinds,
        "near_ps": np.zeros(len(header.kinds)),
        "busy": np.zeros(units, np.int64),
        "computing": np.zeros(units, np.int64),
        "remaining": np.zeros(objects, np.int32),
        "last_use": trace.objects.last_use.copy(),
        "wanted": np.zeros(objects if look else 1, np.int32),
        "leaving": np.zeros(objects, np.int32),
    }
