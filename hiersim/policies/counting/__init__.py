"""Loops that only count misses, of objects of one size and without admission, for policies whose hooks do more.

A policy's hooks tell at any time what is in the cache and who should leave. Who asks for the number of misses alone can
have it with less work for some policies: a file here has its own state and its own loop over a piece of a trace.

    init(setup) -> State                                 as a policy's, `contract.Setup`
    count(state, keys, next_use, start, room) -> misses  ``start`` is the number of the first access; ``room`` how many
                                                         objects come in before one must leave

It must count what the hooks would, in one piece or many; a test compares the two.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hiersim.policies.loader import Policy

TABLE = {  # identity of a policy -> its file here
    "arc": f"{__name__}.arc",
    "opt": f"{__name__}.opt",
    "sieve": f"{__name__}.sieve",
    "wtinylfu_lcs": f"{__name__}.wtinylfu_lcs",
}


def find(policy: Policy) -> ModuleType | None:
    """Return the loop that counts a policy's misses; ``None`` if it has none of its own."""
    place = TABLE.get(policy.identity) if policy.builtin else None
    return importlib.import_module(place) if place else None
