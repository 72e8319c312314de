"""On second request: admit what was asked for before, within a window; most keys of many traces are asked for once.

CDNs remember the first request in a Bloom filter that is renewed now and then; here each key has its own entry, so that
none is admitted by mistake. ``requests`` is the M of "cache on M-th request", counted over requests of which each
came at most ``window`` accesses after the one before (0: however long after).

Maggs, Sitaraman: Algorithmic nuggets in content delivery. ACM SIGCOMM Computer Communication Review 45(3), 2015.
Carlsson, Eager: Worst-case bounds and optimized cache on Mth request cache insertion policies under elastic conditions.
Performance Evaluation 127-128, 2018.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies.contract import Request, Setup


class Params(NamedTuple):
    """When a key is known well enough."""

    requests: int = 2  # the request that admits, this one counted
    window: int = 0  # accesses between two requests at most; 0: no bound


class State(NamedTuple):
    """12 bytes per object."""

    last: np.ndarray  # int64[objects]: number of the access that asked for it last; -1 for none
    known: np.ndarray  # int32[objects]: requests in a row without too long a gap
    rule: np.ndarray  # int64[2]: requests, window


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not 1 <= params.requests < 2**31:
        return f"requests must be at least 1, got {params.requests}"
    return "" if params.window >= 0 else f"window must be 0 or more, got {params.window}"


def init(setup: Setup) -> State:
    """Start with no memory."""
    rule = np.array([setup.params.requests, setup.params.window], np.int64)
    return State(np.full(setup.objects, -1, np.int64), np.zeros(setup.objects, np.int32), rule)


def on_access(state: State, key: int, req: Request) -> None:
    """Count it, from 1 again after too long a gap."""
    gap = req.now - state.last[key]
    if state.last[key] < 0 or (state.rule[1] > 0 and gap > state.rule[1]):
        state.known[key] = 1
    elif state.known[key] < state.rule[0]:
        state.known[key] += 1
    state.last[key] = req.now


def admit(state: State, key: int, req: Request) -> bool:
    """Admit what was asked for often enough."""
    return bool(state.known[key] >= state.rule[0])
