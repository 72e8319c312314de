"""Least recently used: evict the key that has gone longest without a request.

`lra`, least recently attended, is the same rule: an access to a block of keys and values is an attention to it, and a
block that comes in is attended to by its own tokens.

Mattson, Gecsei, Slutz, Traiger: Evaluation techniques for storage hierarchies. IBM Systems Journal 9(2), 1970. LRA:
Yang, Hua: Attendre: wait to attend by retrieval with evicted queries in memory-based transformers. arXiv:2401.04881,
2024.
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
    """Choose the least recent."""
    return int(ring.newer(state.links, head(state)))


def head(state: State) -> int:
    """Return the ring's head."""
    return int(state.links.shape[0] // 2 - 1)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.links, 2 * key)


def fetch_near(state: State, key: int) -> None:
    """Fetch its neighbours in the list."""
    ring.fetch(state.links, key)
