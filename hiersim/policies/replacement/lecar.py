"""LRU or LFU, one of the two by chance at each eviction; who evicts what is missed soon loses weight (LeCaR).

Each of the two remembers what it evicted, up to half a cache. When a key comes back that LRU evicted t requests ago,
the weight of LRU shrinks by exp(-rate * d^t), d being such that d^capacity is `discount`; likewise for LFU. Where both
would evict the same key, nobody remembers it. A key that comes back starts again at one request.

Vietri, Rodriguez, Martinez, Lyons, Liu, Rangaswami, Zhao, Narasimhan: Driving cache replacement with ML-based LeCaR.
HotStorage 2018.
"""

import math
from typing import NamedTuple

import numpy as np

from hiersim.policies import aged, buckets, dice, memory, ring
from hiersim.policies.contract import Request, Setup

CACHE, BY_LRU, BY_LFU, NOWHERE = range(4)  # where a key is: the rings by age, in `ages`; their heads are its last three
WEIGHT, RATE, FADING = range(3)  # what `learnt` holds
CLOCK, DOOMED, EXPERT = 3, 4, 5  # what `amounts` holds besides the bytes in the rings
ROOM = 6


class Params(NamedTuple):
    """The paper's constants."""

    rate: float = 0.45  # of learning
    discount: float = 0.005  # what a mistake weighs that is as many requests old as the cache holds objects


class State(NamedTuple):
    """Keys by number of requests (see `policies.buckets`), and three rings by age: the cache, and both histories."""

    links: np.ndarray  # int32[2 * (objects + buckets)]
    bucket: np.ndarray  # int32[objects]
    order: np.ndarray  # int32[2 * buckets]
    requests: np.ndarray  # int64[buckets]
    spare: np.ndarray  # int32[buckets]
    ages: np.ndarray  # int32[2 * (objects + 3)]: next older and newer key in the cache or in a history
    where: np.ndarray  # uint8[objects]: CACHE, BY_LRU, BY_LFU or NOWHERE
    left: np.ndarray  # int64[objects]: clock at the eviction
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    learnt: np.ndarray  # float64[3]: the WEIGHT of LRU (that of LFU is the rest to 1), the RATE, and log d
    amounts: np.ndarray  # int64[7]: bytes in the three rings; the CLOCK, the key DOOMED last and the ring of the EXPERT
    # that chose it, and the most bytes in a history
    random: np.ndarray  # uint64[1]: see `policies.dice`


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not params.rate >= 0:
        return f"rate must not be negative, got {params.rate}"
    return "" if 0 < params.discount <= 1 else f"discount must be above 0 and at most 1, got {params.discount}"


def init(setup: Setup) -> State:
    """Start with an empty cache and equal weights."""
    fading = math.log(setup.params.discount) / setup.capacity
    return State(
        *buckets.empty(setup.objects),
        ring.empty(setup.objects, 3),
        np.full(setup.objects, NOWHERE, np.uint8),
        np.zeros(setup.objects, np.int64),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.array([0.5, setup.params.rate, fading], np.float64),
        np.array([0, 0, 0, 0, -1, NOWHERE, setup.capacity // 2], np.int64),
        dice.start(setup.seed),
    )


def on_miss(state: State, key: int, req: Request) -> None:
    """Let time pass; if an expert evicted the key not long ago, it loses weight."""
    state.amounts[CLOCK] += 1
    where, learnt = state.where[key], state.learnt
    if where != BY_LRU and where != BY_LFU:
        return
    shrink = math.exp(-learnt[RATE] * math.exp(learnt[FADING] * (state.amounts[CLOCK] - state.left[key])))
    lru = learnt[WEIGHT] * (shrink if where == BY_LRU else 1.0)
    lfu = (1.0 - learnt[WEIGHT]) * (shrink if where == BY_LFU else 1.0)
    learnt[WEIGHT] = (lru + 1e-10) / (lru + lfu + 2e-10)  # no weight ever vanishes
    leave(state, key)


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter with one request, as the newest."""
    if state.where[key] != NOWHERE:
        leave(state, key)
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    aged.join(state, CACHE, CACHE, key)
    buckets.push(state, key, 1)


def on_hit(state: State, key: int, req: Request) -> None:
    """Become the newest, and gain a request."""
    state.amounts[CLOCK] += 1
    ring.unlink(state.ages, key)
    ring.push(state.ages, state.where.shape[0] + CACHE, key)
    buckets.rise(state, key)


def on_remove(state: State, key: int) -> None:
    """Leave; if evicted, the expert that chose it remembers."""
    leave(state, key)
    buckets.drop(state, key)
    amounts, expert = state.amounts, state.amounts[EXPERT]
    if amounts[DOOMED] == key and expert != NOWHERE:
        state.left[key] = amounts[CLOCK]
        aged.join(state, expert, expert, key)
        while amounts[expert] > amounts[ROOM]:
            leave(state, aged.oldest(state, expert))
            soon = ring.second(state.ages, state.where.shape[0] + expert)
            memory.prefetch(state.ages, 2 * soon)
            memory.prefetch(state.where, soon)
    amounts[DOOMED] = -1


def victim(state: State, req: Request) -> int:
    """Choose what LRU or LFU would, by chance as they have weight."""
    old, rare = aged.oldest(state, CACHE), buckets.lowest(state)
    expert, key = NOWHERE, old
    if old != rare:
        expert = BY_LRU if dice.share(state.random) < state.learnt[WEIGHT] else BY_LFU
        key = old if expert == BY_LRU else rare
    state.amounts[DOOMED], state.amounts[EXPERT] = key, expert
    aged.fetch(state, ring.second(state.ages, state.where.shape[0] + CACHE))
    aged.fetch(state, ring.second(state.links, state.bucket.shape[0] + ring.newer(state.order, 0)))
    return int(key)


def leave(state: State, key: int) -> None:
    """Leave the ring that the key is in."""
    aged.leave(state, state.where[key], NOWHERE, key)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    aged.fetch(state, key)
    memory.prefetch(state.left, key)
