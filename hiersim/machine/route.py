"""Routes: which links a transfer passes from one tier to another."""

from __future__ import annotations

import heapq
from typing import NamedTuple

from hiersim.errors import ConfigError
from hiersim.machine.machine import Machine, unknown_tier


class Hop(NamedTuple):
    """One link on a route, in one direction."""

    link: str
    """The link's name."""
    forward: bool
    """True from the first of the link's ``between`` to the second."""


def route(machine: Machine, source: str, target: str) -> list[Hop]:
    """Return the links from one tier to another; empty when they are the same tier.

    The route has the fewest links; among those the least sum of latencies and overheads; among those the first by
    the links' names. A route through a third tier passes only links, not that tier's media.

    Raises:
        ConfigError: the machine lacks one of the tiers, or nothing leads from one to the other.
    """
    for tier in (source, target):
        if tier not in machine.tiers:
            raise ConfigError(unknown_tier(tier, machine.tiers))
    ways: list[tuple[int, int, tuple[Hop, ...], str]] = [(0, 0, (), source)]
    settled: set[str] = set()
    while ways:
        count, latency, hops, tier = heapq.heappop(ways)
        if tier == target:
            return list(hops)
        if tier in settled:
            continue
        settled.add(tier)
        for name, link in machine.links.items():
            if tier in link.between:
                forward = tier == link.between[0]
                way = (
                    count + 1,
                    latency + link.latency + link.overhead,
                    (*hops, Hop(name, forward)),
                    link.between[forward],
                )
                heapq.heappush(ways, way)
    raise ConfigError(f"no link leads from `{source}` to `{target}`")
