"""Least frequently used with dynamic ageing: evict the least of requests + age, so that old fame fades (LFUDA).

The age of the cache is the score of whom it evicted last; a key's score has the age at its last request.

Two variants. ``lfuda`` is the paper's: requests since the key came in, plus the age. ``lfuda-lcs`` (``step=1``) does as
libcachesim 0.3.5: a hit adds the least score in the cache to the key's own, nothing at all before the first eviction,
and a new key starts one above the least. Of equal scores, who got there first leaves first.

Arlitt, Cherkasova, Dilley, Friedrich, Jin: Evaluating content management techniques for Web proxy caches. ACM
SIGMETRICS Performance Evaluation Review 27(4), 2000.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, radix
from hiersim.policies.contract import Request, Setup

MOST = 2**61  # with `step` a score doubles at every hit of the oldest key; more than this is not told apart


class Params(NamedTuple):
    """What tells the two variants apart."""

    step: int = 0  # 0: a hit counts 1; 1: it counts the least score in the cache


class State(NamedTuple):
    """A radix heap by score; see `policies.radix`."""

    links: np.ndarray  # int32[2 * (objects + 64)]
    scores: np.ndarray  # int64[objects]
    lows: np.ndarray  # int64[3]
    requests: np.ndarray  # int32[objects]: since the key came in; int32[1] with `step`
    age: np.ndarray  # int64[1]: the score of the last that was evicted; with `step`, the least score since
    doomed: np.ndarray  # int64[1]: the key chosen last
    step: np.ndarray  # int64[1]


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    return "" if params.step in (0, 1) else f"step must be 0 or 1, got {params.step}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    step = np.full(1, setup.params.step, np.int64)
    requests = np.zeros(1 if setup.params.step else setup.objects + 1, np.int32)
    return State(*radix.empty(setup.objects), requests, np.zeros(1, np.int64), np.full(1, -1, np.int64), step)


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter with one request."""
    if state.step[0] == 0:
        state.requests[key] = 1
    radix.push(state.links, state.scores, state.lows, key, state.age[0] + 1)


def on_hit(state: State, key: int, req: Request) -> None:
    """Gain a request, and the age of now."""
    if state.step[0] == 0:
        state.requests[key] += 1
        radix.move(state.links, state.scores, state.lows, key, state.age[0] + state.requests[key])
        return
    before = state.scores[key]
    radix.move(state.links, state.scores, state.lows, key, min(before + state.age[0], MOST))
    if before == state.age[0]:
        follow(state, key)


def on_remove(state: State, key: int) -> None:
    """Leave; the score of who is evicted becomes the age."""
    score = state.scores[key]
    radix.drop(state.links, state.lows, key)
    if state.doomed[0] == key or (state.step[0] == 1 and score == state.age[0]):
        state.age[0] = score
        if state.step[0] == 1:
            follow(state, -1)
    state.doomed[0] = -1


def victim(state: State, req: Request) -> int:
    """Choose the lowest score."""
    state.doomed[0] = radix.lowest(state.links, state.scores, state.lows)
    return int(state.doomed[0])


def follow(state: State, but: int) -> None:
    """Raise the age to the least score in the cache, that of the key ``but`` left aside."""
    if state.lows[radix.KEYS] > 0:
        key = radix.lowest(state.links, state.scores, state.lows)
        if key != but:
            state.age[0] = state.scores[key]


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.links, 2 * key)
    memory.prefetch(state.scores, key)
    memory.prefetch(state.requests, key if state.step[0] == 0 else 0)
