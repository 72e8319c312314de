"""S3-FIFO with a window in which hits do not count: a key just arrived is often asked for again at once (Clock2Q+).

A hit in the small queue counts only if keys worth a share of that queue have entered it since. One that counts leads
to the main queue, a CLOCK with one bit. Ghosts of the small queue enter the main one. Until the first eviction, keys
that find the small queue full go to the main one. Objects that would fill the small queue are not taken.

Zhai et al.: Clock2Q+: a simple and efficient replacement algorithm for metadata cache in VMware vSAN.
arXiv:2511.21958, 2025; as its authors contributed it to libcachesim 0.3.5.
"""

import math
from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, queue, weighed
from hiersim.policies.contract import NEVER, Request, Setup, portion
from hiersim.policies.weighed import leave, remember, size_of

SMALL, MAIN, GHOST = range(3)  # the queues
BACK = -2  # in `place`: asked for while a ghost, and not here yet
SMALL_SIZE, MAIN_SIZE, GHOST_SIZE, FILLING, ADMITTED, DOOMED = range(3, 9)  # `amounts` has the queues' bytes first


class Params(NamedTuple):
    """The authors' sizes."""

    small: float = 0.1  # share of the capacity that is the small queue
    ghost: float = 0.9  # size of the ghost queue as a share of the capacity
    window: float = 0.5  # arrivals after which hits count, in bytes, as a share of the small queue


class State(NamedTuple):
    """Three queues in order of arrival: small, main, ghosts."""

    slots: np.ndarray  # int32[...]: see `policies.queue`
    ends: np.ndarray  # int64[13]
    place: np.ndarray  # int32[objects]; also BACK
    used: np.ndarray  # uint8[objects]: 1 after a hit that counts
    ripe: np.ndarray  # int64[objects]: bytes to have entered the small queue before hits count
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    amounts: np.ndarray  # int64[9]: bytes in the three queues, their sizes, FILLING, bytes ADMITTED, DOOMED key
    window: np.ndarray  # int64[1]: bytes after which hits count


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not 0 < params.small < 1:
        return f"small must lie between 0 and 1, got {params.small}"
    if params.ghost < 0:
        return f"ghost must not be negative, got {params.ghost}"
    return f"window must not be negative, got {params.window}" if params.window < 0 else ""


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    capacity, params = setup.capacity, setup.params
    small, ghost = max(1, int(capacity * params.small)), portion(capacity, params.ghost)
    return State(
        *queue.empty(min(setup.objects, max(capacity, ghost)), 3),
        np.full(setup.objects, -1, np.int32),
        np.zeros(setup.objects, np.uint8),
        np.zeros(setup.objects, np.int64),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.array([0, 0, 0, small, capacity - small, ghost, 1, 0, -1], np.int64),
        np.array([math.ceil(min(small * params.window, NEVER))], np.int64),
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
    amounts = state.amounts
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    state.ripe[key] = 0
    if state.place[key] == BACK or (amounts[FILLING] != 0 and amounts[SMALL] >= amounts[SMALL_SIZE]):
        enter(state, MAIN, key)
    else:
        amounts[ADMITTED] += size_of(state, key)
        state.ripe[key] = amounts[ADMITTED] + state.window[0]
        enter(state, SMALL, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Count the hit, unless the key has just arrived."""
    if state.amounts[ADMITTED] >= state.ripe[key]:
        state.used[key] = 1


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
    amounts[FILLING] = 0
    part = MAIN if amounts[MAIN] > amounts[MAIN_SIZE] or queue.size(state.ends, SMALL) == 0 else SMALL
    key = queue.front(state.slots, state.ends, state.place, part)
    while state.used[key]:
        leave(state, part, key)
        enter(state, MAIN, key)
        state.ripe[key] = 0
        if queue.size(state.ends, SMALL) == 0:
            part = MAIN
        key = queue.front(state.slots, state.ends, state.place, part)
    amounts[DOOMED] = key
    return int(key)


def enter(state: State, part: int, key: int) -> None:
    """Enter a queue at its end, unused."""
    state.used[key] = 0
    weighed.join(state, part, key)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.ripe, key)
    memory.prefetch(state.used, key)
    memory.prefetch(state.place, key)
