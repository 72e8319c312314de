"""Three queues: a small one that most keys leave soon, a main one for what was used again, and one of ghosts.

Two variants. ``s3fifo``: until the first eviction, keys that find the small queue full go to the main one, as in
libCacheSim since December 2024 (libcachesim 0.3.5). ``s3fifo-2023`` (``overflow=0``): all new keys enter the small
queue, as in the paper. Objects with sizes that would fill the small queue are not taken, as in both.

Yang, Zhang, Qiu, Yue, Vigfusson: FIFO queues are all you need for cache eviction. SOSP 2023.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, queue, weighed
from hiersim.policies.contract import Request, Setup, portion
from hiersim.policies.weighed import leave, remember

SMALL, MAIN, GHOST = range(3)  # the queues
BACK = -2  # in `place`: asked for while a ghost, and not here yet
SMALL_SIZE, MAIN_SIZE, GHOST_SIZE, OVERFLOW, THRESHOLD, DOOMED = range(3, 9)  # `amounts` has the queues' bytes first
MOST_HITS = 3  # two bits


class Params(NamedTuple):
    """The paper's sizes; `overflow` tells the two variants apart."""

    small: float = 0.1  # share of the capacity that is the small queue
    ghost: float = 0.9  # size of the ghost queue as a share of the capacity
    hits: int = 2  # hits in the small queue that lead to the main one
    overflow: int = 1  # 1: before the first eviction, keys overflow from the full small queue into the main one


class State(NamedTuple):
    """Three queues in order of arrival: small, main, ghosts."""

    slots: np.ndarray  # int32[...]: see `policies.queue`
    ends: np.ndarray  # int64[13]
    place: np.ndarray  # int32[objects]; also BACK
    hits: np.ndarray  # uint8[objects]: hits since the key entered its queue, at most MOST_HITS
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    amounts: np.ndarray  # int64[9]: bytes in the three queues, their sizes, OVERFLOW, THRESHOLD, the key DOOMED last


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not 0 < params.small < 1:
        return f"small must lie between 0 and 1, got {params.small}"
    if params.ghost < 0:
        return f"ghost must not be negative, got {params.ghost}"
    if not 1 <= params.hits <= MOST_HITS:
        return f"hits must be 1 to {MOST_HITS}, got {params.hits}"
    return "" if params.overflow in (0, 1) else f"overflow must be 0 or 1, got {params.overflow}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    capacity, params = setup.capacity, setup.params
    small, ghost = max(1, int(capacity * params.small)), portion(capacity, params.ghost)
    return State(
        *queue.empty(min(setup.objects, max(capacity, ghost)), 3),
        np.full(setup.objects, -1, np.int32),
        np.zeros(setup.objects, np.uint8),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.array([0, 0, 0, small, capacity - small, ghost, params.overflow, params.hits, -1], np.int64),
    )


def largest(setup: Setup) -> int:
    """Refuse what would fill the small queue alone."""
    return setup.capacity if setup.uniform else max(1, int(setup.capacity * setup.params.small)) - 1


def on_miss(state: State, key: int, req: Request) -> None:
    """Stop being a ghost, and remember to enter the main queue."""
    if queue.holds(state.ends, state.place, GHOST, key):
        leave(state, GHOST, key)
        state.place[key] = BACK


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter the main queue if it was a ghost or on overflow, else the small one."""
    on_miss(state, key, req)
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    full = state.amounts[OVERFLOW] != 0 and state.amounts[SMALL] >= state.amounts[SMALL_SIZE]
    enter(state, MAIN if full or state.place[key] == BACK else SMALL, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Count the hit."""
    if state.hits[key] < MOST_HITS:
        state.hits[key] += 1


def on_remove(state: State, key: int) -> None:
    """Leave; who is evicted from the small queue becomes a ghost."""
    small = queue.holds(state.ends, state.place, SMALL, key)
    leave(state, SMALL if small else MAIN, key)
    if small and state.amounts[DOOMED] == key:
        remember(state, GHOST, state.amounts[GHOST_SIZE], key)
    state.amounts[DOOMED] = -1


def victim(state: State, req: Request) -> int:
    """Choose from the main queue if it is too long, else from the small one; move on what was used."""
    amounts = state.amounts
    amounts[OVERFLOW] = 0
    part = MAIN if amounts[MAIN] > amounts[MAIN_SIZE] or queue.size(state.ends, SMALL) == 0 else SMALL
    key = queue.front(state.slots, state.ends, state.place, part)
    while state.hits[key] >= (amounts[THRESHOLD] if part == SMALL else 1):
        hits = 0 if part == SMALL else state.hits[key] - 1
        leave(state, part, key)
        enter(state, MAIN, key)
        state.hits[key] = hits
        if queue.size(state.ends, SMALL) == 0:
            part = MAIN
        key = queue.front(state.slots, state.ends, state.place, part)
    amounts[DOOMED] = key
    for queued in (part, GHOST):
        soon = queue.coming(state.slots, state.ends, queued)
        memory.prefetch(state.hits, soon)
        memory.prefetch(state.place, soon)
    return int(key)


def enter(state: State, part: int, key: int) -> None:
    """Enter a queue at its end, without hits."""
    state.hits[key] = 0
    weighed.join(state, part, key)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.hits, key)
    memory.prefetch(state.place, key)
