"""A small window by recency before a main part that admits only who was asked for more often than whom it would evict.

New keys enter the window (LRU). Who falls out of it meets the next victim of the main part, a segmented LRU; the one
that the sketch has counted more often lately stays, and the main part's in doubt. A key that is hit in the main part is
protected, and the least recent of too many protected ones is so no longer. Every request counts in the sketch
(`policies.sketch`), whose counters age. Where objects have sizes, the parts are sized in bytes, and the sketch for as
many keys as there are objects.

Einziger, Friedman, Manes: TinyLFU: a highly efficient cache admission policy. ACM Transactions on Storage 13(4), 2017.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, ring, sketch
from hiersim.policies.contract import Request, Setup

WINDOW, PROBATION, PROTECTED = range(3)  # the rings, and the first three entries of `amounts`
WINDOW_SIZE, PROTECTED_SIZE = 3, 4  # what else `amounts` holds


class Params(NamedTuple):
    """The paper's sizes."""

    window: float = 0.01  # share of the capacity that is the window
    protected: float = 0.8  # share of the main part that may be protected
    sample: int = 8  # requests after which the counters are halved, as a multiple of the capacity


class State(NamedTuple):
    """Three rings by recency; their heads are the last three entries: window, probation, protected."""

    links: np.ndarray  # int32[2 * (objects + 3)]: older and newer key of the part
    where: np.ndarray  # uint8[objects]: WINDOW, PROBATION or PROTECTED
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    amounts: np.ndarray  # int64[5]: bytes in the parts; WINDOW_SIZE and PROTECTED_SIZE, the most of each
    table: np.ndarray  # uint64[8 * blocks]: see `policies.sketch`
    tally: np.ndarray  # int64[3]


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not 0 < params.window < 1:
        return f"window must lie between 0 and 1, got {params.window}"
    if not 0 <= params.protected <= 1:
        return f"protected must be 0 to 1, got {params.protected}"
    fine = 1 <= params.sample <= sketch.MOST_SAMPLE
    return "" if fine else f"sample must be 1 to {sketch.MOST_SAMPLE}, got {params.sample}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    capacity, params = setup.capacity, setup.params
    window = max(1, int(capacity * params.window))
    return State(
        ring.empty(setup.objects, 3),
        np.zeros(setup.objects, np.uint8),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.array([0, 0, 0, window, int((capacity - window) * params.protected)], np.int64),
        *sketch.empty(min(setup.objects, capacity), params.sample),
    )


def on_miss(state: State, key: int, req: Request) -> None:
    """Count the request."""
    sketch.add(state.table, state.tally, key)


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter the window; who falls out of it goes on probation."""
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    join(state, WINDOW, key)
    while state.amounts[WINDOW] > state.amounts[WINDOW_SIZE]:
        out = oldest(state, WINDOW)
        leave(state, out)
        join(state, PROBATION, out)


def on_hit(state: State, key: int, req: Request) -> None:
    """Count the request; become the most recent of the window or of the protected."""
    sketch.add(state.table, state.tally, key)
    part = state.where[key]
    if part != PROBATION:
        ring.unlink(state.links, key)
        ring.push(state.links, state.where.shape[0] + part, key)
        return
    leave(state, key)
    join(state, PROTECTED, key)
    while state.amounts[PROTECTED] > state.amounts[PROTECTED_SIZE]:
        out = oldest(state, PROTECTED)
        leave(state, out)
        join(state, PROBATION, out)


def on_remove(state: State, key: int) -> None:
    """Leave."""
    leave(state, key)


def victim(state: State, req: Request) -> int:
    """Choose who was asked for less of the two that are next to leave, window and main part."""
    old = oldest(state, PROBATION if state.amounts[PROBATION] > 0 else PROTECTED)
    if state.amounts[WINDOW] == 0:
        return old
    candidate = oldest(state, WINDOW)
    if state.amounts[PROBATION] + state.amounts[PROTECTED] == 0:
        return candidate
    if state.amounts[WINDOW] + req.size <= state.amounts[WINDOW_SIZE]:
        return old  # the window keeps all it has
    better = sketch.estimate(state.table, candidate) > sketch.estimate(state.table, old)
    return old if better else candidate


def oldest(state: State, part: int) -> int:
    """Return the least recent key of a part."""
    return int(ring.newer(state.links, state.where.shape[0] + part))


def join(state: State, part: int, key: int) -> None:
    """Become the most recent of a part."""
    state.where[key] = part
    state.amounts[part] += state.sizes[key] if state.sizes.shape[0] > 1 else 1
    ring.push(state.links, state.where.shape[0] + part, key)


def leave(state: State, key: int) -> None:
    """Leave the part that the key is in."""
    state.amounts[state.where[key]] -= state.sizes[key] if state.sizes.shape[0] > 1 else 1
    ring.unlink(state.links, key)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.links, 2 * key)
    memory.prefetch(state.where, key)
    sketch.fetch(state.table, key)
