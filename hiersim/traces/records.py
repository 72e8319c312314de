"""What every format yields, chunk by chunk, and how the chunks become one access trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import TraceError
from hiersim.traces.access import AccessTrace
from hiersim.traces.checker import Checker
from hiersim.traces.options import ReadOptions

ABOUT = ("where", "tick_ps", "class_names")  # fields of Records that are not columns


@dataclass(frozen=True)
class Records:
    """A run of accesses as the source has them; all arrays have one entry per access.

    Attributes:
        id: the source's ids: int64, uint64, or strings (``object`` or string arrays).
        where: gives the place of the n-th record of this run for messages, such as ``trace.csv:17``.
        time: integers, or floats, in units of ``tick_ps``; ``None`` if the source has none.
        tick_ps: picoseconds in one unit of ``time``.
        size: int64 bytes; ``None`` if the source has none.
        write: uint8; ``None`` if all are reads.
        stream: int32, or ``None``.
        group: int32, or ``None``.
        object_class: uint8 indices into ``class_names``, or ``None``.
        class_names: the names of this run's classes.
        flops: float64, or ``None``.
    """

    id: NDArray[Any]
    where: Callable[[int], str]
    time: NDArray[Any] | None = None
    tick_ps: int = 1
    size: NDArray[np.int64] | None = None
    write: NDArray[np.uint8] | None = None
    stream: NDArray[np.int32] | None = None
    group: NDArray[np.int32] | None = None
    object_class: NDArray[np.uint8] | None = None
    class_names: tuple[str, ...] = ()
    flops: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class AccessChunk:
    """A run of consecutive accesses of a trace that is streamed.

    Attributes:
        start: the index of its first access in the trace.
        object: int32, dense numbers that carry over from chunk to chunk.
        time_ps: int64, picoseconds since the first access of the trace.
        write: uint8, 1 for a write.
        stream: int32.
        group: int32.
        size: int64, bytes of each access as the source has it at this point.
        objects: how many distinct objects the trace has had up to the end of this chunk.
    """

    start: int
    object: NDArray[np.int32]
    time_ps: NDArray[np.int64]
    write: NDArray[np.uint8]
    stream: NDArray[np.int32]
    group: NDArray[np.int32]
    size: NDArray[np.int64]
    objects: int

    def __len__(self) -> int:
        return len(self.object)


class Assembler:
    """Numbers the objects of successive records and keeps the per-object tables."""

    def __init__(self, options: ReadOptions, source: str, classes: Sequence[str] = ()) -> None:
        from hiersim.traces.ids import Names, Numbering

        self._options = options
        self._source = source
        self._checker = Checker(options, source)
        self._numbering = Numbering()
        self._names = Names()
        self._classes = {name: code for code, name in enumerate(classes)}
        self._accesses = 0
        self._text: bool | None = None
        self._changed = 0
        self._size = np.empty(1024, np.int64)
        self._tables: dict[str, list[NDArray[Any]]] = {"original_id": [], "object_class": [], "flops": []}

    @property
    def objects(self) -> int:
        """How many distinct objects there have been."""
        return self._names.count if self._text else self._numbering.count

    def add(self, records: Records) -> AccessChunk:
        """Return the records as a chunk with dense object numbers.

        Raises:
            TraceError: a time goes backwards, a size is impossible, a size is missing.
        """
        count = len(records.id)
        time_ps, size = self._checker.picoseconds(records), self._checker.size(records)
        self._checker.ids(records.id)
        if self._text is None and count:
            self._text = records.id.dtype.kind not in "iu"
        known = self.objects
        numbers, first = (self._names if self._text else self._numbering).add(records.id)
        self._remember(records, numbers, first, size, known)
        group = records.group if records.group is not None else np.arange(self._accesses, self._accesses + count)
        zeros = np.zeros(count, np.int32)
        start, self._accesses = self._accesses, self._accesses + count
        write = zeros.astype(np.uint8) if records.write is None else records.write
        stream = zeros if records.stream is None else records.stream
        return AccessChunk(start, numbers, time_ps, write, stream, group.astype(np.int32), size, self.objects)

    def _remember(
        self,
        records: Records,
        numbers: NDArray[np.int32],
        first: NDArray[np.int64],
        size: NDArray[np.int64],
        known: int,
    ) -> None:
        """Extend the per-object tables by the objects that appeared; an object keeps its largest size."""
        from hiersim.traces.kernels import largest

        if self.objects > len(self._size):
            self._size = np.resize(self._size, max(2 * len(self._size), self.objects))
        self._size[known : self.objects] = size[first]
        self._changed += largest(numbers, size, self._size)
        self._tables["original_id"].append(records.id[first])
        if records.object_class is not None:
            codes = [self._classes.setdefault(name, len(self._classes)) for name in records.class_names]
            if len(self._classes) > 256:
                raise TraceError(f"{self._source}: more than 256 object classes")
            self._tables["object_class"].append(np.array(codes, np.uint8)[records.object_class[first]])
        if records.flops is not None:
            self._tables["flops"].append(records.flops[first])

    def trace(self, chunks: list[AccessChunk], **about: Any) -> AccessTrace:
        """Return all chunks as one trace.

        Raises:
            TraceError: there is not a single record.
        """
        if not self._accesses:
            raise TraceError(f"{self._source}: no records")
        notes = tuple(about.pop("notes", ()))
        if self._changed:
            notes += (f"object sizes changed at {self._changed:,} accesses: the largest of each object is used",)
        parts = {
            key: [getattr(chunk, key) for chunk in chunks] for key in ("object", "time_ps", "write", "stream", "group")
        }
        columns: dict[str, Any] = {key: np.concatenate(part) for key, part in parts.items()}
        tables: dict[str, Any] = {
            key: np.concatenate(part) for key, part in self._tables.items() if part and key != "original_id"
        }
        tables["original_id"] = self._originals()
        tables.setdefault("object_class", np.zeros(self.objects, np.uint8))
        tables.setdefault("flops", np.zeros(self.objects))
        classes = tuple(self._classes) or (self._options.object_class,)
        size = self._size[: self.objects].copy()
        return AccessTrace(**columns, **tables, size=size, classes=classes, notes=notes, **about)

    def _originals(self) -> NDArray[Any]:
        parts = [part for part in self._tables["original_id"] if len(part)]
        if len({part.dtype for part in parts}) > 1 and not self._text:  # some chunks hold ids of 2^63 and more
            parts = [part.astype(np.uint64) for part in parts]
        return np.concatenate(parts)


def limited(runs: Iterable[Records], limit: int | None) -> Iterator[Records]:
    """Yield runs until ``limit`` records have passed; cuts the last one."""
    left = limit
    for run in runs:
        count = len(run.id)
        if left is not None and count >= left:
            yield _cut(run, left)
            return
        yield run
        left = None if left is None else left - count


def _cut(run: Records, count: int) -> Records:
    arrays = {key: getattr(run, key) for key in Records.__dataclass_fields__ if key not in ABOUT}
    cut: dict[str, Any] = {key: None if value is None else value[:count] for key, value in arrays.items()}
    return replace(run, **cut)
