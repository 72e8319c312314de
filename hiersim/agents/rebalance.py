"""Rebalance: after so many hits in a far tier, migrate what was hit most there to a nearer one.

Promotion by observed heat, apart from the path of an access, as kernels do for CXL memory (TPP: Maruf et al.,
ASPLOS 2023). Use it with ``promotion: never`` in the far tier, so that it decides alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any, NamedTuple

from hiersim.engine.clock import AgentCore


class Params(NamedTuple):
    """Parameters of rebalancing."""

    source: str = ""
    """The far tier; the third, or the last if there are fewer, when empty."""
    target: str = ""
    """Where hot objects go; the tier before the source when empty."""
    every: int = 1000
    """Hits in the source between two decisions."""
    moves: int = 64
    """Objects to migrate at each decision, at most."""
    least_hits: int = 2
    """Hits since the last decision that make an object hot."""


def run(env: Any, core: AgentCore, params: Params) -> Generator[Any, Any, None]:
    """Count hits in the source; after every so many, migrate the hottest objects to the target."""
    source = params.source or core.tiers[min(2, len(core.tiers) - 1)]
    target = params.target or core.tiers[max(0, core.tiers.index(source) - 1)]
    while True:
        hits = yield core.watch("hit", source, every=params.every)
        heat = Counter(record.object for record in hits)
        hottest = sorted(heat, key=lambda key: (-heat[key], key))  # ties by number, so that every run decides alike
        for key in hottest[: params.moves]:
            if heat[key] >= params.least_hits:
                core.migrate(key, source, target)
