"""Hit densities by class and age, learnt from hits and evictions, for LHD; see `replacement.lhd`.

A ``state`` that is passed here has the arrays named in `replacement.lhd.State`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hiersim.jit import hot, inner
from hiersim.policies import bits, dice

CLASSES, AGES = 16, 20_000
FIRST = 17  # density of a new key in the lowest class before there is anything to learn from: that of application 1
FADE = 0.9
ERROR = 0.01  # share of the ages that one key's life may be wrong by
EXPLORERS, EARLY = 0.01, 50  # share of the capacity, periods in which keys explore
FIRST_SAMPLE = 8  # keys drawn for one eviction in these periods
SHIFTS = (5, 25)  # periods after which the coarseness of ages is set
LAST, STAMP = 6, 21  # bits of a slot's `facts` below the age at the last hit, and the clock then; below both its row
ROWS = 2 * CLASSES  # of densities: each class's, and each class's for keys that explore
LOWEST = -1e38  # density at the last age
CLOCK, PERIODS, SHIFT, BUDGET, NEXT, SAMPLE, PERIOD, LEFT, RENEWAL = range(9)  # what `clock` holds
VICTIMS, OBJECTS, MASS = range(3)  # what `means` holds
WORD, LUCK = range(2)  # what `chance` holds
LUCKY, REQUESTS = 5, 64  # a request is lucky if a bit of so many words is set; bits of a word


def start() -> tuple[np.ndarray, ...]:
    """Return ``hits``, ``evictions``, ``past_hits``, ``past_evictions`` and ``density`` of who has seen nothing."""
    rows = np.outer(np.arange(FIRST, FIRST + CLASSES), 1 / np.arange(1, AGES + 1)).astype(np.float32)
    density = np.stack([rows, rows + np.float32(1)], axis=1)
    density[:, :, AGES - 1] = LOWEST
    cells = CLASSES * AGES
    return np.zeros(cells, np.int32), np.zeros(cells, np.int32), np.zeros(cells), np.zeros(cells), density.ravel()


def start_clock(capacity: int, sample: int, period: int) -> np.ndarray:
    """Return ``clock`` at the start; ``capacity`` in bytes, or in objects where every key counts 1."""
    return np.array([0, 0, 10, int(capacity * EXPLORERS), 0, sample, period, period, 0], np.int64)


@hot
def hit(state: Any, slot: int) -> None:
    """Teach the class that keys of this age are hit; start anew."""
    facts = state.facts[slot]
    age = age_of(state, facts)
    state.hits[first_of(facts) + age] += 1
    state.clock[BUDGET] += (facts & 1) * size_of(state, slot)
    touch(state, slot, age, last_of(facts))


@hot
def enter(state: Any, slot: int, key: int) -> None:
    """Start in the lowest class; be remembered as recent if that looks bad."""
    explores = touch(state, slot, 0, AGES)
    if not explores and density_of(state, slot) < state.means[VICTIMS]:
        suspect(state, key)


@hot
def suspect(state: Any, key: int) -> None:
    """Remember a key as one that looked bad when it came in."""
    place = state.clock[NEXT]
    state.recent[place] = key
    state.clock[NEXT] = place + 1 if place + 1 < state.recent.shape[0] else 0


@hot
def leave(state: Any, slot: int, evicted: bool) -> None:
    """Give back what exploring took; if evicted, teach the class that keys of this age are."""
    facts = state.facts[slot]
    if evicted:
        state.evictions[first_of(facts) + age_of(state, facts)] += 1
    state.clock[BUDGET] += (facts & 1) * size_of(state, slot)


@hot
def note_victim(state: Any, density: float) -> None:
    """Let the mean of the victims' densities follow."""
    state.means[VICTIMS] = FADE * state.means[VICTIMS] + (1 - FADE) * density


@hot
def sample_of(state: Any) -> int:
    """Return how many keys are drawn for one eviction."""
    return state.clock[SAMPLE] if state.clock[PERIODS] > EARLY else FIRST_SAMPLE


@hot
def touch(state: Any, slot: int, last: int, before: int) -> bool:
    """Note the request and the last two ages; let chance decide who explores, and return whether it said so."""
    clock, size = state.clock, size_of(state, slot)
    renew(state)
    explores = (state.chance[LUCK] >> np.uint64(clock[CLOCK] % REQUESTS)) & np.uint64(1) != 0
    keeps = explores and clock[BUDGET] > 0 and clock[PERIODS] < EARLY
    clock[BUDGET] -= size if keeps else 0
    state.facts[slot] = facts_of(clock[CLOCK], last, before) | (1 if keeps else 0)
    return bool(explores)


@hot
def renew(state: Any) -> None:
    """Draw which of the next requests are lucky, if it is time: one in 32, a bit each."""
    if state.clock[CLOCK] < state.clock[RENEWAL]:
        return
    state.clock[RENEWAL] += REQUESTS
    luck = dice.draw(state.chance)
    for _ in range(LUCKY - 1):
        luck &= dice.draw(state.chance)
    state.chance[LUCK] = luck


@hot
def facts_of(clock: int, last: int, before: int) -> int:
    """Return the facts of a key that is asked for now and does not explore, with its ages at the last two hits."""
    return (clock << STAMP) | (last << LAST) | (class_of(last + before) << 1)


@hot
def last_of(facts: int) -> int:
    """Return the age at the last hit of the key with these facts."""
    return int((facts >> LAST) & (2 ** (STAMP - LAST) - 1))


@hot
def age_of(state: Any, facts: int) -> int:
    """Return the coarse age of the key with these facts."""
    return age_at(state.clock[CLOCK], state.clock[SHIFT], facts)


@hot
def age_at(clock: int, shift: int, facts: int) -> int:
    """Return the coarse age that the key with these facts has at some time."""
    return int(min((clock - (facts >> STAMP)) >> shift, AGES - 1))


@hot
def first_of(facts: int) -> int:
    """Return where the class of the key with these facts starts in `hits` and `evictions`."""
    return ((facts >> 1) & (CLASSES - 1)) * AGES


@hot
def size_of(state: Any, slot: int) -> int:
    """Return the size in bytes of the key in a slot, 1 where every key counts the same."""
    return int(state.sizes[slot]) if state.sizes.shape[0] > 1 else 1


@hot
def class_of(age: int) -> int:
    """Return the class of a sum of two ages: how often it can be doubled and stay below the last age."""
    if age == 0:
        return CLASSES - 1
    rank = max(0, bits.highest_bit(np.int64(AGES)) - bits.highest_bit(np.int64(age)))
    return int(min(rank + ((age << rank) < AGES), CLASSES - 1))


@hot
def density_of(state: Any, slot: int) -> float:
    """Return the density of the key in a slot; least of all at the last age, high for explorers."""
    facts = state.facts[slot]
    age = age_of(state, facts)
    if state.sizes.shape[0] == 1 or age == AGES - 1:
        return float(state.density[(facts & (ROWS - 1)) * AGES + age])
    density = np.float32(state.density[(facts & (ROWS - 2)) * AGES + age] / np.float64(state.sizes[slot]))
    return float(density + np.float32(facts & 1))


@hot
def tick(state: Any) -> None:
    """Let time pass; learn at the end of a period."""
    state.clock[CLOCK] += 1
    state.clock[LEFT] -= 1
    if state.clock[LEFT] == 0:
        state.clock[LEFT] = state.clock[PERIOD]
        learn(state)
        state.clock[PERIODS] += 1


@inner
def learn(state: Any) -> None:
    """Let the counts fade, set the coarseness of ages if it is time, and work out the densities."""
    for i in range(CLASSES * AGES):
        state.past_hits[i] = (state.past_hits[i] + state.hits[i]) * FADE
        state.past_evictions[i] = (state.past_evictions[i] + state.evictions[i]) * FADE
    state.hits[:], state.evictions[:] = 0, 0
    coarsen(state)
    for rank in range(CLASSES):
        first = rank * AGES
        hits = state.past_hits[first + AGES - 1]
        events = hits + state.past_evictions[first + AGES - 1]
        lifetime = events
        for i in range(first + AGES - 2, first - 1, -1):
            hits += state.past_hits[i]
            events += state.past_hits[i] + state.past_evictions[i]
            lifetime += events
            density = np.float32(hits / lifetime if events > 1e-5 else 0.0)
            state.density[first + i], state.density[first + AGES + i] = density, density + np.float32(1)


@hot
def coarsen(state: Any) -> None:
    """Set by how much ages are shifted, so that a cache full of keys can live through all ages."""
    means, clock = state.means, state.clock
    means[OBJECTS] = means[OBJECTS] * FADE + state.filled[0]
    means[MASS] = means[MASS] * FADE + 1.0
    if clock[PERIODS] != SHIFTS[0] and clock[PERIODS] != SHIFTS[1]:
        return
    wanted, shift = means[OBJECTS] / means[MASS] / (ERROR * AGES), 1
    while 2.0**shift < wanted:
        shift += 1
    delta = shift - clock[SHIFT]
    clock[SHIFT] = shift
    means[OBJECTS] *= 8
    means[MASS] *= 8
    for rank in range(CLASSES):
        if delta < 0:
            stretch(state.past_hits, rank * AGES, -delta)
            stretch(state.past_evictions, rank * AGES, -delta)
        elif delta > 0:
            compress(state.past_hits, rank * AGES, delta)
            compress(state.past_evictions, rank * AGES, delta)


@hot
def stretch(counts: np.ndarray, first: int, by: int) -> None:
    """Spread a class's counts over 2^by as many ages; what passes the last but one age goes to the last."""
    last = first + AGES - 1
    for i in range(first + (AGES >> by), last):
        counts[last] += counts[i]
    for age in range(AGES - 2, -1, -1):
        counts[first + age] = counts[first + (age >> by)] / 2.0**by


@hot
def compress(counts: np.ndarray, first: int, by: int) -> None:
    """Gather each 2^by of a class's counts into one."""
    for age in range(AGES >> by):
        total = 0.0
        for i in range(1 << by):
            total += counts[first + (age << by) + i]
        counts[first + age] = total
    for age in range(AGES >> by, AGES - 1):
        counts[first + age] = 0.0
