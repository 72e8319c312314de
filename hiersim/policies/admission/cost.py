"""By cost: admit what saves more per byte than the key that would leave for it (LNC-A of WATCHMAN).

The profit of a key is its rate of requests x the cost of a miss / its size. The rate is ``k`` / (now - time of its k-th
last request), over as many requests as there were while they are fewer. A key that is asked for for the first time has
no rate: then cost / size alone is compared. While there is room everything is admitted. Costs are `Setup.costs`; 1 each
where there are none. The paper compares with all who would leave; here the first of them stands for them.

Scheuermann, Shim, Vingralek: WATCHMAN: a data warehouse intelligent cache manager. VLDB 1996.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies.contract import Request, Setup


class Params(NamedTuple):
    """How far back the rate looks."""

    k: int = 4  # requests


class State(NamedTuple):
    """8 k + 20 bytes per object."""

    times: np.ndarray  # int64[k * objects]: numbers of the accesses that asked for it, in a ring
    asked: np.ndarray  # int32[objects]: how often it was asked for
    worth: np.ndarray  # float64[objects or 1]: cost of a miss
    size: np.ndarray  # int64[objects]: bytes, as known from its last request
    k: np.ndarray  # int64[1]


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    return "" if 1 <= params.k <= 64 else f"k must be 1 to 64, got {params.k}"


def init(setup: Setup) -> State:
    """Start with no memory."""
    objects, k = setup.objects, setup.params.k
    worth = np.array(setup.costs, np.float64) if len(setup.costs) else np.ones(1)
    times, asked = np.zeros(k * objects, np.int64), np.zeros(objects, np.int32)
    return State(times, asked, worth, np.ones(objects, np.int64), np.array([k], np.int64))


def on_access(state: State, key: int, req: Request) -> None:
    """Remember when."""
    k = state.k[0]
    state.times[k * key + state.asked[key] % k] = req.now
    state.asked[key] += 1
    state.size[key] = req.size


def admit(state: State, key: int, req: Request) -> bool:
    """Leave it to the comparison."""
    return True


def prefer(state: State, key: int, victim: int, req: Request) -> bool:
    """Compare profits; of equals the one that is here stays."""
    mine, other = density(state, key), density(state, victim)
    if state.asked[key] > 1:
        mine, other = mine * rate(state, key, req.now), other * rate(state, victim, req.now)
    return bool(mine > other)


def density(state: State, key: int) -> float:
    """Return the cost of a miss per byte."""
    return float(state.worth[key if state.worth.shape[0] > 1 else 0] / state.size[key])


def rate(state: State, key: int, now: int) -> float:
    """Return requests per access; 0 for a key that was never asked for."""
    k = state.k[0]
    known = min(k, state.asked[key])
    first = state.times[k * key + (state.asked[key] - known) % k]
    return float(known / max(1, now - first))
