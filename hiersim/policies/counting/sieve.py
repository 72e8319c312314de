"""SIEVE's misses, counted block by block: a hit only leaves the number of its access (see `counting.blocks`).

A key is visited if it was seen after it came in and after the hand last passed it. Where the first look has seen it
later than the miss at hand, the times before that lead back.
"""

from typing import NamedTuple

import numpy as np

from hiersim.jit import hot, kernel
from hiersim.policies import bits, memory
from hiersim.policies.contract import Setup
from hiersim.policies.counting import blocks
from hiersim.policies.counting.blocks import BLOCK

SOON = 8  # slots from the front whose keys are worth fetching
# what `ends` holds: where the ring of keys that the hand has yet to pass starts in `slots`, the place of its first key,
# and how many it has; and those of the ring of the spared ones
AHEAD, FIRST, KEYS, OTHER_FIRST, OTHER_KEYS = range(5)


class State(NamedTuple):
    """Two rings of keys in order of arrival (see `replacement.sieve`), and times, which are numbers of accesses."""

    here: np.ndarray  # uint8[objects]
    seen: np.ndarray  # int32[objects], or int64: last access
    since: np.ndarray  # the same: when it came in, or the hand last passed it
    before: np.ndarray  # the same, [BLOCK]: last access before each access of the block
    slots: np.ndarray  # int32[2 * most]: the two rings
    ends: np.ndarray  # int64[5]


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    most = max(1, min(setup.objects, setup.capacity))
    return State(*blocks.empty(setup), np.zeros(2 * most, np.int32), np.zeros(5, np.int64))


@kernel
def count(state: State, keys: np.ndarray, next_use: np.ndarray, start: int, room: int) -> int:
    """Return the misses of a piece of the trace."""
    misses = 0
    for begin in range(0, keys.shape[0], BLOCK):
        missing = blocks.look(state, keys, begin, start)
        while missing != 0:
            at = bits.highest_bit(missing & -missing)
            missing &= missing - 1
            key = keys[begin + at]
            if state.here[key]:
                continue
            misses += 1
            if room > 0:
                room -= 1
            else:
                missing |= evict(state, start + begin + at, start + begin)
            enter(state, key, start + begin + at)
    return misses


@hot
def evict(state: State, now: int, begin: int) -> int:
    """Move the hand to a key not visited by now, which leaves; return the bit of its next access in the block, or 0."""
    while True:
        key = take(state)
        seen, again = state.seen[key], np.int64(-1)
        while seen > now:  # its last access by now, and the place in the block of the next one
            again = seen - begin
            seen = state.before[again]
        if seen <= state.since[key]:
            break
        state.since[key] = now
        spare(state, key)
    state.here[key] = 0
    soon = state.slots[state.ends[AHEAD] + min(state.ends[FIRST] + SOON, state.slots.shape[0] // 2 - 1)]
    memory.prefetch(state.seen, soon)
    memory.prefetch(state.since, soon)
    return blocks.bit_of(again)


@hot
def take(state: State) -> int:
    """Take the key in front of the ring that the hand has yet to pass."""
    turn(state)
    ends, most = state.ends, state.slots.shape[0] // 2
    first = ends[FIRST]
    ends[FIRST] = first + 1 if first + 1 < most else 0
    ends[KEYS] -= 1
    return int(state.slots[ends[AHEAD] + first])


@hot
def turn(state: State) -> None:
    """Start the next lap if the hand has passed all."""
    ends = state.ends
    if ends[KEYS] == 0:
        ends[AHEAD] = state.slots.shape[0] // 2 - ends[AHEAD]
        ends[FIRST], ends[OTHER_FIRST] = ends[OTHER_FIRST], ends[FIRST]
        ends[KEYS], ends[OTHER_KEYS] = ends[OTHER_KEYS], ends[KEYS]


@hot
def spare(state: State, key: int) -> None:
    """Put a key at the end of the spared ones."""
    ends, most = state.ends, state.slots.shape[0] // 2
    place = ends[OTHER_FIRST] + ends[OTHER_KEYS]
    state.slots[most - ends[AHEAD] + (place if place < most else place - most)] = key
    ends[OTHER_KEYS] += 1


@hot
def enter(state: State, key: int, now: int) -> None:
    """Join the ring that the hand has yet to pass, unvisited."""
    turn(state)
    ends, most = state.ends, state.slots.shape[0] // 2
    place = ends[FIRST] + ends[KEYS]
    state.slots[ends[AHEAD] + (place if place < most else place - most)] = key
    ends[KEYS] += 1
    state.here[key] = 1
    state.since[key] = now
