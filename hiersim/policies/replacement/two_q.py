"""Two queues: keys seen once pass through a short queue; who is asked for again after that joins the main list (2Q).

A1in is the short queue, first in, first out; A1out has the ghosts of what left it; Am is by recency. A hit in A1in
changes nothing, because references close together say little. Objects with sizes count by their bytes.

Johnson, Shasha: 2Q: a low overhead high performance buffer management replacement algorithm. VLDB 1994.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, queue, ring
from hiersim.policies.contract import Request, Setup, portion
from hiersim.policies.weighed import join, leave, remember, size_of

A1IN, A1OUT = range(2)  # the queues
BACK, MAIN = -2, -3  # in `place`: asked for while a ghost, and not here yet; in Am
IN_BYTES, OUT_BYTES, MAIN_BYTES, IN_SIZE, OUT_SIZE, DOOMED = range(6)  # what `amounts` holds


class Params(NamedTuple):
    """The paper's sizes, as shares of the capacity."""

    a1in: float = 0.25  # size that A1in may exceed only while there is room
    a1out: float = 0.5  # size of the ghosts of A1out


class State(NamedTuple):
    """A1in and A1out in order of arrival, and a ring for Am, by recency; its head is the last entry."""

    slots: np.ndarray  # int32[...]: see `policies.queue`
    ends: np.ndarray  # int64[9]
    place: np.ndarray  # int32[objects]; also BACK and MAIN
    links: np.ndarray  # int32[2 * (objects + 1)]: older and newer key of Am
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    amounts: np.ndarray  # int64[6]: bytes in A1in, A1out and Am, the sizes of the first two, the key DOOMED last


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not 0 <= params.a1in <= 1:
        return f"a1in must lie between 0 and 1, got {params.a1in}"
    return f"a1out must not be negative, got {params.a1out}" if params.a1out < 0 else ""


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    ghosts = portion(setup.capacity, setup.params.a1out)
    return State(
        *queue.empty(min(setup.objects, max(setup.capacity, ghosts)), 2),
        np.full(setup.objects, -1, np.int32),
        ring.empty(setup.objects),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.array([0, 0, 0, int(setup.capacity * setup.params.a1in), ghosts, -1], np.int64),
    )


def on_miss(state: State, key: int, req: Request) -> None:
    """Stop being a ghost, and remember to enter Am."""
    if queue.holds(state.ends, state.place, A1OUT, key):
        leave(state, A1OUT, key)
        state.place[key] = BACK


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter Am if it was a ghost, else A1in."""
    on_miss(state, key, req)
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    if state.place[key] == BACK:
        state.place[key] = MAIN
        state.amounts[MAIN_BYTES] += size_of(state, key)
        ring.push(state.links, head(state), key)
    else:
        join(state, A1IN, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Become the most recent of Am; nothing in A1in."""
    if state.place[key] == MAIN:
        ring.unlink(state.links, key)
        ring.push(state.links, head(state), key)


def on_remove(state: State, key: int) -> None:
    """Leave; who is evicted from A1in becomes a ghost."""
    if state.place[key] == MAIN:
        ring.unlink(state.links, key)
        state.amounts[MAIN_BYTES] -= size_of(state, key)
        state.place[key] = -1
    else:
        leave(state, A1IN, key)
        if state.amounts[DOOMED] == key:
            remember(state, A1OUT, state.amounts[OUT_SIZE], key)
    state.amounts[DOOMED] = -1


def victim(state: State, req: Request) -> int:
    """Choose the oldest of A1in if it is too long, else the least recent of Am."""
    amounts = state.amounts
    if amounts[IN_BYTES] > amounts[IN_SIZE] or amounts[MAIN_BYTES] == 0:
        amounts[DOOMED] = queue.front(state.slots, state.ends, state.place, A1IN)
    else:
        amounts[DOOMED] = ring.newer(state.links, head(state))
    return int(amounts[DOOMED])


def head(state: State) -> int:
    """Return the head of the ring of Am."""
    return int(state.place.shape[0])


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.place, key)
    memory.prefetch(state.links, 2 * key)


def fetch_near(state: State, key: int) -> None:
    """Fetch its neighbours in the list."""
    ring.fetch(state.links, key)
