"""A queue in order of arrival whose hand spares what was visited since it last passed, and moves nothing (SIEVE).

The queue is kept in two parts: the keys that the hand has spared in this lap, and those it has yet to meet, where new
keys join at the end. When it has met them all, the spared ones are what it meets in the next lap.

Zhang, Yang, Yue, Vigfusson, Rashmi: SIEVE is simpler than LRU: an efficient turn-key eviction algorithm for web
caches. NSDI 2024.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, queue
from hiersim.policies.contract import Request, Setup


class State(NamedTuple):
    """Two queues, each in order of arrival."""

    slots: np.ndarray  # int32[...]: see `policies.queue`
    ends: np.ndarray  # int64[9]
    place: np.ndarray  # int32[objects]
    visited: np.ndarray  # uint8[objects]: 1 if hit since the hand last passed
    ahead: np.ndarray  # int64[1]: the queue that the hand has yet to pass, 0 or 1


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    slots, ends = queue.empty(min(setup.objects, setup.capacity), 2)
    place, visited = np.full(setup.objects, -1, np.int32), np.zeros(setup.objects, np.uint8)
    return State(slots, ends, place, visited, np.zeros(1, np.int64))


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter as the newest, unvisited."""
    state.visited[key] = 0
    queue.push(state.slots, state.ends, state.place, part_ahead(state), key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Be visited."""
    state.visited[key] = 1


def on_remove(state: State, key: int) -> None:
    """Leave the queue."""
    part = 0 if queue.holds(state.ends, state.place, 0, key) else 1
    queue.drop(state.ends, state.place, part, key)


def victim(state: State, req: Request) -> int:
    """Move the hand from old to new to the first unvisited key; those it passes are unvisited again."""
    ahead = part_ahead(state)
    key = queue.front(state.slots, state.ends, state.place, ahead)
    while state.visited[key]:
        state.visited[key] = 0
        queue.pass_on(state.slots, state.ends, state.place, ahead, 1 - ahead, key)
        ahead = part_ahead(state)
        key = queue.front(state.slots, state.ends, state.place, ahead)
    soon = queue.coming(state.slots, state.ends, ahead)
    memory.prefetch(state.visited, soon)
    memory.prefetch(state.place, soon)
    return int(key)


def part_ahead(state: State) -> int:
    """Return the part that the hand has yet to pass, after starting the next lap if it is empty."""
    if queue.size(state.ends, state.ahead[0]) == 0:
        state.ahead[0] = 1 - state.ahead[0]
    return int(state.ahead[0])


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.visited, key)
