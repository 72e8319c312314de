"""Discard bits without chance: what is said to be safe to discard leaves first; when nothing is, everything is.

The bit of a request says whether the optimum evicts the key before it is used again. When room is needed and all keys
that are here were to be kept, one of the bits was wrong, and all are taken back at once. Keys leave one by one, as room
is needed, the least recently used first; one that is used before that is as if it had never been given up. Cost at most
OPT + (k - 1) x wrong bits to keep + wrong bits to discard.

Antoniadis, Boyar, Elias, Favrholdt, Hoeksma, Larsen, Polak, Simon: Paging with succinct predictions. ICML 2023.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import ring
from hiersim.policies.contract import NEVER, Request, Setup

NEEDS_FUTURE = True
PREDICTS = "discard"


class State(NamedTuple):
    """Two rings in order of use: the keys to keep and those to discard."""

    links: np.ndarray  # int32[2 * (objects + 2)]
    kept: np.ndarray  # int64[1]: the ring of those to keep, 0 or 1


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    return State(ring.empty(setup.objects, 2), np.zeros(1, np.int64))


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter the ring that the bit says."""
    which = state.kept[0] if req.next_use != NEVER else 1 - state.kept[0]
    ring.push(state.links, head(state, which), key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Enter the ring that the new bit says."""
    ring.unlink(state.links, key)
    on_insert(state, key, req)


def on_remove(state: State, key: int) -> None:
    """Leave the ring."""
    ring.unlink(state.links, key)


def victim(state: State, req: Request) -> int:
    """Choose the oldest of those to discard, which all are when none is."""
    discarded = head(state, 1 - state.kept[0])
    if ring.newer(state.links, discarded) == discarded:
        state.kept[0] = 1 - state.kept[0]
        discarded = head(state, 1 - state.kept[0])
    return int(ring.newer(state.links, discarded))


def head(state: State, which: int) -> int:
    """Return the head of a ring."""
    return int(state.links.shape[0] // 2 - 2 + which)
