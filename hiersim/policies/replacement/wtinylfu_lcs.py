"""W-TinyLFU as in libcachesim 0.3.5: the window gives way only when room is needed, and few requests count.

A key is counted when it comes in, when it is hit in the main part, and when it is considered at the end of the window;
the counters are halved after as many hits in the main part as 32 times its size. When room is needed, the oldest of
the window moves into the main part as long as that has room, and then meets its victim. The main part is a segmented
LRU that takes a new key where there is room, on probation or protected.

Where objects have sizes, two things make keys leave that no miss needs the room of: keys that sink into the probation
push out what then exceeds its share, and a key that moves into the main part makes all the room there that it takes. In
one point it departs: libcachesim refuses objects larger than the window or the probation.

Einziger, Friedman, Manes: TinyLFU: a highly efficient cache admission policy. ACM Transactions on Storage 13(4), 2017.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import bloom, memory, ring
from hiersim.policies.contract import Request, Setup, portion
from hiersim.policies.weighed import size_of

WINDOW, PROBATION, PROTECTED = range(3)  # the rings, and the first three entries of `amounts`
PROBATION_SIZE, PROTECTED_SIZE, MAIN_SIZE, SAMPLE, HITS, MOVING, DOOMED, SANK = range(3, 11)  # the rest of `amounts`


class Params(NamedTuple):
    """libCacheSim's defaults."""

    window: float = 0.01  # share of the capacity that is the window
    sample: int = 32  # hits in the main part after which the counters are halved, as a multiple of its size


class State(NamedTuple):
    """Three rings by recency; their heads are the last three entries: window, probation, protected."""

    links: np.ndarray  # int32[2 * (objects + 3)]: older and newer key of the part
    where: np.ndarray  # uint8[objects]: WINDOW, PROBATION or PROTECTED
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    amounts: np.ndarray  # int64[11]: bytes in the parts; the most in each; SAMPLE, and HITS in it; the key that is
    # MOVING into the main part when the key DOOMED leaves, -1 for none; 1 after a hit for which keys SANK
    table: np.ndarray  # uint8[counters]: see `policies.bloom`
    carried: np.ndarray  # int32[counters]
    spots: np.ndarray  # uint32[10 * objects]


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not 0 < params.window < 1:
        return f"window must lie between 0 and 1, got {params.window}"
    return "" if params.sample >= 1 else f"sample must be at least 1, got {params.sample}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    main = setup.capacity - int(setup.capacity * setup.params.window)
    parts = [int(0.2 * main), int(0.8 * main), main, portion(main, setup.params.sample)]
    return State(
        ring.empty(setup.objects, 3),
        np.zeros(setup.objects, np.uint8),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.array([0, 0, 0, *parts, 0, -1, -1, 0], np.int64),
        *bloom.empty(setup.objects, min(setup.objects, main)),
    )


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter the window, and count."""
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    join(state, WINDOW, key)
    bloom.add(state.table, state.carried, state.spots, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Become the most recent of the window or of the protected; in the main part, count."""
    part = np.int64(state.where[key])
    if part != PROBATION:
        ring.unlink(state.links, key)
        ring.push(state.links, state.where.shape[0] + part, key)
    else:
        leave(state, key)
        join(state, PROTECTED, key)
        while state.amounts[PROTECTED] > state.amounts[PROTECTED_SIZE]:
            out = oldest(state, PROTECTED)
            leave(state, out)
            join(state, PROBATION, out)
            state.amounts[SANK] = 1
    if part != WINDOW:
        bloom.add(state.table, state.carried, state.spots, key)
        state.amounts[HITS] += 1
        if state.amounts[HITS] >= state.amounts[SAMPLE]:
            state.amounts[HITS] = 0
            bloom.age(state.table, state.carried)


def on_remove(state: State, key: int) -> None:
    """Leave; who is to take the place in the main part moves in if there is room."""
    leave(state, key)
    amounts = state.amounts
    if amounts[MOVING] == key or amounts[DOOMED] != key:
        amounts[MOVING] = -1 if amounts[MOVING] == key else amounts[MOVING]
    else:
        settle(state)
    amounts[DOOMED] = -1


def victim(state: State, req: Request) -> int:
    """Choose between the ends of the window and of the main part."""
    amounts = state.amounts
    settle(state)
    if amounts[MOVING] < 0:
        while amounts[WINDOW] > 0 and fits(state, oldest(state, WINDOW)):
            candidate = oldest(state, WINDOW)
            move_in(state, candidate)
            bloom.add(state.table, state.carried, state.spots, candidate)
    main = amounts[PROBATION] + amounts[PROTECTED]
    key = oldest(state, WINDOW if main == 0 else PROBATION if amounts[PROBATION] > 0 else PROTECTED)
    if main > 0 and amounts[WINDOW] > 0 and amounts[MOVING] < 0:
        candidate = oldest(state, WINDOW)
        uses = bloom.estimate(state.table, state.carried, state.spots, key)
        if bloom.add_and_estimate(state.table, state.carried, state.spots, candidate) > uses:
            amounts[MOVING] = candidate
        else:
            key = candidate
    amounts[DOOMED] = key
    for part in (WINDOW, PROBATION):
        head = state.where.shape[0] + part
        ring.fetch_next(state.links, head)
        bloom.fetch(state.spots, ring.second(state.links, head))
    return int(key)


def surplus(state: State) -> int:
    """Choose from the main part while it has no room for who moves in, or after a hit too much on probation."""
    amounts = state.amounts
    most = amounts[MAIN_SIZE] - amounts[PROTECTED_SIZE]  # what rounding leaves over is probation's
    if amounts[MOVING] < 0 and not (amounts[SANK] == 1 and amounts[PROBATION] > most):
        amounts[SANK] = 0
        return -1
    if amounts[PROBATION] + amounts[PROTECTED] == 0:  # the key is larger than the main part
        amounts[MOVING] = -1
        return -1
    amounts[DOOMED] = oldest(state, PROBATION if amounts[PROBATION] > 0 else PROTECTED)
    return int(amounts[DOOMED])


def settle(state: State) -> None:
    """Let the key that is to move into the main part do so if there is room there, or in its protected part."""
    moving, amounts = state.amounts[MOVING], state.amounts
    if moving >= 0 and (fits(state, moving) or amounts[PROTECTED] + size_of(state, moving) <= amounts[PROTECTED_SIZE]):
        move_in(state, moving)
        amounts[MOVING] = -1


def fits(state: State, key: int) -> bool:
    """Tell whether the main part has room for a key of the window."""
    main = state.amounts[PROBATION] + state.amounts[PROTECTED]
    return bool(main + size_of(state, key) <= state.amounts[MAIN_SIZE])


def move_in(state: State, key: int) -> None:
    """Move from the window into the main part: to the protected if only they have room."""
    leave(state, key)
    size, amounts = size_of(state, key), state.amounts
    lower = amounts[PROBATION] + size <= amounts[PROBATION_SIZE]
    upper = amounts[PROTECTED] + size <= amounts[PROTECTED_SIZE]
    join(state, PROTECTED if upper and not lower else PROBATION, key)


def oldest(state: State, part: int) -> int:
    """Return the least recent key of a part."""
    return int(ring.newer(state.links, state.where.shape[0] + part))


def join(state: State, part: int, key: int) -> None:
    """Become the most recent of a part."""
    state.where[key] = part
    state.amounts[part] += size_of(state, key)
    ring.push(state.links, state.where.shape[0] + part, key)


def leave(state: State, key: int) -> None:
    """Leave the part that the key is in."""
    state.amounts[state.where[key]] -= size_of(state, key)
    ring.unlink(state.links, key)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.links, 2 * key)
    memory.prefetch(state.where, key)
    bloom.fetch(state.spots, key)
