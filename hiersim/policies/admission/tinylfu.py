"""TinyLFU: admit a newcomer only if it was asked for more often of late than the key that would leave for it.

Frequencies are those of the ageing sketch of `hiersim.policies.sketch`; every access is counted, also of what is here.
While there is room everything is admitted. A larger newcomer is compared with the first of those who leave for it.

Einziger, Friedman, Manes: TinyLFU: a highly efficient cache admission policy. ACM Transactions on Storage 13(4), 2017.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import sketch
from hiersim.policies.contract import Request, Setup


class Params(NamedTuple):
    """How long requests count."""

    sample: int = 8  # requests that are remembered per key that the cache can hold


class State(NamedTuple):
    """8 bytes for each key that the cache can hold."""

    table: np.ndarray  # uint64[...]: see `policies.sketch`
    tally: np.ndarray  # int64[3]


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    most = sketch.MOST_SAMPLE
    return "" if 1 <= params.sample <= most else f"sample must be 1 to {most}, got {params.sample}"


def init(setup: Setup) -> State:
    """Start with no memory."""
    return State(*sketch.empty(min(setup.objects, setup.capacity), setup.params.sample))


def on_access(state: State, key: int, req: Request) -> None:
    """Count it."""
    sketch.add(state.table, state.tally, key)


def admit(state: State, key: int, req: Request) -> bool:
    """Leave it to the comparison."""
    return True


def prefer(state: State, key: int, victim: int, req: Request) -> bool:
    """Compare the two frequencies; of equals the one that is here stays."""
    return bool(sketch.estimate(state.table, key) > sketch.estimate(state.table, victim))
