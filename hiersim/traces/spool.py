"""A trace that is larger than memory: read once, its accesses kept on disk as dense object numbers, 4 bytes each.

What stays in memory: the table that numbers the ids while the trace is read (at most half of ``memory``; more ids than
that go out of core, see `partitions`), and, where sizes differ, 8 bytes an object. The numbers are those of
``open_trace``, and so is every complaint about the file.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import OutputError, TraceError
from hiersim.traces.access import exact_sum
from hiersim.traces.checker import Checker
from hiersim.traces.formats import locate
from hiersim.traces.ids import Names, Numbering
from hiersim.traces.kernels import largest, next_use_before
from hiersim.traces.options import ReadOptions
from hiersim.traces.partitions import PARTITIONS, Partitions
from hiersim.traces.reading import records_of, stem
from hiersim.traces.records import Records

BLOCK = 1 << 21  # accesses in a piece
SMALL = 2**31  # access numbers below this fit into int32


class Spool:
    """The accesses of a trace on disk, in a folder of their own that goes when the ``with`` block ends.

    Attributes:
        name: of the trace.
        source: the file.
        objects: how many distinct objects there are.
        size: int64[objects] bytes, the largest of each object; a view of one number where all are equal.
        costs: float64[objects], the FLOPs that a miss of each costs; ``None`` unless they are known of all.
        parents: ``None``: in accesses no object is known to extend another.
    """

    parents: None = None

    def __init__(self, runs: Iterable[Records], options: ReadOptions, name: str, source: str, memory: int) -> None:
        """Read a trace; ``spool`` describes the arguments and the errors."""
        self.name, self.source = name, source
        self._accesses = self.objects = 0
        self._future: str | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="hiersim-"))
        try:
            self._read(runs, options, memory)
        except BaseException:
            self.close()
            raise

    def _read(self, runs: Iterable[Records], options: ReadOptions, memory: int) -> None:
        with self._disk(), (self.folder / "keys").open("wb") as file:
            numberer = _Numberer(self.folder, memory, file)
            checker = Checker(options, self.source)
            for run in runs:
                checker.picoseconds(run)
                checker.ids(run.id)
                numberer.add(run.id, checker.size(run), run.flops)
            self._accesses, self.objects = numberer.finish()
            self.size = numberer.sizes.table(self.objects)
            flops = np.concatenate(numberer.flops)
            self.costs = flops if len(flops) and flops.min() > 0 else None

    def __len__(self) -> int:
        return self._accesses

    @property
    def footprint(self) -> int:
        """The bytes of all objects together."""
        return self.objects * int(self.size[0]) if self.size.strides == (0,) else exact_sum(self.size)

    def pieces(self, future: bool = False) -> Iterator[tuple[NDArray[np.int32], NDArray[Any] | None]]:
        """Yield the objects of consecutive accesses, and the number of each one's next access, -1 for none.

        Args:
            future: whether next accesses are wanted (int32, or int64 from 2^31 accesses on); ``None`` in their place
                otherwise. The first time, a pass from the end of the trace writes them, 4 or 8 bytes an access, and
                needs as much memory an object.
        """
        kind = np.int32 if len(self) < SMALL else np.int64
        if future and not (self.folder / "future").exists():
            with self._disk():
                self._look_back(kind)
        with contextlib.ExitStack() as stack:
            keys = stack.enter_context((self.folder / "keys").open("rb"))
            later = stack.enter_context((self.folder / "future").open("rb")) if future else None
            while len(piece := np.fromfile(keys, np.int32, BLOCK)):
                yield piece, np.fromfile(later, kind, len(piece)) if later else None

    def _look_back(self, kind: Any) -> None:
        upcoming, width = np.full(self.objects, -1, kind), np.dtype(kind).itemsize
        with (self.folder / "keys").open("rb") as keys, (self.folder / "part").open("wb") as later:
            later.truncate(width * len(self))
            for start in range((len(self) - 1) // BLOCK * BLOCK, -1, -BLOCK):
                keys.seek(4 * start)
                piece = np.fromfile(keys, np.int32, BLOCK)
                out = np.empty(len(piece), kind)
                next_use_before(piece, start, upcoming, out)
                later.seek(width * start)
                out.tofile(later)
        (self.folder / "part").rename(self.folder / "future")

    @contextlib.contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as why:
            what = why.strerror or "the disk is full"
            raise OutputError(f"{self.folder}: cannot keep the trace there: {what}; TMPDIR names the folder") from None

    def close(self) -> None:
        """Delete the files."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()


def spool(path: str | Path, *, format: str | None = None, memory: int, **options: Any) -> Spool:
    """Read a file of accesses and keep it on disk as dense numbers; for a ``with`` block.

    Args:
        path: the file; ``csv:file`` says the format.
        format: the name of the format; ``None`` to see by the file.
        memory: bytes that numbering may use; names (ids that are words) are always kept in memory.
        options: fields of ``ReadOptions``.

    Raises:
        TraceError: as ``open_trace``; also for a file of requests, which is opened whole.
        ConfigError: an unknown option, or an impossible value of one.
        OutputError: the disk is full.
    """
    chosen = ReadOptions.of(options).streamed()
    file, kind = locate(path, format)
    if kind.has_requests(file):
        raise TraceError(f"{file}: holds requests, which are opened whole, not streamed")
    found = Spool(records_of(file, kind, chosen), chosen, stem(file), str(file), memory)
    if not len(found):
        found.close()
        raise TraceError(f"{file}: no records")
    return found


class _Sizes:
    """The largest size of each object; one number as long as all are equal."""

    def __init__(self) -> None:
        self.one: int | None = None
        self._objects = 0  # that have appeared while all sizes were equal
        self._table: NDArray[np.int64] | None = None

    def add(self, numbers: NDArray[np.int32], size: NDArray[np.int64], objects: int) -> None:
        """Take the sizes of the next accesses; ``objects`` have appeared up to their end."""
        if self._table is None and len(size):
            least, most = int(size.min()), int(size.max())
            if least == most and self.one in (None, least):
                self.one, self._objects = least, objects
                return
            self._table = np.zeros(objects, np.int64)
            self._table[: self._objects] = self.one or 0
        if self._table is not None:
            if objects > len(self._table):
                self._table.resize(max(objects, len(self._table) * 5 // 4), refcheck=False)
            largest(numbers, size, self._table)

    def fit(self, size: NDArray[np.int64]) -> bool:
        """Tell whether all sizes, before and here, are equal."""
        return self._table is None and bool((size == self.one).all())

    def table(self, objects: int) -> NDArray[np.int64]:
        """Return int64[objects]."""
        if self._table is None:
            return np.broadcast_to(np.int64(self.one or 1), objects)
        return self._table[:objects]


class _Numberer:
    """Numbers ids in memory, and out of core when they become too many; writes the numbers to ``file``."""

    def __init__(self, folder: Path, memory: int, file: Any) -> None:
        self.sizes, self.flops = _Sizes(), [np.empty(0)]
        self._folder, self._memory, self._file = folder, memory, file
        self._table: Numbering | Names | None = None
        self._partitions: Partitions | None = None
        self._accesses = 0
        self._late = _Late(folder)

    def add(self, ids: NDArray[Any], size: NDArray[np.int64], flops: NDArray[np.float64] | None) -> None:
        """Take the ids of the next accesses, their sizes in bytes, and what a miss of each costs if that is known."""
        if self._table is None and len(ids):
            self._table = self._new_table() if ids.dtype.kind in "iu" else Names()
        if self._table is None:
            return
        self._accesses += len(ids)
        if self._partitions is None:
            numbers, first = self._table.add(ids)
            self._keep(numbers, first, size[: len(numbers)], flops, self._table.count)
            ids, size = ids[len(numbers) :], size[len(numbers) :]
            flops = None if flops is None else flops[len(numbers) :]
            if not len(ids):
                return
            aside = self._folder / "partitions"
            aside.mkdir()
            assert isinstance(self._table, Numbering)  # names have no limit
            self._partitions = Partitions(aside, self._table, PARTITIONS)
            self._table = Numbering(slots=2)
        self._partitions.add(ids)
        self._late.add(size, flops, self.sizes)

    def _new_table(self) -> Numbering:
        room = self._memory // 2  # the other half while it grows
        slots = 1 << min(max(room // 16, 2).bit_length() - 1, 16)
        return Numbering(slots, room)

    def _keep(self, numbers: Any, first: Any, size: Any, flops: Any, objects: int) -> None:
        numbers.tofile(self._file)
        self.sizes.add(numbers, size, objects)
        if flops is not None:
            self.flops.append(flops[first])

    def finish(self) -> tuple[int, int]:
        """Return the number of accesses and of objects, when all numbers are on disk."""
        if self._partitions is None:
            return self._accesses, self._table.count if self._table is not None else 0
        with self._late.read() as late:
            for numbers, first in self._partitions.numbers():
                size, flops = late(len(numbers), self.sizes)
                self._keep(numbers, first, size, flops, self._partitions.count)
        shutil.rmtree(self._folder / "partitions")
        return self._accesses, self._partitions.count


class _Late:
    """Sizes and costs of accesses on disk until these have numbers; of sizes nothing as long as all are equal."""

    def __init__(self, folder: Path) -> None:
        self._paths = folder / "sizes", folder / "flops"
        self._equal = 0  # accesses at first whose size is that of all before them
        self._files = contextlib.ExitStack()
        self._sizes: Any = None
        self._flops: Any = None

    def add(self, size: NDArray[np.int64], flops: NDArray[np.float64] | None, known: _Sizes) -> None:
        """Take the next accesses."""
        if flops is not None:
            self._flops = self._flops or self._files.enter_context(self._paths[1].open("wb"))
            flops.tofile(self._flops)
        if self._sizes is None and known.fit(size):
            self._equal += len(size)
            return
        self._sizes = self._sizes or self._files.enter_context(self._paths[0].open("wb"))
        size.tofile(self._sizes)

    @contextlib.contextmanager
    def read(self) -> Iterator[Callable[[int, _Sizes], tuple[NDArray[np.int64], NDArray[np.float64] | None]]]:
        """Give a function that returns the sizes and costs of the next accesses, and delete the files at the end."""
        self._files.close()
        left = self._equal

        def following(count: int, known: _Sizes) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
            nonlocal left
            equal = min(left, count)
            left -= equal
            size = np.full(equal, known.one, np.int64)
            if sizes is not None and equal < count:
                size = np.concatenate([size, np.fromfile(sizes, np.int64, count - equal)])
            return size, np.fromfile(flops, np.float64, count) if flops else None

        with contextlib.ExitStack() as stack:
            sizes = stack.enter_context(self._paths[0].open("rb")) if self._sizes else None
            flops = stack.enter_context(self._paths[1].open("rb")) if self._flops else None
            yield following
        for path in self._paths:
            path.unlink(missing_ok=True)
