"""Columns of operations that follow from others: last uses of objects, the units of streams, pieces put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hiersim.errors import TraceError
from hiersim.traces.operation import COMPUTE, NONE, PER_OPERATION, Operations


def last_uses(offsets: Any, uses: Any, objects: int) -> Any:
    """Return the place of the last operation that names each object, int64 [objects], -1 for none."""
    last = np.full(objects, NONE, np.int64)
    np.maximum.at(last, uses, np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)))
    return last


def stream_units(operations: Operations, actions: tuple[int, ...], streams: int) -> tuple[int, ...]:
    """Return the unit of the first compute of each stream, -1 of those that only copy."""
    units = np.full(streams, NONE, np.int64)
    computes = np.flatnonzero(np.array(actions or (COMPUTE,))[operations.kind] == COMPUTE)[::-1]
    units[operations.stream[computes]] = operations.unit[
        computes
    ]  # of several the last one assigned, the first in order
    return tuple(int(unit) for unit in units)


def joined(pieces: Sequence[Operations]) -> Operations:
    """Return consecutive pieces as one."""
    columns: dict[str, Any] = {key: np.concatenate([getattr(piece, key) for piece in pieces]) for key in PER_OPERATION}
    for offsets, entries in (("offsets", "uses"), ("after_offsets", "after")):
        lengths = np.concatenate([np.diff(getattr(piece, offsets)) for piece in pieces])
        columns[offsets] = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        columns[entries] = np.concatenate([getattr(piece, entries) for piece in pieces])
    amounts = [piece.use_bytes for piece in pieces]
    known = [each for each in amounts if each is not None]
    if known and len(known) < len(amounts):
        raise TraceError("`use_bytes` must be given in all pieces or in none")
    return Operations(**columns, use_bytes=np.concatenate(known) if known else None)
