"""Marking with phase bits: of the unmarked keys, those said not to come in the next phase leave first, drawn at random.

A phase ends when room is needed and all keys that are here have been used in it; then all are unmarked. The bit of a
request says whether its key is used in the phase after this one. When all bits say that it is, this is the marking
algorithm of Fiat et al. Cost at most 2 OPT + H_k x wrong bits to keep + wrong bits to discard, in expectation, and
within a factor O(log k) of OPT whatever the bits.

Antoniadis, Boyar, Elias, Favrholdt, Hoeksma, Larsen, Polak, Simon: Paging with succinct predictions. ICML 2023.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import bag, dice
from hiersim.policies.contract import NEVER, Request, Setup

NEEDS_FUTURE = True
PREDICTS = "phase"
MARKED, KEEP, DISCARD = 0, 1, 2


class State(NamedTuple):
    """Three sets (`policies.bag`): the marked, and the unmarked by what their bits say."""

    slots: np.ndarray  # int32[3 * most]
    place: np.ndarray  # int32[objects]
    filled: np.ndarray  # int64[3]
    away: np.ndarray  # uint8[objects]: 1 if the last bit said that the key is not used in the next phase
    random: np.ndarray  # uint64[1]


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    sets = bag.empty(setup.objects, min(setup.objects, setup.capacity), 3)
    return State(*sets, np.zeros(setup.objects, np.uint8), dice.start(setup.seed))


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter, marked."""
    state.away[key] = 1 if req.next_use == NEVER else 0
    bag.put(state.slots, state.place, state.filled, MARKED, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Be marked."""
    state.away[key] = 1 if req.next_use == NEVER else 0
    if bag.of(state.slots, state.place, state.filled, key) != MARKED:
        bag.drop(state.slots, state.place, state.filled, key)
        bag.put(state.slots, state.place, state.filled, MARKED, key)


def on_remove(state: State, key: int) -> None:
    """Leave."""
    bag.drop(state.slots, state.place, state.filled, key)


def victim(state: State, req: Request) -> int:
    """Draw one of the unmarked, of those to discard if there are any; if all are marked, a phase begins."""
    if state.filled[KEEP] + state.filled[DISCARD] == 0:
        begin(state)
    which = DISCARD if state.filled[DISCARD] > 0 else KEEP
    return int(bag.draw(state.slots, state.filled, which, state.random))


def begin(state: State) -> None:
    """Unmark all."""
    while state.filled[MARKED] > 0:
        key = bag.first(state.slots, state.filled, MARKED)
        bag.drop(state.slots, state.place, state.filled, key)
        bag.put(state.slots, state.place, state.filled, DISCARD if state.away[key] else KEEP, key)
