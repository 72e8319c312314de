"""LRU that moves a key to the front with some probability only: fewer moves, and less faith in one request.

With probability 1 it is LRU, with 0 it is FIFO.

Starobinski, Tse: Probabilistic methods for Web caching. Performance Evaluation 46(2-3), 2001.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import dice, memory, ring
from hiersim.policies.contract import Request, Setup


class Params(NamedTuple):
    """As in libCacheSim; the paper sets it by an object's cost."""

    prob: float = 0.5  # that a hit moves the key to the front


class State(NamedTuple):
    """A ring by recency of the moves."""

    links: np.ndarray  # int32[2 * (objects + 1)]: the next older and newer key
    prob: np.ndarray  # float64[1]
    random: np.ndarray  # uint64[1]: see `policies.dice`


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    return "" if 0 <= params.prob <= 1 else f"prob must be 0 to 1, got {params.prob}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    return State(ring.empty(setup.objects), np.full(1, setup.params.prob, np.float64), dice.start(setup.seed))


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter as the newest."""
    ring.push(state.links, head_of(state), key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Become the newest, by chance."""
    if dice.share(state.random) < state.prob[0]:
        ring.unlink(state.links, key)
        ring.push(state.links, head_of(state), key)


def on_remove(state: State, key: int) -> None:
    """Leave."""
    ring.unlink(state.links, key)


def victim(state: State, req: Request) -> int:
    """Choose the oldest."""
    return int(ring.newer(state.links, head_of(state)))


def head_of(state: State) -> int:
    """Return the ring's head."""
    return int(state.links.shape[0] // 2 - 1)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.links, 2 * key)
