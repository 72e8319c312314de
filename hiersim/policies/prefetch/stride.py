"""Stride: a stream that twice moved by the same distance is expected to go on so.

Each stream has the entry that the paper gives each load instruction: last object, distance, and one of four states. A
right guess leads from ``NONE`` over ``TRANSIENT`` to ``STEADY``, a wrong one back; a single wrong one in ``STEADY``
keeps the distance. There is a prefetch in every state but ``NONE``.

Chen, Baer: Effective hardware-based data prefetching for high-performance processors. IEEE Transactions on Computers
44(5), 1995 (reference prediction table).
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies.prefetch.contract import MOST, Access, Setup

INITIAL, TRANSIENT, STEADY, NONE = 0, 1, 2, 3


class Params(NamedTuple):
    """Parameters of stride."""

    degree: int = 1  # steps ahead that are fetched


class State(NamedTuple):
    """An entry of the table per stream."""

    last: np.ndarray  # int64[streams]: the object before; -1 at first
    stride: np.ndarray  # int64[streams]: the distance
    phase: np.ndarray  # int64[streams]: INITIAL, TRANSIENT, STEADY or NONE
    rule: np.ndarray  # int64[2]: degree, objects


def init(setup: Setup) -> State:
    """Start without a guess."""
    streams = setup.streams
    empty = np.full(streams, -1, np.int64)
    rule = np.array([setup.params.degree, setup.objects], np.int64)
    return State(empty, np.zeros(streams, np.int64), np.zeros(streams, np.int64), rule)


def on_access(state: State, key: int, req: Access, out: np.ndarray) -> int:
    """Learn the distance, and name what lies ahead."""
    s = req.stream
    if state.last[s] < 0:
        state.last[s] = key
        return 0
    learn(state, s, key)
    state.last[s] = key
    stride, count = state.stride[s], 0
    if state.phase[s] == NONE or stride == 0:
        return 0
    for i in range(1, state.rule[0] + 1):
        ahead = key + i * stride
        if 0 <= ahead < state.rule[1]:
            out[count] = ahead
            count += 1
    return count


def learn(state: State, s: int, key: int) -> None:
    """Follow the transitions of the paper's figure."""
    phase, right = state.phase[s], key == state.last[s] + state.stride[s]
    if right:
        state.phase[s] = TRANSIENT if phase == NONE else STEADY
        return
    if phase != STEADY:
        state.stride[s] = key - state.last[s]
    if phase == STEADY:
        state.phase[s] = INITIAL
    else:
        state.phase[s] = TRANSIENT if phase == INITIAL else NONE


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters, or nothing."""
    return "" if 1 <= params.degree <= MOST else f"degree must be 1 to {MOST}, got {params.degree}"
