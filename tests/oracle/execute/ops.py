"""Operations as plain objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

COPIES = ("offload", "store", "drop")


@dataclass(eq=False)
class Op:
    """One operation, and how far it is."""

    place: int
    kind: str
    action: str
    unit: str
    stream: int
    flops: int
    dtype: str
    duration: int
    near_read: int
    near_written: int
    near_class: str
    source: str | None
    target: str | None
    reads: list[tuple[int, int]]  # object and bytes of it
    writes: list[tuple[int, int]]
    after: list[int]
    left: int = 0  # operations that it comes after and that are not over
    phase: str = "queued"  # line, turn, asking, working, waiting, over
    outstanding: int = 0
    wanted: list[Any] = field(default_factory=list)  # what it asked for and does not hold yet, oldest first
    jobs: list[Any] = field(default_factory=list)  # transfers or transits of its own, oldest first
    todo: list[int] = field(default_factory=list)  # of a copy: objects that are still to be looked at
    looked: bool = False
    free_at: int = -1
    begun: int = -1
    over_at: int = -1
    alone: int = 0
    compute: int = 0  # what its FLOPs take alone, or its own duration
    near: int = 0  # what its bytes near the unit take alone
    critical: int = 0

    @property
    def objects(self) -> list[int]:
        return [obj for obj, _ in (*self.reads, *self.writes)]


def operations_of(trace: Any) -> list[Op]:
    """Read an ``OperationTrace`` row by row."""
    header, o, ops = trace.header, trace.operations, []
    tiers, classes = [*header.objects.tiers, None], header.objects.classes
    dtypes = ("bf16", "fp16", "fp8", "fp32", "int8")
    actions = ("compute", "fetch", "offload", "store", "drop", "carry")
    for i in range(len(o.kind)):
        first, last = int(o.offsets[i]), int(o.offsets[i + 1])
        uses = [int(obj) for obj in o.uses[first:last]]
        amounts = o.use_bytes[first:last] if o.use_bytes is not None else header.objects.size[uses]
        pairs = [(obj, int(n)) for obj, n in zip(uses, amounts, strict=True)]
        ops.append(
            Op(
                place=i,
                kind=header.kinds[int(o.kind[i])],
                action=actions[header.actions[int(o.kind[i])]],
                unit=header.units[int(o.unit[i])],
                stream=int(o.stream[i]),
                flops=int(o.flops[i]),
                dtype=dtypes[int(o.dtype[i])],
                duration=int(o.duration_ps[i]),
                near_read=int(o.near_read[i]),
                near_written=int(o.near_written[i]),
                near_class=classes[int(o.near_class[i])],
                source=tiers[int(o.source[i])],
                target=tiers[int(o.target[i])],
                reads=pairs[: int(o.reads[i])],
                writes=pairs[int(o.reads[i]) :],
                after=[int(place) for place in o.after[o.after_offsets[i] : o.after_offsets[i + 1]]],
            )
        )
    return ops
