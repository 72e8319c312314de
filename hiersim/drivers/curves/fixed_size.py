"""SHARDS with a sample of fixed size: never more than so many objects are followed, however many the trace has.

The followed objects are those with the smallest hashes so far. When a new one makes them too many, the one with the
largest hash is dropped for ever, and that hash is the rate from then on. An access to a followed object stands for one
by the rate; that equals scaling down what was counted before whenever the rate falls, as the paper does, and needs no
second look at the counts.

Source: Waldspurger, Park, Garthwaite and Ahmad, "Efficient MRC construction with SHARDS", FAST 2015, section 3.3.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hiersim import jit
from hiersim.drivers.curves.sampling import ALL, salt_of, scramble
from hiersim.traces.byte_stack import BYTES, LIVE, PLACE, UNIT, Places, begin, clear, empty_places, move, rank


class Followed(NamedTuple):
    """The objects that are followed, as a heap whose first has the largest hash, and the rate."""

    hash: NDArray[np.uint64]  # [most + 1]
    key: NDArray[np.int32]  # [most + 1]
    held: NDArray[np.int64]  # [1]: how many they are
    limit: NDArray[np.uint64]  # [1]: hashes below it are in the sample


class Weighed(NamedTuple):
    """What was counted, each access with the number of those that it stands for."""

    hits: NDArray[np.float64]  # [edges + 1]: by the smallest edge that is not below the distance
    hit_bytes: NDArray[np.float64]  # [edges + 1]
    total: NDArray[np.float64]  # [2]: accesses and bytes, hits or not


def fixed_size(
    keys: NDArray[np.int32], sizes: NDArray[np.int64], edges: NDArray[np.int64], most: int, seed: int
) -> tuple[Weighed, float]:
    """Return what a sample of at most ``most`` objects counts, and the rate that it has come to.

    Args:
        keys: int32 [accesses], dense numbers of objects.
        sizes: int64 [objects]: bytes of each, or ones.
        edges: int64, the capacities, increasing.
        most: how many objects are followed at most.
        seed: which hashes.
    """
    followed = Followed(
        np.zeros(most + 2, np.uint64),
        np.zeros(most + 2, np.int32),
        np.zeros(1, np.int64),
        np.array([ALL - 1], np.uint64),
    )
    weighed = Weighed(np.zeros(len(edges) + 1), np.zeros(len(edges) + 1), np.zeros(2))
    places = empty_places(np.full(len(sizes), -1, np.int32), max(UNIT, 2 * most))
    salt, done = salt_of(seed), 0
    while True:
        done = _follow(keys, done, salt, most, sizes, edges, places, followed, weighed)
        if done == len(keys):
            return weighed, int(followed.limit[0]) / (ALL - 1)
        fresh = empty_places(places.last, max(UNIT, 2 * most))
        move(places, sizes, fresh)
        places = fresh


@jit.kernel
def _follow(
    keys: Any, start: Any, salt: Any, most: Any, sizes: Any, edges: Any, places: Places, followed: Any, weighed: Any
) -> Any:
    """Count from access ``start`` on, until the end or until the places run out; return where it stopped."""
    i = start
    while i < keys.shape[0] and places.counts[PLACE] < places.owner.shape[0]:
        key = keys[i]
        hashed = scramble(key, salt)
        if hashed < followed.limit[0]:
            before, distance = places.last[key], np.int64(0)
            if before >= 0:
                distance = places.counts[BYTES] - rank(places, np.uint64(before))
                _take(places, key, sizes[key])
            else:
                _push(followed, hashed, key)
            _put(places, key, sizes[key])
            if followed.held[0] > most:
                gone = _pop(followed)
                _take(places, gone, sizes[gone])
            if places.last[key] >= 0:
                _weigh(distance, sizes[key], followed.limit[0], edges, weighed)
        i += 1
    return i


@jit.inner
def _put(places: Any, key: Any, size: Any) -> None:
    """Put a key on top of the stack."""
    place = np.uint64(places.counts[PLACE])
    begin(places, place, places.counts[BYTES])
    places.owner[place], places.last[key] = key, place
    places.counts[PLACE] += 1
    places.counts[LIVE] += 1
    places.counts[BYTES] += size


@jit.inner
def _take(places: Any, key: Any, size: Any) -> None:
    """Take a key out of the stack."""
    clear(places, np.uint64(places.last[key]), np.uint64(places.counts[PLACE] - 1), size)
    places.last[key] = -1
    places.counts[LIVE] -= 1
    places.counts[BYTES] -= size


@jit.inner
def _weigh(distance: Any, size: Any, limit: Any, edges: Any, weighed: Any) -> None:
    """Count an access at a distance among the followed (0 for a first use) for all those that it stands for."""
    stands_for = np.float64(2.0**64) / np.float64(limit)
    weighed.total[0] += stands_for
    weighed.total[1] += stands_for * size
    if distance > 0:
        true = size + (distance - size) * stands_for
        low, high = 0, edges.shape[0]
        while low < high:
            middle = (low + high) >> 1
            if edges[middle] < true:
                low = middle + 1
            else:
                high = middle
        weighed.hits[low] += stands_for
        weighed.hit_bytes[low] += stands_for * size


@jit.inner
def _push(followed: Any, hashed: Any, key: Any) -> None:
    """Put a key into the heap."""
    at = followed.held[0]
    followed.held[0] += 1
    while at > 0 and followed.hash[(at - 1) >> 1] < hashed:
        followed.hash[at], followed.key[at] = followed.hash[(at - 1) >> 1], followed.key[(at - 1) >> 1]
        at = (at - 1) >> 1
    followed.hash[at], followed.key[at] = hashed, key


@jit.inner
def _pop(followed: Any) -> Any:
    """Take the key with the largest hash out of the heap, which becomes the limit, and return it."""
    gone, followed.limit[0] = followed.key[0], followed.hash[0]
    followed.held[0] -= 1
    count = followed.held[0]
    hashed, key, at = followed.hash[count], followed.key[count], 0
    while 2 * at + 1 < count:
        child = 2 * at + 1
        if child + 1 < count and followed.hash[child + 1] > followed.hash[child]:
            child += 1
        if followed.hash[child] <= hashed:
            break
        followed.hash[at], followed.key[at] = followed.hash[child], followed.key[child]
        at = child
    followed.hash[at], followed.key[at] = hashed, key
    return gone
