"""Evict the key whose last but K-1 use is the longest ago; keys with fewer than K uses go first, by recency (LRU-K).

Time counts the requests that found a key here or brought it in. Uses within the correlated period after the last one
count as one, and no key is evicted within it while there is another. The times of evicted keys are remembered for the
retained period; ``lru-2`` forgets them at once (``retained=0``), as libcachesim 0.3.5.

O'Neil, O'Neil, Weikum: The LRU-K page replacement algorithm for database disk buffering. SIGMOD 1993.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, ring
from hiersim.policies.contract import Request, Setup

CLOCK, SIZE, K, CORRELATED, RETAINED = range(5)  # what `amounts` holds


class Params(NamedTuple):
    """LRU-2 of the paper's experiments; periods in requests."""

    k: int = 2  # uses that count
    correlated: int = 0  # period after a use in which another says nothing new
    retained: int = -1  # period after its last use in which an evicted key is remembered; -1: for ever


class State(NamedTuple):
    """Two rings by recency (fewer than K uses; used within the correlated period), and a heap for the others.

    A place in the heap may be out of date, but only too early: it is put right when it comes to the top.
    """

    times: np.ndarray  # int64[K * objects]: of a key's last K uses, the last one first; 0 for none
    last: np.ndarray  # int64[objects]: when the key was last used; int64[1] if no uses are correlated
    links: np.ndarray  # int32[2 * (objects + 2)]: older and newer key of the ring; the heads are the last entries
    heap: np.ndarray  # int32[...]: keys, the one that was used K times since longest ago first
    place: np.ndarray  # int32[objects]: where a key is in the heap, -1 if it is not
    rank: np.ndarray  # int64[objects]: the time by which it has this place
    amounts: np.ndarray  # int64[5]: CLOCK, SIZE of the heap, and the parameters


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not 1 <= params.k <= 8:
        return f"k must be 1 to 8, got {params.k}"
    if params.correlated < 0:
        return f"correlated must not be negative, got {params.correlated}"
    return f"retained must be -1 or more, got {params.retained}" if params.retained < -1 else ""


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    objects, params = setup.objects, setup.params
    return State(
        np.zeros(objects * params.k, np.int64),
        np.zeros(objects if params.correlated else 1, np.int64),
        ring.empty(objects, 2),
        np.zeros(min(objects, setup.capacity), np.int32),
        np.full(objects, -1, np.int32),
        np.zeros(objects, np.int64),
        np.array([0, 0, params.k, params.correlated, params.retained], np.int64),
    )


def on_insert(state: State, key: int, req: Request) -> None:
    """Count the use; what was too long ago is forgotten."""
    amounts = state.amounts
    amounts[CLOCK] += 1
    if amounts[RETAINED] >= 0 and amounts[CLOCK] - last_use(state, key) > amounts[RETAINED]:
        for i in range(amounts[K]):
            state.times[key * amounts[K] + i] = 0
    count_use(state, key, 0)
    settle(state, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Count the use, unless it is correlated with the last."""
    amounts = state.amounts
    amounts[CLOCK] += 1
    if amounts[CORRELATED] > 0:
        take_out(state, key)
        since = amounts[CLOCK] - state.last[key]
        if since > amounts[CORRELATED]:
            count_use(state, key, state.last[key] - state.times[key * amounts[K]])
        state.last[key] = amounts[CLOCK]
        settle(state, key)
    else:
        count_use(state, key, 0)
        if state.place[key] < 0:
            ring.unlink(state.links, key)
            file(state, key)


def on_remove(state: State, key: int) -> None:
    """Leave; the times stay."""
    take_out(state, key)


def victim(state: State, req: Request) -> int:
    """Choose the least recent with fewer than K uses, else the top of the heap."""
    amounts, rare = state.amounts, state.place.shape[0]
    fresh = ring.newer(state.links, rare + 1)
    while fresh < rare and amounts[CLOCK] + 1 - state.last[fresh] > amounts[CORRELATED]:
        ring.unlink(state.links, fresh)
        file(state, fresh)
        fresh = ring.newer(state.links, rare + 1)
    first = ring.newer(state.links, rare)
    if first < rare:
        return int(first)
    if amounts[SIZE] == 0:
        return int(fresh)
    top = state.heap[0]
    while state.rank[top] != oldest_use(state, top):
        state.rank[top] = oldest_use(state, top)
        sift_down(state, top)
        top = state.heap[0]
    return int(top)


def count_use(state: State, key: int, correlated: int) -> None:
    """Put the time of now before a key's others; these move up by the period of correlated uses that just ended."""
    k = state.amounts[K]
    for i in range((key + 1) * k - 1, key * k, -1):
        state.times[i] = state.times[i - 1] + correlated if state.times[i - 1] > 0 else 0
    state.times[key * k] = state.amounts[CLOCK]


def last_use(state: State, key: int) -> int:
    """Return when a key was last used."""
    return int(state.last[key] if state.amounts[CORRELATED] > 0 else state.times[key * state.amounts[K]])


def oldest_use(state: State, key: int) -> int:
    """Return when the last but K-1 use was, 0 if there were fewer than K."""
    return int(state.times[(key + 1) * state.amounts[K] - 1])


def settle(state: State, key: int) -> None:
    """Put a key where it belongs that has just been used."""
    if state.amounts[CORRELATED] > 0:
        state.last[key] = state.amounts[CLOCK]
        ring.push(state.links, state.place.shape[0] + 1, key)
    else:
        file(state, key)


def file(state: State, key: int) -> None:
    """Put a key into the ring of those with fewer than K uses, or into the heap."""
    if oldest_use(state, key) == 0:
        ring.push(state.links, state.place.shape[0], key)
        return
    state.rank[key] = oldest_use(state, key)
    state.place[key] = state.amounts[SIZE]
    state.heap[state.amounts[SIZE]] = key
    state.amounts[SIZE] += 1
    sift_up(state, key)


def take_out(state: State, key: int) -> None:
    """Take a key out of its ring or the heap."""
    hole = state.place[key]
    if hole < 0:
        ring.unlink(state.links, key)
        return
    state.place[key] = -1
    state.amounts[SIZE] -= 1
    last = state.heap[state.amounts[SIZE]]
    if last != key:
        state.heap[hole] = last
        state.place[last] = hole
        sift_up(state, last)
        sift_down(state, last)


def before(state: State, one: int, two: int) -> bool:
    """Tell whether a key must be above another; where correlated uses made times equal, the last use decides."""
    if state.rank[one] != state.rank[two] or state.amounts[CORRELATED] == 0:
        return bool(state.rank[one] < state.rank[two])
    return bool(state.last[one] < state.last[two])


def sift_up(state: State, key: int) -> None:
    """Move a key up to its place."""
    place = state.place[key]
    while place > 0 and before(state, key, state.heap[(place - 1) // 2]):
        above = state.heap[(place - 1) // 2]
        state.heap[place] = above
        state.place[above] = place
        place = (place - 1) // 2
    state.heap[place] = key
    state.place[key] = place


def sift_down(state: State, key: int) -> None:
    """Move a key down to its place."""
    size, place = state.amounts[SIZE], state.place[key]
    below = 2 * place + 1
    while below < size:
        if below + 1 < size and before(state, state.heap[below + 1], state.heap[below]):
            below += 1
        if not before(state, state.heap[below], key):
            break
        state.heap[place] = state.heap[below]
        state.place[state.heap[place]] = place
        place, below = below, 2 * below + 1
    state.heap[place] = key
    state.place[key] = place


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.times, key * state.amounts[K])
    memory.prefetch(state.place, key)
