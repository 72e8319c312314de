"""By size: admit small objects, which take little room for the hits that they bring.

Either those of at most ``c`` bytes, or, with ``soft``, each with probability e^(-size / c), so that a large object that
is asked for again and again comes in at last. AdaptSize tunes its c to the traffic; here c is a parameter.

Berger, Sitaraman, Harchol-Balter: AdaptSize: orchestrating the hot object memory cache in a content delivery network.
NSDI 2017.
"""

import math
from typing import NamedTuple

import numpy as np

from hiersim.policies import dice
from hiersim.policies.contract import Request, Setup


class Params(NamedTuple):
    """What counts as small."""

    c: int = 0  # bytes; 0: a hundredth of the capacity
    soft: int = 0  # 1: by chance, 0: a bound


class State(NamedTuple):
    """The same few bytes for any number of objects."""

    bound: np.ndarray  # int64[2]: c, soft
    random: np.ndarray  # uint64[1]: see `policies.dice`


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if params.soft not in (0, 1):
        return f"soft must be 0 or 1, got {params.soft}"
    return "" if params.c >= 0 else f"c must be 0 or more bytes, got {params.c}"


def init(setup: Setup) -> State:
    """Set the bound."""
    c = setup.params.c or max(1, setup.capacity // 100)
    return State(np.array([c, setup.params.soft], np.int64), dice.start(setup.seed))


def admit(state: State, key: int, req: Request) -> bool:
    """Admit what is small, or draw."""
    if state.bound[1] == 0:
        return bool(req.size <= state.bound[0])
    return bool(dice.share(state.random) < math.exp(-req.size / state.bound[0]))
