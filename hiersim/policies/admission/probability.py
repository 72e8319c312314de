"""By chance: admit each with the same probability, so that what comes in was probably asked for often.

Martina, Garetto, Leonardi: A unified approach to the performance analysis of caching systems. INFOCOM 2014 (q-LRU).
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import dice
from hiersim.policies.contract import Request, Setup


class Params(NamedTuple):
    """How likely."""

    p: float = 0.5


class State(NamedTuple):
    """The same few bytes for any number of objects."""

    p: np.ndarray  # float64[1]
    random: np.ndarray  # uint64[1]: see `policies.dice`


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    return "" if 0 <= params.p <= 1 else f"p must lie between 0 and 1, got {params.p}"


def init(setup: Setup) -> State:
    """Set the probability."""
    return State(np.array([setup.params.p]), dice.start(setup.seed))


def admit(state: State, key: int, req: Request) -> bool:
    """Draw."""
    return bool(dice.share(state.random) < state.p[0])
