"""Hyperbolic caching: of some keys drawn at random, evict the one with the fewest requests for its time here.

A key's priority is its requests since it came in, over the requests to the cache since then; times its cost where
costs are given, and over its size with ``by_size``.

Blankstein, Sen, Freedman: Hyperbolic caching: flexible caching for Web applications. USENIX ATC 2017.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import dice, memory, pool
from hiersim.policies.contract import Request, Setup

REQUESTS, ENTERED, WEIGHT, WIDTH = range(4)  # what `facts` holds of a slot, and how many numbers that is


class Params(NamedTuple):
    """The paper's sample."""

    sample: int = 64  # keys drawn for one eviction, each as likely, with repetition
    by_size: int = 0  # 1: a larger object counts less


class State(NamedTuple):
    """The keys that are here, in no order, and what is known of them; see `policies.pool`."""

    keys: np.ndarray  # int32[slots]
    place: np.ndarray  # int32[objects]
    filled: np.ndarray  # int64[1]
    facts: np.ndarray  # float64[3 * slots]: requests, clock when it came in, and weight of the key in each slot
    random: np.ndarray  # uint64[1]: see `policies.dice`
    clock: np.ndarray  # int64[3]: requests to the cache, the sample, and `by_size`
    costs: np.ndarray  # float64[objects]; float64[0] where all cost 1


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not 1 <= params.sample <= pool.MOST_DRAWN:
        return f"sample must be 1 to {pool.MOST_DRAWN}, got {params.sample}"
    return "" if params.by_size in (0, 1) else f"by_size must be 0 or 1, got {params.by_size}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    most = min(setup.objects, setup.capacity)
    return State(
        *pool.empty(setup.objects, most),
        np.zeros(WIDTH * most, np.float64),
        dice.start(setup.seed),
        np.array([0, setup.params.sample, setup.params.by_size], np.int64),
        np.ascontiguousarray(setup.costs, np.float64),
    )


def on_miss(state: State, key: int, req: Request) -> None:
    """Let time pass."""
    state.clock[0] += 1


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter with one request."""
    slot = WIDTH * pool.push(state.keys, state.place, state.filled, key)
    cost = state.costs[key] if state.costs.shape[0] > 0 else 1.0
    state.facts[slot + REQUESTS] = 1.0
    state.facts[slot + ENTERED] = state.clock[0]
    state.facts[slot + WEIGHT] = cost / req.size if state.clock[2] != 0 else cost


def on_hit(state: State, key: int, req: Request) -> None:
    """Gain a request."""
    state.clock[0] += 1
    state.facts[WIDTH * state.place[key] + REQUESTS] += 1.0


def on_remove(state: State, key: int) -> None:
    """Leave the slot to the last key."""
    slot = WIDTH * pool.drop(state.keys, state.place, state.filled, key)
    for i in range(WIDTH):
        state.facts[slot + i] = state.facts[WIDTH * state.filled[0] + i]


def victim(state: State, req: Request) -> int:
    """Choose the lowest priority of a sample."""
    found, least, now = 0, np.inf, float(state.clock[0])
    for _ in range(state.clock[1]):
        slot = dice.below(state.random, state.filled[0])
        at = WIDTH * slot
        age = max(now - state.facts[at + ENTERED], 1.0)
        priority = state.facts[at + REQUESTS] * state.facts[at + WEIGHT] / age
        if priority < least:
            found, least = slot, priority
    return int(state.keys[found])


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.place, key)
