"""Accesses looked at block by block, without a branch: which keys are missing, and when each was seen last.

Whether an access hits can be predicted no better than the trace, and a branch that is predicted wrong costs more than
all else. So a block of accesses is looked at first: which keys are missing, when each was seen last, and when before
that. Then only the misses are gone through, a bit each. Two things can differ from the first look: a key that came in
meanwhile is here, and one that was evicted is missing when it is next asked for, which sets its bit.

A state that is passed here has ``here``, uint8[objects]; ``seen``, the number of each key's last access, int32[objects]
or int64; and ``before``, the same [BLOCK]: the last access before each access of the block.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hiersim.jit import hot
from hiersim.policies import memory
from hiersim.policies.contract import Setup

BLOCK = 32  # accesses looked at at once, a bit each


def empty(setup: Setup) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return ``here``, ``seen``, when each key came in or was last passed by a hand, and ``before``, of no keys."""
    times = np.int32 if 0 < setup.accesses < 2**31 else np.int64
    objects = setup.objects
    return np.zeros(objects, np.uint8), np.full(objects, -1, times), np.zeros(objects, times), np.zeros(BLOCK, times)


@hot
def look(state: Any, keys: np.ndarray, begin: int, start: int) -> int:
    """Note all accesses of a block as seen; return a bit for each whose key is not here."""
    missing, count = np.int64(0), min(BLOCK, keys.shape[0] - begin)
    after = BLOCK if begin + 2 * BLOCK <= keys.shape[0] else 0
    for i in range(count):
        coming, key = keys[begin + after + i], keys[begin + i]
        memory.prefetch(state.here, coming)
        memory.prefetch(state.seen, coming)
        state.before[i] = state.seen[key]
        state.seen[key] = start + begin + i
        missing |= np.int64(state.here[key] == 0) << i
    return int(missing)


@hot
def bit_of(again: Any) -> int:
    """Return the bit of a place in the block, 0 of -1."""
    return int(np.int64(1) << again) if again >= 0 else 0
