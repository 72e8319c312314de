"""A binary heap of keys, lowest score first, in which any key can be found; of equal scores, the lower order first.

For policies whose scores only grow: a hit notes the new score (`grow`) and leaves the key where it is; the heap is put
right when its root is asked for (`lowest`), which finds out whether the root has grown since it was placed. So a key
that is hit a hundred times between two evictions moves once, or never.

``heap`` is any NamedTuple with these arrays, made by `empty`:

    keys     int32[slots]         the heap: the children of slot i are 2 i + 1 and 2 i + 2
    held     float64[2 * slots]   score and order with which the key of each slot was placed
    slot     int32[objects]       the slot of each key; -1 if it is not in the heap
    scores   float64[2 * objects] score and order of each key now; never below those with which it was placed
    filled   int64[1]             how many keys there are

Orders are whole numbers below 2^53, which a float64 holds exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hiersim.jit import hot, inner


def empty(objects: int, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return ``keys, held, slot, scores, filled`` for up to ``most`` of the keys 0 to ``objects`` - 1."""
    return (
        np.zeros(most, np.int32),
        np.zeros(2 * most, np.float64),
        np.full(objects, -1, np.int32),
        np.zeros(2 * objects, np.float64),
        np.zeros(1, np.int64),
    )


@hot
def push(heap: Any, key: int, score: float, order: int) -> None:
    """Put in ``key``, which is not here."""
    grow(heap, key, score, order)
    last = heap.filled[0]
    heap.filled[0] = last + 1
    rise(heap, last, key, score, float(order))


@hot
def grow(heap: Any, key: int, score: float, order: int) -> None:
    """Note that a key has a higher score, or the same and a higher order."""
    heap.scores[2 * key] = score
    heap.scores[2 * key + 1] = order


@hot
def lowest(heap: Any) -> int:
    """Return the key with the lowest score now; the heap is not empty."""
    key = heap.keys[0]
    while heap.held[0] != heap.scores[2 * key] or heap.held[1] != heap.scores[2 * key + 1]:
        sink(heap, 0, key, heap.scores[2 * key], heap.scores[2 * key + 1])
        key = heap.keys[0]
    return int(key)


@hot
def drop(heap: Any, key: int) -> None:
    """Take out ``key``; the last key fills the gap."""
    hole, last = heap.slot[key], heap.filled[0] - 1
    heap.slot[key] = -1
    heap.filled[0] = last
    if hole != last:
        moved, score, order = heap.keys[last], heap.held[2 * last], heap.held[2 * last + 1]
        above = (hole - 1) >> 1
        if hole > 0 and before(score, order, heap.held[2 * above], heap.held[2 * above + 1]):
            rise(heap, hole, moved, score, order)
        else:
            sink(heap, hole, moved, score, order)


@hot
def before(score: float, order: float, other: float, other_order: float) -> bool:
    """Tell whether the first goes strictly first."""
    return (score < other) | ((score == other) & (order < other_order))  # no branch: it would be mispredicted


@hot
def put(heap: Any, slot: int, key: int, score: float, order: float) -> None:
    """Write a key into a slot."""
    heap.keys[slot] = key
    heap.held[2 * slot] = score
    heap.held[2 * slot + 1] = order
    heap.slot[key] = slot


@hot
def rise(heap: Any, slot: int, key: int, score: float, order: float) -> None:
    """Place a key at ``slot`` or above."""
    while slot > 0:
        above = (slot - 1) >> 1
        if not before(score, order, heap.held[2 * above], heap.held[2 * above + 1]):
            break
        put(heap, slot, heap.keys[above], heap.held[2 * above], heap.held[2 * above + 1])
        slot = above
    put(heap, slot, key, score, order)


@inner
def sink(heap: Any, slot: int, key: int, score: float, order: float) -> None:
    """Place a key at ``slot`` or below."""
    count = heap.filled[0]
    below = 2 * slot + 1
    while below < count:
        right = min(below + 1, count - 1)
        below += before(heap.held[2 * right], heap.held[2 * right + 1], heap.held[2 * below], heap.held[2 * below + 1])
        if not before(heap.held[2 * below], heap.held[2 * below + 1], score, order):
            break
        put(heap, slot, heap.keys[below], heap.held[2 * below], heap.held[2 * below + 1])
        slot = below
        below = 2 * slot + 1
    put(heap, slot, key, score, order)
