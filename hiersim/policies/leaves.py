"""The leaves of a forest of blocks, the lowest score first: of the blocks that are here, those that none here extends.

A block is put into a heap (`heap`) when it comes or when the last block that extends it goes, and taken out when one
that extends it comes: of a request that writes its blocks in order each is the last of the heap by then, so both cost
little. A hit costs no move.

A state is any NamedTuple with the arrays of a heap and these, made by `empty`:

    parents   int32[objects]   the block that each one extends, -1 for none
    children  int32[objects]   how many blocks that are here extend each one
    here      uint8[objects]   whether each one is here
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hiersim.errors import TraceError
from hiersim.jit import hot
from hiersim.policies import heap
from hiersim.policies.contract import Setup


def empty(setup: Setup) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``parents, children, here`` of an empty cache."""
    return setup.parents, np.zeros(setup.objects, np.int32), np.zeros(setup.objects, np.uint8)


def depths(parents: np.ndarray) -> np.ndarray:
    """Return int64[objects]: how many blocks come before each one in its sequence.

    Raises:
        TraceError: the parents form a ring.
    """
    above, depth = parents.astype(np.int64), (parents >= 0).astype(np.int64)
    for _ in range(len(parents).bit_length() + 1):  # each round looks twice as far up
        known = above >= 0
        if not known.any():
            return depth
        depth[known] += depth[above[known]]
        above[known] = above[above[known]]
    raise TraceError("parents must lead to an object without one, but some lead back to where they started")


@hot
def enter(state: Any, key: int, score: float, order: int) -> None:
    """Take in a block."""
    state.here[key] = 1
    parent = state.parents[key]
    if parent >= 0:
        state.children[parent] += 1
        if state.slot[parent] >= 0:
            heap.drop(state, parent)
    if state.children[key] == 0:
        heap.push(state, key, score, order)
    else:  # it comes after blocks that extend it
        heap.grow(state, key, score, order)


@hot
def leave(state: Any, key: int) -> None:
    """Let a block go; the one before it may be a leaf now."""
    state.here[key] = 0
    if state.slot[key] >= 0:
        heap.drop(state, key)
    parent = state.parents[key]
    if parent >= 0:
        state.children[parent] -= 1
        if state.children[parent] == 0 and state.here[parent]:
            heap.push(state, parent, state.scores[2 * parent], state.scores[2 * parent + 1])


@hot
def lowest(state: Any) -> int:
    """Return the leaf with the lowest score; the cache is not empty."""
    return int(heap.lowest(state))
