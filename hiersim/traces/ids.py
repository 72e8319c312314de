"""Dense object numbers: 0, 1, 2 ... in the order in which ids first appear, by a compiled hash table.

The table carries over from chunk to chunk, so a file larger than memory is numbered as it streams. A table of bounded
size needs 32 to 64 bytes an object, half as much again while it grows; ids that do not fit in it go out of core
(`partitions`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import TraceError
from hiersim.jit import hot, kernel

SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: multiplying by it spreads neighbours over the table
FOLD = np.uint64(32)
ONE = np.uint64(1)
MOST_OBJECTS = 2**30


@hot
def _slot(table: Any, key: Any, shift: Any) -> Any:
    """Return the place of ``key`` in the table, or the empty place where it belongs."""
    mask = np.uint64(table.shape[0] // 2 - 1)
    slot = ((key ^ (key >> FOLD)) * SPREAD) >> shift
    while table[2 * slot + 1] != 0 and table[2 * slot] != key:
        slot = (slot + ONE) & mask
    return slot


@kernel
def _number(ids: Any, start: Any, out: Any, first: Any, table: Any, shift: Any, count: Any, room: Any) -> Any:
    """Number ``ids[start:]`` until the table is half full; return how far it came and the new count."""
    before = count
    for i in range(start, ids.shape[0]):
        key = ids[i]
        slot = _slot(table, key, shift)
        number = table[2 * slot + 1]
        if number == 0:
            if count == room:
                return i, count
            first[count - before] = i
            count += 1
            number = np.uint64(count)
            table[2 * slot] = key
            table[2 * slot + 1] = number
        out[i] = np.int32(number - ONE)
    return ids.shape[0], count


@kernel
def _rehash(old: Any, table: Any, shift: Any) -> None:
    """Move every entry of ``old`` into the larger ``table``."""
    for i in range(old.shape[0] // 2):
        if old[2 * i + 1] != 0:
            slot = _slot(table, old[2 * i], shift)
            table[2 * slot] = old[2 * i]
            table[2 * slot + 1] = old[2 * i + 1]


@kernel
def _list(table: Any, out: Any) -> None:
    """Fill ``out`` with the ids in the order of their numbers."""
    for i in range(table.shape[0] // 2):
        if table[2 * i + 1] != 0:
            out[table[2 * i + 1] - ONE] = table[2 * i]


class Numbering:
    """Numbers ids densely in first-appearance order, one chunk after the other.

    Attributes:
        count: how many distinct ids have been seen.
    """

    def __init__(self, slots: int = 1 << 16, memory: int | None = None) -> None:
        """Start without ids.

        Args:
            slots: of the table at first, a power of two; half of them can be used.
            memory: bytes that the table may grow to; ``None`` for any number.
        """
        self.count = 0
        self._bits = slots.bit_length() - 1
        self._memory = memory
        self._table = np.zeros(2 << self._bits, np.uint64)  # (id, number + 1) side by side: one cache line a lookup

    def add(self, ids: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Number one chunk.

        Args:
            ids: 64-bit integers, signed or not; equal bits are equal ids.

        Returns:
            The dense number of each id, and the positions in this chunk where a new id appeared. The numbers end
            early, before the first id for which there is no room, if the table may not grow any more.

        Raises:
            TraceError: more than 2^30 distinct ids.
        """
        keys = np.ascontiguousarray(ids).view(np.uint64)
        out = np.empty(len(keys), np.int32)
        parts: list[NDArray[np.int64]] = []
        at = 0
        while at < len(keys):
            room = 1 << (self._bits - 1)
            first = np.empty(min(room - self.count, len(keys) - at), np.int64)
            before, shift = self.count, np.uint64(64 - self._bits)
            with np.errstate(over="ignore"):  # products wrap, which plain Python would warn of
                at, self.count = _number(keys, at, out, first, self._table, shift, before, room)
            parts.append(first[: self.count - before])
            if at < len(keys) and not self._grow(len(keys) - at):
                break
        return out[:at], np.concatenate(parts) if parts else np.empty(0, np.int64)

    def ids(self) -> NDArray[np.uint64]:
        """Return the ids in the order of their numbers."""
        out = np.empty(self.count, np.uint64)
        _list(self._table, out)
        return out

    def _grow(self, left: int) -> bool:
        """Enlarge the table; return whether it could."""
        if self.count >= MOST_OBJECTS:
            raise TraceError(f"more than {MOST_OBJECTS:,} distinct objects")
        if self._memory is not None and 32 << self._bits > self._memory:
            return False
        far = self._memory is None and left > self.count  # far from the end: grow in larger steps
        old = self._table
        self._bits += 2 if far else 1
        self._table = np.zeros(2 << self._bits, np.uint64)
        with np.errstate(over="ignore"):
            _rehash(old, self._table, np.uint64(64 - self._bits))
        return True


class Names:
    """Numbers strings by first appearance; exact, unlike hashing them; always in memory."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}

    @property
    def count(self) -> int:
        """How many distinct names have been seen."""
        return len(self.names)

    def add(self, values: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the numbers, and the positions where a new name appeared."""
        import polars as pl

        frame = pl.DataFrame({"name": pl.Series(values.tolist(), dtype=pl.String)}).with_row_index("at")
        distinct = frame.unique("name", keep="first", maintain_order=True)
        before, texts = len(self.names), distinct["name"].to_list()
        codes = [self.names.setdefault(text, len(self.names)) for text in texts]
        known = pl.DataFrame({"name": texts, "code": codes}, schema={"name": pl.String, "code": pl.Int32})
        out = frame.join(known, on="name", how="left", maintain_order="left")["code"].to_numpy().astype(np.int32)
        fresh = np.asarray(codes, np.int64) >= before
        return out, distinct["at"].to_numpy().astype(np.int64)[fresh]
