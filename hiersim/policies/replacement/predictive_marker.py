"""Marking with predictions that are trusted for a while: evict the unmarked key said to come last, or one at random.

A phase ends when room is needed and all keys that are here have been used in it; then all are unmarked. A key that was
not here when the phase began starts a chain of evictions; one that this phase has evicted continues the chain that
evicted it. The first H_k evictions of a chain follow the predictions, the later ones are drawn at random among the
unmarked: so a chain of wrong predictions costs little. Within 2 min(1 + 2 sqrt(5 error / OPT), 2 H_k) of OPT.

Lykouris, Vassilvitskii: Competitive caching with machine learned advice. ICML 2018; Journal of the ACM 68(4), 2021.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import bag, dice, due
from hiersim.policies.contract import Request, Setup

NEEDS_FUTURE = True
PREDICTS = "next_use"
MARKED, UNMARKED = 0, 1
PHASE, CHAINS, NOW, CHAIN, CHOSEN, TRUSTED = range(6)


class State(NamedTuple):
    """Two sets (`policies.bag`), the unmarked keys by their predictions (`policies.due`), and the phase's chains."""

    slots: np.ndarray  # int32[2 * most]
    place: np.ndarray  # int32[objects]
    filled: np.ndarray  # int64[2]
    links: np.ndarray  # int32[2 * (objects + accesses + 1)]
    time: np.ndarray  # int32[objects]
    words: np.ndarray  # int64[...]
    level: np.ndarray  # int64[levels]
    said: np.ndarray  # int64[objects]: the last prediction of each key that is here
    evicted: np.ndarray  # int32[objects]: the last phase that evicted the key
    chain: np.ndarray  # int32[objects]: and the chain that did
    length: np.ndarray  # int32[most + 1]: of each chain of this phase
    numbers: np.ndarray  # int64[6]: phase, its chains, the access and chain and key of the last choice, longest trusted
    random: np.ndarray  # uint64[1]


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    most = min(setup.objects, setup.capacity)
    return State(
        *bag.empty(setup.objects, most, 2),
        *due.empty(setup.objects, setup.accesses),
        np.zeros(setup.objects, np.int64),
        np.zeros(setup.objects, np.int32),
        np.zeros(setup.objects, np.int32),
        np.zeros(most + 1, np.int32),
        np.array([1, 0, -1, 0, -1, 0], np.int64),
        dice.start(setup.seed),
    )


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter, marked."""
    state.said[key] = req.next_use
    bag.put(state.slots, state.place, state.filled, MARKED, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Be marked."""
    leave(state, key)
    on_insert(state, key, req)


def on_remove(state: State, key: int) -> None:
    """Leave; of an evicted key, remember which chain it was."""
    leave(state, key)
    if key == state.numbers[CHOSEN]:
        state.evicted[key], state.chain[key] = state.numbers[PHASE], state.numbers[CHAIN]
        state.numbers[CHOSEN] = -1


def victim(state: State, req: Request) -> int:
    """Choose the unmarked key said to come last, or one at random if the chain is long already."""
    if state.filled[UNMARKED] == 0:
        begin(state)
    if state.numbers[NOW] != req.now:
        state.numbers[NOW] = req.now
        link(state, req.key)
    if state.length[state.numbers[CHAIN]] <= state.numbers[TRUSTED]:
        key = due.last(state.links, state.time, state.words, state.level)
    else:
        key = bag.draw(state.slots, state.filled, UNMARKED, state.random)
    state.numbers[CHOSEN] = key
    return int(key)


def link(state: State, key: int) -> None:
    """Find the chain that the miss of ``key`` continues, or start one."""
    if state.evicted[key] == state.numbers[PHASE]:
        state.numbers[CHAIN] = state.chain[key]
        state.length[state.chain[key]] += 1
        return
    chain = min(state.numbers[CHAINS], state.length.shape[0] - 1)
    state.numbers[CHAINS], state.numbers[CHAIN] = chain + 1, chain
    state.length[chain] = 1


def begin(state: State) -> None:
    """Unmark all, k keys, and forget the chains; of each new one as many evictions as H_k are trusted."""
    state.numbers[PHASE] += 1
    state.numbers[CHAINS] = 0
    state.numbers[NOW] = -1
    harmonic = 0.0
    for i in range(state.filled[MARKED]):
        harmonic += 1.0 / (i + 1)
    state.numbers[TRUSTED] = int(harmonic)
    while state.filled[MARKED] > 0:
        key = bag.first(state.slots, state.filled, MARKED)
        bag.drop(state.slots, state.place, state.filled, key)
        bag.put(state.slots, state.place, state.filled, UNMARKED, key)
        due.put(state.links, state.time, state.words, state.level, key, state.said[key])


def leave(state: State, key: int) -> None:
    """Leave the set, and the predictions if unmarked."""
    if bag.of(state.slots, state.place, state.filled, key) == UNMARKED:
        due.drop(state.links, state.time, state.words, state.level, key)
    bag.drop(state.slots, state.place, state.filled, key)
