"""Keys by score, lowest first, where the lowest seldom falls: a radix heap; of equal scores, who came first goes first.

Bucket 0 holds the keys whose score equals the reference, bucket b those that differ from it first at bit b - 1. When
bucket 0 runs empty, the least score of the lowest bucket becomes the reference, and that bucket falls apart into lower
ones. So a key moves to a lower bucket a few times at most before it is the lowest or is given another score, and every
other step takes constant time. A score below the reference is allowed, but costs a pass over the lower buckets.

``links`` is int32[2 * (objects + 64)]: a ring per bucket (`policies.ring`). ``scores`` is int64[objects], at least 0;
`bits.pattern` turns a float64 into one. ``lows`` is int64[3]: the reference, a bit for each bucket from 1 on that may
hold keys (bit b - 1 for bucket b), and the number of keys. A key is in the heap once at most.

Ahuja, Mehlhorn, Orlin, Tarjan: Faster algorithms for the shortest path problem. Journal of the ACM 37(2), 1990.
"""

from __future__ import annotations

import numpy as np

from hiersim.jit import hot, inner
from hiersim.policies import bits, ring

BUCKETS = 64  # a score has 63 bits
REFERENCE, FILLED, KEYS = range(3)  # what `lows` holds


def empty(objects: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``links``, ``scores`` and ``lows`` of an empty heap of keys 0 to ``objects`` - 1."""
    return ring.empty(objects, BUCKETS), np.zeros(objects, np.int64), np.zeros(3, np.int64)


@hot
def push(links: np.ndarray, scores: np.ndarray, lows: np.ndarray, key: int, score: int) -> None:
    """Put in ``key``, which is not here."""
    if score < lows[REFERENCE]:
        step_back(links, lows, scores.shape[0], score)
    scores[key] = score
    lows[KEYS] += 1
    place(links, scores, lows, key)


@hot
def move(links: np.ndarray, scores: np.ndarray, lows: np.ndarray, key: int, score: int) -> None:
    """Give ``key`` another score; of those with that score, it is the last."""
    drop(links, lows, key)
    push(links, scores, lows, key, score)


@hot
def drop(links: np.ndarray, lows: np.ndarray, key: int) -> None:
    """Take out ``key``."""
    lows[KEYS] -= 1
    ring.unlink(links, key)


@hot
def lowest(links: np.ndarray, scores: np.ndarray, lows: np.ndarray) -> int:
    """Return the key with the lowest score; the heap is not empty."""
    head = scores.shape[0]
    key = ring.newer(links, head)
    if key == head:
        key = advance(links, scores, lows)
    return int(key)


@hot
def place(links: np.ndarray, scores: np.ndarray, lows: np.ndarray, key: int) -> None:
    """Put a key into the bucket of its score."""
    apart = scores[key] ^ lows[REFERENCE]
    bucket = 0
    if apart != 0:
        bucket = bits.highest_bit(apart) + 1
        lows[FILLED] |= np.int64(1) << (bucket - 1)
    ring.push(links, scores.shape[0] + bucket, key)


@inner
def advance(links: np.ndarray, scores: np.ndarray, lows: np.ndarray) -> int:
    """Make the least score the reference, now that bucket 0 is empty; return the first key with that score."""
    first = scores.shape[0]
    filled = lows[FILLED]
    bucket = bits.highest_bit(filled & -filled) + 1
    while ring.newer(links, first + bucket) == first + bucket:
        filled &= filled - 1
        bucket = bits.highest_bit(filled & -filled) + 1
    lows[FILLED] = filled & (filled - 1)
    head = first + bucket
    key = ring.newer(links, head)
    least = scores[key]
    while key != head:
        least = min(least, scores[key])
        key = ring.newer(links, key)
    lows[REFERENCE] = least
    key = ring.newer(links, head)
    while key != head:
        after = ring.newer(links, key)
        ring.unlink(links, key)
        place(links, scores, lows, key)
        key = after
    return int(ring.newer(links, first))


@inner
def step_back(links: np.ndarray, lows: np.ndarray, first: int, score: int) -> None:
    """Make a lower score the reference: all keys below the bit in which it differs are in one bucket now."""
    bucket = bits.highest_bit(score ^ lows[REFERENCE]) + 1
    for lower in range(bucket):
        head = first + lower
        key = ring.newer(links, head)
        while key != head:
            after = ring.newer(links, key)
            ring.unlink(links, key)
            ring.push(links, first + bucket, key)
            key = after
    lows[REFERENCE] = score
    bit = np.int64(1) << (bucket - 1)
    lows[FILLED] = (lows[FILLED] & ~(bit - 1)) | bit
