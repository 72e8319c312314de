"""Keys by number of requests, in constant time: a ring of buckets in order of frequency, in each a ring of its keys.

``state`` is any NamedTuple with these arrays, made by `empty`; bucket 0 is the head of the ring of buckets:

    links     int32[2 * (objects + buckets)]  older and newer key of the bucket; heads from ``objects`` on
    bucket    int32[objects]                  the bucket of each key
    order     int32[2 * buckets]              the buckets of the next lower and the next higher frequency
    requests  int64[buckets]                  the frequency of a bucket's keys; 0 for the head
    spare     int32[buckets]                  unused buckets; the last entry counts them

Shah, Mitra, Matani: An O(1) algorithm for implementing the LFU cache eviction scheme. arXiv:2110.11602, 2021.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hiersim.jit import hot
from hiersim.policies import ring


def empty(objects: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return ``links, bucket, order, requests, spare`` for no keys yet, all buckets unused."""
    count = objects + 2  # one for each key, the head, and one to move into
    spare = np.arange(count, 0, -1, dtype=np.int32) - 1
    spare[-1] = count - 1
    links, order = ring.empty(objects, count), ring.empty(0, count)
    return links, np.zeros(objects, np.int32), order, np.zeros(count, np.int64), spare


@hot
def push(state: Any, key: int, count: int) -> None:
    """Put in ``key``, which is not here, with so many requests: constant time for one, else as many steps at most."""
    bucket = ring.newer(state.order, 0)
    while 0 < state.requests[bucket] < count:
        bucket = ring.newer(state.order, bucket)
    if state.requests[bucket] != count:
        bucket = open_bucket(state, bucket, count)
    enter(state, bucket, key)


@hot
def rise(state: Any, key: int) -> None:
    """Give ``key`` one request more; of those with as many, it is the last."""
    here = state.bucket[key]
    count = state.requests[here] + 1
    above = ring.newer(state.order, here)
    if state.requests[above] == count:
        drop(state, key)
        enter(state, above, key)
    elif ring.older(state.links, key) == ring.newer(state.links, key):  # alone in its bucket: the bucket rises with it
        state.requests[here] = count
    else:
        ring.unlink(state.links, key)
        enter(state, open_bucket(state, above, count), key)


@hot
def drop(state: Any, key: int) -> None:
    """Take out ``key``, and its bucket out of the ring if it is empty now."""
    bucket = state.bucket[key]
    ring.unlink(state.links, key)
    head = state.bucket.shape[0] + bucket
    if ring.newer(state.links, head) == head:
        ring.unlink(state.order, bucket)
        last = state.spare.shape[0] - 1
        state.spare[state.spare[last]] = bucket
        state.spare[last] += 1


@hot
def lowest(state: Any) -> int:
    """Return the first key of those with the fewest requests; there is one."""
    return ring.newer(state.links, state.bucket.shape[0] + ring.newer(state.order, 0))


@hot
def latest(state: Any) -> int:
    """Return the last key of those with the fewest requests; there is one."""
    return ring.older(state.links, state.bucket.shape[0] + ring.newer(state.order, 0))


@hot
def enter(state: Any, bucket: int, key: int) -> None:
    """Put a key at the end of a bucket."""
    state.bucket[key] = bucket
    ring.push(state.links, state.bucket.shape[0] + bucket, key)


@hot
def open_bucket(state: Any, above: int, count: int) -> int:
    """Put an unused bucket for keys with ``count`` requests just below the bucket ``above``."""
    last = state.spare.shape[0] - 1
    state.spare[last] -= 1
    bucket = state.spare[state.spare[last]]
    state.requests[bucket] = count
    ring.push(state.order, above, bucket)
    return bucket  # type: ignore[no-any-return]
