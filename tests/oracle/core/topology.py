"""Section 1: the hops and bounds of a machine, and routes through it."""

from __future__ import annotations

from typing import Any

from oracle.core.effects_packets import towards_driver
from oracle.core.hops import KINDS, Bound, Hop, Leg, budget

Route = tuple[Leg, ...]


class Topology:
    """All hops and bounds of a machine, and routes through it."""

    def __init__(self, machine: Any, dtype: str) -> None:
        self.machine = machine
        self.hops: list[Hop] = []
        self.bounds: list[Bound] = []
        self.legs: dict[tuple[str, str], Leg] = {}
        for name, tier in machine.tiers.items():
            self._add_tier(name, tier)
        for name, link in machine.links.items():
            self._add_link(name, link)
        for name, unit in machine.units.items():
            hop = self._hop(f"{name}.compute", 1, unit.slots, "fifo")
            self._add_legs([Leg(hop, name, "compute", 0, 1e12 / (unit.flops[dtype] * unit.efficiency))])

    def _add_tier(self, name: str, tier: Any) -> None:
        half, has_media = tier.duplex == "half", tier.media_bandwidth is not None
        port = {"loaded": None if has_media else tier.loaded_latency, "sharpness": tier.sharpness}
        about = (tier.granularity, tier.queue_depth, tier.waiting)
        if half:
            reads = writes = self._hop(name, *about, turnaround=tier.turnaround, **port)
        else:
            reads = self._hop(f"{name}.read", *about, **port)
            writes = self._hop(f"{name}.write", *about, **port)
        read = Leg(reads, name, "read", tier.read_latency, 1e12 / (tier.read_bandwidth * tier.efficiency))
        write = Leg(writes, name, "write", tier.write_latency, 1e12 / (tier.write_bandwidth * tier.efficiency))
        read.op_cost, write.op_cost = _op_cost(tier.read_ops), _op_cost(tier.write_ops)
        read.background, write.background = tier.background_read, tier.background_write
        read.nand = write.nand = tier.nand
        if tier.slc_cache is not None:
            write.cache_cost = 1e12 / (tier.slc_cache.bandwidth * tier.efficiency)
        for legs in [[read, write]] if half else [[read], [write]]:
            self._add_legs(legs, tier)
        if has_media:
            self._add_media(name, tier)

    def _add_media(self, name: str, tier: Any) -> None:
        effects = {"turnaround": tier.turnaround, "sharpness": tier.sharpness, "loaded": tier.loaded_latency}
        hop = self._hop(f"{name}.media", tier.granularity, None, "fifo", **effects)
        byte_cost = 1e12 / tier.media_bandwidth
        others = {"read": tier.background_read, "write": tier.background_write}
        self._add_legs([Leg(hop, hop.name, way, 0, byte_cost, background=rate) for way, rate in others.items()])

    def _add_link(self, name: str, link: Any) -> None:
        backward_bandwidth = link.bandwidth if link.backward_bandwidth is None else link.backward_bandwidth
        about = (link.granularity, link.engines, link.waiting)
        effects = {"sharpness": link.sharpness, "loaded": link.loaded_latency}
        half = link.duplex == "half"
        there = self._hop(name if half else f"{name}.forward", *about, **effects)
        back = there if half else self._hop(f"{name}.backward", *about, **effects)
        latency = link.latency + link.overhead
        forward = Leg(there, name, "forward", latency, 1e12 / (link.bandwidth * link.efficiency))
        backward = Leg(back, name, "backward", latency, 1e12 / (backward_bandwidth * link.efficiency))
        forward.background, backward.background = link.background, link.backward_background
        for leg, other in ((forward, backward), (backward, forward)):
            leg.op_cost, leg.packets = _op_cost(link.ops), link.packets
            if link.packets is not None and towards_driver(link.packets) == leg.direction:
                leg.answers = other
        for legs in [[forward, backward]] if half else [[forward], [backward]]:
            self._add_legs(legs)

    def _hop(self, name: str, granularity: int, slots: int | None, waiting: str, **effects: Any) -> Hop:
        self.hops.append(Hop(len(self.hops), name, granularity, slots, waiting, **effects))
        return self.hops[-1]

    def _add_legs(self, legs: list[Leg], tier: Any = None) -> None:
        """All legs of a hop, and with them its bounds: those on which a byte costs anything."""
        hop = legs[0].hop
        for kind in KINDS:
            if any(leg.cost(kind, 1) is not None for leg in legs):
                hop.bounds.append(Bound(len(self.bounds), hop, kind, budget(kind, hop.turnaround, legs), tier))
                self.bounds.append(hop.bounds[-1])
        self.legs.update({(leg.part, leg.direction): leg for leg in legs})

    def leg(self, part: str, direction: str) -> Leg:
        return self.legs[part, direction]

    def near(self, tier: str, direction: str) -> Route:
        """A tier in one direction: its media, if it states any, lie behind its port."""
        port, media = self.leg(tier, direction), self.legs.get((f"{tier}.media", direction))
        if media is None:
            return (port,)
        return (media, port) if direction == "read" else (port, media)

    def move(self, source: str, target: str) -> Route:
        return (*self.near(source, "read"), *self.path(source, target), *self.near(target, "write"))

    def stream(self, source: str, near: str) -> Route:
        return (*self.near(source, "read"), *self.path(source, near))

    def direct_write(self, near: str, target: str) -> Route:
        return (*self.path(near, target), *self.near(target, "write"))

    def path(self, source: str, target: str) -> Route:
        """Fewest links, then the least total latency, then the smallest list of link names: of all simple paths."""
        paths = self._paths(source, target, {source})
        return min(paths, key=lambda legs: (len(legs), sum(x.latency for x in legs), [x.part for x in legs]))

    def _paths(self, here: str, target: str, seen: set[str]) -> list[Route]:
        if here == target:
            return [()]
        found = []
        for name, link in self.machine.links.items():
            for direction, (a, b) in (("forward", link.between), ("backward", link.between[::-1])):
                if a == here and b not in seen:
                    found += [(self.leg(name, direction), *rest) for rest in self._paths(b, target, seen | {b})]
        return found


def _op_cost(operations_per_s: float | None) -> float | None:
    return None if operations_per_s is None else 1e12 / operations_per_s
