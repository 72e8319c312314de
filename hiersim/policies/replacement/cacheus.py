"""A scan-resistant LRU or a churn-resistant LFU, one of the two by chance at each eviction, at a learnt rate (Cacheus).

As in LeCaR, each of the two remembers what it evicted, up to half a cache, and loses weight by exp(-rate) when such a
key comes back. The rate follows the hits: each time as much has been asked for as the cache holds, it moves on in its
direction if hits and rate moved the same way, else back; when it stands still and hits do not grow, ten times in a row,
it is drawn anew. SR-LRU keeps keys that were used again (R) apart from new ones and those that R had no room for (SR);
it evicts from SR. A new key that comes back after its eviction makes SR's share larger, a use of a key that R gave up
makes it smaller. CR-LFU evicts the latest of the keys with the fewest requests, which outlive the eviction for a while.

Rodriguez, Yusuf, Lyons, Paz, Rangaswami, Liu, Zhao, Narasimhan: Learning cache replacement with CACHEUS. FAST 2021.
"""

import math
from typing import NamedTuple

import numpy as np

from hiersim.policies import aged, buckets, dice, ring
from hiersim.policies.contract import Request, Setup
from hiersim.policies.weighed import size_of

USED, FRESH, SUNK, GONE_FRESH, GONE, BACK, NOWHERE = range(7)  # where a key is: in R; in SR, new or out of R; in the
# history of SR-LRU, evicted while FRESH or not; asked for while in that history, and not here yet; none of these
R, SR, HISTORY = range(3)  # the rings of `ages`: that of a place is (place + 1) // 2
BY_LRU, BY_LFU, NOBODY = range(3)  # who evicted a key: the rings of `blame`
WEIGHT, RATE, BEFORE, SHARE, TARGET = range(5)  # what `learnt` holds
CAPACITY, DOOMED, EXPERT, ASKED, REQUESTS, HITS, STUCK = range(5, 12)  # what `amounts` holds besides bytes in rings
LOW, HIGH, PATIENCE = 0.001, 1.0, 10  # bounds of the rate, and how often it may stand still without growing hits
LEAST = 0.01  # weight that neither falls below


class Params(NamedTuple):
    """How it starts."""

    rate: float = 0.0  # of learning; 0 draws it, as in the paper
    scan: float = 0.5  # share of the cache that is SR's


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
    counts: np.ndarray  # int64[7]: keys in each place
    amounts: np.ndarray  # int64[12]: bytes in the three rings and of the keys that each evicted; CAPACITY, the key
    # DOOMED last and the EXPERT that chose it; bytes ASKED for, REQUESTS and HITS since the rate moved; times STUCK
    learnt: (
        np.ndarray
    )  # float64[5]: WEIGHT of SR-LRU, the RATE now and BEFORE, SHARE of hits, bytes that SR should have
    random: np.ndarray  # uint64[1]: see `policies.dice`


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if params.rate != 0 and not LOW <= params.rate <= HIGH:
        return f"rate must be 0 or {LOW} to {HIGH}, got {params.rate}"
    return "" if 0 <= params.scan <= 1 else f"scan must be 0 to 1, got {params.scan}"


def init(setup: Setup) -> State:
    """Start with an empty cache and equal weights."""
    first = dice.splitmix(dice.splitmix(setup.seed)) / 2**64
    return State(
        *buckets.empty(setup.objects),
        ring.empty(setup.objects, 3),
        ring.empty(setup.objects, 2),
        np.full(setup.objects, NOWHERE, np.uint8),
        np.full(setup.objects, NOBODY, np.uint8),
        np.zeros(setup.objects, np.int64),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.zeros(7, np.int64),
        np.array([0, 0, 0, 0, 0, setup.capacity, -1, NOBODY, 0, 0, 0, 0], np.int64),
        np.array([0.5, setup.params.rate or LOW + (HIGH - LOW) * first, 0, 0, setup.params.scan * setup.capacity]),
        dice.start(setup.seed),
    )


def on_miss(state: State, key: int, req: Request) -> None:
    """Count the request; who evicted the key loses weight; if it was new then, SR grows."""
    pass_time(state, req.size, 0)
    if state.blamed[key] != NOBODY:
        regret(state, state.blamed[key])
        aged.acquit(state, NOBODY, key)
    if state.where[key] == GONE_FRESH:
        step = max(state.counts[SUNK] / state.counts[GONE_FRESH], 1.0) * size_of(state, key)
        state.learnt[TARGET] = min(state.learnt[TARGET] + step, state.amounts[CAPACITY] - 1.0)
    come_back(state, key)


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter R with the requests from before if SR-LRU remembers the key, else SR with one."""
    if state.blamed[key] != NOBODY:  # it comes without having been asked for, so nobody is to blame
        aged.acquit(state, NOBODY, key)
    come_back(state, key)
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    if state.where[key] == BACK:
        buckets.push(state, key, state.uses[key] + 1)
        join(state, USED, key)
        sink(state)
    else:
        buckets.push(state, key, 1)
        join(state, FRESH, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Gain a request and become the newest of R; if R had given the key up, SR shrinks."""
    pass_time(state, req.size, 1)
    if state.where[key] == SUNK:
        step = max(state.counts[GONE_FRESH] / state.counts[SUNK], 1.0) * size_of(state, key)
        state.learnt[TARGET] = max(state.learnt[TARGET] - step, 1.0)
    leave(state, key)
    join(state, USED, key)
    sink(state)
    buckets.rise(state, key)


def on_remove(state: State, key: int) -> None:
    """Leave; if evicted, into the history of SR-LRU, and who chose the key remembers it."""
    amounts, expert, fresh = state.amounts, state.amounts[EXPERT], state.where[key] == FRESH
    state.uses[key] = state.requests[state.bucket[key]]
    buckets.drop(state, key)
    leave(state, key)
    if amounts[DOOMED] == key:
        join(state, GONE_FRESH if fresh else GONE, key)
        while amounts[HISTORY] > amounts[CAPACITY]:
            leave(state, aged.oldest(state, HISTORY))
        if expert != NOBODY:
            accuse(state, expert, key)
    amounts[DOOMED] = -1


def victim(state: State, req: Request) -> int:
    """Choose what SR-LRU or CR-LFU would, by chance as they have weight."""
    old, rare = aged.oldest(state, SR if state.amounts[SR] > 0 else R), buckets.latest(state)
    expert, key = NOBODY, old
    if old != rare:
        expert = BY_LRU if dice.share(state.random) < state.learnt[WEIGHT] else BY_LFU
        key = old if expert == BY_LRU else rare
    state.amounts[DOOMED], state.amounts[EXPERT] = key, expert
    return int(key)


def pass_time(state: State, size: int, hit: int) -> None:
    """Move the rate if as much has been asked for as the cache holds; then count a request."""
    amounts = state.amounts
    if amounts[ASKED] >= amounts[CAPACITY]:
        move_rate(state, amounts[HITS] / amounts[REQUESTS])
        amounts[ASKED], amounts[REQUESTS], amounts[HITS] = 0, 0, 0
    amounts[ASKED] += size
    amounts[REQUESTS] += 1
    amounts[HITS] += hit


def move_rate(state: State, share: float) -> None:
    """Move the rate on or back, as the share of hits has moved since the rate last did."""
    learnt, stuck = state.learnt, 0
    rate, moved, gain = learnt[RATE], learnt[RATE] - learnt[BEFORE], share - learnt[SHARE]
    learnt[BEFORE], learnt[SHARE] = rate, share
    if moved != 0.0:
        step = abs(rate * moved)
        learnt[RATE] = min(max(rate + (step if gain / moved > 0.0 else -step), LOW), HIGH)
    elif gain <= 0.0:
        stuck = state.amounts[STUCK] + 1
        if stuck == PATIENCE:
            stuck = 0
            learnt[RATE] = LOW + (HIGH - LOW) * dice.share(state.random)
    state.amounts[STUCK] = stuck


def regret(state: State, expert: int) -> None:
    """Take weight from who evicted a key that is asked for."""
    learnt, shrink = state.learnt, math.exp(-state.learnt[RATE])
    lru = learnt[WEIGHT] * (shrink if expert == BY_LRU else 1.0)
    lfu = (1.0 - learnt[WEIGHT]) * (shrink if expert == BY_LFU else 1.0)
    learnt[WEIGHT] = min(max(lru / (lru + lfu), LEAST), 1.0 - LEAST)


def accuse(state: State, expert: int, key: int) -> None:
    """Remember who evicted a key; forget the oldest beyond half a cache."""
    state.blamed[key] = expert
    state.amounts[3 + expert] += size_of(state, key)
    head = state.where.shape[0] + expert
    ring.push(state.blame, head, key)
    while 2 * state.amounts[3 + expert] > state.amounts[CAPACITY]:
        aged.acquit(state, NOBODY, ring.newer(state.blame, head))


def come_back(state: State, key: int) -> None:
    """Leave the history of SR-LRU, if the key is there."""
    if state.where[key] == GONE_FRESH or state.where[key] == GONE:
        leave(state, key)
        state.where[key] = BACK


def sink(state: State) -> None:
    """Give SR the oldest of R while R has more than SR should leave it."""
    while state.amounts[R] > state.amounts[CAPACITY] - state.learnt[TARGET]:
        key = aged.oldest(state, R)
        leave(state, key)
        join(state, SUNK, key)


def join(state: State, place: int, key: int) -> None:
    """Become the newest in a place."""
    state.counts[place] += 1
    aged.join(state, (place + 1) // 2, place, key)


def leave(state: State, key: int) -> None:
    """Leave the place that the key is in."""
    place = int(state.where[key])
    state.counts[place] -= 1
    aged.leave(state, (place + 1) // 2, NOWHERE, key)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    aged.fetch(state, key)
