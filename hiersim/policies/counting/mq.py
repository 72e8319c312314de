"""MQ's misses, counted: all that a hit needs of a key lies in one line of memory.

The keys of a larger cache do not fit the near ones, so that each line costs. What the hooks keep in an array each, and
whether a key is here, are one node of four numbers; a queue's head is a node that never expires, so that an empty queue
needs no question.
"""

from typing import NamedTuple

import numpy as np

from hiersim.jit import hot, kernel
from hiersim.policies import bits, memory, queue
from hiersim.policies.contract import Setup, portion

AHEAD = 16  # accesses between asking for memory and using it
OLDER, NEWER, EXPIRES, REQUESTS = range(4)  # what a node holds
GONE = -1  # as EXPIRES: not here
CLOCK, DUE, LIFETIME, REMEMBERED = range(4)  # what `amounts` holds; DUE is the least of `due`


class State(NamedTuple):
    """One ring by recency for each queue, the lowest first, their heads being the last nodes; and the history."""

    nodes: np.ndarray  # int32[4 * (objects + queues)], or int64: OLDER to REQUESTS of each
    slots: np.ndarray  # int32[...]: the history; see `policies.queue`
    ends: np.ndarray  # int64[5]
    place: np.ndarray  # int32[objects]
    amounts: np.ndarray  # int64[4]
    due: np.ndarray  # int64[queues]: no key of a queue sinks before; see `replacement.mq`


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    params, history = setup.params, portion(setup.capacity, setup.params.history)
    short = setup.accesses > 0 and setup.accesses + params.lifetime < 2**31 - 1
    kind = np.int32 if short else np.int64
    never = int(np.iinfo(kind).max)
    nodes = np.zeros((setup.objects + params.queues, 4), kind)
    nodes[:, OLDER] = nodes[:, NEWER] = np.arange(len(nodes))
    nodes[: setup.objects, EXPIRES], nodes[setup.objects :, EXPIRES] = GONE, never
    return State(
        nodes.reshape(-1),
        *queue.empty(min(setup.objects, history)),
        np.full(setup.objects, -1, np.int32),
        np.array([0, never, params.lifetime, history], np.int64),
        np.full(params.queues, never, np.int64),
    )


@kernel
def count(state: State, keys: np.ndarray, next_use: np.ndarray, start: int, room: int) -> int:
    """Return the misses of a piece of the trace."""
    misses, nodes, last = 0, state.nodes, keys.shape[0] - 1
    for i in range(keys.shape[0]):
        coming = int(keys[min(i + AHEAD, last)])
        memory.prefetch(nodes, 4 * coming)
        memory.prefetch(state.place, coming)
        key = int(keys[i])
        if nodes[4 * key + EXPIRES] != GONE:
            unlink(nodes, key)
        else:
            misses += 1
            room -= 1
            recall(state, key)
            if room < 0:
                evict(state)
        count_request(state, key)
    return misses


@hot
def recall(state: State, key: int) -> None:
    """Take a missing key's requests from the history, if it is there."""
    if state.place[key] >= 0:
        queue.drop(state.ends, state.place, 0, key)
    else:
        state.nodes[4 * key + REQUESTS] = 0


@hot
def evict(state: State) -> None:
    """Let the least recent of the lowest queue that has any leave, and remember it."""
    nodes, level = state.nodes, 0
    while oldest(state, level) >= state.place.shape[0]:
        level += 1
    key = oldest(state, level)
    unlink(nodes, key)
    nodes[4 * key + EXPIRES] = GONE
    soon = nodes[4 * oldest(state, level) + NEWER]
    memory.prefetch(nodes, 4 * soon)
    memory.prefetch(state.place, soon)
    if state.amounts[REMEMBERED] > 0:
        remember(state, key)


@hot
def remember(state: State, key: int) -> None:
    """Enter the history, which forgets its oldest to stay within its size."""
    slots, ends, place = state.slots, state.ends, state.place
    if queue.size(ends, 0) == state.amounts[REMEMBERED]:
        queue.drop(ends, place, 0, queue.front(slots, ends, place, 0))
        memory.prefetch(place, queue.coming(slots, ends, 0))
    queue.push(slots, ends, place, 0, key)


@hot
def count_request(state: State, key: int) -> None:
    """Count a request, join the queue for it, and let time pass."""
    amounts, requests = state.amounts, np.int64(state.nodes[4 * key + REQUESTS])
    if requests < 2**31 - 1:
        requests += 1
        state.nodes[4 * key + REQUESTS] = requests
    join(state, min(bits.highest_bit(requests), state.due.shape[0] - 1), key)
    amounts[CLOCK] += 1
    if amounts[DUE] < amounts[CLOCK]:
        sink(state)


@hot
def join(state: State, level: int, key: int) -> None:
    """Become the most recent of a queue, with a whole lifetime."""
    nodes, amounts, head = state.nodes, state.amounts, state.place.shape[0] + level
    over = amounts[CLOCK] + amounts[LIFETIME]
    before = nodes[4 * head + OLDER]
    nodes[4 * key + OLDER], nodes[4 * key + NEWER], nodes[4 * key + EXPIRES] = before, head, over
    nodes[4 * before + NEWER] = nodes[4 * head + OLDER] = key
    if level > 0 and over < state.due[level]:
        state.due[level] = over
        amounts[DUE] = min(amounts[DUE], over)


@hot
def sink(state: State) -> None:
    """Let the oldest of each queue sink if its time is over, and see when the next one's is."""
    nodes, due, now, least = state.nodes, state.due, state.amounts[CLOCK], state.due[0]
    for level in range(1, due.shape[0]):
        if due[level] < now:
            key = oldest(state, level)
            if nodes[4 * key + EXPIRES] < now:
                unlink(nodes, key)
                join(state, level - 1, key)
                least = min(least, due[level - 1])
                key = oldest(state, level)
                memory.prefetch(nodes, 4 * nodes[4 * key + NEWER])
            due[level] = nodes[4 * key + EXPIRES]
        least = min(least, due[level])
    state.amounts[DUE] = least


@hot
def oldest(state: State, level: int) -> int:
    """Return the least recent key of a queue; its head if it is empty."""
    return int(state.nodes[4 * (state.place.shape[0] + level) + NEWER])


@hot
def unlink(nodes: np.ndarray, key: int) -> None:
    """Leave a queue."""
    before, after = np.int64(nodes[4 * key + OLDER]), np.int64(nodes[4 * key + NEWER])
    nodes[4 * before + NEWER], nodes[4 * after + OLDER] = after, before
