"""Loops that only count misses, of objects of one size and without admission, for policies whose hooks do more.

A policy's hooks tell at any time what is in the cache and who should leave. Who asks for the number of misses alone can
have it with less work for some policies: a file here has its own state and its own loop over a piece of a trace.

    init(setup) -> State                                 as a policy's, `contract.Setup`
    count(state, keys, next_use, start, room) -> misses  ``start`` is the number of the first access; ``room`` how many
                                                         objects come in before one must leave
    suits(params) -> bool                                if it is for some parameters alone
    most(setup) -> objects                               if it never evicts: what it holds at most, and refuses the rest

It must count what the hooks would, in one piece or many; a test compares the two.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hiersim.policies.loader import Policy

TABLE = {  # identity of a policy -> its file here
    "arc": f"{__name__}.arc",
    "clock": f"{__name__}.clock",
    "clock_pro": f"{__name__}.clock_pro",
    "lhd": f"{__name__}.lhd",
    "mq": f"{__name__}.mq",
    "opt": f"{__name__}.opt",
    "sieve": f"{__name__}.sieve",
    "slru": f"{__name__}.slru",
    "wtinylfu_lcs": f"{__name__}.wtinylfu_lcs",
}


@dataclass(frozen=True)
class Loop:
    """The loop of a policy, with the policy's parameters."""

    module: ModuleType
    params: Any

    def init(self, setup: Any) -> Any:
        """Return the state of an empty cache."""
        return self.module.init(setup._replace(params=self.params))

    def most(self, setup: Any) -> int | None:
        """Return how many objects it takes in all if it refuses the others; ``None`` if it evicts."""
        limit = getattr(self.module, "most", None)
        return int(limit(setup._replace(params=self.params))) if limit else None

    @property
    def count(self) -> Callable[..., int]:
        """Count the misses of a piece of the trace."""
        return self.module.count  # type: ignore[no-any-return]


def find(policy: Policy) -> Loop | None:
    """Return the loop that counts a policy's misses; ``None`` if it has none of its own."""
    place = TABLE.get(policy.identity) if policy.builtin else None
    if place is None:
        return None
    module = importlib.import_module(place)
    fits = not hasattr(module, "suits") or module.suits(policy.params)
    return Loop(module, policy.params) if fits else None
