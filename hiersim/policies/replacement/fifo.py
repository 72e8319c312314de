"""First in, first out: evict the key that came in longest ago, however often it was used since.

Belady: A study of replacement algorithms for a virtual-storage computer. IBM Systems Journal 5(2), 1966.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, queue
from hiersim.policies.contract import Request, Setup


class State(NamedTuple):
    """One queue in order of arrival."""

    slots: np.ndarray  # int32[...]: see `policies.queue`
    ends: np.ndarray  # int64[5]
    place: np.ndarray  # int32[objects]


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    return State(*queue.empty(min(setup.objects, setup.capacity)), np.full(setup.objects, -1, np.int32))


def on_insert(state: State, key: int, req: Request) -> None:
    """Join the queue at its end."""
    queue.push(state.slots, state.ends, state.place, 0, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Change nothing."""


def on_remove(state: State, key: int) -> None:
    """Leave the queue."""
    queue.drop(state.ends, state.place, 0, key)


def victim(state: State, req: Request) -> int:
    """Choose the one in front."""
    return int(queue.front(state.slots, state.ends, state.place, 0))


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.place, key)
