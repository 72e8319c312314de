"""Majority stride: the distance that most of a stream's last misses moved by, over a window that doubles (Leap).

What counts is a miss or the first use of a prefetched object, as a page fault does in the paper. The last ``window``
distances are kept. A majority is sought in the last ``window / splits`` of them, then in twice as many, until there is
one or all were looked at. At a miss as many objects are fetched as were of use since the last miss, plus one, rounded
up to a power of two, at most ``most``; without any use one if the miss follows the trend, else none; never less than
half of the time before. They lie ahead at the distance of the trend; without a trend, ahead and behind by turns, at
that of the last one.

Maruf, Chowdhury: Effectively prefetching remote memory with Leap. USENIX ATC 2020. A quarter as the first window is
that of the authors' code.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies.prefetch.contract import MOST, Access, Setup


class Params(NamedTuple):
    """Parameters of Leap."""

    window: int = 32  # distances kept
    splits: int = 4  # the first window is this part of them
    most: int = 8  # objects fetched at once


class State(NamedTuple):
    """What each stream has seen."""

    moved: np.ndarray  # int64[streams * window]: rings of distances
    last: np.ndarray  # int64[streams]: the object before; -1 at first
    seen: np.ndarray  # int64[streams]: distances seen in all
    hits: np.ndarray  # int64[streams]: prefetched objects used since the last miss
    size: np.ndarray  # int64[streams]: how many were fetched at the last miss
    trend: np.ndarray  # int64[streams]: the last majority, 0 for none yet
    rule: np.ndarray  # int64[4]: window, splits, most, objects


def init(setup: Setup) -> State:
    """Start with empty windows."""
    n, p = setup.streams, setup.params
    return State(
        moved=np.zeros(n * p.window, np.int64),
        last=np.full(n, -1, np.int64),
        seen=np.zeros(n, np.int64),
        hits=np.zeros(n, np.int64),
        size=np.zeros(n, np.int64),
        trend=np.zeros(n, np.int64),
        rule=np.array([p.window, p.splits, p.most, setup.objects], np.int64),
    )


def on_access(state: State, key: int, req: Access, out: np.ndarray) -> int:
    """Note the distance; at a miss name what lies along the trend."""
    s = req.stream
    if req.hit == 1 and req.used == 0:
        return 0
    before = state.last[s]
    state.last[s] = key
    if before < 0:
        return 0
    state.moved[s * state.rule[0] + state.seen[s] % state.rule[0]] = key - before
    state.seen[s] += 1
    if req.used == 1:
        state.hits[s] += 1
        return 0
    found, trend = find_trend(state, s)
    size = next_size(state, s, found and key - before == trend)
    if found:
        state.trend[s] = trend
    return spread(state, key, state.trend[s], size, found, out)


def find_trend(state: State, s: int) -> tuple[bool, int]:
    """Return whether the last distances have a majority, and which."""
    span = max(1, state.rule[0] // state.rule[1])
    while span <= state.rule[0] and span <= state.seen[s]:
        candidate = vote(state, s, span)
        count = 0
        for i in range(span):
            count += distance(state, s, i) == candidate
        if 2 * count > span:
            return True, candidate
        span *= 2
    return False, 0


def vote(state: State, s: int, span: int) -> int:
    """Return the only value that can be the majority of the last ``span`` (Boyer, Moore 1981)."""
    candidate, lead = 0, 0
    for i in range(span):
        value = distance(state, s, i)
        if lead == 0:
            candidate = value
        lead += 1 if value == candidate else -1
    return int(candidate)


def distance(state: State, s: int, back: int) -> int:
    """Return the stream's last distance, or one further ``back``."""
    return int(state.moved[s * state.rule[0] + (state.seen[s] - 1 - back) % state.rule[0]])


def next_size(state: State, s: int, follows: bool) -> int:
    """Return how many objects to fetch after this miss."""
    size = 1 if follows else 0
    if state.hits[s] > 0:
        size = 1
        while size < state.hits[s] + 1:
            size *= 2
    size = max(min(size, state.rule[2]), state.size[s] // 2)
    state.hits[s] = 0
    state.size[s] = size
    return int(size)


def spread(state: State, key: int, step: int, size: int, ahead: bool, out: np.ndarray) -> int:
    """Write ``size`` keys at multiples of ``step``, ahead alone or on both sides by turns."""
    count = 0
    if step == 0:
        return 0
    for i in range(1, size + 1):
        place = i if ahead else ((i + 1) // 2 if i % 2 == 1 else -(i // 2))
        there = key + place * step
        if 0 <= there < state.rule[3]:
            out[count] = there
            count += 1
    return count


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters, or nothing."""
    if not 1 <= params.window <= 1 << 20:
        return f"window must be 1 to {1 << 20}, got {params.window}"
    if not 1 <= params.splits <= params.window:
        return f"splits must be 1 to window, {params.window}, got {params.splits}"
    return "" if 1 <= params.most <= MOST else f"most must be 1 to {MOST}, got {params.most}"
