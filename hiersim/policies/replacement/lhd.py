"""Least hit density: of some keys drawn at random, evict who promises the fewest hits for the space and time it takes.

A key's density is that of its class and age, over its size. Classes go by the ages at the last two hits: the younger
then, the higher the class. Each class counts hits and evictions by age; from them, every 2^20 requests, follow the hits
to expect per unit of time to live at each age, with counts fading by a tenth. Ages are coarse, so that they rarely pass
the last one; before there is anything to learn from, density falls with age and rises with the class. The keys that
came in last and looked bad then are always considered. Early on, a few keys (explorers) are kept whatever their
density, to learn what would become of them.

Beckmann, Chen, Cidon: LHD: improving cache hit rate by maximizing hit density. NSDI 2018; constants of the authors'
simulator.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import bits, dice, memory, pool
from hiersim.policies.contract import Request, Setup

CLASSES, AGES = 16, 20_000
FIRST = 17  # density of a new key in the lowest class before there is anything to learn from: that of application 1
FADE = 0.9
ERROR = 0.01  # share of the ages that one key's life may be wrong by
EXPLORED, EXPLORERS, EARLY = 32, 0.01, 50  # one in so many, share of the capacity, periods in which keys explore
SHIFTS = (5, 25)  # periods after which the coarseness of ages is set
RANK, LAST, STAMP = 1, 5, 20  # bits of a slot's `facts` below the class, the age at the last hit, and the clock then
CLOCK, PERIODS, SHIFT, BUDGET, NEXT, SAMPLE, PERIOD, DOOMED, LEFT = range(9)  # what `clock` holds
VICTIMS, OBJECTS, MASS = range(3)  # what `means` holds


class Params(NamedTuple):
    """The authors' defaults."""

    sample: int = 32  # keys drawn for one eviction; 8 in the first 50 periods
    admissions: int = 8  # keys that came in last and looked bad, also considered
    period: int = 2**20  # requests from one look at the counts to the next


class State(NamedTuple):
    """The keys that are here, in no order (see `policies.pool`), and what each class has taught."""

    keys: np.ndarray  # int32[slots]
    place: np.ndarray  # int32[objects]; -1 if not here
    filled: np.ndarray  # int64[1]
    facts: np.ndarray  # int64[slots]: whether it explores (one bit), the class (four), the age at the last hit
    # (fifteen), and the clock at the last request; in one word, since the keys drawn are anywhere in memory
    sizes: np.ndarray  # int64[slots] bytes; int64[1] where every key counts 1
    hits: np.ndarray  # float64[CLASSES * AGES]: by class and age, fading
    evictions: np.ndarray  # float64[CLASSES * AGES]
    density: np.ndarray  # float64[CLASSES * AGES]: hits to expect per unit of time
    recent: np.ndarray  # int32[admissions]: keys that came in last and looked bad, -1 for none
    means: np.ndarray  # float64[3]: density of VICTIMS, fading; number of OBJECTS, fading, and the MASS of its weights
    random: np.ndarray  # uint64[1]: see `policies.dice`
    clock: np.ndarray  # int64[9]: requests, periods, by how much ages are shifted, bytes left to explorers, place in
    # `recent`, the sample, the length of a period, the key chosen last, and requests left of the period


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if params.sample < 1:
        return f"sample must be at least 1, got {params.sample}"
    if params.admissions < 1:
        return f"admissions must be at least 1, got {params.admissions}"
    return "" if params.period >= 1 else f"period must be at least 1, got {params.period}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    most, sample, period = min(setup.objects, setup.capacity), setup.params.sample, setup.params.period
    keys, place, filled = pool.empty(setup.objects, most)
    place[:] = -1
    density = np.outer(np.arange(FIRST, FIRST + CLASSES), 1 / np.arange(1, AGES + 1)).ravel()
    return State(
        keys,
        place,
        filled,
        np.zeros(most, np.int64),
        np.ones(1 if setup.uniform else most, np.int64),
        np.zeros(CLASSES * AGES),
        np.zeros(CLASSES * AGES),
        density,
        np.full(setup.params.admissions, -1, np.int32),
        np.zeros(3),
        dice.start(setup.seed),
        np.array([0, 0, 10, int(setup.capacity * EXPLORERS), 0, sample, period, -1, period], np.int64),
    )


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter in the lowest class."""
    slot = pool.push(state.keys, state.place, state.filled, key)
    if state.sizes.shape[0] > 1:
        state.sizes[slot] = req.size
    explores = touch(state, slot, 0, AGES)
    if not explores and density_of(state, slot) < state.means[VICTIMS]:
        state.recent[state.clock[NEXT]] = key
        state.clock[NEXT] = state.clock[NEXT] + 1 if state.clock[NEXT] + 1 < state.recent.shape[0] else 0
    tick(state)


def on_hit(state: State, key: int, req: Request) -> None:
    """Teach the class that keys of this age are hit; start anew."""
    slot = state.place[key]
    facts = state.facts[slot]
    age = age_of(state, facts)
    state.hits[first_of(facts) + age] += 1.0
    state.clock[BUDGET] += (facts & 1) * size_of(state, slot)
    touch(state, slot, age, (facts >> LAST) & (2 ** (STAMP - LAST) - 1))
    tick(state)


def on_remove(state: State, key: int) -> None:
    """Leave; if evicted, teach the class that keys of this age are."""
    facts = state.facts[state.place[key]]
    if state.clock[DOOMED] == key:
        state.evictions[first_of(facts) + age_of(state, facts)] += 1.0
    state.clock[DOOMED] = -1
    state.clock[BUDGET] += (facts & 1) * size_of(state, state.place[key])
    slot, last = pool.drop(state.keys, state.place, state.filled, key), state.filled[0]
    state.place[key] = -1
    state.facts[slot] = state.facts[last]
    if state.sizes.shape[0] > 1:
        state.sizes[slot] = state.sizes[last]


def victim(state: State, req: Request) -> int:
    """Choose the lowest density of a sample and of who came in last."""
    found, least, word, filled = 0, np.inf, state.random[0], state.filled[0]
    for _ in range(state.clock[SAMPLE] if state.clock[PERIODS] > EARLY else 8):
        word = dice.after(word)
        slot = dice.scaled(word, filled)
        density = density_of(state, slot)
        found = slot if density < least else found
        least = min(least, density)
    state.random[0] = word
    for i in range(state.recent.shape[0]):
        slot = state.place[max(0, state.recent[i])] if state.recent[i] >= 0 else -1
        density = density_of(state, max(0, slot)) if slot >= 0 else np.inf
        found = slot if density < least else found
        least = min(least, density)
    state.means[VICTIMS] = FADE * state.means[VICTIMS] + (1 - FADE) * least
    state.clock[DOOMED] = state.keys[found]
    return int(state.keys[found])


def touch(state: State, slot: int, last: int, before: int) -> bool:
    """Note the request and the last two ages; let chance decide who explores, and return whether it said so."""
    clock, size = state.clock, size_of(state, slot)
    explores = dice.below(state.random, EXPLORED) == 0
    keeps = explores and clock[BUDGET] > 0 and clock[PERIODS] < EARLY
    clock[BUDGET] -= size if keeps else 0
    rank = class_of(last + before)
    state.facts[slot] = (clock[CLOCK] << STAMP) | (last << LAST) | (rank << RANK) | (1 if keeps else 0)
    return explores


def age_of(state: State, facts: int) -> int:
    """Return the coarse age of the key with these facts."""
    return int(min((state.clock[CLOCK] - (facts >> STAMP)) >> state.clock[SHIFT], AGES - 1))


def first_of(facts: int) -> int:
    """Return where the class of the key with these facts starts in `density`."""
    return ((facts >> RANK) & (CLASSES - 1)) * AGES


def size_of(state: State, slot: int) -> int:
    """Return the size in bytes of the key in a slot, 1 where every key counts the same."""
    return int(state.sizes[slot]) if state.sizes.shape[0] > 1 else 1


def class_of(age: int) -> int:
    """Return the class of a sum of two ages: how often it can be doubled and stay below the last age."""
    if age == 0:
        return CLASSES - 1
    rank = max(0, bits.highest_bit(np.int64(AGES)) - bits.highest_bit(np.int64(age)))
    return int(min(rank + ((age << rank) < AGES), CLASSES - 1))


def density_of(state: State, slot: int) -> float:
    """Return the density of the key in a slot; least of all at the last age, high for explorers."""
    facts = state.facts[slot]
    age = age_of(state, facts)
    density = state.density[first_of(facts) + age]
    if state.sizes.shape[0] > 1:
        density /= state.sizes[slot]
    return -1e38 if age == AGES - 1 else float(density + (facts & 1))


def tick(state: State) -> None:
    """Let time pass; learn at the end of a period."""
    state.clock[CLOCK] += 1
    state.clock[LEFT] -= 1
    if state.clock[LEFT] == 0:
        state.clock[LEFT] = state.clock[PERIOD]
        learn(state)
        state.clock[PERIODS] += 1


def learn(state: State) -> None:
    """Let the counts fade, set the coarseness of ages if it is time, and work out the densities."""
    for i in range(CLASSES * AGES):
        state.hits[i] *= FADE
        state.evictions[i] *= FADE
    coarsen(state)
    for rank in range(CLASSES):
        first = rank * AGES
        hits = state.hits[first + AGES - 1]
        events = hits + state.evictions[first + AGES - 1]
        lifetime = events
        for i in range(first + AGES - 2, first - 1, -1):
            hits += state.hits[i]
            events += state.hits[i] + state.evictions[i]
            lifetime += events
            state.density[i] = hits / lifetime if events > 1e-5 else 0.0


def coarsen(state: State) -> None:
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
            stretch(state.hits, rank * AGES, -delta)
            stretch(state.evictions, rank * AGES, -delta)
        elif delta > 0:
            compress(state.hits, rank * AGES, delta)
            compress(state.evictions, rank * AGES, delta)


def stretch(counts: np.ndarray, first: int, by: int) -> None:
    """Spread a class's counts over 2^by as many ages; what passes the last but one age goes to the last."""
    last = first + AGES - 1
    for i in range(first + (AGES >> by), last):
        counts[last] += counts[i]
    for age in range(AGES - 2, -1, -1):
        counts[first + age] = counts[first + (age >> by)] / 2.0**by


def compress(counts: np.ndarray, first: int, by: int) -> None:
    """Gather each 2^by of a class's counts into one."""
    for age in range(AGES >> by):
        total = 0.0
        for i in range(1 << by):
            total += counts[first + (age << by) + i]
        counts[first + age] = total
    for age in range(AGES >> by, AGES - 1):
        counts[first + age] = 0.0


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.place, key)


def fetch_near(state: State, key: int) -> None:
    """Fetch the facts of a key whose place has come."""
    memory.prefetch(state.facts, state.place[key])
