"""Cost to recompute: of the blocks that none here extends, evict the least of age + requests x cost / size (PGDSF).

The age is the highest score of an evicted block; a block's score has the age at its last request, and its requests
count from when it came. The cost of a block is what the trace tells (the FLOPs of a named model). Where it tells
nothing, a block after k others costs 1 + attention x k: its own layers, and its tokens' attention over those before.
A dense layer of width d does 24 d^2 FLOPs a token and 4 d for each token of context, so `attention` is block tokens /
(6 d): 0.02 for blocks of 512 tokens and d = 4096. Of equal scores, the one asked for longest ago leaves first.

Jin, Zhang, Jiang, Liu, Liu, Liu, Jin: RAGCache: efficient knowledge caching for retrieval-augmented generation.
arXiv:2404.12457, 2024 (PGDSF). Cost as FLOPs: Kaplan et al.: Scaling laws for neural language models, 2020, table 1.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import heap, leaves, memory
from hiersim.policies.contract import Request, Setup

NEEDS_PARENTS = True


class Params(NamedTuple):
    """The model of cost, where the trace has none."""

    attention: float = 0.02  # what a block's attention over one block before it costs, as a share of its other work


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters, or nothing."""
    return "" if 0 <= params.attention < np.inf else f"attention must be a number from 0, got {params.attention:g}"


class State(NamedTuple):
    """The leaves by score; see `policies.leaves`."""

    keys: np.ndarray  # int32[slots]
    held: np.ndarray  # float64[2 * slots]
    slot: np.ndarray  # int32[objects]
    scores: np.ndarray  # float64[2 * objects]: score, and number of the last request
    filled: np.ndarray  # int64[1]
    parents: np.ndarray  # int32[objects]
    children: np.ndarray  # int32[objects]
    here: np.ndarray  # uint8[objects]
    costs: np.ndarray  # float64[objects]
    requests: np.ndarray  # int32[objects]: since the block came
    age: np.ndarray  # float64[1]: the highest score of an evicted block
    clock: np.ndarray  # int64[2]: requests so far, and the block chosen last


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    costs = setup.costs if len(setup.costs) else 1.0 + setup.params.attention * leaves.depths(setup.parents)
    parts = heap.empty(setup.objects, max(1, min(setup.objects, setup.capacity)))
    requests, clock = np.zeros(setup.objects, np.int32), np.array([0, -1], np.int64)
    return State(*parts, *leaves.empty(setup), costs, requests, np.zeros(1, np.float64), clock)


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter with one request."""
    state.requests[key] = 1
    state.clock[0] += 1
    leaves.enter(state, key, score_of(state, key, req), state.clock[0])


def on_hit(state: State, key: int, req: Request) -> None:
    """Gain a request, and the age of now."""
    state.requests[key] += 1
    state.clock[0] += 1
    heap.grow(state, key, score_of(state, key, req), state.clock[0])


def on_remove(state: State, key: int) -> None:
    """Leave; who is evicted ages the cache."""
    if state.clock[1] == key:
        state.age[0] = max(state.age[0], state.scores[2 * key])
    state.clock[1] = -1
    leaves.leave(state, key)


def victim(state: State, req: Request) -> int:
    """Choose the leaf with the lowest score."""
    state.clock[1] = leaves.lowest(state)
    return int(state.clock[1])


def score_of(state: State, key: int, req: Request) -> float:
    """Return a block's score at a request."""
    return float(state.age[0] + state.requests[key] * state.costs[key] / req.size)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.scores, 2 * key)
    memory.prefetch(state.costs, key)
    memory.prefetch(state.parents, key)
