"""Who has the least density of a sample and of the recent keys, for LHD's loop; see `counting.lhd` for the state.

A density, a float of 32 bits, is read as a whole number: both order alike, and with the place in the sample below it
the least of all is one minimum, for which no branch is needed.
"""

from typing import Any

import numpy as np

from hiersim.jit import hot, inner
from hiersim.policies import densities, dice
from hiersim.policies.densities import AGES, CLOCK, ROWS, SHIFT, STAMP

FIRST = 0  # what `block` holds: the clock at its first access
MOST = 2**63 - 1


@hot
def find(state: Any) -> int:
    """Return the slot of the key that must leave."""
    slot = now(state)
    return slot if slot >= 0 else then(state)


@hot
def now(state: Any) -> int:
    """Return the slot with the least density; -1 if one of those looked at is hit later in the block."""
    clock, shift, filled, sample = state.clock[CLOCK], state.clock[SHIFT], state.filled[0], densities.sample_of(state)
    for i in range(sample):
        state.random[i] = dice.after(state.random[i])
    best, future = MOST, 0
    for i in range(sample):
        facts = state.facts[dice.scaled(state.random[i], filled)]
        life = clock - (facts >> STAMP)
        future |= life
        best = min(best, (worth_of(state, facts, life >> shift) << 32) | i)
    for i in range(state.recent.shape[0]):
        facts = state.facts[state.place[state.recent[i]]]
        life = clock - (facts >> STAMP)
        future |= life
        best = min(best, (worth_of(state, facts, life >> shift) << 32) | (sample + i))
    return slot_of(state, best & (2**32 - 1)) if future >= 0 else -1


@hot
def worth_of(state: Any, facts: int, age: int) -> int:
    """Return the density at some age as a whole number; at the last one for ages below 0."""
    spot = min(np.uint64(age), np.uint64(AGES - 1))
    return np.int64(state.worth[np.uint64(facts & (2 * ROWS - 1)) * np.uint64(AGES) + spot])  # type: ignore[return-value]


@hot
def slot_of(state: Any, i: int) -> int:
    """Return the slot of a place in the sample."""
    sample = densities.sample_of(state)
    if i < sample:
        return dice.scaled(state.random[i], state.filled[0])
    return int(state.place[state.recent[i - sample]])


@inner
def then(state: Any) -> int:
    """Return the slot that had the least density at the time of the miss."""
    best = MOST
    for i in range(densities.sample_of(state) + state.recent.shape[0]):
        facts = state.facts[slot_of(state, i)]
        while facts >> STAMP > state.clock[CLOCK]:
            facts = state.before[(facts >> STAMP) - state.block[FIRST]]
        age = (state.clock[CLOCK] - (facts >> STAMP)) >> state.clock[SHIFT]
        best = min(best, (worth_of(state, facts, age) << 32) | i)
    return slot_of(state, best & (2**32 - 1))
