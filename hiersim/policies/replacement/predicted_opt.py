"""Belady's rule on predictions, followed blindly: evict the key that is said to be used again last.

With perfect predictions it is the optimum, with wrong ones it may do worse than any policy without them. A prediction
stays until the key is used again, also when its time has passed. What is said to come after the end of the trace counts
as never; of keys with one prediction, the one that was used last leaves first.

Lykouris, Vassilvitskii: Competitive caching with machine learned advice. ICML 2018 (as the algorithm to be improved).
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import due
from hiersim.policies.contract import Request, Setup

NEEDS_FUTURE = True
PREDICTS = "next_use"


class State(NamedTuple):
    """The keys that are here by their predictions, see `policies.due`."""

    links: np.ndarray  # int32[2 * (objects + accesses + 1)]
    time: np.ndarray  # int32[objects]
    words: np.ndarray  # int64[...]
    level: np.ndarray  # int64[levels]


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    return State(*due.empty(setup.objects, setup.accesses))


def on_insert(state: State, key: int, req: Request) -> None:
    """Note the prediction."""
    due.put(state.links, state.time, state.words, state.level, key, req.next_use)


def on_hit(state: State, key: int, req: Request) -> None:
    """Note the new prediction."""
    due.drop(state.links, state.time, state.words, state.level, key)
    due.put(state.links, state.time, state.words, state.level, key, req.next_use)


def on_remove(state: State, key: int) -> None:
    """Forget the prediction."""
    due.drop(state.links, state.time, state.words, state.level, key)


def victim(state: State, req: Request) -> int:
    """Choose the last."""
    return int(due.last(state.links, state.time, state.words, state.level))
