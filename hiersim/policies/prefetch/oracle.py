"""Oracle: reads the trace's future, and fetches what its stream will ask for within the next ``lookahead`` accesses.

Together with the replacement policy `opt` it never evicts what it will need sooner, as long as the tier has room for
what the window names: a bound that tells how much any prefetcher could win.

Cao, Felten, Karlin, Li: A study of integrated prefetching and caching strategies. SIGMETRICS 1995 (aggressive: as soon
as possible, in the order of use).
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies.prefetch.contract import MOST, Access, Setup

NEEDS_FUTURE = True


class Params(NamedTuple):
    """Parameters of the oracle."""

    lookahead: int = 32  # accesses of the stream


class State(NamedTuple):
    """The future."""

    trace: np.ndarray  # int32[accesses]: the key of each
    following: np.ndarray  # int64[accesses]: the stream's next access; -1 after the last
    lookahead: np.ndarray  # int64[1]


def init(setup: Setup) -> State:
    """Keep the trace."""
    return State(setup.trace, setup.following, np.array([setup.params.lookahead], np.int64))


def on_access(state: State, key: int, req: Access, out: np.ndarray) -> int:
    """Name what the stream will ask for, in that order."""
    count, place = 0, state.following[req.now]
    while count < state.lookahead[0] and place >= 0:
        out[count] = state.trace[place]
        count += 1
        place = state.following[place]
    return count


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters, or nothing."""
    return "" if 1 <= params.lookahead <= MOST else f"lookahead must be 1 to {MOST}, got {params.lookahead}"
