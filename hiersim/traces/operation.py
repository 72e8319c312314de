"""Operation traces: what units compute, on which objects, in which order, and what is copied meanwhile; as columns.

What the actions do, and when, is in docs/model.md, section 14. A whole trace is an ``OperationTrace``; one whose
generator makes it piece by piece is an ``OperationStream``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import TraceError

ACTIONS = ("compute", "fetch", "offload", "store", "drop", "carry")
COMPUTE, FETCH, OFFLOAD, STORE, DROP, CARRY = range(len(ACTIONS))
DTYPES = ("bf16", "fp16", "fp8", "fp32", "int8")
NONE = -1

PER_OPERATION = {
    "kind": np.uint16,
    "unit": np.int16,
    "stream": np.int32,
    "flops": np.int64,
    "dtype": np.uint8,
    "duration_ps": np.int64,
    "near_read": np.int64,
    "near_written": np.int64,
    "near_class": np.uint8,
    "source": np.int16,
    "target": np.int16,
    "reads": np.int32,
}
PER_OBJECT = {
    "size": np.int64,
    "object_class": np.uint8,
    "home": np.int16,
    "start": np.int16,
    "last_use": np.int64,
    "flops": np.float64,
}


@dataclass(frozen=True, eq=False)
class Objects:
    """What operations work on; ``len()`` is their number.

    Attributes:
        size: int64 [objects], bytes.
        object_class: uint8 [objects], index into ``classes``.
        home: int16 [objects], index into ``tiers`` of the tier that always has it, -1 for none.
        start: int16 [objects], index into ``tiers`` of the tier that has it at time 0, -1 for none.
        last_use: int64 [objects], place of the last operation that names it, after which it ends; -1: it stays.
        flops: float64 [objects], FLOPs to make it again where it is lost; 0: nothing can.
        classes: names of the object classes, such as ``weight``.
        tiers: names of tiers, for ``home`` and ``start`` here, ``source`` and ``target`` of operations.
        names: of the objects; empty where they are only numbered.
    """

    size: NDArray[np.int64]
    object_class: NDArray[np.uint8]
    home: NDArray[np.int16]
    start: NDArray[np.int16]
    last_use: NDArray[np.int64]
    flops: NDArray[np.float64]
    classes: tuple[str, ...] = ("tensor",)
    tiers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key, kind in PER_OBJECT.items():
            column = getattr(self, key)
            if column.shape != self.size.shape or column.dtype != kind:
                raise TraceError(f"column `{key}` of objects is {column.dtype}{list(column.shape)}")
        if not len(self):
            return
        if self.size.min() < 1:
            raise TraceError(f"object {self.name(int(self.size.argmin()))}: a size is at least 1 byte")
        for key, most in (("object_class", len(self.classes)), ("home", len(self.tiers)), ("start", len(self.tiers))):
            if getattr(self, key).max() >= most:
                raise TraceError(f"object {self.name(int(getattr(self, key).argmax()))}: its {key} has no name")

    def __len__(self) -> int:
        return len(self.size)

    def name(self, number: int) -> str:
        """Return what an object is called."""
        return self.names[number] if self.names else f"#{number}"


@dataclass(frozen=True, eq=False)
class Operations:
    """Consecutive operations as columns; ``len()`` is their number.

    Attributes:
        kind: uint16, index into the trace's ``kinds``.
        unit: int16, index into the trace's ``units``: who computes, or near whom copies begin or end.
        stream: int32, index into the trace's ``streams``.
        flops: int64, FLOPs.
        dtype: uint8, index into ``DTYPES``: the format that it computes in.
        duration_ps: int64, picoseconds that it takes alone; -1: as long as its FLOPs and bytes take.
        near_read, near_written: int64, bytes read and written near its unit that are no objects; ``near_read`` of a
            carry is what it carries.
        near_class: uint8, the class of those bytes.
        source, target: int16, index into the objects' ``tiers``: from where to where a carry goes; else -1.
        reads: int32, how many of its objects it reads; those that it writes follow.
        offsets: int64 [operations + 1], operation i has ``uses[offsets[i]:offsets[i + 1]]``.
        uses: int32, the numbers of objects.
        use_bytes: int64, as ``uses``, the bytes of it that are read or written; ``None``: all of it.
        after_offsets: int64 [operations + 1], operation i comes after ``after[after_offsets[i]:after_offsets[i + 1]]``.
        after: int64, places of operations in the whole trace.
    """

    kind: NDArray[np.uint16]
    unit: NDArray[np.int16]
    stream: NDArray[np.int32]
    flops: NDArray[np.int64]
    dtype: NDArray[np.uint8]
    duration_ps: NDArray[np.int64]
    near_read: NDArray[np.int64]
    near_written: NDArray[np.int64]
    near_class: NDArray[np.uint8]
    source: NDArray[np.int16]
    target: NDArray[np.int16]
    reads: NDArray[np.int32]
    offsets: NDArray[np.int64]
    uses: NDArray[np.int32]
    after_offsets: NDArray[np.int64]
    after: NDArray[np.int64]
    use_bytes: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, eq=False)
class Header:
    """What all operations of a trace share.

    Attributes:
        objects: what they work on.
        kinds: names of the kinds of operations, such as ``attention``.
        actions: what each kind does, index into ``ACTIONS``.
        units: names of units.
        streams: names of streams.
        stream_units: the unit that each stream belongs to, index into ``units``; -1: none, it only copies.
        name, source, format, notes: as of an ``AccessTrace``.
    """

    objects: Objects
    kinds: tuple[str, ...]
    actions: tuple[int, ...]
    units: tuple[str, ...]
    streams: tuple[str, ...]
    stream_units: tuple[int, ...]
    name: str = "operations"
    source: str = ""
    format: str = "memory"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class OperationTrace:
    """A whole trace of operations; ``len()`` is their number.

    Make one with ``OperationBuilder``, ``open_trace`` or a generator.

    Attributes:
        header: names, kinds and objects.
        operations: the columns.
        names: of the operations; empty where they are only numbered.
    """

    header: Header
    operations: Operations
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        from hiersim.traces.operation_checks import check_chunk, check_whole

        check_chunk(self.header, self.operations, 0, self.label)
        check_whole(self)

    def __len__(self) -> int:
        return len(self.operations)

    @property
    def name(self) -> str:
        """The trace's short name."""
        return self.header.name

    @property
    def objects(self) -> Objects:
        """What the operations work on."""
        return self.header.objects

    def label(self, number: int) -> str:
        """Return what an operation is called: its name, or its kind and place."""
        if self.names:
            return self.names[number]
        return f"{self.header.kinds[int(self.operations.kind[number])]} #{number}"

    def chunks(self) -> Iterator[Operations]:
        """Yield all operations, in one piece."""
        yield self.operations

    def with_about(self, **about: Any) -> OperationTrace:
        """Return the same operations with another ``name``, ``source``, ``format`` or ``notes``."""
        return replace(self, header=replace(self.header, **about))

    @cached_property
    def _digest(self) -> str:
        header, digest = self.header, hashlib.sha256()
        lists = (header.kinds, header.actions, header.units, header.streams, self.objects.classes, self.objects.tiers)
        digest.update(repr((lists, header.stream_units)).encode())
        for part in (self.objects, self.operations):
            for key, column in vars(part).items():
                if isinstance(column, np.ndarray):
                    digest.update(f"{key}:{len(column)}\0".encode() + np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def fingerprint(self) -> str:
        """Return the SHA-256 of all columns as 64 hexadecimal digits; names, source and notes do not count."""
        return self._digest

    def __repr__(self) -> str:
        return f"<OperationTrace {self.name}: {len(self):,} operations, {len(self.objects):,} objects>"


@dataclass(frozen=True, eq=False)
class OperationStream:
    """A trace whose operations are made piece by piece, in order, and come after earlier ones only.

    Attributes:
        header: names, kinds and objects; ``last_use`` of the objects is known from the start.
        make: returns the pieces; called once for each run.
        count: how many operations there are in all.
        names: empty: operations are numbered.
        alike: pieces from this number on repeat operations of earlier ones, of no smaller amounts: not checked again.
    """

    header: Header
    make: Callable[[], Iterator[Operations]]
    count: int
    names: tuple[str, ...] = ()
    alike: int = 2**62

    def __len__(self) -> int:
        return self.count

    @property
    def name(self) -> str:
        """The trace's short name."""
        return self.header.name

    @property
    def objects(self) -> Objects:
        """What the operations work on."""
        return self.header.objects

    def label(self, number: int) -> str:
        """Return what an operation is called."""
        return f"#{number}"

    def chunks(self) -> Iterator[Operations]:
        """Yield the pieces; a wrong one raises TraceError."""
        from hiersim.traces.operation_checks import check_chunk

        start = 0
        for number, piece in enumerate(self.make()):
            if number < self.alike:
                check_chunk(self.header, piece, start, self.label, earlier=True)
            start += len(piece)
            yield piece

    def with_about(self, **about: Any) -> OperationStream:
        """Return the same operations with another ``name``, ``source``, ``format`` or ``notes``."""
        return replace(self, header=replace(self.header, **about))

    def fingerprint(self) -> str:
        """Return the SHA-256 of what makes it, as 64 hexadecimal digits: the columns are not kept to be counted."""
        return hashlib.sha256(f"{self.header.source}:{self.count}".encode()).hexdigest()

    def whole(self) -> OperationTrace:
        """Return the whole trace at once."""
        from hiersim.traces.operation_columns import joined

        return OperationTrace(self.header, joined(list(self.chunks())))

    def __repr__(self) -> str:
        return f"<OperationStream {self.name}: {len(self):,} operations, {len(self.objects):,} objects>"
