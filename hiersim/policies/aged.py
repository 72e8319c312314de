"""Keys in rings by age, one for each part of a cache or of its memory: what policies of several experts share.

A state that is passed here has ``ages``, the rings, whose heads are the nodes after the last key (see `policies.ring`);
``where``, uint8[objects]: the place of each key; ``amounts``, which begins with the bytes of each ring; and ``sizes``
as in `policies.weighed`. A policy may have several places in one ring.
"""

from __future__ import annotations

from typing import Any

from hiersim.jit import hot
from hiersim.policies import memory, ring
from hiersim.policies.weighed import size_of


@hot
def oldest(state: Any, part: int) -> int:
    """Return the oldest key of a ring; its head if it is empty."""
    return int(ring.newer(state.ages, state.where.shape[0] + part))


@hot
def join(state: Any, part: int, place: int, key: int) -> None:
    """Become the newest of a ring, in one of its places."""
    state.where[key] = place
    state.amounts[part] += size_of(state, key)
    ring.push(state.ages, state.where.shape[0] + part, key)


@hot
def leave(state: Any, part: int, nowhere: int, key: int) -> None:
    """Leave the ring that the key is in."""
    state.amounts[part] -= size_of(state, key)
    state.where[key] = nowhere
    ring.unlink(state.ages, key)


@hot
def acquit(state: Any, nobody: int, key: int) -> None:
    """Forget which expert evicted a key: ``blamed`` says it, ``blame`` has rings of these keys, by expert.

    ``amounts`` has the bytes of each from the fourth number on.
    """
    state.amounts[3 + state.blamed[key]] -= size_of(state, key)
    state.blamed[key] = nobody
    ring.unlink(state.blame, key)


@hot
def fetch(state: Any, key: int) -> None:
    """Fetch what is touched of a key that has a number of requests, too (see `policies.buckets`)."""
    memory.prefetch(state.links, 2 * key)
    memory.prefetch(state.ages, 2 * key)
    memory.prefetch(state.bucket, key)
    memory.prefetch(state.where, key)
