"""CLOCK's misses, counted block by block: a hit only leaves the number of its access (see `counting.blocks`).

A key has another chance if it was seen after it came in and after the hand last passed it. That holds for a bit a key.
"""

from typing import NamedTuple

import numpy as np

from hiersim.jit import hot, kernel
from hiersim.policies import bits, memory
from hiersim.policies.contract import Setup
from hiersim.policies.counting import blocks
from hiersim.policies.counting.blocks import BLOCK
from hiersim.policies.replacement.clock import Params

SOON = 8  # slots from the hand whose keys are worth fetching


class State(NamedTuple):
    """A ring of keys in order of arrival, and times, which are numbers of accesses."""

    here: np.ndarray  # uint8[objects]
    seen: np.ndarray  # int32[objects], or int64: last access
    since: np.ndarray  # the same: when it came in, or the hand last passed it
    before: np.ndarray  # the same, [BLOCK]: last access before each access of the block
    slots: np.ndarray  # int32[most]
    hand: np.ndarray  # int64[2]: the slot under the hand; how many are filled


def suits(params: Params) -> bool:
    """Say whether these parameters can be counted like this."""
    return params.bits == 1 and params.start == 0


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    most = max(1, min(setup.objects, setup.capacity))
    return State(*blocks.empty(setup), np.zeros(most, np.int32), np.zeros(2, np.int64))


@kernel
def count(state: State, keys: np.ndarray, next_use: np.ndarray, start: int, room: int) -> int:
    """Return the misses of a piece of the trace."""
    misses = 0
    for begin in range(0, keys.shape[0], BLOCK):
        missing = blocks.look(state, keys, begin, start)
        while missing != 0:
            at = bits.highest_bit(missing & -missing)
            missing &= missing - 1
            key, now = keys[begin + at], start + begin + at
            if state.here[key]:
                continue
            misses += 1
            if room > 0:
                room -= 1
                state.slots[state.hand[1]] = key
                state.hand[1] += 1
            else:
                missing |= replace(state, key, now, start + begin)
            state.here[key] = 1
            state.since[key] = now
    return misses


@hot
def replace(state: State, newcomer: int, now: int, begin: int) -> int:
    """Move the hand to a key not seen since, whose place is taken; return the bit of its next access, or 0."""
    slots, hand = state.slots, state.hand[0]
    while True:
        key = slots[hand]
        seen, again = state.seen[key], np.int64(-1)
        while seen > now:  # its last access by now, and the place in the block of the next one
            again = seen - begin
            seen = state.before[again]
        if seen <= state.since[key]:
            break
        state.since[key] = now
        hand = hand + 1 if hand + 1 < slots.shape[0] else 0
    state.here[key] = 0
    slots[hand] = newcomer
    state.hand[0] = hand + 1 if hand + 1 < slots.shape[0] else 0
    soon = slots[min(hand + SOON, slots.shape[0] - 1)]
    memory.prefetch(state.seen, soon)
    memory.prefetch(state.since, soon)
    return blocks.bit_of(again)
