"""Hits that wait until the order of their list matters, a bit for each access of a block: what ARC and SLRU share."""

from __future__ import annotations

import numpy as np

from hiersim.jit import hot
from hiersim.policies import bits, ring


@hot
def settle(links: np.ndarray, head: int, keys: np.ndarray, begin: int, waiting: int) -> None:
    """Make the keys of these accesses the most recent of their list, in order."""
    while waiting != 0:
        key = int(keys[begin + bits.highest_bit(waiting & -waiting)])
        waiting &= waiting - 1
        ring.unlink(links, key)
        ring.push(links, head, key)


@hot
def uses(keys: np.ndarray, begin: int, first: int, end: int, key: int) -> int:
    """Return a bit for each access of a block to ``key``, from the access ``first`` on."""
    found = np.int64(0)
    for i in range(first, end):
        found |= np.int64(keys[begin + i] == key) << i
    return int(found)
