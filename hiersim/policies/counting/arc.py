"""ARC's misses, counted block by block: hits in T2 are put off until its order matters, and need no branch.

Only who leaves T2 depends on its order, and hits in T2 change nothing else. So a block of accesses is looked at first,
without a branch: those whose key is not in T2 are gone through one by one, a bit each. Those that make a key the most
recent of T2 wait, a bit each too, until a key must leave T2 or the block ends; then they are done in order, in one loop
that does nothing else. A key that leaves T2 is looked for in the rest of the block, where it is missing now.
"""

from typing import NamedTuple

import numpy as np

from hiersim.jit import hot, kernel
from hiersim.policies import bits, memory, ring
from hiersim.policies.contract import Setup
from hiersim.policies.counting.waiting import settle, uses
from hiersim.policies.replacement.arc import ABSENT, B1, B2, CAPACITY, T1, T2

BLOCK = 8  # accesses looked at at once, a bit each: as few as a processor can fetch memory for in the meantime
NO_GHOST = -1  # T1 is full and B1 empty: the least recent of T1 leaves and is forgotten


class State(NamedTuple):
    """Four rings by recency; their heads are the last four entries: T1, T2, B1, B2."""

    links: np.ndarray  # int32[2 * (objects + 4)]: older and newer key of the list; who waits to join T2 is alone
    where: np.ndarray  # uint8[objects]: T1, T2, B1, B2 or ABSENT
    amounts: np.ndarray  # int64[5]: keys in the four lists, those that wait included; the CAPACITY
    target: np.ndarray  # float64[1]: keys that T1 should have


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    return State(
        ring.empty(setup.objects, 4),
        np.full(setup.objects, ABSENT, np.uint8),
        np.array([0, 0, 0, 0, setup.capacity], np.int64),
        np.zeros(1, np.float64),
    )


@kernel
def count(state: State, keys: np.ndarray, next_use: np.ndarray, start: int, room: int) -> int:
    """Return the misses of a piece of the trace."""
    misses = 0
    for begin in range(0, keys.shape[0], BLOCK):
        end = min(BLOCK, keys.shape[0] - begin)
        asked = look(state, keys, begin, end)
        waiting = ((np.int64(1) << end) - 1) & ~asked
        while asked != 0:
            bit = asked & -asked
            asked ^= bit
            at = bits.highest_bit(bit)
            key = int(keys[begin + at])
            was = state.where[key]
            if was > T2:
                misses += 1
                adapt(state, key, was)
                room -= 1
                if room < 0:
                    room, source = 0, trim(state, was)
                    if source == T2:
                        settle(state.links, head_of(state, T2), keys, begin, waiting & (bit - 1))
                        again = uses(keys, begin, at + 1, end, oldest(state, T2))
                        waiting, asked = waiting & -bit & ~again, asked | again
                    evict(state, source)
            enter(state, key, was)
            waiting |= 0 if was == ABSENT else bit
        settle(state.links, head_of(state, T2), keys, begin, waiting)
    return misses


@hot
def look(state: State, keys: np.ndarray, begin: int, end: int) -> int:
    """Return a bit for each access of a block whose key is not in T2."""
    asked = np.int64(0)
    after = BLOCK if begin + 2 * BLOCK <= keys.shape[0] else 0
    for i in range(end):
        coming = keys[begin + after + i]
        memory.prefetch(state.where, coming)
        memory.prefetch(state.links, 2 * coming)
        asked |= np.int64(state.where[int(keys[begin + i])] != T2) << i
    return int(asked)


@hot
def adapt(state: State, key: int, was: int) -> None:
    """Move the target if a missing key is a ghost, which it then ceases to be."""
    if was == ABSENT:
        return
    amounts = state.amounts
    step = max(amounts[B1 + B2 - was] / amounts[was], 1.0)
    target = state.target[0] + (step if was == B1 else -step)
    state.target[0] = min(max(target, 0.0), float(amounts[CAPACITY]))
    leave(state, key, was)


@hot
def trim(state: State, was: int) -> int:
    """Choose the list that a key leaves, or NO_GHOST, for a missing key that was there; forget a ghost for its sake."""
    amounts = state.amounts
    large = amounts[T1] > state.target[0] or (amounts[T1] == state.target[0] and was == B2)
    source = T1 if amounts[T2] == 0 or (amounts[T1] > 0 and large) else T2
    if was == ABSENT:
        first = amounts[T1] + amounts[B1]
        if first >= amounts[CAPACITY]:
            if amounts[B1] == 0:
                return NO_GHOST
            forget(state, B1)
        elif first + amounts[T2] + amounts[B2] >= 2 * amounts[CAPACITY] and amounts[B2] > 0:
            forget(state, B2)
    return source


@hot
def forget(state: State, ghosts: int) -> None:
    """Forget the least recent of a list of ghosts."""
    key = oldest(state, ghosts)
    leave(state, key, ghosts)
    state.where[key] = ABSENT


@hot
def evict(state: State, source: int) -> None:
    """Make the least recent of a list a ghost, or forget it."""
    queue = T1 if source == NO_GHOST else source
    key = oldest(state, queue)
    leave(state, key, queue)
    state.where[key] = ABSENT
    if source != NO_GHOST:
        join(state, key, queue + B1)


@hot
def enter(state: State, key: int, was: int) -> None:
    """Join T1 if the key is new; T2, where it waits for its turn, if it was in T1 or a ghost."""
    if was == ABSENT:
        join(state, key, T1)
    elif was != T2:
        if was == T1:
            leave(state, key, T1)
        state.where[key] = T2
        state.amounts[T2] += 1
        state.links[2 * key] = state.links[2 * key + 1] = key


@hot
def join(state: State, key: int, queue: int) -> None:
    """Become the most recent of a list."""
    state.where[key] = queue
    state.amounts[queue] += 1
    ring.push(state.links, head_of(state, queue), key)


@hot
def leave(state: State, key: int, queue: int) -> None:
    """Leave a list."""
    state.amounts[queue] -= 1
    ring.unlink(state.links, key)


@hot
def oldest(state: State, queue: int) -> int:
    """Return the least recent key of a list."""
    return int(ring.newer(state.links, head_of(state, queue)))


@hot
def head_of(state: State, queue: int) -> int:
    """Return the head of a list's ring."""
    return int(state.where.shape[0] + queue)
