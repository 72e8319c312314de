"""Leaf-first LRU over prefix blocks: evict the least recently used block that no block here extends.

So a block is never here without those before it, as long as the cache holds a whole request: what a prefix cache that
is a radix tree keeps. A request that is larger than the cache evicts its own blocks from the end.

The leaves are a ring by last use. A block that becomes a leaf again is put where its last use belongs, searched from
both ends; where requests touch whole sequences that is the old end, as it was used just before the leaf that left.

Zheng, Yin, Xie, Sun, Huang, Yu, Cao, Kozyrakis, Stoica, Gonzalez, Barrett, Sheng: SGLang: efficient execution of
structured language model programs. NeurIPS 2024 (RadixAttention, section 3).
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, ring
from hiersim.policies.contract import Request, Setup

NEEDS_PARENTS = True


class State(NamedTuple):
    """A ring of the leaves from the least to the most recently used; its head is the last entry."""

    links: np.ndarray  # int32[2 * (objects + 1)]: older and newer leaf
    last: np.ndarray  # int64[objects]: number of the last use, from 1; 0 if the block is not here
    parents: np.ndarray  # int32[objects]: the block that each one extends, -1 for none
    children: np.ndarray  # int32[objects]: how many blocks that are here extend each one
    clock: np.ndarray  # int64[1]: uses so far


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    last, children = np.zeros(setup.objects, np.int64), np.zeros(setup.objects, np.int32)
    return State(ring.empty(setup.objects), last, setup.parents, children, np.zeros(1, np.int64))


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter as the most recent; the block before it is no leaf any more."""
    parent = state.parents[key]
    if parent >= 0:
        if state.children[parent] == 0 and state.last[parent] > 0:
            ring.unlink(state.links, parent)
        state.children[parent] += 1
    if state.children[key] == 0:
        ring.push(state.links, head(state), key)
    tick(state, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Become the most recent."""
    if state.children[key] == 0:
        ring.unlink(state.links, key)
        ring.push(state.links, head(state), key)
    tick(state, key)


def on_remove(state: State, key: int) -> None:
    """Leave; the block before it may be a leaf now."""
    if state.children[key] == 0:
        ring.unlink(state.links, key)
    state.last[key] = 0
    parent = state.parents[key]
    if parent >= 0:
        state.children[parent] -= 1
        if state.children[parent] == 0 and state.last[parent] > 0:
            put_back(state, parent)


def victim(state: State, req: Request) -> int:
    """Choose the least recent leaf."""
    return int(ring.newer(state.links, head(state)))


def tick(state: State, key: int) -> None:
    """Note a use."""
    state.clock[0] += 1
    state.last[key] = state.clock[0]


def put_back(state: State, key: int) -> None:
    """Put a new leaf between those that were used before it and after it."""
    low, high = ring.newer(state.links, head(state)), ring.older(state.links, head(state))
    while low != head(state) and state.last[low] < state.last[key] and state.last[high] > state.last[key]:
        low, high = ring.newer(state.links, low), ring.older(state.links, high)
    if low != head(state) and state.last[low] < state.last[key]:  # found from the new end
        low = ring.newer(state.links, high)
    ring.push(state.links, low, key)


def head(state: State) -> int:
    """Return the ring's head."""
    return int(state.last.shape[0])


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.last, key)
    memory.prefetch(state.parents, key)
    memory.prefetch(state.children, key)
