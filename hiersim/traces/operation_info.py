"""What a trace of operations holds: how many of which kind, how much they read, write, copy and compute."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hiersim.traces.operation import ACTIONS, CARRY, COMPUTE, DROP, OperationTrace


@dataclass(frozen=True)
class KindInfo:
    """Operations of a kind.

    Attributes:
        action: what they do.
        operations: how many.
        flops: FLOPs of all.
        read_bytes, written_bytes: near their units, objects and others.
        copied_bytes: named by copies, that may have to move.
    """

    action: str
    operations: int
    flops: int
    read_bytes: int
    written_bytes: int
    copied_bytes: int


@dataclass(frozen=True)
class OperationsInfo:
    """A trace of operations in numbers.

    Attributes:
        name, format, source, notes: as of the trace.
        operations: how many.
        objects: how many, and ``object_bytes`` all of them.
        classes: objects and bytes by class.
        units, streams: their names.
        kinds: by name.
    """

    name: str
    format: str
    source: str
    notes: tuple[str, ...]
    operations: int
    objects: int
    object_bytes: int
    classes: dict[str, tuple[int, int]]
    units: tuple[str, ...]
    streams: tuple[str, ...]
    kinds: dict[str, KindInfo]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON takes it."""
        return asdict(self) | {"kind": "operations"}


def operations_info(trace: OperationTrace) -> OperationsInfo:
    """Describe a trace of operations."""
    header, objects = trace.header, trace.objects
    of_class = [objects.object_class == code for code in range(len(objects.classes))]
    return OperationsInfo(
        name=trace.name,
        format=header.format,
        source=header.source,
        notes=header.notes,
        operations=len(trace),
        objects=len(objects),
        object_bytes=int(objects.size.sum()),
        classes={n: (int(m.sum()), int(objects.size[m].sum())) for n, m in zip(objects.classes, of_class, strict=True)},
        units=header.units,
        streams=header.streams,
        kinds={name: _kind(trace, number) for number, name in enumerate(header.kinds)},
    )


def _kind(trace: OperationTrace, number: int) -> KindInfo:
    """Add up the operations of a kind."""
    o, action = trace.operations, trace.header.actions[number]
    amounts = trace.objects.size[o.uses] if o.use_bytes is None else o.use_bytes
    place = np.repeat(np.arange(len(o)), np.diff(o.offsets))
    is_read = np.arange(len(o.uses)) - o.offsets[place] < o.reads[place]
    mine = o.kind == number
    read, written = (int(amounts[mine[place] & which].sum()) for which in (is_read, ~is_read))
    near, out = int(o.near_read[mine].sum()), int(o.near_written[mine].sum())
    computes, copied = action == COMPUTE, near if action == CARRY else 0 if action == DROP else read
    return KindInfo(
        action=ACTIONS[action],
        operations=int(mine.sum()),
        flops=int(o.flops[mine].sum()),
        read_bytes=read + near if computes else 0,
        written_bytes=written + out if computes else 0,
        copied_bytes=0 if computes else copied,
    )
