"""Greedy dual, frequency and size: evict the least of age + requests x cost / size (GDSF).

The age of the cache is the score of whom it evicted last; a key's score has the age at its last request, and its
requests count from when it came in. Costs are 1 where none are given. Every missing object is let in, even if its own
score is the least. Of equal scores, the one asked for longest ago leaves first.

Cherkasova: Improving WWW proxies performance with greedy-dual-size-frequency caching policy. HP Laboratories, 1998.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import bits, memory, radix
from hiersim.policies.contract import Request, Setup


class State(NamedTuple):
    """A radix heap by score; see `policies.radix`."""

    links: np.ndarray  # int32[2 * (objects + 64)]
    scores: np.ndarray  # int64[objects]: the bits of each key's score, which is a float64
    lows: np.ndarray  # int64[3]
    requests: np.ndarray  # int32[objects]: since the key came in
    costs: np.ndarray  # float64[objects]; float64[0] where all cost 1
    age: np.ndarray  # float64[1]: the score of the last that was evicted
    doomed: np.ndarray  # int64[1]: the key chosen last


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    requests, costs = np.zeros(setup.objects, np.int32), np.ascontiguousarray(setup.costs, np.float64)
    return State(*radix.empty(setup.objects), requests, costs, np.zeros(1, np.float64), np.full(1, -1, np.int64))


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter with one request."""
    state.requests[key] = 1
    radix.push(state.links, state.scores, state.lows, key, bits.pattern(score_of(state, key, req)))


def on_hit(state: State, key: int, req: Request) -> None:
    """Gain a request, and the age of now."""
    state.requests[key] += 1
    radix.move(state.links, state.scores, state.lows, key, bits.pattern(score_of(state, key, req)))


def on_remove(state: State, key: int) -> None:
    """Leave; the score of who is evicted becomes the age."""
    if state.doomed[0] == key:
        state.age[0] = bits.value(state.scores[key])
    state.doomed[0] = -1
    radix.drop(state.links, state.lows, key)


def victim(state: State, req: Request) -> int:
    """Choose the lowest score."""
    state.doomed[0] = radix.lowest(state.links, state.scores, state.lows)
    return int(state.doomed[0])


def score_of(state: State, key: int, req: Request) -> float:
    """Return a key's score at a request."""
    cost = state.costs[key] if state.costs.shape[0] > 0 else 1.0
    return float(state.age[0] + state.requests[key] * cost / req.size)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.links, 2 * key)
    memory.prefetch(state.scores, key)
    memory.prefetch(state.requests, key)
