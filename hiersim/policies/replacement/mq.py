"""Queues by the logarithm of the frequency, each by recency, with a lifetime after which a key sinks by one (MQ).

A key with f requests is in queue log2 f. Time counts the requests that found a key here or brought it in; at each, the
oldest key of every queue sinks if its time is over. The frequency of an evicted key is remembered for a while. The
paper derives the lifetime from the trace as it runs; here it is a number, 10 000 as in libcachesim 0.3.5.

Zhou, Philbin, Li: The Multi-Queue replacement algorithm for second level buffer caches. USENIX ATC 2001.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import bits, memory, queue, ring
from hiersim.policies.contract import Request, Setup, portion
from hiersim.policies.weighed import size_of

MOST = 32  # queues at most
NEVER = 2**62
BACK = -2  # in `place`: asked for while remembered, and not here yet
CLOCK, DUE, LIFETIME, OUT_BYTES, OUT_SIZE, DOOMED = range(6)  # what `amounts` holds


class Params(NamedTuple):
    """The paper's number of queues and size of the history."""

    queues: int = 8  # how many
    lifetime: int = 10_000  # requests that a key may spend in a queue without being asked for
    history: float = 4.0  # size of what is remembered of evicted keys, as a multiple of the capacity


class State(NamedTuple):
    """One ring by recency for each queue, the lowest first, their heads being the last entries; and the history."""

    links: np.ndarray  # int32[2 * (objects + queues)]: older and newer key of the queue
    requests: np.ndarray  # int32[objects]: of a key that is here, remembered or BACK
    expires: np.ndarray  # int64[objects]: when a key's time in its queue is over
    slots: np.ndarray  # int32[...]: the history; see `policies.queue`
    ends: np.ndarray  # int64[5]
    place: np.ndarray  # int32[objects]; also BACK
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    amounts: np.ndarray  # int64[6]: CLOCK, the least of `due`, LIFETIME, the history's bytes and size, DOOMED key
    due: np.ndarray  # int64[queues]: no key of a queue sinks before; NEVER for the lowest and if it is empty


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not 1 <= params.queues <= MOST:
        return f"queues must be 1 to {MOST}, got {params.queues}"
    if params.lifetime < 0:
        return f"lifetime must not be negative, got {params.lifetime}"
    return f"history must not be negative, got {params.history}" if params.history < 0 else ""


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    params, history = setup.params, portion(setup.capacity, setup.params.history)
    return State(
        ring.empty(setup.objects, params.queues),
        np.zeros(setup.objects, np.int32),
        np.zeros(setup.objects, np.int64),
        *queue.empty(min(setup.objects, history)),
        np.full(setup.objects, -1, np.int32),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.array([0, NEVER, params.lifetime, 0, history, -1], np.int64),
        np.full(params.queues, NEVER, np.int64),
    )


def on_miss(state: State, key: int, req: Request) -> None:
    """Leave the history; the number of requests stays."""
    if state.place[key] >= 0:
        leave_history(state, key)
        state.place[key] = BACK


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter the queue of the remembered requests and this one."""
    on_miss(state, key, req)
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    if state.place[key] != BACK:
        state.requests[key] = 0
    state.place[key] = -1
    count_request(state, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Enter the queue of one request more."""
    ring.unlink(state.links, key)
    count_request(state, key)


def on_remove(state: State, key: int) -> None:
    """Leave; the requests of who is evicted go into the history."""
    ring.unlink(state.links, key)
    if state.amounts[DOOMED] == key:
        remember(state, key)
    state.amounts[DOOMED] = -1


def victim(state: State, req: Request) -> int:
    """Choose the least recent of the lowest queue that has any."""
    level = 0
    while oldest(state, level) >= state.requests.shape[0]:
        level += 1
    state.amounts[DOOMED] = oldest(state, level)
    soon = ring.second(state.links, state.requests.shape[0] + level)
    memory.prefetch(state.links, 2 * soon)
    memory.prefetch(state.place, soon)
    return int(state.amounts[DOOMED])


def oldest(state: State, level: int) -> int:
    """Return the least recent key of a queue; its head if it is empty."""
    return int(ring.newer(state.links, state.requests.shape[0] + level))


def count_request(state: State, key: int) -> None:
    """Count a request, join the queue for it, and let time pass."""
    amounts, count = state.amounts, state.requests[key]
    if count < 2**31 - 1:
        count += 1
        state.requests[key] = count
    join(state, min(bits.highest_bit(np.int64(count)), state.due.shape[0] - 1), key)
    amounts[CLOCK] += 1
    if amounts[DUE] < amounts[CLOCK]:
        sink(state)


def join(state: State, level: int, key: int) -> None:
    """Become the most recent of a queue, with a whole lifetime."""
    amounts = state.amounts
    over = amounts[CLOCK] + amounts[LIFETIME]
    state.expires[key] = over
    ring.push(state.links, state.requests.shape[0] + level, key)
    if level > 0 and over < state.due[level]:
        state.due[level] = over
        amounts[DUE] = min(amounts[DUE], over)


def sink(state: State) -> None:
    """Let the oldest of each queue sink if its time is over, and see when the next one's is."""
    amounts, keys, due, least = state.amounts, state.requests.shape[0], state.due, NEVER
    for level in range(1, due.shape[0]):
        if due[level] < amounts[CLOCK]:
            key = oldest(state, level)
            if key < keys and state.expires[key] < amounts[CLOCK]:
                ring.unlink(state.links, key)
                join(state, level - 1, key)
                least = min(least, due[level - 1])
                key = oldest(state, level)
                fetch_next(state, key)
            due[level] = state.expires[key] if key < keys else NEVER
        least = min(least, due[level])
    amounts[DUE] = least


def fetch_next(state: State, key: int) -> None:
    """Fetch what the one after the oldest of a queue needs to sink."""
    after = int(ring.newer(state.links, key))
    memory.prefetch(state.links, 2 * after)
    memory.prefetch(state.expires, after)
    memory.prefetch(state.requests, after)


def remember(state: State, key: int) -> None:
    """Enter the history, which forgets its oldest to stay within its size."""
    amounts = state.amounts
    room = amounts[OUT_SIZE] - size_of(state, key)
    if room < 0:
        return
    while amounts[OUT_BYTES] > room:
        leave_history(state, queue.front(state.slots, state.ends, state.place, 0))
        memory.prefetch(state.place, queue.coming(state.slots, state.ends, 0))
    amounts[OUT_BYTES] += size_of(state, key)
    queue.push(state.slots, state.ends, state.place, 0, key)


def leave_history(state: State, key: int) -> None:
    """Leave the history."""
    state.amounts[OUT_BYTES] -= size_of(state, key)
    queue.drop(state.ends, state.place, 0, key)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.links, 2 * key)
    memory.prefetch(state.requests, key)
    memory.prefetch(state.expires, key)
    memory.prefetch(state.place, key)
