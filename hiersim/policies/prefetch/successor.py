"""Successors: after an object, fetch those that came after it before, the last one first (a Markov predictor).

What counts is a miss or the first use of a prefetched object: the misses as they would be without prefetching. Each
object remembers its last few different successors in its stream.

Joseph, Grunwald: Prefetching using Markov predictors. ISCA 1997 (four successors a node).
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies.prefetch.contract import MOST, Access, Setup


class Params(NamedTuple):
    """Parameters of the successor table."""

    ways: int = 4  # successors that an object remembers


class State(NamedTuple):
    """The table."""

    after: np.ndarray  # int32[objects * ways]: the successors of each, the last one first; -1 for none
    last: np.ndarray  # int64[streams]: the object before; -1 at first
    ways: np.ndarray  # int64[1]


def init(setup: Setup) -> State:
    """Start without successors."""
    ways = setup.params.ways
    after = np.full(setup.objects * ways, -1, np.int32)
    return State(after, np.full(setup.streams, -1, np.int64), np.array([ways], np.int64))


def on_access(state: State, key: int, req: Access, out: np.ndarray) -> int:
    """Note whom the key follows, and name its own successors."""
    if req.hit == 1 and req.used == 0:
        return 0
    before = state.last[req.stream]
    state.last[req.stream] = key
    if before >= 0 and before != key:
        note(state, before, key)
    ways, count = state.ways[0], 0
    while count < ways and state.after[key * ways + count] >= 0:
        out[count] = state.after[key * ways + count]
        count += 1
    return count


def note(state: State, before: int, key: int) -> None:
    """Put the key first among the successors; the oldest leaves if all places are taken."""
    ways = state.ways[0]
    first = before * ways
    place = 0
    while place < ways - 1 and state.after[first + place] != key and state.after[first + place] >= 0:
        place += 1
    while place > 0:
        state.after[first + place] = state.after[first + place - 1]
        place -= 1
    state.after[first] = key


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters, or nothing."""
    return "" if 1 <= params.ways <= MOST else f"ways must be 1 to {MOST}, got {params.ways}"
