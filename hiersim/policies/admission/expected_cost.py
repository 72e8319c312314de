"""By expected cost: admit what has more requests so far x cost / size than the key that would leave for it.

Requests are counted from the first on. While there is room everything is admitted; of equals the one that is here
stays. Costs are `Setup.costs`; 1 each where there are none. With the replacement policy `lec` it is the paper's cache.

Zhu, Sheng, Zheng, Barrett, Jordan, Jiao: On optimal caching and model multiplexing for large model inference. NeurIPS
2023.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies.contract import Request, Setup


class State(NamedTuple):
    """20 bytes per object."""

    asked: np.ndarray  # int32[objects]: requests ever
    worth: np.ndarray  # float64[objects or 1]: cost of a miss
    size: np.ndarray  # int64[objects]: bytes, as known from its last request


def init(setup: Setup) -> State:
    """Start with no memory."""
    worth = np.array(setup.costs, np.float64) if len(setup.costs) else np.ones(1)
    return State(np.zeros(setup.objects, np.int32), worth, np.ones(setup.objects, np.int64))


def on_access(state: State, key: int, req: Request) -> None:
    """Count."""
    state.asked[key] += 1
    state.size[key] = req.size


def admit(state: State, key: int, req: Request) -> bool:
    """Leave it to the comparison."""
    return True


def prefer(state: State, key: int, victim: int, req: Request) -> bool:
    """Compare expected costs."""
    return bool(expected(state, key) > expected(state, victim))


def expected(state: State, key: int) -> float:
    """Return requests x cost / size."""
    return float(state.asked[key] * state.worth[key if state.worth.shape[0] > 1 else 0] / state.size[key])
