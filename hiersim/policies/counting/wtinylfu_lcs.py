"""The misses of W-TinyLFU as in libcachesim, where what is here and which part it is in are one number."""

import numpy as np

from hiersim.jit import hot, kernel
from hiersim.policies import bloom, memory, ring
from hiersim.policies.contract import Setup
from hiersim.policies.replacement import wtinylfu_lcs as hooks
from hiersim.policies.replacement.wtinylfu_lcs import (
    HITS,
    MAIN_SIZE,
    PROBATION,
    PROBATION_SIZE,
    PROTECTED,
    PROTECTED_SIZE,
    SAMPLE,
    WINDOW,
    State,
)

AHEAD = 12  # accesses between asking for memory and using it
ABSENT = 3  # beside the parts


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    return hooks.init(setup)._replace(where=np.full(setup.objects, ABSENT, np.uint8))


@kernel
def count(state: State, keys: np.ndarray, next_use: np.ndarray, start: int, room: int) -> int:
    """Return the misses of a piece of the trace."""
    misses = 0
    for i in range(keys.shape[0]):
        coming, key = keys[min(i + AHEAD, keys.shape[0] - 1)], int(keys[i])
        memory.prefetch(state.links, 2 * coming)
        memory.prefetch(state.where, coming)
        bloom.fetch(state.spots, coming)
        part = np.int64(state.where[key])
        if part == ABSENT:
            misses += 1
            room -= 1
            if room < 0:
                room = 0
                evict(state)
            join(state, WINDOW, key)
            bloom.add(state.table, state.carried, state.spots, key)
            continue
        if part != WINDOW:
            note(state, key)
        if part == PROBATION:
            promote(state, key)
        else:
            ring.unlink(state.links, key)
            ring.push(state.links, state.where.shape[0] + part, key)
    return misses


@hot
def promote(state: State, key: int) -> None:
    """Move from probation to the protected, whose oldest go back if they are too many."""
    leave(state, PROBATION, key)
    join(state, PROTECTED, key)
    while state.amounts[PROTECTED] > state.amounts[PROTECTED_SIZE]:
        join(state, PROBATION, take(state, PROTECTED))


@hot
def note(state: State, key: int) -> None:
    """Count a hit in the main part."""
    bloom.add(state.table, state.carried, state.spots, key)
    state.amounts[HITS] += 1
    if state.amounts[HITS] >= state.amounts[SAMPLE]:
        state.amounts[HITS] = 0
        bloom.age(state.table, state.carried)


@hot
def evict(state: State) -> None:
    """Fill the main part from the window; then let the end of one of the two leave."""
    amounts = state.amounts
    while amounts[WINDOW] > 0 and amounts[PROBATION] + amounts[PROTECTED] < amounts[MAIN_SIZE]:
        bloom.add(state.table, state.carried, state.spots, move_in(state))
    part = PROBATION if amounts[PROBATION] > 0 else PROTECTED
    wins = True
    if amounts[WINDOW] > 0:
        uses = bloom.estimate(state.table, state.carried, state.spots, oldest(state, part))
        candidate = oldest(state, WINDOW)
        wins = bloom.add_and_estimate(state.table, state.carried, state.spots, candidate) > uses
    gone = take(state, part if wins else WINDOW)
    state.where[gone] = ABSENT
    if wins and amounts[WINDOW] > 0:
        move_in(state)
    for each in (WINDOW, PROBATION):
        soon = ring.newer(state.links, oldest(state, each))
        memory.prefetch(state.links, 2 * soon)
        bloom.fetch(state.spots, soon)


@hot
def move_in(state: State) -> int:
    """Move the oldest of the window into the main part, to the protected if only they have room; return it."""
    amounts, key = state.amounts, take(state, WINDOW)
    lower = amounts[PROBATION] + 1 <= amounts[PROBATION_SIZE]
    upper = amounts[PROTECTED] + 1 <= amounts[PROTECTED_SIZE]
    join(state, PROTECTED if upper and not lower else PROBATION, key)
    return key


@hot
def oldest(state: State, part: int) -> int:
    """Return the least recent key of a part."""
    return int(ring.newer(state.links, state.where.shape[0] + part))


@hot
def take(state: State, part: int) -> int:
    """Take the least recent key out of a part."""
    key = oldest(state, part)
    leave(state, part, key)
    return key


@hot
def join(state: State, part: int, key: int) -> None:
    """Become the most recent of a part."""
    state.where[key] = part
    state.amounts[part] += 1
    ring.push(state.links, state.where.shape[0] + part, key)


@hot
def leave(state: State, part: int, key: int) -> None:
    """Leave a part."""
    state.amounts[part] -= 1
    ring.unlink(state.links, key)
