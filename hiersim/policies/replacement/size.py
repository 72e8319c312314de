"""Largest first: evict the largest object; of equal ones, the one that has gone longest without a request.

Two variants. ``size`` breaks ties by the time of the last request, one of the paper's secondary keys. ``size-lcs``
(``recency=0``) breaks them as libcachesim 0.3.5 does, by where they happen to stand in its binary heap; where all
objects have one size, that evicts nearly the newest.

Williams, Abrams, Standridge, Abdulla, Fox: Removal policies in network caches for World-Wide Web documents. SIGCOMM
1996.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import heap, memory
from hiersim.policies.contract import Request, Setup


class Params(NamedTuple):
    """What tells the two variants apart."""

    recency: int = 1  # 1: of equal sizes, the least recently used first; 0: as the heap leaves them


class State(NamedTuple):
    """A heap by size, largest first; see `policies.heap`."""

    keys: np.ndarray  # int32[slots]
    held: np.ndarray  # float64[2 * slots]
    slot: np.ndarray  # int32[objects]
    scores: np.ndarray  # float64[2 * objects]: minus the size in bytes, and number of the last request
    filled: np.ndarray  # int64[1]
    clock: np.ndarray  # int64[2]: requests so far, and what one adds: 1 or 0


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    return "" if params.recency in (0, 1) else f"recency must be 0 or 1, got {params.recency}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    parts = heap.empty(setup.objects, min(setup.objects, setup.capacity))
    return State(*parts, np.array([0, setup.params.recency], np.int64))


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter by size."""
    state.clock[0] += state.clock[1]
    heap.push(state, key, -float(req.size), state.clock[0])


def on_hit(state: State, key: int, req: Request) -> None:
    """Note the time."""
    state.clock[0] += state.clock[1]
    state.scores[2 * key + 1] = state.clock[0]


def on_remove(state: State, key: int) -> None:
    """Leave."""
    heap.drop(state, key)


def victim(state: State, req: Request) -> int:
    """Choose the largest."""
    return heap.lowest(state)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.scores, 2 * key)
