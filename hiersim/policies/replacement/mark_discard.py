"""Marking with discard bits (MARK0): what is safe to discard is given up; among the rest, marking with chance.

The bit of a request says whether the optimum evicts the key before it is used again. A key that is to be discarded is
given up at once, the others are kept. When the kept ones need all the room, one of the bits was wrong, and a phase
begins: all kept keys are unmarked, and one of the unmarked, drawn at random, is given up. A key is marked when it is
used; one that was given up by chance in this phase has another unmarked one given up in its place when it comes back.
Given up does not yet mean gone: keys leave as room is needed, the one given up first before the others. Cost at most
OPT + 2 H_k x wrong bits to keep + wrong bits to discard, in expectation.

Antoniadis, Boyar, Elias, Favrholdt, Hoeksma, Larsen, Polak, Simon: Paging with succinct predictions. ICML 2023.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import bag, dice, ring
from hiersim.policies.contract import NEVER, Request, Setup

NEEDS_FUTURE = True
PREDICTS = "discard"
MARKED, UNMARKED = 0, 1
PHASE, KEPT, MADE, CAPACITY = range(4)


class State(NamedTuple):
    """The kept keys in two sets (`policies.bag`), the given up in a ring in that order."""

    slots: np.ndarray  # int32[2 * most]
    place: np.ndarray  # int32[objects]: -1 also for keys that are given up
    filled: np.ndarray  # int64[2]
    links: np.ndarray  # int32[2 * (objects + 1)]
    size: np.ndarray  # int64[objects]: bytes of the keys that are here; objects where sizes do not count
    drawn: np.ndarray  # int32[objects]: the last phase in which the key was given up by chance
    numbers: np.ndarray  # int64[4]: phase, bytes kept, the access for which `victim` gave one up last, capacity
    random: np.ndarray  # uint64[1]


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    sets = bag.empty(setup.objects, min(setup.objects, setup.capacity), 2)
    numbers = np.array([1, 0, -1, setup.capacity], np.int64)
    sizes, drawn = np.zeros(setup.objects, np.int64), np.zeros(setup.objects, np.int32)
    return State(*sets, ring.empty(setup.objects), sizes, drawn, numbers, dice.start(setup.seed))


def on_insert(state: State, key: int, req: Request) -> None:
    """Be kept and marked, or given up at once."""
    state.size[key] = req.size
    keep(state, key, req)


def on_hit(state: State, key: int, req: Request) -> None:
    """Be marked; a key that was given up comes back as if it had been gone."""
    if state.place[key] < 0:
        ring.unlink(state.links, key)
        keep(state, key, req)
        return
    take(state, key)
    settle(state, key, req)


def on_remove(state: State, key: int) -> None:
    """Leave."""
    if state.place[key] < 0:
        ring.unlink(state.links, key)
    else:
        take(state, key)


def victim(state: State, req: Request) -> int:
    """Choose who was given up first; if nobody was, give one up."""
    head = state.place.shape[0]
    if ring.newer(state.links, head) == head:
        give_up(state)
        state.numbers[MADE] = req.now
    return int(ring.newer(state.links, head))


def keep(state: State, key: int, req: Request) -> None:
    """Make room among the kept for a key that is not one of them, and settle it."""
    back = state.drawn[key] == state.numbers[PHASE] and state.numbers[MADE] != req.now
    if back and state.filled[UNMARKED] > 0:
        give_up(state)
    while state.numbers[KEPT] + state.size[key] > state.numbers[CAPACITY]:
        give_up(state)
    settle(state, key, req)


def settle(state: State, key: int, req: Request) -> None:
    """Keep a key that is neither kept nor given up, marked; or give it up, as its bit says."""
    if req.next_use == NEVER:
        ring.push(state.links, state.place.shape[0], key)
    else:
        bag.put(state.slots, state.place, state.filled, MARKED, key)
        state.numbers[KEPT] += state.size[key]


def take(state: State, key: int) -> None:
    """Take a key from the kept."""
    bag.drop(state.slots, state.place, state.filled, key)
    state.numbers[KEPT] -= state.size[key]


def give_up(state: State) -> None:
    """Give up one of the unmarked, drawn at random; if all are marked, a phase begins."""
    if state.filled[UNMARKED] == 0:
        state.numbers[PHASE] += 1
        while state.filled[MARKED] > 0:
            key = bag.first(state.slots, state.filled, MARKED)
            bag.drop(state.slots, state.place, state.filled, key)
            bag.put(state.slots, state.place, state.filled, UNMARKED, key)
    key = bag.draw(state.slots, state.filled, UNMARKED, state.random)
    take(state, key)
    state.drawn[key] = state.numbers[PHASE]
    ring.push(state.links, state.place.shape[0], key)
