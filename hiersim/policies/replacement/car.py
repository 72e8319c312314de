"""Two clocks, of keys seen once and again, whose sizes follow the hits on the ghosts of each: ARC made of CLOCKs (CAR).

T1 holds keys seen once, T2 keys seen again; a hit only sets the key's bit. B1 and B2 are the ghosts of what left them.
A hit on a ghost of B1 makes the target of T1 larger, one of B2 smaller; the target is not rounded, and where objects
have sizes it is in bytes and a step is worth the object's size.

Bansal, Modha: CAR: clock with adaptive replacement. FAST 2004.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, queue
from hiersim.policies.contract import Request, Setup
from hiersim.policies.weighed import size_of

T1, T2, B1, B2, CAPACITY, DOOMED, INCOMING = range(7)  # lists, and what else `amounts` holds
OLD = -1  # in INCOMING: the victim's room is for a ghost


class State(NamedTuple):
    """Four queues: the clocks from their hands onwards, the ghosts in order of eviction."""

    slots: np.ndarray  # int32[...]: see `policies.queue`
    ends: np.ndarray  # int64[17]
    place: np.ndarray  # int32[objects]
    used: np.ndarray  # uint8[objects]: 1 after a hit that the hand has not seen
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    amounts: np.ndarray  # int64[7]: bytes in the four lists, CAPACITY, the key DOOMED last, size of what is INCOMING
    target: np.ndarray  # float64[1]: bytes that T1 should have


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    return State(
        *queue.empty(min(setup.objects, 2 * setup.capacity), 4),
        np.full(setup.objects, -1, np.int32),
        np.zeros(setup.objects, np.uint8),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.array([0, 0, 0, 0, setup.capacity, -1, OLD], np.int64),
        np.zeros(1, np.float64),
    )


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter T2 and move the target if it was a ghost, else enter T1."""
    amounts, target = state.amounts, state.target
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    size = float(size_of(state, key))
    if holds(state, B1, key):
        target[0] = min(target[0] + size * max(1.0, amounts[B2] / amounts[B1]), float(amounts[CAPACITY]))
        leave(state, B1, key)
        join(state, T2, key)
    elif holds(state, B2, key):
        target[0] = max(target[0] - size * max(1.0, amounts[B1] / amounts[B2]), 0.0)
        leave(state, B2, key)
        join(state, T2, key)
    else:
        join(state, T1, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Set the key's bit."""
    state.used[key] = 1


def on_remove(state: State, key: int) -> None:
    """Leave; who is evicted becomes a ghost, and older ones are forgotten for a new key."""
    amounts = state.amounts
    part = T1 if holds(state, T1, key) else T2
    leave(state, part, key)
    if amounts[DOOMED] == key:
        join(state, part + 2, key)
        if amounts[INCOMING] != OLD:
            forget_ghosts(state)
    amounts[DOOMED] = -1


def victim(state: State, req: Request) -> int:
    """Move the hand of T1 if it has its target, else that of T2, until a key's bit is not set; the others go to T2."""
    amounts = state.amounts
    part = clock(state)
    key = oldest(state, part)
    while state.used[key]:
        leave(state, part, key)
        join(state, T2, key)
        part = clock(state)
        key = oldest(state, part)
    amounts[DOOMED] = key
    known = holds(state, B1, req.key) or holds(state, B2, req.key)
    amounts[INCOMING] = OLD if known else req.size
    return int(key)


def clock(state: State) -> int:
    """Return the clock whose hand moves."""
    first = state.amounts[T1] >= max(1.0, state.target[0])
    return T1 if queue.size(state.ends, T2) == 0 or (first and queue.size(state.ends, T1) > 0) else T2


def forget_ghosts(state: State) -> None:
    """Keep T1 with B1 within the capacity, and all lists within twice that, counting the key to come."""
    amounts = state.amounts
    incoming, capacity = amounts[INCOMING], amounts[CAPACITY]
    if amounts[T1] + amounts[B1] + incoming > capacity:
        while amounts[T1] + amounts[B1] + incoming > capacity and amounts[B1] > 0:
            leave(state, B1, oldest(state, B1))
    else:
        total = amounts[T1] + amounts[T2] + amounts[B1] + amounts[B2] + incoming
        while total > 2 * capacity and amounts[B2] > 0:
            last = oldest(state, B2)
            total -= size_of(state, last)
            leave(state, B2, last)


def oldest(state: State, part: int) -> int:
    """Return the first key of a list."""
    return int(queue.front(state.slots, state.ends, state.place, part))


def holds(state: State, part: int, key: int) -> bool:
    """Tell whether a key is in a list."""
    return bool(queue.holds(state.ends, state.place, part, key))


def join(state: State, part: int, key: int) -> None:
    """Enter a list at its end, with the bit not set."""
    state.used[key] = 0
    state.amounts[part] += size_of(state, key)
    queue.push(state.slots, state.ends, state.place, part, key)


def leave(state: State, part: int, key: int) -> None:
    """Leave the list that the key is in."""
    state.amounts[part] -= size_of(state, key)
    queue.drop(state.ends, state.place, part, key)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.used, key)
    memory.prefetch(state.place, key)
