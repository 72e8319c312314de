"""Access traces: which object is touched when, as columns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import TraceError

if TYPE_CHECKING:
    import polars as pl

NEVER = np.iinfo(np.int64).max  # the next use of an access that is its object's last
MOST_BYTES = 2**56  # the largest object
PER_ACCESS = {"object": np.int32, "time_ps": np.int64, "write": np.uint8, "stream": np.int32, "group": np.int32}
PER_OBJECT = {"size": np.int64, "object_class": np.uint8, "flops": np.float64}


def exact_sum(sizes: NDArray[np.int64]) -> int:
    """Return the sum of numbers below 2^57 without overflow."""
    return (int((sizes >> 32).sum()) << 32) + int((sizes & 0xFFFFFFFF).sum())


def check_parents(parents: NDArray[Any], objects: int) -> None:
    """Refuse what is not a forest over the objects.

    Raises:
        TraceError: a wrong shape or type, a number that is no object, or objects that extend each other in a ring.
    """
    if parents.shape != (objects,) or parents.dtype != np.int32:
        raise TraceError(f"parents must be int32 [{objects}], got {parents.dtype} {list(parents.shape)}")
    if objects and not (parents.min() >= -1 and parents.max() < objects):
        raise TraceError(f"parents are -1 to {objects - 1}, got {parents.min()} to {parents.max()}")
    ancestors = parents
    for _ in range(objects.bit_length() + 1):  # each round looks twice as far up
        if not (ancestors >= 0).any():
            return
        ancestors = np.where(ancestors >= 0, ancestors[ancestors], -1)
    raise TraceError("parents must lead to an object without one, but some lead back to where they started")


@dataclass(frozen=True, eq=False)
class AccessTrace:
    """A sequence of accesses to objects; ``len()`` is the number of accesses.

    Make one with ``open_trace``, ``generate``, ``RequestTrace.blocks`` or ``AccessTrace.build``.

    Attributes:
        object: int32 [accesses], the dense number of the object, 0 to objects - 1.
        time_ps: int64 [accesses], never decreasing, picoseconds since the first access; zeros if the source has none.
        write: uint8 [accesses], 1 for a write, 0 for a read.
        stream: int32 [accesses], which stream issues the access.
        group: int32 [accesses], the request that the access belongs to; each access its own where the source has none.
        size: int64 [objects], bytes, 1 to 2^56.
        object_class: uint8 [objects], index into ``classes``.
        flops: float64 [objects], FLOPs to create or recompute the object; 0 where unknown.
        original_id: [objects], the ids of the source: int64, uint64 or strings.
        classes: the names of the object classes, such as ``kv``.
        name: a short name, such as the file's.
        source: where it came from: a path, or the generator and its parameters.
        format: the format that was read, or ``generated``.
        notes: what a reader of results should know about it, one sentence each.
        parents: int32 [objects], the object that each one extends, -1 for none: of a prefix block the block before it;
            ``None`` where objects have no such order.
    """

    object: NDArray[np.int32]
    time_ps: NDArray[np.int64]
    write: NDArray[np.uint8]
    stream: NDArray[np.int32]
    group: NDArray[np.int32]
    size: NDArray[np.int64]
    object_class: NDArray[np.uint8]
    flops: NDArray[np.float64]
    original_id: NDArray[Any]
    classes: tuple[str, ...] = ("page",)
    name: str = "trace"
    source: str = ""
    format: str = "memory"
    notes: tuple[str, ...] = field(default=())
    parents: NDArray[np.int32] | None = None

    @classmethod
    def build(
        cls,
        object: Sequence[int] | NDArray[Any],
        size: int | Sequence[int] | NDArray[Any] = 1,
        columns: Mapping[str, Any] | None = None,
        **about: Any,
    ) -> AccessTrace:
        """Make a trace from dense object numbers and sizes; everything else has a default.

        Args:
            object: the dense object number of each access.
            size: bytes of each object, or one number for all.
            columns: further columns by the names of the attributes; scalars are spread.
            about: ``classes``, ``name``, ``source``, ``format``, ``notes``.

        Raises:
            TraceError: an unknown column, a wrong length, an impossible number.
        """
        numbers = np.asarray(object, np.int32)
        accesses, given = len(numbers), dict(columns or {})
        objects = len(size) if not np.isscalar(size) else int(numbers.max(initial=-1)) + 1  # type: ignore[arg-type]
        given.update(object=numbers, size=size)
        given.setdefault("group", np.arange(accesses))
        arrays: dict[str, Any] = {"original_id": np.asarray(given.pop("original_id", np.arange(objects)))}
        for table, length in ((PER_ACCESS, accesses), (PER_OBJECT, objects)):
            for key, kind in table.items():
                arrays[key] = np.array(np.broadcast_to(np.asarray(given.pop(key, 0), kind), length))
        if given:
            raise TraceError(f"no column `{next(iter(given))}`; the columns are {', '.join(arrays)}")
        return cls(**arrays, **about)

    def __post_init__(self) -> None:
        accesses, objects = len(self.object), len(self.size)
        for table, length in ((PER_ACCESS, accesses), (PER_OBJECT, objects), ({"original_id": None}, objects)):
            for key in table:
                if getattr(self, key).shape != (length,):
                    raise TraceError(f"column `{key}` has shape {getattr(self, key).shape}, expected ({length},)")
        if self.parents is not None:
            check_parents(self.parents, objects)
        if accesses and not (self.object.min() >= 0 and self.object.max() < objects):
            raise TraceError(
                f"object numbers run from 0 to {objects - 1}, got {self.object.min()} to {self.object.max()}"
            )
        if accesses and (self.time_ps[0] < 0 or (self.time_ps[1:] < self.time_ps[:-1]).any()):
            raise TraceError("time_ps must start at 0 or later and never decrease")
        if objects and not (self.size.min() >= 1 and self.size.max() <= MOST_BYTES):
            raise TraceError(f"sizes are 1 to 2^56 bytes, got {self.size.min()} to {self.size.max()}")
        if objects and self.object_class.max() >= len(self.classes):
            raise TraceError(f"object class {self.object_class.max()} has no name among {', '.join(self.classes)}")

    def __len__(self) -> int:
        return len(self.object)

    @property
    def objects(self) -> int:
        """The number of objects."""
        return len(self.size)

    @property
    def footprint(self) -> int:
        """The bytes of all objects together."""
        return exact_sum(self.size)

    @property
    def bytes_accessed(self) -> int:
        """The bytes of all accesses together."""
        return exact_sum(self.size[self.object])

    @property
    def costs(self) -> NDArray[np.float64] | None:
        """float64 [objects]: the FLOPs that a miss of each costs; ``None`` unless they are known of all."""
        return self.flops if self.objects and self.flops.min() > 0 else None

    @property
    def duration_ps(self) -> int:
        """From the first access to the last, picoseconds."""
        return int(self.time_ps[-1] - self.time_ps[0]) if len(self) else 0

    @cached_property
    def next_use(self) -> NDArray[np.int64]:
        """int64 [accesses]: the index of the next access to the same object, or ``NEVER``; computed on first use."""
        from hiersim.traces.kernels import next_use

        out = np.empty(len(self), np.int64)
        next_use(self.object, np.full(self.objects, NEVER, np.int64), out)
        return out

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256(",".join(self.classes).encode())
        for key in (*PER_ACCESS, *PER_OBJECT, "original_id"):
            column = np.ascontiguousarray(getattr(self, key))
            if column.dtype.kind not in "iuf":
                digest.update(f"{key}:text:{len(column)}\0".encode() + "\0".join(column.tolist()).encode())
            else:
                digest.update(f"{key}:{column.dtype.str}:{len(column)}\0".encode() + column.tobytes())
        if self.parents is not None:
            digest.update(f"parents:{len(self.parents)}\0".encode() + np.ascontiguousarray(self.parents).tobytes())
        return digest.hexdigest()

    def fingerprint(self) -> str:
        """Return the SHA-256 of all columns as 64 hexadecimal digits; names, source and notes do not count."""
        return self._digest

    def with_about(self, **about: Any) -> AccessTrace:
        """Return the same columns with another ``name``, ``source``, ``format`` or ``notes``."""
        return replace(self, **about)

    def limit(self, accesses: int) -> AccessTrace:
        """Return the first ``accesses`` accesses, with the objects that they touch."""
        return self[:accesses]

    def __getitem__(self, part: slice) -> AccessTrace:
        """Return a slice of the accesses, with the objects that they touch numbered anew."""
        if not isinstance(part, slice):
            raise TypeError("a trace is sliced, not indexed: trace[10:20]; its columns are arrays")
        if part.step is not None and part.step < 0:
            raise TraceError("a trace cannot be read backwards: its time may not decrease")
        chosen: dict[str, Any] = {key: np.ascontiguousarray(getattr(self, key)[part]) for key in PER_ACCESS}
        return replace(self, **chosen).compact()

    def compact(self) -> AccessTrace:
        """Number the objects by first appearance and drop those that are never touched."""
        from hiersim.traces.ids import Numbering

        numbers, first = Numbering().add(self.object.astype(np.int64))
        kept = self.object[first]
        tables: dict[str, Any] = {key: getattr(self, key)[kept] for key in (*PER_OBJECT, "original_id")}
        if self.parents is not None:
            number = np.full(self.objects + 1, -1, np.int32)  # the last entry is what the number -1 becomes
            number[kept] = np.arange(len(kept), dtype=np.int32)
            tables["parents"] = number[self.parents[kept]]
        return replace(self, object=numbers, **tables)

    def to_polars(self) -> pl.DataFrame:
        """Return one row per access: time_ps, id, size, write, stream, group, class, flops."""
        from hiersim.traces.tables import access_frame

        return access_frame(self)

    @classmethod
    def from_polars(cls, frame: pl.DataFrame, **options: Any) -> AccessTrace:
        """Make a trace from a table with the columns of ``to_polars``, of which only ``id`` must be there.

        Args:
            frame: one row per access.
            options: fields of ``ReadOptions``.

        Raises:
            TraceError: a column is missing, or holds something impossible.
        """
        from hiersim.traces.tables import access_from_frame

        return access_from_frame(frame, **options)

    def __repr__(self) -> str:
        from hiersim.traces.show import line

        return line(self)

    def _repr_html_(self) -> str:
        from hiersim.traces.show import page

        return page(self)
