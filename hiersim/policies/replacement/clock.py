"""First in, first out, with another chance for what was used again (CLOCK, second chance, FIFO reinsertion).

The counter of a key grows with each hit up to 2^bits - 1; the hand takes one off and lets the key pass. Generalised
CLOCK (``gclock``) counts further than one and starts new keys at 1.

Corbato: A paging experiment with the Multics system. MIT Project MAC Report MAC-M-384, 1968. Generalised: Smith:
Sequentiality and prefetching in database systems. ACM TODS 3(3), 1978; Effelsberg, Haerder: Principles of database
buffer management. ACM TODS 9(4), 1984.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, queue
from hiersim.policies.contract import Request, Setup


class Params(NamedTuple):
    """The original keeps one bit per key."""

    bits: int = 1  # width of each key's counter
    start: int = 0  # chances of a new key


class State(NamedTuple):
    """One queue, from the hand onwards."""

    slots: np.ndarray  # int32[...]: see `policies.queue`
    ends: np.ndarray  # int64[5]
    place: np.ndarray  # int32[objects]
    used: np.ndarray  # uint8[objects]: chances left
    most: np.ndarray  # uint8[2]: chances that a key can gather; chances of a new key


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not 1 <= params.bits <= 8:
        return f"bits must be 1 to 8, got {params.bits}"
    most = 2**params.bits - 1
    return "" if 0 <= params.start <= most else f"start must be 0 to {most}, got {params.start}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    slots, ends = queue.empty(min(setup.objects, setup.capacity))
    most = np.array([2**setup.params.bits - 1, setup.params.start], np.uint8)
    return State(slots, ends, np.full(setup.objects, -1, np.int32), np.zeros(setup.objects, np.uint8), most)


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter just behind the hand."""
    state.used[key] = state.most[1]
    queue.push(state.slots, state.ends, state.place, 0, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Gain a chance."""
    state.used[key] += state.used[key] < state.most[0]


def on_remove(state: State, key: int) -> None:
    """Leave the queue."""
    queue.drop(state.ends, state.place, 0, key)


def victim(state: State, req: Request) -> int:
    """Move the hand to the first key without a chance, at the cost of one chance of each key passed."""
    key = queue.front(state.slots, state.ends, state.place, 0)
    while state.used[key] > 0:
        state.used[key] -= 1
        queue.pass_on(state.slots, state.ends, state.place, 0, 0, key)
        key = queue.front(state.slots, state.ends, state.place, 0)
    soon = queue.coming(state.slots, state.ends, 0)
    memory.prefetch(state.used, soon)
    memory.prefetch(state.place, soon)
    return int(key)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.used, key)
