"""Most recently used: evict the key that was used last, the right choice for a loop that is longer than the cache.

Denning: The working set model for program behavior. CACM 11(5), 1968; for loops Chou, DeWitt: An evaluation of buffer
management strategies for relational database systems. VLDB 1985.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, ring
from hiersim.policies.contract import Request, Setup


class State(NamedTuple):
    """One ring from the least to the most recently used key; its head is the last entry."""

    links: np.ndarray  # int32[2 * (objects + 1)]: older and newer key


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    return State(ring.empty(setup.objects))


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter as the most recent."""
    ring.push(state.links, head(state), key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Become the most recent."""
    ring.unlink(state.links, key)
    ring.push(state.links, head(state), key)


def on_remove(state: State, key: int) -> None:
    """Leave the ring."""
    ring.unlink(state.links, key)


def victim(state: State, req: Request) -> int:
    """Choose the most recent."""
    return int(ring.older(state.links, head(state)))


def head(state: State) -> int:
    """Return the ring's head."""
    return int(state.links.shape[0] // 2 - 1)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.links, 2 * key)


def fetch_near(state: State, key: int) -> None:
    """Fetch its neighbours in the list."""
    ring.fetch(state.links, key)
