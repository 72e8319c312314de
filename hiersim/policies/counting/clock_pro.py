"""The misses of CLOCK-Pro as in libcachesim: the first keys to come fill the cold keys' share and stay.

What is asked for first is counted with a branch. Once the share is full, an access misses if its key is not among
them: nothing is written, and no branch depends on the trace.
"""

from typing import NamedTuple

import numpy as np

from hiersim.jit import kernel
from hiersim.policies.contract import Setup
from hiersim.policies.replacement.clock_pro import Params, cold_share


class State(NamedTuple):
    """A byte per object."""

    here: np.ndarray  # uint8[objects]


def suits(params: Params) -> bool:
    """Say whether these parameters can be counted like this: with those of the paper keys leave."""
    return params.refuse == 1


def most(setup: Setup) -> int:
    """Return how many keys come in."""
    return cold_share(setup)


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    return State(np.zeros(setup.objects, np.uint8))


@kernel
def count(state: State, keys: np.ndarray, next_use: np.ndarray, start: int, room: int) -> int:
    """Return the misses of a piece of the trace."""
    misses, i = 0, 0
    while room > 0 and i < keys.shape[0]:
        if state.here[keys[i]] == 0:
            state.here[keys[i]] = 1
            misses += 1
            room -= 1
        i += 1
    for j in range(i, keys.shape[0]):
        misses += state.here[keys[j]] == 0
    return misses
