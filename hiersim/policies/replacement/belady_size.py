"""Belady's rule with sizes: of some keys drawn at random, evict the largest product of size and time to the next use.

Needs the future. What is never used again leaves first, whatever its size. A good offline heuristic, not the optimum:
with sizes, that is a hard problem.

After Belady: A study of replacement algorithms for a virtual-storage computer. IBM Systems Journal 5(2), 1966; as
sampled in libCacheSim 0.3.5 (BeladySize).
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import dice, memory, pool, ring
from hiersim.policies.contract import NEVER, Request, Setup

NEEDS_FUTURE = True


class Params(NamedTuple):
    """As in libCacheSim."""

    sample: int = 128  # keys drawn for one eviction, each as likely, with repetition


class State(NamedTuple):
    """The keys that are used again, in no order (see `policies.pool`), and a ring of the others."""

    keys: np.ndarray  # int32[slots]
    place: np.ndarray  # int32[objects]; -1 for those in the ring
    filled: np.ndarray  # int64[1]
    facts: np.ndarray  # int64[2 * slots]: next use and size in bytes of the key in each slot
    links: np.ndarray  # int32[2 * (objects + 1)]: of those never used again, the next older and newer one
    random: np.ndarray  # uint64[1]: see `policies.dice`
    sample: np.ndarray  # int64[1]


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    most = pool.MOST_DRAWN
    return "" if 1 <= params.sample <= most else f"sample must be 1 to {most}, got {params.sample}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    most = min(setup.objects, setup.capacity)
    return State(
        *pool.empty(setup.objects, most),
        np.zeros(2 * most, np.int64),
        ring.empty(setup.objects),
        dice.start(setup.seed),
        np.full(1, setup.params.sample, np.int64),
    )


def on_insert(state: State, key: int, req: Request) -> None:
    """Note the next use."""
    if req.next_use == NEVER:
        state.place[key] = -1
        ring.push(state.links, state.place.shape[0], key)
        return
    slot = pool.push(state.keys, state.place, state.filled, key)
    state.facts[2 * slot] = req.next_use
    state.facts[2 * slot + 1] = req.size


def on_hit(state: State, key: int, req: Request) -> None:
    """Note the new next use."""
    if state.place[key] >= 0 and req.next_use != NEVER:
        state.facts[2 * state.place[key]] = req.next_use
    else:
        on_remove(state, key)
        on_insert(state, key, req)


def on_remove(state: State, key: int) -> None:
    """Leave."""
    if state.place[key] < 0:
        ring.unlink(state.links, key)
        return
    slot, last = pool.drop(state.keys, state.place, state.filled, key), state.filled[0]
    state.facts[2 * slot] = state.facts[2 * last]
    state.facts[2 * slot + 1] = state.facts[2 * last + 1]


def victim(state: State, req: Request) -> int:
    """Choose the oldest of those never used again, or the largest product in a sample."""
    head = state.place.shape[0]
    if ring.newer(state.links, head) != head:
        return int(ring.newer(state.links, head))
    found = dice.below(state.random, state.filled[0])
    most = product(state, found, req.now)
    for _ in range(state.sample[0] - 1):
        slot = dice.below(state.random, state.filled[0])
        this = product(state, slot, req.now)
        if this > most:
            found, most = slot, this
    return int(state.keys[found])


def product(state: State, slot: int, now: int) -> int:
    """Return bytes times accesses to the next use."""
    return int(state.facts[2 * slot + 1] * (state.facts[2 * slot] - now))


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.place, key)
