"""Length-aware: evict the block with the fewest requests since it came; of equals, the one latest in its sequence.

Of those that are also as deep, who got to their number of requests first leaves first. A block that comes back starts
again at one request.

Qin, Li, He, Zhang, Wu, Zheng, Xu: Mooncake: a KVCache-centric disaggregated architecture for LLM serving.
arXiv:2407.00079, 2024 (LengthAwareCache in section 4.2: as LFU, but blocks late in requests are evicted first).
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import heap, leaves, memory
from hiersim.policies.contract import Request, Setup

NEEDS_PARENTS = True
STEP = 2**33  # orders of one depth: more than there are requests; a float64 holds 2^20 depths of them exactly


class State(NamedTuple):
    """A heap by requests, then depth, then age; see `policies.heap`."""

    keys: np.ndarray  # int32[slots]
    held: np.ndarray  # float64[2 * slots]
    slot: np.ndarray  # int32[objects]
    scores: np.ndarray  # float64[2 * objects]: requests since the block came, and the order among equals
    filled: np.ndarray  # int64[1]
    rank: np.ndarray  # int64[objects]: the lowest order of the block's depth; deeper is lower
    clock: np.ndarray  # int64[1]: requests so far


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    depth = leaves.depths(setup.parents)
    parts = heap.empty(setup.objects, max(1, min(setup.objects, setup.capacity)))
    return State(*parts, (depth.max(initial=0) - depth) * STEP, np.zeros(1, np.int64))


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter with one request."""
    state.clock[0] += 1
    heap.push(state, key, 1.0, state.rank[key] + state.clock[0])


def on_hit(state: State, key: int, req: Request) -> None:
    """Rise by one request."""
    state.clock[0] += 1
    heap.grow(state, key, state.scores[2 * key] + 1.0, state.rank[key] + state.clock[0])


def on_remove(state: State, key: int) -> None:
    """Leave, and forget the requests."""
    heap.drop(state, key)


def victim(state: State, req: Request) -> int:
    """Choose the one with the fewest requests."""
    return heap.lowest(state)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.scores, 2 * key)
    memory.prefetch(state.rank, key)
