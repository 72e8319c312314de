"""A short first-in-first-out queue in front of a CLOCK: most keys leave soon, few are moved, lazily (QD-LP-FIFO).

New keys enter the small queue. Who leaves it unused becomes a ghost, who was used moves to the main queue, a CLOCK with
two bits; so do ghosts that are asked for again, and then the main queue makes the room.

Yang, Qiu, Zhang, Yue, Rashmi: FIFO can be better than LRU: the power of lazy promotion and quick demotion. HotOS 2023.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, queue, weighed
from hiersim.policies.contract import Request, Setup, portion
from hiersim.policies.weighed import leave, remember, size_of

SMALL, MAIN, GHOST = range(3)  # the queues
BACK = -2  # in `place`: asked for while a ghost, and not here yet
SMALL_SIZE, MAIN_SIZE, GHOST_SIZE, DOOMED = range(3, 7)  # `amounts` has the queues' bytes first


class Params(NamedTuple):
    """The paper's sizes and its CLOCK."""

    small: float = 0.1  # share of the capacity that is the small queue
    ghost: float = 0.9  # size of the ghost queue as a share of the capacity
    bits: int = 2  # width of each key's counter in the main queue


class State(NamedTuple):
    """Three queues in order of arrival: small, main, ghosts."""

    slots: np.ndarray  # int32[...]: see `policies.queue`
    ends: np.ndarray  # int64[13]
    place: np.ndarray  # int32[objects]; also BACK
    hits: np.ndarray  # uint8[objects]: in the small queue hits, in the main one chances left
    most: np.ndarray  # uint8[1]: of either that a key can gather
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    amounts: np.ndarray  # int64[7]: bytes in the three queues, their sizes, the key DOOMED last


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not 0 < params.small < 1:
        return f"small must lie between 0 and 1, got {params.small}"
    if params.ghost < 0:
        return f"ghost must not be negative, got {params.ghost}"
    return "" if 1 <= params.bits <= 8 else f"bits must be 1 to 8, got {params.bits}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    capacity, params = setup.capacity, setup.params
    small, ghost = max(1, int(capacity * params.small)), portion(capacity, params.ghost)
    return State(
        *queue.empty(min(setup.objects, max(capacity, ghost)), 3),
        np.full(setup.objects, -1, np.int32),
        np.zeros(setup.objects, np.uint8),
        np.array([2**params.bits - 1], np.uint8),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.array([0, 0, 0, small, capacity - small, ghost, -1], np.int64),
    )


def on_miss(state: State, key: int, req: Request) -> None:
    """Stop being a ghost, and remember to enter the main queue."""
    if queue.holds(state.ends, state.place, GHOST, key):
        leave(state, GHOST, key)
        state.place[key] = BACK


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter the main queue if it was a ghost, else the small one."""
    on_miss(state, key, req)
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    enter(state, MAIN if state.place[key] == BACK else SMALL, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Count the hit."""
    if state.hits[key] < state.most[0]:
        state.hits[key] += 1


def on_remove(state: State, key: int) -> None:
    """Leave; who is evicted from the small queue becomes a ghost."""
    small = queue.holds(state.ends, state.place, SMALL, key)
    leave(state, SMALL if small else MAIN, key)
    if small and state.amounts[DOOMED] == key:
        remember(state, GHOST, state.amounts[GHOST_SIZE], key)
    state.amounts[DOOMED] = -1


def victim(state: State, req: Request) -> int:
    """Choose from the main queue where it must make room, else the oldest of the small one, moving on what was used."""
    amounts = state.amounts
    incoming = req.size if state.place[req.key] == BACK else 0
    key, part = -1, SMALL
    while part == SMALL and key < 0:
        if queue.size(state.ends, SMALL) == 0 or amounts[MAIN] + incoming > amounts[MAIN_SIZE]:
            part = MAIN if queue.size(state.ends, MAIN) > 0 else part
        first = queue.front(state.slots, state.ends, state.place, SMALL)
        if part == SMALL and state.hits[first] == 0:
            key = first
        elif part == SMALL:
            key = promote(state, first)
    amounts[DOOMED] = hand(state) if part == MAIN else key
    return int(amounts[DOOMED])


def promote(state: State, key: int) -> int:
    """Move the oldest of the small queue to the main one; return who must leave that for it, -1 if it has room."""
    full = state.amounts[MAIN] + size_of(state, key) > state.amounts[MAIN_SIZE]
    gone = hand(state) if full and queue.size(state.ends, MAIN) > 0 else -1
    leave(state, SMALL, key)
    enter(state, MAIN, key)
    return gone


def hand(state: State) -> int:
    """Move the hand of the main queue to the first key without a chance, at the cost of one of each key passed."""
    key = queue.front(state.slots, state.ends, state.place, MAIN)
    while state.hits[key] > 0:
        chances = state.hits[key] - 1
        leave(state, MAIN, key)
        enter(state, MAIN, key)
        state.hits[key] = chances
        key = queue.front(state.slots, state.ends, state.place, MAIN)
    return int(key)


def enter(state: State, part: int, key: int) -> None:
    """Enter a queue at its end, without hits."""
    state.hits[key] = 0
    weighed.join(state, part, key)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.hits, key)
    memory.prefetch(state.place, key)
