"""Two kinds of heaps: requests that wait for an engine, least key first, and requests to come, earliest first."""

from __future__ import annotations

from hiersim.drivers.serve.columns import E_QUEUE, K_HEAP, NONE, Q_ARRIVE, Q_KEY
from hiersim.drivers.serve.state import Serve
from hiersim.jit import hot, inner


@hot
def less(key: int, request: int, other_key: int, other: int) -> bool:
    """Say whether one entry goes before another."""
    return key < other_key or (key == other_key and request < other)


@inner
def put(s: Serve, e: int, r: int) -> None:
    """Let a request wait at an engine, by its key."""
    hole = s.engines[e, E_QUEUE]
    s.engines[e, E_QUEUE] = hole + 1
    key = s.queries[r, Q_KEY]
    while hole > 0:
        above = (hole - 1) >> 1
        if not less(key, r, s.queue[e, above, 0], s.queue[e, above, 1]):
            break
        s.queue[e, hole, 0] = s.queue[e, above, 0]
        s.queue[e, hole, 1] = s.queue[e, above, 1]
        hole = above
    s.queue[e, hole, 0] = key
    s.queue[e, hole, 1] = r


@inner
def take(s: Serve, e: int) -> int:
    """Take the request that goes first; -1 if none waits."""
    count = s.engines[e, E_QUEUE]
    if count == 0:
        return NONE
    first = s.queue[e, 0, 1]
    count -= 1
    s.engines[e, E_QUEUE] = count
    key, r = s.queue[e, count, 0], s.queue[e, count, 1]
    hole = 0
    while True:
        below = 2 * hole + 1
        if below >= count:
            break
        right = below + 1
        if right < count and less(
            s.queue[e, right, 0], s.queue[e, right, 1], s.queue[e, below, 0], s.queue[e, below, 1]
        ):
            below = right
        if not less(s.queue[e, below, 0], s.queue[e, below, 1], key, r):
            break
        s.queue[e, hole, 0] = s.queue[e, below, 0]
        s.queue[e, hole, 1] = s.queue[e, below, 1]
        hole = below
    s.queue[e, hole, 0] = key
    s.queue[e, hole, 1] = r
    return int(first)


@inner
def pull(s: Serve, e: int, r: int) -> bool:
    """Take a request that waits, wherever it stands; say whether it waits here."""
    hole = 0
    while hole < s.engines[e, E_QUEUE] and s.queue[e, hole, 1] != r:
        hole += 1
    if hole == s.engines[e, E_QUEUE]:
        return False
    while hole > 0:  # to the top, from where it is taken
        above = (hole - 1) >> 1
        s.queue[e, hole, 0] = s.queue[e, above, 0]
        s.queue[e, hole, 1] = s.queue[e, above, 1]
        hole = above
    s.queue[e, 0, 1] = r
    return take(s, e) == r


@inner
def expect(s: Serve, r: int) -> None:
    """Note a request whose time is known now, and that the trace's own order does not bring."""
    hole = s.clock[K_HEAP]
    s.clock[K_HEAP] = hole + 1
    time = s.queries[r, Q_ARRIVE]
    while hole > 0:
        above = (hole - 1) >> 1
        if not less(time, r, s.coming[above, 0], s.coming[above, 1]):
            break
        s.coming[hole, 0] = s.coming[above, 0]
        s.coming[hole, 1] = s.coming[above, 1]
        hole = above
    s.coming[hole, 0] = time
    s.coming[hole, 1] = r


@inner
def next_expected(s: Serve) -> int:
    """Take the earliest of them."""
    first = s.coming[0, 1]
    count = s.clock[K_HEAP] - 1
    s.clock[K_HEAP] = count
    time, r = s.coming[count, 0], s.coming[count, 1]
    hole = 0
    while True:
        below = 2 * hole + 1
        if below >= count:
            break
        right = below + 1
        if right < count and less(s.coming[right, 0], s.coming[right, 1], s.coming[below, 0], s.coming[below, 1]):
            below = right
        if not less(s.coming[below, 0], s.coming[below, 1], time, r):
            break
        s.coming[hole, 0] = s.coming[below, 0]
        s.coming[hole, 1] = s.coming[below, 1]
        hole = below
    s.coming[hole, 0] = time
    s.coming[hole, 1] = r
    return int(first)
