"""Dense object numbers out of core: for more distinct ids than a table in memory may hold.

Ids are spread over partitions by a hash of their bits, each a file; a partition is numbered alone, with a table that
holds its own ids only; then the partitions are read side by side in the order of the trace, and who appears first gets
the next number. The numbers are those that one large table would give. In memory remain 4 bytes an object that was not
numbered before, and one partition's table.

On disk: 9 bytes an access while they are read, 5 to 13 while partitions are numbered, and 12 an object known before.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import TraceError
from hiersim.jit import kernel
from hiersim.traces.ids import MOST_OBJECTS, Numbering

PARTITIONS = 256  # the most that one byte an access can tell apart
BLOCK = 1 << 20  # accesses read at a time
SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(56))
FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))  # Steele, Lea, Flood 2014: SplitMix64


@kernel
def _part(ids: Any, parts: Any, sizes: Any) -> None:
    """Write each id's partition to ``parts`` and count them in ``sizes``; other bits count than in a table's slot."""
    for i in range(ids.shape[0]):
        word = ids[i]
        word = (word ^ (word >> SHIFTS[0])) * FACTORS[0]
        word = (word ^ (word >> SHIFTS[1])) * FACTORS[1]
        part = ((word ^ (word >> SHIFTS[2])) >> SHIFTS[3]) % np.uint64(sizes.shape[0])
        parts[i] = np.uint8(part)
        sizes[part] += 1


@kernel
def _scatter(values: Any, parts: Any, at: Any, out: Any) -> None:
    """Copy each value behind those of its partition; ``at`` is where the next one of each goes."""
    for i in range(values.shape[0]):
        out[at[parts[i]]] = values[i]
        at[parts[i]] += 1


@kernel
def _merge(parts: Any, codes: Any, at: Any, base: Any, number: Any, count: Any, first: Any, out: Any) -> Any:
    """Turn codes into numbers in the order of the trace; return how many objects there are now.

    A code is a number, or -1 minus the place of a new id among those of its partition; ``number`` has the number of
    each new id, -1 before it appears, a partition's from ``base`` on. Where one appears goes to ``first``.
    """
    before = count
    for i in range(parts.shape[0]):
        part = parts[i]
        code = codes[at[part]]
        at[part] += 1
        if code >= 0:
            out[i] = code
            continue
        place = base[part] - 1 - code
        if number[place] < 0:
            number[place] = count
            first[count - before] = i
            count += 1
        out[i] = number[place]
    return count


class Partitions:
    """Numbers ids out of core, after those that a table in memory has numbered.

    Attributes:
        count: how many distinct ids have been numbered.
    """

    def __init__(self, folder: Path, known: Numbering, partitions: int = PARTITIONS) -> None:
        """Start with the ids of a table, which may then be forgotten.

        Args:
            folder: an empty folder for files, which remain there.
            known: its ids keep their numbers.
            partitions: how many, 1 to 256.
        """
        self.count = known.count
        self._folder, self._partitions = folder, partitions
        ids = known.ids()
        with _Files(folder, "known", partitions) as files, _Files(folder, "numbers", partitions) as numbers:
            for start in range(0, len(ids), BLOCK):
                part = ids[start : start + BLOCK]
                places, ends = self._place(part)
                files.add(part, places, ends)
                numbers.add(np.arange(start, start + len(part), dtype=np.int32), places, ends)
        self._ids = _Files(folder, "ids", partitions)
        self._parts = (folder / "parts").open("wb")
        self._accesses = np.zeros(partitions, np.int64)

    def add(self, ids: NDArray[Any]) -> None:
        """Take the ids of the next accesses, 64-bit integers."""
        keys = np.ascontiguousarray(ids).view(np.uint64)
        places, ends = self._place(keys)
        self._ids.add(keys, places, ends)
        places.tofile(self._parts)
        self._accesses += np.diff(ends, prepend=0)

    def numbers(self) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
        """Yield the dense numbers of all accesses taken, in runs, each with the positions where a new id appeared.

        Raises:
            TraceError: more than 2^30 distinct ids.
        """
        self._ids.close()
        self._parts.close()
        fresh = np.array([self._encode(part) for part in range(self._partitions)], np.int64)
        if self.count + fresh.sum() > MOST_OBJECTS:
            raise TraceError(f"more than {MOST_OBJECTS:,} distinct objects")
        base, number = np.cumsum(fresh) - fresh, np.full(int(fresh.sum()), -1, np.int32)
        with (
            _Files(self._folder, "codes", self._partitions, "rb") as codes,
            (self._folder / "parts").open("rb") as file,
        ):
            while len(parts := np.fromfile(file, np.uint8, BLOCK)):
                sizes = np.bincount(parts, minlength=self._partitions)
                coming = np.concatenate([codes.next(part, np.int32, int(size)) for part, size in enumerate(sizes)])
                out, first = np.empty(len(parts), np.int32), np.empty(len(parts), np.int64)
                before, at = self.count, np.cumsum(sizes) - sizes
                self.count = int(_merge(parts, coming, at, base, number, before, first, out))
                yield out, first[: self.count - before]

    def _place(self, ids: NDArray[np.uint64]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return each id's partition, and where each partition ends if the ids are sorted by it."""
        places, sizes = np.empty(len(ids), np.uint8), np.zeros(self._partitions, np.int64)
        with np.errstate(over="ignore"):  # products wrap, which plain Python would warn of
            _part(ids, places, sizes)
        return places, np.cumsum(sizes)

    def _encode(self, part: int) -> int:
        """Write one partition's codes in place of its ids; return how many new ids it has."""
        known = np.fromfile(self._folder / f"known-{part}", np.uint64)
        numbers = np.fromfile(self._folder / f"numbers-{part}", np.int32)
        table = Numbering(slots=1 << 10)
        table.add(known)
        path = self._folder / f"ids-{part}"
        with path.open("rb") as source, (self._folder / f"codes-{part}").open("wb") as target:
            while len(ids := np.fromfile(source, np.uint64, BLOCK)):
                local, _ = table.add(ids)
                code = (len(known) - 1) - local
                old = code >= 0
                code[old] = numbers[local[old]]
                code.tofile(target)
        path.unlink()
        return table.count - len(known)


class _Files:
    """One file per partition."""

    def __init__(self, folder: Path, name: str, partitions: int, mode: str = "wb") -> None:
        self._files = [(folder / f"{name}-{part}").open(mode) for part in range(partitions)]

    def add(self, values: NDArray[Any], places: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        """Append each value to the file of its partition."""
        out, begins = np.empty_like(values), np.concatenate([[0], ends[:-1]])
        _scatter(values, places, begins.copy(), out)
        for file, begin, end in zip(self._files, begins, ends, strict=True):
            out[begin:end].tofile(file)

    def next(self, part: int, kind: Any, count: int) -> NDArray[Any]:
        """Read the next values of a partition."""
        return np.fromfile(self._files[part], kind, count)

    def close(self) -> None:
        """Close all."""
        for file in self._files:
            file.close()

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()
