"""LRU stack distances in bytes: what was used since an object's last use, each object once, and the object itself.

An LRU cache holds exactly the objects that lie within its capacity from the top of the stack, sizes and all: what is
evicted to make room for ``s`` bytes is what ``s`` more bytes push beyond the capacity. So one pass gives the misses of
every capacity that can hold the largest object. A smaller cache lets larger objects pass without taking them in, while
on the stack they push everything down: there distances say more misses than there are.

Places and running sums are as in `stack`, with bytes for bits: the sum before each place in its block of 16, before the
block in its group of 64, before the group in its district of 64, and before the district; 8 bytes for each of twice as
many places as there are objects, and 4 more to know whose place it is: some 30 bytes an object.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hiersim import jit

ROOM = 2  # places for each key when they are moved together
UNIT = 1 << 16  # places in a district
AHEAD = 64  # accesses whose keys are looked up together, so that their memory comes at once
ONE = np.uint64(1)
BLOCK, GROUP, DISTRICT = (
    np.uint64(4),
    np.uint64(6),
    np.uint64(6),
)  # log2 of how many make one
IN_BLOCK, IN_GROUP, IN_DISTRICT = np.uint64(15), np.uint64(63), np.uint64(63)
PLACE, LIVE, BYTES = range(3)  # what `counts` holds; its last cell is never read


class Places(NamedTuple):
    """The places of a stack with the bytes before each; sums are only right where an object's latest access is."""

    last: NDArray[np.int32]  # [objects]: place of the object's latest access; -1 before the first
    owner: NDArray[np.int32]  # [places]: the object that was accessed at this place
    in_block: NDArray[np.int64]  # [places]: bytes before the place in its block
    in_group: NDArray[np.int64]  # [blocks]: bytes before the block in its group
    in_district: NDArray[np.int64]  # [groups]: bytes before the group in its district
    before: NDArray[np.int64]  # [districts]: bytes before the district
    counts: NDArray[np.int64]  # [4]: next free place, objects seen, their bytes


class ByteStack:
    """The LRU stack of a stream of objects with sizes, fed piece by piece; the pieces give what the whole would."""

    def __init__(self, sizes: NDArray[np.int64]) -> None:
        """Start with nothing seen; ``sizes`` is int64 [objects], bytes of each."""
        self._sizes = np.ascontiguousarray(sizes, np.int64)
        self._places = empty_places(np.full(len(sizes), -1, np.int32), UNIT)

    @property
    def live(self) -> int:
        """How many different objects were seen."""
        return int(self._places.counts[LIVE])

    @property
    def nbytes(self) -> int:
        """How many bytes of memory the stack takes, without the sizes."""
        return sum(array.nbytes for array in self._places)

    def feed(self, keys: NDArray[np.int32], out: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the distance of each access in bytes, its own size for the object used just before, 0 for a first use.

        Args:
            keys: int32 [accesses], dense numbers of objects.
            out: int64 [accesses], where to write; new memory when absent.
        """
        keys = np.ascontiguousarray(keys, np.int32)
        out = np.empty(len(keys), np.int64) if out is None else out
        done = _distances(keys, 0, self._sizes, self._places, out)
        while done < len(keys):
            old, live = self._places, self.live
            self._places = empty_places(old.last, max(ROOM * live, UNIT))
            move(old, self._sizes, self._places)
            done = _distances(keys, done, self._sizes, self._places, out)
        return out


def empty_places(last: NDArray[np.int32], width: int) -> Places:
    """Return empty places, ``width`` of them or a few more."""
    width = -(-width // UNIT) * UNIT
    block, group, district, all_before = (np.zeros(width >> shift, np.int64) for shift in (0, 4, 10, 16))
    return Places(last, np.zeros(width, np.int32), block, group, district, all_before, np.zeros(4, np.int64))


@jit.hot
def begin(places: Any, place: Any, live: Any) -> None:
    """Write the sums of a place behind which there is nothing yet."""
    block = place >> BLOCK
    group = block >> GROUP
    district = group >> DISTRICT
    if place & IN_BLOCK == 0:
        if block & IN_GROUP == 0:
            if group & IN_DISTRICT == 0:
                places.before[district] = live
            places.in_district[group] = live - places.before[district]
        places.in_group[block] = live - places.before[district] - places.in_district[group]
    places.in_block[place] = live - places.before[district] - places.in_district[group] - places.in_group[block]


@jit.hot
def rank(places: Any, place: Any) -> Any:
    """Return how many bytes lie before a place."""
    block = place >> BLOCK
    group = block >> GROUP
    return (
        places.in_block[place] + places.in_group[block] + places.in_district[group] + places.before[group >> DISTRICT]
    )


@jit.hot
def _behind(sums: Any, place: Any, log: Any, count: Any, size: Any) -> None:
    """Take ``size`` from the sums behind a place, among the ``count`` = 2^log that belong together."""
    first, at = (place >> log) << log, np.int64(place & np.uint64(count - 1))
    for i in range(count):
        sums[first + np.uint64(i)] -= size if i > at else 0


@jit.hot
def clear(places: Any, place: Any, end: Any, size: Any) -> None:
    """Take the ``size`` bytes of a place away, ``end`` being the next free one."""
    _behind(places.in_block, place, BLOCK, 16, size)
    block = place >> BLOCK
    _behind(places.in_group, block, GROUP, 64, size)
    group = block >> GROUP
    _behind(places.in_district, group, DISTRICT, 64, size)
    for behind in range((group >> DISTRICT) + ONE, (end >> np.uint64(16)) + ONE):
        places.before[behind] -= size


@jit.kernel
def _distances(keys: Any, start: Any, sizes: Any, places: Any, out: Any) -> Any:
    """Fill ``out`` from access ``start`` on, until its end or until the places run out; return where it stopped."""
    place, live, used = np.uint64(places.counts[PLACE]), places.counts[LIVE], places.counts[BYTES]
    last, owner, looked = places.last, places.owner, np.int64(0)
    width, i, upto = np.uint64(owner.shape[0]), start, start
    while i < keys.shape[0] and place < width:
        if i == upto:
            upto = min(keys.shape[0], i + AHEAD)
            for j in range(i, upto):
                looked += last[keys[j]] + sizes[keys[j]]
        begin(places, place, used)
        key = keys[i]
        before, size = last[key], sizes[key]
        if before >= 0:
            there = np.uint64(before)
            out[i] = used - rank(places, there)
            clear(places, there, place, size)
        else:
            live += 1
            used += size
            out[i] = 0
        owner[place] = key
        last[key] = place
        place += ONE
        i += 1
    places.counts[PLACE], places.counts[LIVE], places.counts[BYTES], places.counts[3] = place, live, used, looked
    return i


@jit.kernel
def move(old: Any, sizes: Any, new: Any) -> None:
    """Move the places of latest accesses together, in their order, into new ones."""
    at, used = np.uint64(0), np.int64(0)
    for place in range(old.owner.shape[0]):
        key = old.owner[place]
        if old.last[key] == place:
            begin(new, at, used)
            new.owner[at] = key
            new.last[key] = at
            used += sizes[key]
            at += ONE
    new.counts[PLACE], new.counts[LIVE], new.counts[BYTES] = at, old.counts[LIVE], used
