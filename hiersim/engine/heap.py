"""The compiled calendar: a binary heap of (time, key, item) that tells each group where its entry stands.

``item`` is a kind and a number (see `columns`). Only groups change their time, so only they need their place.
"""

from __future__ import annotations

from hiersim.engine.columns import G_PLACE, HEAP_SIZE, I_GROUP, MASK, NONE, SHIFT
from hiersim.engine.world import I64, World
from hiersim.jit import hot, inner


@hot
def order_key(rank: int, traffic: int, stream: int, sequence: int) -> int:
    """Pack what orders events of one instant: rank, class, stream (20 bits), sequence number (39 bits)."""
    return (rank << 61) | (traffic << 59) | ((stream & 0xFFFFF) << 39) | sequence


@inner
def sift_up(heap: I64, groups: I64, at: int, time: int, key: int, item: int) -> None:
    """Place an entry at ``at`` or above it."""
    while at > 0:
        parent = (at - 1) >> 1
        if heap[parent, 0] < time or (heap[parent, 0] == time and heap[parent, 1] <= key):
            break
        move(heap, groups, parent, at)
        at = parent
    put(heap, groups, at, time, key, item)


@inner
def sift_down(heap: I64, groups: I64, size: int, at: int, time: int, key: int, item: int) -> None:
    """Place an entry at ``at`` or below it, in a heap of ``size`` entries."""
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        other = child + 1
        if other < size and (
            heap[other, 0] < heap[child, 0] or (heap[other, 0] == heap[child, 0] and heap[other, 1] < heap[child, 1])
        ):
            child = other
        if time < heap[child, 0] or (time == heap[child, 0] and key <= heap[child, 1]):
            break
        move(heap, groups, child, at)
        at = child
    put(heap, groups, at, time, key, item)


@hot
def put(heap: I64, groups: I64, at: int, time: int, key: int, item: int) -> None:
    """Write an entry to a place of the heap."""
    heap[at, 0] = time
    heap[at, 1] = key
    heap[at, 2] = item
    if item >> SHIFT == I_GROUP:
        groups[item & MASK, G_PLACE] = at


@hot
def move(heap: I64, groups: I64, source: int, target: int) -> None:
    """Copy the entry at ``source`` to ``target``."""
    put(heap, groups, target, heap[source, 0], heap[source, 1], heap[source, 2])


@inner
def push(w: World, time: int, key: int, item: int) -> None:
    """Add an entry."""
    at = w.clock[HEAP_SIZE]
    w.clock[HEAP_SIZE] = at + 1
    sift_up(w.heap, w.groups, at, time, key, item)


@inner
def remove(w: World, at: int) -> None:
    """Take out the entry at a place."""
    item = w.heap[at, 2]
    if item >> SHIFT == I_GROUP:
        w.groups[item & MASK, G_PLACE] = NONE
    last = w.clock[HEAP_SIZE] - 1
    w.clock[HEAP_SIZE] = last
    if at == last:
        return
    refit(w, at, w.heap[last, 0], w.heap[last, 1], w.heap[last, 2])


@inner
def refit(w: World, at: int, time: int, key: int, item: int) -> None:
    """Put an entry where the one at ``at`` was, or wherever it belongs from there."""
    parent = (at - 1) >> 1
    if at > 0 and (time < w.heap[parent, 0] or (time == w.heap[parent, 0] and key < w.heap[parent, 1])):
        sift_up(w.heap, w.groups, at, time, key, item)
    else:
        sift_down(w.heap, w.groups, w.clock[HEAP_SIZE], at, time, key, item)
