"""Keys by the access at which each is said to be used again; the one said to be used last is found fast.

``links`` is int32: a ring (`ring`) for each access to come, and one more for never. ``time`` is int32[objects]: the
ring of each key. ``words`` and ``level`` are the set (`bits`) of the rings that are not empty.
"""

from __future__ import annotations

import numpy as np

from hiersim.jit import hot
from hiersim.policies import bits, ring


def empty(objects: int, accesses: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return ``links``, ``time``, ``words`` and ``level`` of no keys; what comes after ``accesses`` is never."""
    words, level = bits.empty(accesses + 1)
    return ring.empty(objects, accesses + 1), np.zeros(objects, np.int32), words, level


@hot
def put(links: np.ndarray, time: np.ndarray, words: np.ndarray, level: np.ndarray, key: int, next_use: int) -> None:
    """Put in ``key``, which is not in, as said to be used at ``next_use``."""
    never = links.shape[0] // 2 - time.shape[0] - 1
    at = min(next_use, never)
    time[key] = at
    ring.push(links, time.shape[0] + at, key)
    bits.put(words, level, at)


@hot
def drop(links: np.ndarray, time: np.ndarray, words: np.ndarray, level: np.ndarray, key: int) -> None:
    """Take ``key`` out."""
    ring.unlink(links, key)
    head = time.shape[0] + time[key]
    if ring.older(links, head) == head:
        bits.drop(words, level, time[key])


@hot
def last(links: np.ndarray, time: np.ndarray, words: np.ndarray, level: np.ndarray) -> int:
    """Return the key that is said to be used last, of several the newest; there is one."""
    return ring.older(links, time.shape[0] + bits.highest(words, level))
