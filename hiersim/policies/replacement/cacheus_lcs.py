"""Cacheus as in libcachesim 0.3.5: the rate hardly learns, SR only grows, and SR evicts though there is room.

What is Cacheus about it is told in `cacheus`. Here the hits of a window count only if all of it hits, so that the rate
moves down by itself times its last change and soon stands still; a key that R gave up and that is used again is not
known as such, so that SR never shrinks; keys that are new and gone are counted for ever, those that R gave up until
they are evicted, and SR grows by the ratio of the two counts, in bytes; SR evicts after each insertion what exceeds its
share; a key that exceeds the share of R or SR, whichever it should enter, leaves at once, as if it had not come. The
history is the cache's size less one byte. No weight has a least value, and the draws are those of `policies.lehmer`.

Rodriguez, Yusuf, Lyons, Paz, Rangaswami, Liu, Zhao, Narasimhan: Learning cache replacement with CACHEUS. FAST 2021.
"""

import math
from typing import NamedTuple

import numpy as np

from hiersim.policies import aged, buckets, lehmer, ring
from hiersim.policies.contract import Request, Setup
from hiersim.policies.weighed import size_of

USED, FRESH, SUNK, GONE_FRESH, GONE, NOWHERE = range(6)  # where a key is: in R; in SR, new or out of R; in the history
# of SR-LRU, evicted while FRESH or not; none of these
R, SR, HISTORY = range(3)  # the rings of `ages`: that of a place is (place + 1) // 2
BY_LRU, BY_LFU, NOBODY = range(3)  # who evicted a key: the rings of `blame`
CAPACITY, R_SIZE, SR_SIZE, DOOMED, EXPERT, REFUSED, TRIMS = range(5, 12)  # what `amounts` holds besides bytes
REQUESTS, HITS, STUCK, NEW, DEMOTED, GROWS = range(12, 18)
WEIGHT, OTHER, RATE, BEFORE, SHARE = range(5)  # what `learnt` holds
LOW, LEAST, PATIENCE = 0.001, 0.0001, 10  # below LOW the rate is LEAST; windows that it stands still before it is drawn


class Params(NamedTuple):
    """Which version."""

    grow: int = 1  # 1: as 0.3.5; 0: as in October 2024, when SR kept its size


class State(NamedTuple):
    """Keys by number of requests (see `policies.buckets`), and two sets of rings by age, their heads the last keys."""

    links: np.ndarray  # int32[2 * (objects + buckets)]
    bucket: np.ndarray  # int32[objects]
    order: np.ndarray  # int32[2 * buckets]
    requests: np.ndarray  # int64[buckets]
    spare: np.ndarray  # int32[buckets]
    ages: np.ndarray  # int32[2 * (objects + 3)]: next older and newer key in R, SR or the history
    blame: np.ndarray  # int32[2 * (objects + 2)]: the same among the keys that one of the two evicted
    where: np.ndarray  # uint8[objects]: USED to NOWHERE
    blamed: np.ndarray  # uint8[objects]: BY_LRU, BY_LFU or NOBODY
    uses: np.ndarray  # int64[objects]: requests at the eviction
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    amounts: np.ndarray  # int64[18]: bytes in the three rings and of the keys that each evicted; CAPACITY and what R
    # and SR may have; the key DOOMED last and the EXPERT that chose it; the key REFUSED now; whether SR TRIMS itself
    # now; REQUESTS and HITS of the window, windows STUCK; keys counted as NEW and DEMOTED; GROWS
    learnt: np.ndarray  # float64[5]: WEIGHT of SR-LRU and the OTHER one, the RATE now and BEFORE, SHARE of hits
    random: np.ndarray  # uint64[4]: see `policies.lehmer`


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    return "" if params.grow in (0, 1) else f"grow must be 0 or 1, got {params.grow}"


def init(setup: Setup) -> State:
    """Start with an empty cache, equal weights and a rate that is drawn."""
    half = setup.capacity // 2
    first, random = lehmer.start(setup.seed)
    return State(
        *buckets.empty(setup.objects),
        ring.empty(setup.objects, 3),
        ring.empty(setup.objects, 2),
        np.full(setup.objects, NOWHERE, np.uint8),
        np.full(setup.objects, NOBODY, np.uint8),
        np.zeros(setup.objects, np.int64),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.array([0] * 5 + [setup.capacity, half, half, -1, NOBODY, -1] + [0] * 6 + [setup.params.grow], np.int64),
        np.array([0.5, 0.5, LOW + first % 1000 / 1000, 0, 0]),
        random,
    )


def on_miss(state: State, key: int, req: Request) -> None:
    """Count the request; who evicted the key loses weight."""
    pass_time(state)
    learnt, shrink = state.learnt, math.exp(-state.learnt[RATE])
    if state.blamed[key] != NOBODY:
        learnt[WEIGHT if state.blamed[key] == BY_LRU else OTHER] *= shrink
        aged.acquit(state, NOBODY, key)
    learnt[WEIGHT] /= learnt[WEIGHT] + learnt[OTHER]
    learnt[OTHER] = 1.0 - learnt[WEIGHT]


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter R with the requests from before if SR-LRU remembers the key, else SR with one; or be refused."""
    keep_refused(state)
    if state.blamed[key] != NOBODY:  # it comes without having been asked for, so nobody is to blame
        aged.acquit(state, NOBODY, key)
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    amounts, was = state.amounts, state.where[key]
    if size_of(state, key) > amounts[SR_SIZE if was == NOWHERE else R_SIZE]:
        amounts[REFUSED] = key
        return
    amounts[TRIMS] = 1
    if was == NOWHERE:
        enter(state, FRESH, key)
        return
    enter(state, USED, key)
    sink(state)
    if was == GONE_FRESH and amounts[GROWS] == 1:
        larger = amounts[SR_SIZE] + max(amounts[DEMOTED] // amounts[NEW], 1)
        amounts[SR_SIZE] = min(larger, amounts[R] + amounts[SR] - 1)
        amounts[R_SIZE] = amounts[CAPACITY] - amounts[SR_SIZE]


def on_hit(state: State, key: int, req: Request) -> None:
    """Gain a request and become the newest of R."""
    pass_time(state)
    state.amounts[HITS] += 1
    was = state.where[key]
    leave(state, key)
    join(state, USED, key)
    if was != USED:
        sink(state)
    buckets.rise(state, key)


def on_remove(state: State, key: int) -> None:
    """Leave; if evicted, into the history of SR-LRU, and who chose the key remembers it."""
    amounts = state.amounts
    if amounts[REFUSED] == key:
        amounts[REFUSED] = -1
        return
    keep_refused(state)
    was, expert = state.where[key], amounts[EXPERT]
    state.uses[key] = state.requests[state.bucket[key]]
    buckets.drop(state, key)
    leave(state, key)
    if was == SUNK:
        amounts[DEMOTED] -= 1
    if amounts[DOOMED] == key:
        amounts[NEW] += 1 if was == FRESH else 0
        join(state, GONE_FRESH if was == FRESH else GONE, key)
        while amounts[HISTORY] >= amounts[CAPACITY]:
            leave(state, aged.oldest(state, HISTORY))
        if expert != NOBODY:
            accuse(state, expert, key)
    amounts[DOOMED] = -1


def victim(state: State, req: Request) -> int:
    """Choose what SR-LRU or CR-LFU would, by chance as they have weight."""
    keep_refused(state)
    old, rare = aged.oldest(state, SR if state.amounts[SR] > 0 else R), buckets.latest(state)
    by_lru = lehmer.draw(state.random) % np.uint64(100) / 100.0 < state.learnt[WEIGHT]
    key = old if by_lru else rare
    expert = NOBODY if old == rare else BY_LRU if by_lru else BY_LFU
    state.amounts[DOOMED], state.amounts[EXPERT] = key, expert
    return int(key)


def surplus(state: State) -> int:
    """Choose a key that was refused; after an insertion, what SR has too much."""
    amounts, key = state.amounts, state.amounts[REFUSED]
    if key < 0 and amounts[TRIMS] == 1 and amounts[SR] > amounts[SR_SIZE]:
        key = aged.oldest(state, SR)
        amounts[DOOMED], amounts[EXPERT] = key, NOBODY
    amounts[TRIMS] = 0 if key < 0 else amounts[TRIMS]
    return int(key)


def keep_refused(state: State) -> None:
    """Take a refused key in after all, as a new one: where nobody asks for what is surplus it is still here."""
    key = state.amounts[REFUSED]
    if key >= 0:
        state.amounts[REFUSED] = -1
        enter(state, FRESH, key)


def pass_time(state: State) -> None:
    """Move the rate after as many requests as the cache has bytes; then count one."""
    keep_refused(state)
    amounts = state.amounts
    if amounts[REQUESTS] == amounts[CAPACITY]:
        move_rate(state, amounts[HITS] // amounts[CAPACITY])
        amounts[REQUESTS], amounts[HITS] = 0, 0
    amounts[REQUESTS] += 1


def move_rate(state: State, share: int) -> None:
    """Move the rate by itself times its last change: down unless all of a window hit, and the rate fell before."""
    learnt = state.learnt
    rate, moved, gain = learnt[RATE], learnt[RATE] - learnt[BEFORE], share - learnt[SHARE]
    learnt[BEFORE], learnt[SHARE] = rate, share
    if moved != 0.0:
        step = abs(rate * moved)
        new = rate + (step if gain / moved > 0.0 else -step)
        learnt[RATE] = new if new > LOW else LEAST
        state.amounts[STUCK] = 0
    elif share == 0 or gain <= 0.0:
        state.amounts[STUCK] += 1
    elif state.amounts[STUCK] >= PATIENCE:
        state.amounts[STUCK] = 0
        learnt[RATE] = LOW + lehmer.draw(state.random) % np.uint64(1000) / 1000.0


def accuse(state: State, expert: int, key: int) -> None:
    """Remember who evicted a key, if it is not larger than half a cache; forget the oldest beyond that."""
    size, half = size_of(state, key), state.amounts[CAPACITY] // 2
    if size > half:
        return
    head = state.where.shape[0] + expert
    while state.amounts[3 + expert] + size > half:
        aged.acquit(state, NOBODY, ring.newer(state.blame, head))
    state.blamed[key] = expert
    state.amounts[3 + expert] += size
    ring.push(state.blame, head, key)


def sink(state: State) -> None:
    """Give SR the oldest of R while R has more than it may."""
    while state.amounts[R] > state.amounts[R_SIZE]:
        key = aged.oldest(state, R)
        leave(state, key)
        join(state, SUNK, key)
        state.amounts[DEMOTED] += 1


def enter(state: State, place: int, key: int) -> None:
    """Come from the history, with the requests from before, or from nowhere."""
    known = state.where[key] != NOWHERE
    if known:
        leave(state, key)
    buckets.push(state, key, state.uses[key] + 1 if known else 1)
    join(state, place, key)


def join(state: State, place: int, key: int) -> None:
    """Become the newest in a place."""
    aged.join(state, (place + 1) // 2, place, key)


def leave(state: State, key: int) -> None:
    """Leave the place that the key is in."""
    aged.leave(state, (state.where[key] + 1) // 2, NOWHERE, key)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    aged.fetch(state, key)
