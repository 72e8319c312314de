"""Least expected cost: evict the key for which requests so far x cost / size is least (LEC).

Requests are counted from the first on, also while the key is not here; so they estimate how probable the next one is.
Costs are 1 where none are given. The paper turns a missing key away if its own expected cost is the least: that is the
admission `expected-cost`; alone, this policy lets everything in. Of equal scores, the one asked for longest ago leaves
first.

Zhu, Sheng, Zheng, Barrett, Jordan, Jiao: On optimal caching and model multiplexing for large model inference. NeurIPS
2023 (for keys of one size); Bahn, Koh, Noh, Min: Efficient replacement of nonuniform objects in Web caches. IEEE
Computer 35(6), 2002.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import heap
from hiersim.policies.contract import Request, Setup


class State(NamedTuple):
    """A heap by score (`policies.heap`), and what scores are made of."""

    keys: np.ndarray  # int32[most]
    held: np.ndarray  # float64[2 * most]
    slot: np.ndarray  # int32[objects]
    scores: np.ndarray  # float64[2 * objects]
    filled: np.ndarray  # int64[1]
    requests: np.ndarray  # int32[objects]: ever
    costs: np.ndarray  # float64[objects]; float64[0] where all cost 1
    clock: np.ndarray  # int64[1]: requests of all keys


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    costs = np.ascontiguousarray(setup.costs, np.float64)
    room = heap.empty(setup.objects, min(setup.objects, setup.capacity))
    return State(*room, np.zeros(setup.objects, np.int32), costs, np.zeros(1, np.int64))


def on_miss(state: State, key: int, req: Request) -> None:
    """Count the request."""
    state.requests[key] += 1


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter."""
    state.clock[0] += 1
    heap.push(state, key, score_of(state, key, req), state.clock[0])


def on_hit(state: State, key: int, req: Request) -> None:
    """Count the request."""
    state.requests[key] += 1
    state.clock[0] += 1
    heap.grow(state, key, score_of(state, key, req), state.clock[0])


def on_remove(state: State, key: int) -> None:
    """Leave; its requests stay known."""
    heap.drop(state, key)


def victim(state: State, req: Request) -> int:
    """Choose the lowest score."""
    return heap.lowest(state)


def score_of(state: State, key: int, req: Request) -> float:
    """Return a key's score at a request."""
    cost = state.costs[key] if state.costs.shape[0] > 0 else 1.0
    return float(state.requests[key] * cost / req.size)
