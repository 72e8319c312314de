"""Least frequently used: evict the key with the fewest requests since it came in; of equals, who got there first.

A key that was evicted starts again at one request. `lfa`, least frequently attended, is the same rule: an access to a
block of keys and values is an attention to it, and a block that comes in is attended to by its own tokens.

Constant time by a list of the frequencies that occur: Shah, Mitra, Matani: An O(1) algorithm for implementing the LFU
cache eviction scheme. arXiv:2110.11602, 2021 (first circulated 2010). LFA: Yang, Hua: Attendre: wait to attend by
retrieval with evicted queries in memory-based transformers. arXiv:2401.04881, 2024.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import buckets, memory
from hiersim.policies.contract import Request, Setup


class State(NamedTuple):
    """Keys by number of requests; see `policies.buckets`."""

    links: np.ndarray  # int32[2 * (objects + buckets)]: older and newer key of the bucket; heads from `objects` on
    bucket: np.ndarray  # int32[objects]: the bucket of each key
    order: np.ndarray  # int32[2 * buckets]: the buckets of the next lower and the next higher frequency
    requests: np.ndarray  # int64[buckets]: the frequency of a bucket's keys; 0 for the head
    spare: np.ndarray  # int32[buckets]: unused buckets; the last entry counts them


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    return State(*buckets.empty(setup.objects))


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter with one request."""
    buckets.push(state, key, 1)


def on_hit(state: State, key: int, req: Request) -> None:
    """Rise by one request."""
    buckets.rise(state, key)


def on_remove(state: State, key: int) -> None:
    """Leave, and forget the requests."""
    buckets.drop(state, key)


def victim(state: State, req: Request) -> int:
    """Choose the first of those with the fewest requests."""
    return int(buckets.lowest(state))


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.links, 2 * key)
    memory.prefetch(state.bucket, key)
