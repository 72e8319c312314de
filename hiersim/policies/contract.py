"""What a policy is told: how large its cache is, and which access it is asked about."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hiersim.errors import TraceError

NEVER = 2**62  # `next_use` of an access whose key is not used again


class Request(NamedTuple):
    """The access that a policy is asked about."""

    key: int  # the object, 0 to objects - 1
    size: int  # bytes; 1 where all objects count the same
    now: int  # number of this access, from 0
    next_use: int  # number of the next access to the same key; NEVER if there is none or it is not known


class Setup(NamedTuple):
    """What a policy's ``init`` is given."""

    capacity: int  # bytes; objects where `uniform`
    objects: int  # keys are 0 to objects - 1
    accesses: int = 0  # length of the trace, and so the bound of `now` and of `next_use`; 0 where not known
    uniform: bool = True  # whether every size is 1
    seed: int = 0  # of a policy's own random numbers
    params: Any = ()  # the policy's `Params`, a NamedTuple
    parents: np.ndarray = np.empty(0, np.int32)  # int32[objects]: the key that each extends (the KV block before it),
    # -1 for none; empty where objects have no such order
    costs: np.ndarray = np.empty(0, np.float64)  # float64[objects]: what a miss of each costs; empty where all cost 1


def portion(capacity: int, share: float) -> int:
    """Return a share of a capacity, or a multiple of it, as a whole number: at most ``NEVER``, more than any holds."""
    return int(min(capacity * share, NEVER))


def known(objects: int, parents: np.ndarray | None, costs: np.ndarray | None) -> dict[str, np.ndarray]:
    """Return the fields of ``Setup`` that tell of objects, for those that are known.

    Args:
        objects: keys are 0 to ``objects`` - 1; what is told of further ones is left out.
        parents: int32[objects], the key that each one extends, -1 for none.
        costs: float64[objects], what a miss of each costs.

    Raises:
        TraceError: a column is too short, a parent is no key, or a cost is not a number from 0.
    """
    told: dict[str, np.ndarray] = {}
    for name, column, kind in (("parents", parents, np.int32), ("costs", costs, np.float64)):
        if column is not None:
            if len(column) < objects:
                raise TraceError(f"{name} must have one entry for each of {objects} objects, got {len(column)}")
            told[name] = np.ascontiguousarray(column[:objects], kind)
    up, cost = told.get("parents", np.empty(0, np.int32)), told.get("costs", np.empty(0))
    if len(up) and not (up.min() >= -1 and up.max() < objects):
        raise TraceError(f"parents must be -1 to {objects - 1}, got {up.min()} to {up.max()}")
    if len(cost) and not (np.isfinite(cost).all() and cost.min() >= 0):
        wrong = int(np.flatnonzero(~(np.isfinite(cost) & (cost >= 0)))[0])
        raise TraceError(f"costs must be numbers from 0, got {cost[wrong]} for object {wrong}")
    return told
