"""Bypass: admit a newcomer only if it is used again before the key that would leave for it; needs the future.

With the replacement policy ``opt`` and keys of one size that is the optimum of a cache that need not keep what it
serves; ``opt`` alone is that of one that must.

McFarling: Cache replacement with dynamic exclusion. ISCA 1992 (the optimum that may bypass, of one line).
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies.contract import Request, Setup

NEEDS_FUTURE = True


class State(NamedTuple):
    """When each key is used again."""

    next_use: np.ndarray  # int64[objects]: number of the next access; `contract.NEVER` for none


def init(setup: Setup) -> State:
    """Start before the first access."""
    return State(np.zeros(setup.objects, np.int64))


def on_access(state: State, key: int, req: Request) -> None:
    """Note the next use."""
    state.next_use[key] = req.next_use


def admit(state: State, key: int, req: Request) -> bool:
    """Leave it to the comparison."""
    return True


def prefer(state: State, key: int, victim: int, req: Request) -> bool:
    """Compare the next uses; of two that are never used again the one that is here stays."""
    return bool(req.next_use < state.next_use[victim])
