"""Lists of keys as linked rings in one array: the one copy of linking and unlinking.

``links`` is int32[2 * (objects + rings)]: for each key the next older one, then the next newer one. The entries beyond
the keys are the rings' heads: head ``objects`` for the first ring, ``objects + 1`` for the second, and so on. Going
newer from a head gives its oldest key, going older its newest; an empty ring's head points to itself. A key is in one
ring at most. Both links of a key lie side by side because they are used together.
"""

from __future__ import annotations

import numpy as np

from hiersim.jit import hot
from hiersim.policies import memory


def empty(objects: int, rings: int = 1) -> np.ndarray:
    """Return the links of ``rings`` empty rings over keys 0 to ``objects`` - 1."""
    return np.repeat(np.arange(objects + rings, dtype=np.int32), 2)


@hot
def older(links: np.ndarray, key: int) -> int:
    """Return who came just before ``key``."""
    return links[2 * key]  # type: ignore[no-any-return]


@hot
def newer(links: np.ndarray, key: int) -> int:
    """Return who came just after ``key``."""
    return links[2 * key + 1]  # type: ignore[no-any-return]


@hot
def push(links: np.ndarray, head: int, key: int) -> None:
    """Put ``key``, which is in no ring, at the new end of the ring of ``head``."""
    last = links[2 * head]
    links[2 * key] = last
    links[2 * key + 1] = head
    links[2 * last + 1] = key
    links[2 * head] = key


@hot
def unlink(links: np.ndarray, key: int) -> None:
    """Take ``key`` out of its ring."""
    before = links[2 * key]
    after = links[2 * key + 1]
    links[2 * before + 1] = after
    links[2 * after] = before


@hot
def fetch(links: np.ndarray, key: int) -> None:
    """Ask for the memory of the neighbours of ``key``."""
    memory.prefetch(links, 2 * links[2 * key])
    memory.prefetch(links, 2 * links[2 * key + 1])


@hot
def second(links: np.ndarray, head: int) -> int:
    """Return the key that will be the second oldest when the oldest has left, a head where there are not so many."""
    return newer(links, newer(links, newer(links, head)))


@hot
def fetch_next(links: np.ndarray, head: int) -> None:
    """Ask for the memory of a key that will soon be the oldest."""
    memory.prefetch(links, 2 * second(links, head))
