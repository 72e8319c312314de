"""Rooms that are one piece: each request's bytes lie behind each other, first fit, and what is free is in holes."""

from __future__ import annotations

from hiersim.drivers.serve.columns import (
    C_ALLOCATE,
    CONTIGUOUS,
    E_EXTENT,
    NONE,
    Q_BYTES,
    Q_ENGINE,
    X_AFTER,
    X_BEFORE,
    X_SIZE,
    X_START,
)
from hiersim.drivers.serve.state import Serve
from hiersim.jit import hot, inner


@hot
def placed(s: Serve) -> bool:
    """Say whether rooms have a place."""
    return bool(s.settings[C_ALLOCATE] == CONTIGUOUS)


@hot
def behind(s: Serve, r: int, capacity: int) -> int:
    """Return the byte where the hole behind a room ends: at the next room, or at the end of the pool."""
    after = s.extent[r, X_AFTER]
    return int(capacity if after == NONE else s.extent[after, X_START])


@inner
def take(s: Serve, r: int, size: int, capacity: int) -> bool:
    """Place a request's room in the first hole that is large enough, or let it grow where it is; say whether it could.

    Args:
        s: the state of the run.
        r: the request.
        size: bytes that it takes, or takes more.
        capacity: of the pool.
    """
    if s.queries[r, Q_BYTES] > 0:
        if s.extent[r, X_START] + s.extent[r, X_SIZE] + size > behind(s, r, capacity):
            return False
        s.extent[r, X_SIZE] += size
        return True
    e = s.queries[r, Q_ENGINE]
    before, after, start = NONE, s.engines[e, E_EXTENT], 0
    while after != NONE and s.extent[after, X_START] - start < size:
        before, start = after, s.extent[after, X_START] + s.extent[after, X_SIZE]
        after = s.extent[after, X_AFTER]
    if after == NONE and capacity - start < size:
        return False
    s.extent[r, X_START] = start
    s.extent[r, X_SIZE] = size
    link(s, e, before, r)
    link(s, e, r, after)
    return True


@hot
def link(s: Serve, e: int, before: int, after: int) -> None:
    """Make two rooms neighbours in the list; -1 stands for its ends."""
    if before == NONE:
        s.engines[e, E_EXTENT] = after
    else:
        s.extent[before, X_AFTER] = after
    if after != NONE:
        s.extent[after, X_BEFORE] = before


@inner
def give_back(s: Serve, r: int) -> None:
    """Make a hole of a request's room."""
    link(s, s.queries[r, Q_ENGINE], s.extent[r, X_BEFORE], s.extent[r, X_AFTER])
    s.extent[r, X_SIZE] = 0


@inner
def largest(s: Serve, e: int, capacity: int) -> int:
    """Return the bytes of the largest hole."""
    most, start, r = 0, 0, s.engines[e, E_EXTENT]
    while r != NONE:
        most = max(most, s.extent[r, X_START] - start)
        start = s.extent[r, X_START] + s.extent[r, X_SIZE]
        r = s.extent[r, X_AFTER]
    return int(max(most, capacity - start))
