"""How much state a policy keeps, measured on the arrays that its ``init`` makes at two sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hiersim.policies.contract import Setup

if TYPE_CHECKING:
    from hiersim.policies.counting import Loop
    from hiersim.policies.loader import Policy

SMALL, LARGE = 1 << 12, 1 << 14  # sizes that are compared: powers of two, as tables like them


@dataclass(frozen=True)
class Footprint:
    """What a policy's state grows with.

    Attributes:
        per_object: bytes for each object of the trace.
        per_slot: bytes for each object that the cache holds, on top; for a cache as large as the trace.
        per_access: bytes for each access of the trace.
    """

    per_object: float
    per_slot: float
    per_access: float

    @property
    def most(self) -> float:
        """Bytes for each object at most, where the cache can hold all of them; without those per access."""
        return self.per_object + self.per_slot

    def bytes(self, objects: int, slots: int, accesses: int) -> int:
        """Return the bytes of the state for a trace and a cache that holds so many objects."""
        return int(self.per_object * objects + self.per_slot * min(slots, objects) + self.per_access * accesses)


def footprint(policy: Policy | Loop, *, uniform: bool = True) -> Footprint:
    """Return what a policy's state grows with.

    Args:
        policy: of which ``init`` is called; or a loop that only counts its misses (`policies.counting`).
        uniform: whether all objects have one size; otherwise each has one byte, but might have others.
    """

    def slope(small: Setup, large: Setup) -> float:
        return (_bytes(policy, large) - _bytes(policy, small)) / (LARGE - SMALL)

    base = Setup(LARGE, LARGE, LARGE, uniform)
    both = slope(base._replace(capacity=SMALL, objects=SMALL), base)
    objects = slope(base._replace(capacity=SMALL, objects=SMALL), base._replace(capacity=SMALL))
    accesses = slope(base._replace(accesses=SMALL), base)
    return Footprint(objects, both - objects, accesses)


def facts(policy: Policy) -> dict[str, float]:
    """Return what a policy's state grows with, in bytes, for a list of facts; what is 0 is left out.

    The keys: bytes per object of the trace, per object that the cache can hold on top of that, per access of the trace,
    and the most per object, where the cache can hold all: of one size, and of different sizes.
    """
    one, other = footprint(policy), footprint(policy, uniform=False)
    found = {
        "bytes_per_object": one.per_object,
        "bytes_per_object_that_fits": one.per_slot,
        "bytes_per_access": one.per_access,
        "most_bytes_per_object": one.most,
        "most_bytes_per_object_with_sizes": other.most,
    }
    return {key: round(value, 1) for key, value in found.items() if value}


def _bytes(policy: Policy | Loop, setup: Setup) -> int:
    if getattr(policy, "needs_parents", False):
        setup = setup._replace(parents=np.full(setup.objects, -1, np.int32))
    return sum(int(array.nbytes) for array in policy.init(setup))
