"""Keys in no order, so that any of them can be drawn at random: the last one fills the gap of one that leaves.

``keys`` is int32[slots], the first ``filled[0]`` of them in the pool; ``place`` is int32[objects]: the slot of each.
"""

from __future__ import annotations

import numpy as np

from hiersim.jit import hot

MOST_DRAWN = 1 << 16  # keys that a policy may draw for one eviction


def empty(objects: int, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``keys``, ``place`` and ``filled`` of an empty pool of up to ``most`` of the keys 0 to ``objects`` - 1."""
    return np.zeros(most, np.int32), np.zeros(objects, np.int32), np.zeros(1, np.int64)


@hot
def push(keys: np.ndarray, place: np.ndarray, filled: np.ndarray, key: int) -> int:
    """Put in ``key``, which is not here; return its slot."""
    slot = filled[0]
    keys[slot] = key
    place[key] = slot
    filled[0] = slot + 1
    return slot  # type: ignore[no-any-return]


@hot
def drop(keys: np.ndarray, place: np.ndarray, filled: np.ndarray, key: int) -> int:
    """Take out ``key``; return its slot, where now the key stands that was in slot ``filled[0]``."""
    filled[0] -= 1
    last, hole = keys[filled[0]], place[key]
    keys[hole] = last
    place[last] = hole
    return hole  # type: ignore[no-any-return]
