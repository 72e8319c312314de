"""Random: evict any key, each with the same chance; the yardstick below which a policy's memory does harm.

The generator is the policy's own (`policies.dice`), seeded by the scenario, so that a run repeats.

Belady: A study of replacement algorithms for a virtual-storage computer. IBM Systems Journal 5(2), 1966.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import dice, memory, pool
from hiersim.policies.contract import Request, Setup


class State(NamedTuple):
    """The keys that are here, in no order; see `policies.pool`."""

    keys: np.ndarray  # int32[objects]: the first `filled` are here
    place: np.ndarray  # int32[objects]: where each of them is in `keys`
    filled: np.ndarray  # int64[1]: how many are here
    random: np.ndarray  # uint64[1]: the generator's state, never 0


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    return State(*pool.empty(setup.objects, setup.objects), dice.start(setup.seed))


def on_insert(state: State, key: int, req: Request) -> None:
    """Join at the end."""
    pool.push(state.keys, state.place, state.filled, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Change nothing."""


def on_remove(state: State, key: int) -> None:
    """Leave the place to the last key."""
    pool.drop(state.keys, state.place, state.filled, key)


def victim(state: State, req: Request) -> int:
    """Draw one."""
    return int(state.keys[dice.below(state.random, state.filled[0])])


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.place, key)
