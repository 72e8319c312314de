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

from hiersim.policies import densities, dice, memory, pool
from hiersim.policies.contract import Request, Setup


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
    facts: np.ndarray  # int64[slots]: the row of its densities (six bits: whether it explores, the class), the age at
    # the last hit (fifteen), and the clock at the last request; in one word, as the keys drawn are anywhere in memory
    sizes: np.ndarray  # int64[slots] bytes; int64[1] where every key counts 1
    hits: np.ndarray  # int32[CLASSES * AGES]: by class and age, of this period
    evictions: np.ndarray  # int32[CLASSES * AGES]
    past_hits: np.ndarray  # float64[CLASSES * AGES]: of earlier periods, fading
    past_evictions: np.ndarray  # float64[CLASSES * AGES]
    density: np.ndarray  # float32[ROWS * AGES]: hits to expect per unit of time, and one more for keys that explore
    recent: np.ndarray  # int32[admissions]: keys that came in last and looked bad, -1 for none
    means: np.ndarray  # float64[3]: density of VICTIMS, fading; number of OBJECTS, fading, and the MASS of its weights
    random: np.ndarray  # uint64[sample]: a generator for each key drawn; see `policies.dice`
    chance: np.ndarray  # uint64[2]: the generator that says who explores, and which of the next 64 requests do
    clock: np.ndarray  # int64[9]: requests, periods, by how much ages are shifted, bytes left to explorers, place in
    # `recent`, the sample, the length of a period, requests left of it, and the request at which to ask `chance`
    doomed: np.ndarray  # int32[1]: the key chosen last


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    for name in ("sample", "admissions"):
        if not 1 <= getattr(params, name) <= pool.MOST_DRAWN:
            return f"{name} must be 1 to {pool.MOST_DRAWN}, got {getattr(params, name)}"
    return "" if 1 <= params.period < 2**31 else f"period must be 1 to {2**31 - 1}, got {params.period}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    most, sample, period = min(setup.objects, setup.capacity), setup.params.sample, setup.params.period
    keys, place, filled = pool.empty(setup.objects, most)
    place[:] = -1
    return State(
        keys,
        place,
        filled,
        np.zeros(most, np.int64),
        np.ones(1 if setup.uniform else most, np.int64),
        *densities.start(),  # type: ignore[call-arg]
        np.full(setup.params.admissions, -1, np.int32),
        np.zeros(3),
        dice.several(setup.seed, max(sample, densities.FIRST_SAMPLE)),
        np.append(dice.start(setup.seed), np.zeros(1, np.uint64)),
        densities.start_clock(setup.capacity, sample, period),
        np.full(1, -1, np.int32),
    )


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter in the lowest class."""
    slot = pool.push(state.keys, state.place, state.filled, key)
    if state.sizes.shape[0] > 1:
        state.sizes[slot] = req.size
    densities.enter(state, slot, key)
    densities.tick(state)


def on_hit(state: State, key: int, req: Request) -> None:
    """Teach the class that keys of this age are hit; start anew."""
    densities.hit(state, state.place[key])
    densities.tick(state)


def on_remove(state: State, key: int) -> None:
    """Leave; if evicted, teach the class that keys of this age are."""
    densities.leave(state, state.place[key], state.doomed[0] == key)
    state.doomed[0] = -1
    slot, last = pool.drop(state.keys, state.place, state.filled, key), state.filled[0]
    state.place[key] = -1
    state.facts[slot] = state.facts[last]
    if state.sizes.shape[0] > 1:
        state.sizes[slot] = state.sizes[last]


def victim(state: State, req: Request) -> int:
    """Choose the lowest density of a sample and of who came in last."""
    found, least, filled = 0, np.inf, state.filled[0]
    for i in range(densities.sample_of(state)):
        state.random[i] = dice.after(state.random[i])
        slot = dice.scaled(state.random[i], filled)
        density = densities.density_of(state, slot)
        found = slot if density < least else found
        least = min(least, density)
    for i in range(state.recent.shape[0]):
        slot = state.place[max(0, state.recent[i])] if state.recent[i] >= 0 else -1
        density = densities.density_of(state, max(0, slot)) if slot >= 0 else np.inf
        found = slot if density < least else found
        least = min(least, density)
    densities.note_victim(state, least)
    state.doomed[0] = state.keys[found]
    return int(state.keys[found])


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.place, key)


def fetch_near(state: State, key: int) -> None:
    """Fetch the facts of a key whose place has come."""
    memory.prefetch(state.facts, state.place[key])
