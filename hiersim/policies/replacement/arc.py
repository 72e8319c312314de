"""Adaptive replacement: a recent and a frequent list whose sizes follow the hits on the ghosts of each (ARC).

T1 holds keys seen once, T2 keys seen again, both by recency; B1 and B2 the ghosts of what left them. A hit on a ghost
of B1 makes the target of T1 larger, one of B2 smaller. Sizes are in bytes where objects have sizes, and the target is
not rounded; both as in libcachesim 0.3.5.

Megiddo, Modha: ARC: a self-tuning, low overhead replacement cache. FAST 2003.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, ring
from hiersim.policies.contract import Request, Setup
from hiersim.policies.weighed import size_of

T1, T2, B1, B2, CAPACITY, DOOMED, PLAN = range(7)  # lists, and what else `amounts` holds
ABSENT, BACK1, BACK2 = 4, 5, 6  # where a key can be besides; BACK1, BACK2: asked for while a ghost, and not here yet
KEEP_GHOST, TRIM_B1, TRIM_B2, NO_GHOST = range(4)  # what else happens when the chosen victim leaves


class State(NamedTuple):
    """Four rings by recency; their heads are the last four entries: T1, T2, B1, B2."""

    links: np.ndarray  # int32[2 * (objects + 4)]: older and newer key of the list
    where: np.ndarray  # uint8[objects]: T1, T2, B1, B2, ABSENT, BACK1 or BACK2
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    amounts: np.ndarray  # int64[7]: bytes in the four lists, the CAPACITY, the key DOOMED last and the PLAN for it
    target: np.ndarray  # float64[1]: bytes that T1 should have


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    return State(
        ring.empty(setup.objects, 4),
        np.full(setup.objects, ABSENT, np.uint8),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.array([0, 0, 0, 0, setup.capacity, -1, KEEP_GHOST], np.int64),
        np.zeros(1, np.float64),
    )


def on_miss(state: State, key: int, req: Request) -> None:
    """Move the target if the key is a ghost, which it then ceases to be."""
    amounts, ghost = state.amounts, state.where[key]
    if ghost == B1:
        step = max(amounts[B2] / amounts[B1], 1.0)
        state.target[0] = min(state.target[0] + step, float(amounts[CAPACITY]))
        forget(state, key)
        state.where[key] = BACK1
    elif ghost == B2:
        step = max(amounts[B1] / amounts[B2], 1.0)
        state.target[0] = max(state.target[0] - step, 0.0)
        forget(state, key)
        state.where[key] = BACK2


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter T2 if it was a ghost, else T1."""
    if is_ghost(state, key):  # it comes without having been asked for, so the target stays
        forget(state, key)
        state.where[key] = BACK1
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    join(state, T1 if state.where[key] == ABSENT else T2, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Become the most recent of T2."""
    if state.where[key] == T2:
        ring.unlink(state.links, key)
        ring.push(state.links, head_of(state, T2), key)
    else:
        quit_list(state, key)
        join(state, T2, key)


def on_remove(state: State, key: int) -> None:
    """Leave; who is evicted becomes a ghost, as planned when it was chosen."""
    was = state.where[key]
    quit_list(state, key)
    state.where[key] = ABSENT
    if state.amounts[DOOMED] == key:
        plan = state.amounts[PLAN]
        ghosts = B1 if plan == TRIM_B1 else B2
        if plan in (TRIM_B1, TRIM_B2) and state.amounts[ghosts] > 0:
            forget(state, oldest(state, ghosts))
        if plan != NO_GHOST:
            join(state, was + 2, key)
    state.amounts[DOOMED] = -1


def victim(state: State, req: Request) -> int:
    """Choose the least recent of T1 or of T2, and plan which ghost to forget."""
    amounts = state.amounts
    plan, key = KEEP_GHOST, replace(state, req)
    if state.where[req.key] == ABSENT:
        first = amounts[T1] + amounts[B1]
        if first + req.size > amounts[CAPACITY]:
            plan = TRIM_B1
            if amounts[B1] == 0 and amounts[T1] > 0:
                plan, key = NO_GHOST, oldest(state, T1)
        elif first + amounts[T2] + amounts[B2] >= 2 * amounts[CAPACITY] and amounts[B2] > 0:
            plan = TRIM_B2
    amounts[DOOMED], amounts[PLAN] = key, plan
    return int(key)


def replace(state: State, req: Request) -> int:
    """Return the least recent of T1 if T1 is larger than its target, else of T2."""
    amounts, target = state.amounts, state.target[0]
    large = amounts[T1] > target or (amounts[T1] == target and state.where[req.key] == BACK2)
    return oldest(state, T1 if amounts[T2] == 0 or (amounts[T1] > 0 and large) else T2)


def head_of(state: State, queue: int) -> int:
    """Return the head of a list's ring."""
    return int(state.where.shape[0]) + int(queue)


def oldest(state: State, queue: int) -> int:
    """Return the least recent key of a list."""
    return int(ring.newer(state.links, head_of(state, queue)))


def is_ghost(state: State, key: int) -> bool:
    """Tell whether a key is in B1 or B2."""
    return bool(state.where[key] == B1 or state.where[key] == B2)


def join(state: State, queue: int, key: int) -> None:
    """Become the most recent of a list."""
    state.where[key] = queue
    state.amounts[queue] += size_of(state, key)
    ring.push(state.links, head_of(state, queue), key)


def quit_list(state: State, key: int) -> None:
    """Leave the list that the key is in."""
    state.amounts[state.where[key]] -= size_of(state, key)
    ring.unlink(state.links, key)


def forget(state: State, key: int) -> None:
    """Leave a list of ghosts."""
    quit_list(state, key)
    state.where[key] = ABSENT


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.links, 2 * key)
    memory.prefetch(state.where, key)
