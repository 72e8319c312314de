"""First-in-first-out queues of keys in one array, written and read in order, which is why they are fast.

A key that leaves from the middle only loses its place; its slot is passed over later. ``slots`` is int32, all queues
one after the other. ``place`` is int32[objects]: the slot of each key, below 0 if it is in no queue. ``ends`` is int64:
for each queue its first slot, the slot behind its last, the slots in between, and the keys in them; and at the end, the
number of slots per queue. A key is in one queue at most.
"""

from __future__ import annotations

import numpy as np

from hiersim.jit import hot, inner

FIRST, BEHIND, USED, KEYS = range(4)
SOON = 8  # slots from the front whose keys are worth fetching


def empty(most: int, queues: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return ``slots`` and ``ends`` of empty queues that hold up to ``most`` keys each."""
    length = most + most // 4 + 8  # the slack keeps tidying rare
    ends = np.zeros(4 * queues + 1, np.int64)
    ends[-1] = length
    return np.zeros(queues * length, np.int32), ends


@hot
def push(slots: np.ndarray, ends: np.ndarray, place: np.ndarray, queue: int, key: int) -> None:
    """Put ``key``, which is in no queue, at the end of a queue."""
    length, at = ends[ends.shape[0] - 1], 4 * queue
    if ends[at + USED] == length:
        tidy(slots, ends, place, queue)
    behind = ends[at + BEHIND]
    slots[queue * length + behind] = key
    place[key] = queue * length + behind
    ends[at + BEHIND] = behind + 1 if behind + 1 < length else 0
    ends[at + USED] += 1
    ends[at + KEYS] += 1


@hot
def drop(ends: np.ndarray, place: np.ndarray, queue: int, key: int) -> None:
    """Take ``key`` out of its queue."""
    length, at = ends[ends.shape[0] - 1], 4 * queue
    first = ends[at + FIRST]
    if place[key] == queue * length + first:
        ends[at + FIRST] = first + 1 if first + 1 < length else 0
        ends[at + USED] -= 1
    place[key] = -1
    ends[at + KEYS] -= 1


@hot
def front(slots: np.ndarray, ends: np.ndarray, place: np.ndarray, queue: int) -> int:
    """Return the key in front of a queue; -1 if the queue is empty."""
    length, at = ends[ends.shape[0] - 1], 4 * queue
    if ends[at + KEYS] == 0:
        return -1
    first = ends[at + FIRST]
    key = slots[queue * length + first]
    while ends[at + USED] != ends[at + KEYS] and place[key] != queue * length + first:
        first = first + 1 if first + 1 < length else 0
        ends[at + FIRST] = first
        ends[at + USED] -= 1
        key = slots[queue * length + first]
    return key  # type: ignore[no-any-return]


@hot
def pass_on(slots: np.ndarray, ends: np.ndarray, place: np.ndarray, queue: int, to: int, key: int) -> None:
    """Take ``key``, which is the one in front of a queue, to the end of another, or of the same."""
    length, at = ends[ends.shape[0] - 1], 4 * queue
    first = ends[at + FIRST]
    ends[at + FIRST] = first + 1 if first + 1 < length else 0
    ends[at + USED] -= 1
    ends[at + KEYS] -= 1
    push(slots, ends, place, to, key)


@hot
def coming(slots: np.ndarray, ends: np.ndarray, queue: int) -> int:
    """Return a key that will soon be in front of a queue, or some other if it is short: whose state to fetch."""
    length, first = ends[ends.shape[0] - 1], ends[4 * queue + FIRST]
    return slots[queue * length + min(first + SOON, length - 1)]  # type: ignore[no-any-return]


@hot
def size(ends: np.ndarray, queue: int) -> int:
    """Return how many keys are in a queue."""
    return ends[4 * queue + KEYS]  # type: ignore[no-any-return]


@hot
def holds(ends: np.ndarray, place: np.ndarray, queue: int, key: int) -> bool:
    """Tell whether ``key`` is in this queue."""
    length = ends[ends.shape[0] - 1]
    return queue * length <= place[key] < (queue + 1) * length  # type: ignore[no-any-return]


@inner
def tidy(slots: np.ndarray, ends: np.ndarray, place: np.ndarray, queue: int) -> None:
    """Close the gaps in a queue."""
    length, at = ends[ends.shape[0] - 1], 4 * queue
    start, first, used = queue * length, ends[at + FIRST], ends[at + USED]
    to = first
    for i in range(used):
        slot = first + i if first + i < length else first + i - length
        key = slots[start + slot]
        if place[key] == start + slot:
            slots[start + to] = key
            place[key] = start + to
            to = to + 1 if to + 1 < length else 0
    ends[at + BEHIND] = to
    ends[at + USED] = ends[at + KEYS]
