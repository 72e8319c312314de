"""LHD's misses, counted block by block: first all hits, then the misses, without branches that chance decides.

For a miss, the hits that come after it in the block are not there yet: it sees what the keys' facts were before, which
are kept, and if such a key leaves, its hits are taken back and become misses. Who explores depends on the budget at the
time: a block ends before a lucky request unless it is sure that it will not.
"""

from typing import NamedTuple

import numpy as np

from hiersim.jit import hot, inner, kernel
from hiersim.policies import bits, densities, memory, pool
from hiersim.policies.contract import Setup
from hiersim.policies.counting import least
from hiersim.policies.counting.least import FIRST
from hiersim.policies.densities import (
    AGES,
    BUDGET,
    CLOCK,
    EARLY,
    LEFT,
    LUCK,
    PERIODS,
    RENEWAL,
    REQUESTS,
    ROWS,
    SHIFT,
    STAMP,
    VICTIMS,
)
from hiersim.policies.replacement import lhd as hooks

AHEAD = 48  # accesses between asking for a key's slot and using it
BLOCK = 32  # accesses looked at at once
LUCKY = 1  # what `block` holds beside FIRST: a bit for each access that is lucky


class State(NamedTuple):
    """As `hooks.State`, with a slot and a key more, whose facts are of nothing; and what is known of a block."""

    keys: np.ndarray
    place: np.ndarray  # int32[objects + 1]: the slot of nothing for what is not here
    filled: np.ndarray
    facts: np.ndarray  # int64[slots + 1]
    sizes: np.ndarray
    hits: np.ndarray
    evictions: np.ndarray
    past_hits: np.ndarray
    past_evictions: np.ndarray
    density: np.ndarray  # float32[(ROWS + 1) * AGES]: those of nothing are above all
    worth: np.ndarray  # int32: `density`, read as whole numbers
    recent: np.ndarray
    means: np.ndarray
    random: np.ndarray
    chance: np.ndarray
    clock: np.ndarray
    block: np.ndarray  # int64[2]
    found: np.ndarray  # int64[2 * BLOCK]: the accesses of the block that hit, and the slot of each
    before: np.ndarray  # int64[BLOCK]: what the facts were before each access that hits


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    start = hooks.init(setup)
    most, nothing = len(start.keys), setup.objects
    density = np.append(start.density, np.full(AGES, np.inf, np.float32))
    return State(
        start.keys,
        np.full(nothing + 1, most, np.int32),
        start.filled,
        np.append(start.facts, ROWS),
        start.sizes,
        start.hits,
        start.evictions,
        start.past_hits,
        start.past_evictions,
        density,
        density.view(np.int32),
        np.full(len(start.recent), nothing, np.int32),
        start.means,
        start.random,
        start.chance,
        start.clock,
        np.zeros(2, np.int64),
        np.zeros(2 * BLOCK, np.int64),
        np.zeros(BLOCK, np.int64),
    )


@kernel
def count(state: State, keys: np.ndarray, next_use: np.ndarray, start: int, room: int) -> int:
    """Return the misses of a piece of the trace."""
    misses, begin, clock, block = 0, 0, state.clock, state.block
    while begin < keys.shape[0]:
        size = open_block(state, keys.shape[0] - begin)
        missing, explored = look(state, keys, begin, size)
        size = shorten(state, size, explored)
        if size == 0:  # the first is gone through by itself
            size, missing = 1, 1
        missing &= (1 << size) - 1
        hit_all(state, size - bits.ones(missing))
        while missing != 0:
            at = bits.lowest_bit(missing)
            missing &= missing - 1
            key = int(keys[begin + at])
            clock[CLOCK] = block[FIRST] + at
            if state.place[key] < state.facts.shape[0] - 1:
                densities.hit(state, state.place[key])
                continue
            misses += 1
            room -= 1
            if room < 0:
                missing |= evict(state, keys, begin, size, at)
            enter(state, key, (block[LUCKY] >> at) & 1)
        clock[CLOCK] = block[FIRST] + size - 1
        clock[LEFT] -= size - 1
        densities.tick(state)
        begin += size
    return misses


@hot
def open_block(state: State, left: int) -> int:
    """Note what is known of the next block; return how many accesses it has."""
    densities.renew(state)
    clock, block = state.clock, state.block
    block[FIRST] = clock[CLOCK]
    size = min(min(left, BLOCK), min(clock[LEFT], clock[RENEWAL] - clock[CLOCK]))
    luck = np.int64(state.chance[LUCK] >> np.uint64(clock[CLOCK] % REQUESTS))
    block[LUCKY] = luck & ((np.int64(1) << size) - 1)
    return int(size)


@hot
def look(state: State, keys: np.ndarray, begin: int, size: int) -> tuple[int, int]:
    """Find the hits of a block; return a bit for each other access, and whether any key that is hit explores."""
    missing, explored, hits = np.int64(0), np.int64(0), np.int64(0)
    nothing, last = state.facts.shape[0] - 1, keys.shape[0] - 1
    for i in range(size):
        memory.prefetch(state.place, keys[min(begin + i + AHEAD, last)])
        slot = state.place[keys[begin + i]]
        explored |= state.facts[slot]
        state.found[hits], state.found[hits + BLOCK] = i, slot
        hits += slot != nothing
        missing |= np.int64(slot == nothing) << i
    return int(missing), int(explored & 1)


@hot
def shorten(state: State, size: int, explored: int) -> int:
    """Return how many accesses the block has if none of its hits may explore."""
    block, clock = state.block, state.clock
    if block[LUCKY] == 0 or clock[PERIODS] >= EARLY or (clock[BUDGET] <= 0 and explored == 0):
        return size
    size = bits.lowest_bit(block[LUCKY])
    block[LUCKY] = size == 0
    return size


@hot
def hit_all(state: State, hits: int) -> None:
    """Do what hits do for those of a block."""
    shift, budget, first = state.clock[SHIFT], 0, state.block[FIRST]
    for j in range(hits):
        i, slot = state.found[j], state.found[j + BLOCK]
        facts = state.facts[slot]
        age = densities.age_at(first + i, shift, facts)
        state.before[i] = facts
        state.hits[densities.first_of(facts) + age] += 1
        budget += facts & 1
        state.facts[slot] = densities.facts_of(first + i, age, densities.last_of(facts))
    state.clock[BUDGET] += budget


@hot
def enter(state: State, key: int, lucky: int) -> None:
    """Start in the lowest class; be remembered as recent if that looks bad."""
    slot = pool.push(state.keys, state.place, state.filled, key)
    if lucky:
        densities.enter(state, slot, key)
        return
    state.facts[slot] = state.clock[CLOCK] << STAMP
    if state.density[0] < state.means[VICTIMS]:
        densities.suspect(state, key)


@hot
def evict(state: State, keys: np.ndarray, begin: int, size: int, at: int) -> int:
    """Let the least density of a sample and of the recent keys leave; return a bit for each access to go through."""
    slot = least.find(state)
    missing = take_back(state, slot)
    facts = teach(state, slot)
    last = state.filled[0] - 1  # as `pool.drop`, which would ask for the place of the key
    gone, moved = state.keys[slot], state.keys[last]
    state.filled[0] = last
    state.keys[slot], state.place[moved] = moved, slot
    state.place[gone] = state.facts.shape[0] - 1
    state.facts[slot] = state.facts[last]
    if facts & 1 and state.block[LUCKY] >> at > 1:
        missing |= take_all_back(state, keys, begin, size, at)
    return missing


@hot
def teach(state: State, slot: int) -> int:
    """Do what `densities.note_victim` and `leave` do of a key that is evicted, with one look; return its facts."""
    facts = state.facts[slot]
    age = densities.age_of(state, facts)
    densities.note_victim(state, state.density[(facts & (ROWS - 1)) * AGES + age])
    state.evictions[densities.first_of(facts) + age] += 1
    state.clock[BUDGET] += facts & 1
    return facts  # type: ignore[no-any-return]


@hot
def take_back(state: State, slot: int) -> int:
    """Undo the hits of a slot that are later than now; return a bit for each."""
    missing = np.int64(0)
    while state.facts[slot] >> STAMP > state.clock[CLOCK]:
        clock = state.facts[slot] >> STAMP
        facts = state.before[clock - state.block[FIRST]]
        age = densities.age_at(clock, state.clock[SHIFT], facts)
        state.hits[densities.first_of(facts) + age] -= 1
        state.clock[BUDGET] -= facts & 1
        state.facts[slot] = facts
        missing |= np.int64(1) << (clock - state.block[FIRST])
    return int(missing)


@inner
def take_all_back(state: State, keys: np.ndarray, begin: int, size: int, at: int) -> int:
    """Undo all hits that are later than now, since the budget is another; return a bit for each."""
    missing = np.int64(0)
    for i in range(at + 1, size):
        key = keys[begin + i]
        if state.place[key] < state.facts.shape[0] - 1:
            missing |= take_back(state, state.place[key])
    return int(missing)
