"""Next-N prefetch: when an object is missed near, bring its next neighbours by number, while nobody asks for them yet.

Objects are numbered by first appearance, so the neighbours of a prefix block are the blocks that followed it when it
was first used. One-block look-ahead and its generalisation to N: Smith, Cache Memories, ACM Computing Surveys 1982.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from hiersim.engine.clock import AgentCore


class Params(NamedTuple):
    """Parameters of next-N prefetch."""

    depth: int = 4
    """Objects to bring after each miss."""
    tier: str = ""
    """The tier that is watched and filled; the nearest when empty."""


def run(env: Any, core: AgentCore, params: Params) -> Generator[Any, Any, None]:
    """Watch for misses in the tier and prefetch the next ``depth`` objects from wherever they are."""
    tier = params.tier or core.tiers[0]
    while True:
        missed = yield core.watch("miss", tier)
        for record in missed:
            for key in range(record.object + 1, min(record.object + 1 + params.depth, core.objects)):
                core.prefetch(key, tier)
