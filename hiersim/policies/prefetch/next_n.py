"""Next N: after a miss, and after the first use of what was prefetched, fetch the objects with the next numbers.

Objects are numbered by first appearance, so what follows in number is what followed when it was first used.
``when`` says after which accesses: ``miss``, ``tagged`` (also the first use of a prefetched object, so that a sequence
goes on without misses) or ``always``.

Smith: Cache memories. ACM Computing Surveys 14(3), 1982 (one block lookahead: prefetch on misses, tagged, always).
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies.prefetch.contract import MOST, Access, Setup

WHEN = ("miss", "tagged", "always")


class Params(NamedTuple):
    """Parameters of next N."""

    n: int = 1  # objects to fetch
    when: str = "tagged"  # after a miss, also after a first use, or always


class State(NamedTuple):
    """What does not change."""

    rule: np.ndarray  # int64[3]: n, place in WHEN, objects


def init(setup: Setup) -> State:
    """Keep the parameters."""
    return State(np.array([setup.params.n, WHEN.index(setup.params.when), setup.objects], np.int64))


def on_access(state: State, key: int, req: Access, out: np.ndarray) -> int:
    """Name the next keys."""
    n, when, objects = state.rule[0], state.rule[1], state.rule[2]
    if when < 2 and req.hit == 1 and (when == 0 or req.used == 0):
        return 0
    count = min(n, objects - 1 - key)
    for i in range(count):
        out[i] = key + 1 + i
    return int(count)


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters, or nothing."""
    if not 1 <= params.n <= MOST:
        return f"n must be 1 to {MOST}, got {params.n}"
    return "" if params.when in WHEN else f"when must be one of {', '.join(WHEN)}, got {params.when}"
