"""LHD's misses, counted block by block: first all hits of a block, then its misses, and no branch that only chance knows.

A hit of the block that comes after a miss is taken back for it: the miss sees what the key's facts were, which are kept,
and if that key leaves, its later hits become misses. Blocks end before a request that may explore, as what that changes
depends on all before it. A density, a float of 32 bits, is read as a whole number: both order alike, and with the place in
the sample below it the least of all is one minimum. What is not here shares a slot whose densities are above all others.
"""

from typing import NamedTuple

import numpy as np

from hiersim.jit import hot, inner, kernel
from hiersim.policies import bits, densities, dice, memory, pool
from hiersim.policies.contract import Setup
from hiersim.policies.densities import AGES, BUDGET, CLOCK, LAST, LEFT, LUCK, RENEWAL, REQUESTS, ROWS, SHIFT, STAMP
from hiersim.policies.replacement import lhd as hooks

AHEAD = 48  # accesses between asking for a key's slot and using it
BLOCK = 32  # accesses looked at at once, at most


class State(NamedTuple):
    """As `hooks.State`, with a key and a slot more, of what is not here; and what is known of a block."""

    keys: np.ndarray
    place: np.ndarray  # int32[objects + 1]
    filled: np.ndarray
    facts: np.ndarray  # int64[slots + 1]
    sizes: np.ndarray
    hits: np.ndarray
    evictions: np.ndarray
    past_hits: np.ndarray
    past_evictions: np.ndarray
    density: np.ndarray  # float32[(ROWS + 1) * AGES]
    worth: np.ndarray  # int32: `density`, read as whole numbers
    recent: np.ndarray
    means: np.ndarray
    random: np.ndarray
    chance: np.ndarray
    clock: np.ndarray
    hitting: np.ndarray  # int64[BLOCK]: which accesses of the block hit, in order
    before: np.ndarray  # int64[BLOCK]: a key's facts before each of them


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    start = hooks.init(setup)
    most, none = len(start.keys), setup.objects
    density = np.append(start.density, np.full(AGES, np.inf, np.float32))
    return State(
        start.keys,
        np.full(none + 1, most, np.int32),
        start.filled,
        np.append(start.facts, ROWS),
        start.sizes,
        start.hits,
        start.evictions,
        start.past_hits,
        start.past_evictions,
        density,
        density.view(np.int32),
        np.full(len(start.recent), none, np.int32),
        start.means,
        start.random,
        start.chance,
        start.clock,
        np.zeros(BLOCK, np.int64),
        np.zeros(BLOCK, np.int64),
    )


@kernel
def count(state: State, keys: np.ndarray, next_use: np.ndarray, start: int, room: int) -> int:
    """Return the misses of a piece of the trace."""
    misses, begin = 0, 0
    while begin < keys.shape[0]:
        size = length(state, keys.shape[0] - begin)
        missing = 0
        if size == 0:  # the first may explore
            size = 1
            missing = look(state, keys, begin, 1)
            if missing == 0:
                densities.hit(state, state.place[keys[begin]])
        else:
            missing = look(state, keys, begin, size)
            hit_all(state, keys, begin, size, missing)
        first = state.clock[CLOCK]
        while missing != 0:
            at = bits.highest_bit(missing & -missing)
            missing &= missing - 1
            key = keys[begin + at]
            state.clock[CLOCK] = first + at
            if state.place[key] < state.facts.shape[0] - 1:
                densities.hit(state, state.place[key])
                continue
            misses += 1
            room -= 1
            if room < 0:
                missing |= evict(state, first)
            densities.enter(state, pool.push(state.keys, state.place, state.filled, key), key)
        state.clock[CLOCK] = first + size - 1
        state.clock[LEFT] -= size - 1
        densities.tick(state)
        begin += size
    return misses


@hot
def length(state: State, left: int) -> int:
    """Return how many accesses the next block has; 0 if the first may explore."""
    densities.renew(state)
    clock = state.clock
    size = min(min(left, BLOCK), min(clock[LEFT], clock[RENEWAL] - clock[CLOCK]))
    luck = np.int64(state.chance[LUCK] >> np.uint64(clock[CLOCK] % REQUESTS))
    return int(size if luck == 0 else min(size, bits.highest_bit(luck & -luck)))


@hot
def look(state: State, keys: np.ndarray, begin: int, size: int) -> int:
    """Return a bit for each access of a block whose key is not here, and ask for what comes."""
    missing, none, last = np.int64(0), state.facts.shape[0] - 1, keys.shape[0] - 1
    for i in range(size):
        memory.prefetch(state.place, keys[min(begin + i + AHEAD, last)])
        slot = state.place[keys[begin + i]]
        memory.prefetch(state.facts, slot)
        missing |= np.int64(slot == none) << i
    return int(missing)


@hot
def hit_all(state: State, keys: np.ndarray, begin: int, size: int, missing: int) -> None:
    """Do what hits do for all accesses of a block that are not missing."""
    clock, shift, hits = state.clock[CLOCK], state.clock[SHIFT], 0
    for i in range(size):
        state.hitting[hits] = i
        hits += 1 - ((missing >> i) & 1)
    explored = 0
    for j in range(hits):
        i = state.hitting[j]
        slot = state.place[keys[begin + i]]
        facts = state.facts[slot]
        age = min((clock + i - (facts >> STAMP)) >> shift, AGES - 1)
        state.before[i] = facts
        state.hits[densities.first_of(facts) + age] += 1
        explored += facts & 1
        rank = densities.class_of(age + ((facts >> LAST) & (2 ** (STAMP - LAST) - 1)))
        state.facts[slot] = ((clock + i) << STAMP) | (age << LAST) | (rank << 1)
    state.clock[BUDGET] += explored


@hot
def evict(state: State, first: int) -> int:
    """Let the least density of a sample and of the recent keys leave; return a bit for each hit that it will miss."""
    slot = least(state)
    if slot < 0:
        slot = least_then(state, first)
    missing = take_back(state, slot, first)
    gone = state.keys[slot]
    densities.note_victim(state, densities.density_of(state, slot))
    densities.leave(state, slot, True)
    pool.drop(state.keys, state.place, state.filled, gone)
    state.place[gone] = state.facts.shape[0] - 1
    state.facts[slot] = state.facts[state.filled[0]]
    return missing


@hot
def least(state: State) -> int:
    """Return the slot with the least density; -1 if one of those looked at is hit later in the block."""
    clock, shift, filled, sample = state.clock[CLOCK], state.clock[SHIFT], state.filled[0], densities.sample_of(state)
    for i in range(sample):
        state.random[i] = dice.after(state.random[i])
    best, earliest = np.int64(2**63 - 1), np.int64(0)
    for i in range(sample):
        facts = state.facts[dice.scaled(state.random[i], filled)]
        life = clock - (facts >> STAMP)
        earliest = min(earliest, life)
        best = min(best, (worth_of(state, facts, life >> shift) << 32) | i)
    for i in range(state.recent.shape[0]):
        facts = state.facts[state.place[state.recent[i]]]
        life = clock - (facts >> STAMP)
        earliest = min(earliest, life)
        best = min(best, (worth_of(state, facts, life >> shift) << 32) | (sample + i))
    return slot_of(state, best & (2**32 - 1)) if earliest >= 0 else -1


@hot
def worth_of(state: State, facts: int, age: int) -> int:
    """Return the density of a key of some age as a whole number."""
    return np.int64(state.worth[(facts & (2 * ROWS - 1)) * AGES + max(0, min(age, AGES - 1))])  # type: ignore[return-value]


@hot
def slot_of(state: State, at: int) -> int:
    """Return the slot of a place in the sample."""
    sample = densities.sample_of(state)
    if at < sample:
        return dice.scaled(state.random[at], state.filled[0])
    return int(state.place[state.recent[at - sample]])


@inner
def least_then(state: State, first: int) -> int:
    """Return the slot that had the least density at the time of the miss."""
    best = np.int64(2**63 - 1)
    for i in range(densities.sample_of(state) + state.recent.shape[0]):
        facts = then(state, slot_of(state, i), first)
        age = (state.clock[CLOCK] - (facts >> STAMP)) >> state.clock[SHIFT]
        best = min(best, (worth_of(state, facts, age) << 32) | i)
    return slot_of(state, best & (2**32 - 1))


@hot
def then(state: State, slot: int, first: int) -> int:
    """Return the facts of a slot at the time of the miss."""
    facts = state.facts[slot]
    while facts >> STAMP > state.clock[CLOCK]:
        facts = state.before[(facts >> STAMP) - first]
    return facts  # type: ignore[no-any-return]


@hot
def take_back(state: State, slot: int, first: int) -> int:
    """Undo the hits of a slot that are later than the miss; return a bit for each."""
    missing = np.int64(0)
    while state.facts[slot] >> STAMP > state.clock[CLOCK]:
        clock = state.facts[slot] >> STAMP
        facts = state.before[clock - first]
        age = min((clock - (facts >> STAMP)) >> state.clock[SHIFT], AGES - 1)
        state.hits[densities.first_of(facts) + age] -= 1
        state.clock[BUDGET] -= facts & 1
        state.facts[slot] = facts
        missing |= np.int64(1) << (clock - first)
    return int(missing)
