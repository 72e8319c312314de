"""What follows from a part's figures: bandwidth-delay products, break-even sizes, mixes, times and energies.

Every number is a closed form of figures that are stated; where one is absent, the number is absent too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from hiersim.api.devices import Device

SIZES = (4 << 10, 64 << 10, 2 << 20)
"""Transfers that requests are counted for, in bytes: a page, a block of KV, a large block."""
SHARES = (1 / 3, 1 / 2)
"""Shares of writes that mixed bandwidths are given for."""
SECOND = 1e12
"""Picoseconds."""
GIGABYTE = 1e9


@dataclass(frozen=True)
class Derived:
    """A number that follows from figures.

    Attributes:
        key: what it is, in a word for programs, such as ``read_half_performance_size``.
        name: what it is, for people; without the direction.
        value: in the base unit of its dimension.
        dimension: a key of ``hiersim.units.DIMENSIONS``; empty for a plain number.
        formula: how it comes about, in words.
        uses: the paths of the figures that it rests on.
        side: the direction that it holds for, such as ``read``; empty where it holds for both together.
    """

    key: str
    name: str
    value: float
    dimension: str
    formula: str
    uses: tuple[str, ...] = ()
    side: str = ""

    @property
    def label(self) -> str:
        """What it is, with its direction."""
        return f"{self.name}, {self.side}" if self.side else self.name


@dataclass(frozen=True)
class Side:
    """One direction of a part: reads or writes of a tier, forward or backward of a link.

    Attributes:
        name: ``read``, ``write``, ``forward`` or ``backward``.
        bandwidth: bytes/s of payload that it moves alone, after efficiency and headers.
        latency: picoseconds before the first byte arrives, without overhead.
        overhead: picoseconds of fixed cost of each transfer.
        ops: operations/s at most; ``None`` without a cap.
        depth: transfers at once; ``None`` without a limit.
        uses: the paths of the figures that these rest on.
    """

    name: str
    bandwidth: float | None
    latency: float | None
    overhead: float
    ops: float | None
    depth: int | None
    uses: tuple[str, ...]

    @property
    def delay(self) -> float | None:
        """Picoseconds of a transfer of no bytes."""
        return None if self.latency is None else self.latency + self.overhead

    @property
    def half_size(self) -> float | None:
        """Bytes whose transfer takes as long as the fixed cost (Hockney's n1/2)."""
        if self.bandwidth is None or self.delay is None:
            return None
        return self.delay / SECOND * self.bandwidth


@dataclass(frozen=True)
class Requests:
    """How many transfers of a size fill a direction's bandwidth, and what its limits let through.

    Attributes:
        side: the direction's name.
        size: bytes of a transfer.
        in_flight: transfers outstanding at which the bandwidth is used in full (Little's law).
        depth: transfers that may be outstanding; ``None`` without a limit.
        alone: bytes/s with one at a time.
        at_depth: bytes/s at most with ``depth`` of them, within bandwidth and operation rate.
    """

    side: str
    size: int
    in_flight: int
    depth: int | None
    alone: float
    at_depth: float


def sides(device: Device) -> tuple[Side, ...]:
    """Return both directions of a tier or link; none of a unit."""
    if device.sort == "unit":
        return ()
    names = ("read", "write") if device.sort == "tier" else ("forward", "backward")
    return tuple(_tier_side(device, n) if device.sort == "tier" else _link_side(device, n) for n in names)


def _tier_side(device: Device, name: str) -> Side:
    share = device.number("efficiency", 1.0) or 1.0
    peak = device.number(f"{name}_bandwidth")
    media = device.number("media_bandwidth") if device.choice("duplex", "half") == "full" else None
    bandwidth = None if peak is None else min(peak * share, media or math.inf)
    uses = (f"{name}_bandwidth", "efficiency", *(("media_bandwidth",) if media else ()))
    return Side(
        name, bandwidth, device.number(f"{name}_latency"), 0.0, device.number(f"{name}_ops"), _depth(device), uses
    )


def _link_side(device: Device, name: str) -> Side:
    raw = wire_bandwidth(device, name)
    bandwidth = None if raw is None else raw * payload_share(device, name)
    field = "backward_bandwidth" if name == "backward" and device.has("backward_bandwidth") else "bandwidth"
    uses = (field, "efficiency", *(("packets.max_payload", f"packets.{_header(device, name)}") * device.has("packets")))
    overhead = device.number("overhead", 0.0) or 0.0
    return Side(name, bandwidth, device.number("latency"), overhead, device.number("ops"), _depth(device), uses)


def _depth(device: Device) -> int | None:
    depth = device.number("queue_depth" if device.sort == "tier" else "engines")
    return None if depth is None else int(depth)


def wire_bandwidth(device: Device, side: str) -> float | None:
    """Return a link direction's bytes/s on the wire, after efficiency, before headers."""
    peak = device.number("bandwidth")
    if side == "backward":
        peak = device.number("backward_bandwidth", peak)
    return None if peak is None else peak * (device.number("efficiency", 1.0) or 1.0)


def payload_share(device: Device, side: str) -> float:
    """Return the share of a link direction's bytes that is payload: 1 without packets."""
    payload, header = device.number("packets.max_payload"), device.number(f"packets.{_header(device, side)}", 0.0)
    return 1.0 if payload is None else payload / (payload + (header or 0.0))


def _header(device: Device, side: str) -> str:
    """Return which header a direction's packets have: completions go towards the end that drives the link."""
    towards = "backward" if device.choice("packets.driven_by", "first") == "first" else "forward"
    return "completion_header" if side == towards else "write_header"


def requests(device: Device) -> list[Requests]:
    """Return the requests in flight that each direction needs, by size; none where latency or bandwidth is absent."""
    return [found for side in sides(device) for found in requests_of(side)]


def requests_of(side: Side) -> Iterator[Requests]:
    """Yield the requests that a direction needs, by size."""
    if side.bandwidth is None or side.half_size is None:
        return
    for size in SIZES:
        alone = size / (size + side.half_size) * side.bandwidth
        alone = min(alone, size * (side.ops or math.inf))
        most = min(side.bandwidth, size * (side.ops or math.inf), alone * (side.depth or math.inf))
        in_flight = math.ceil(round(side.half_size / size, 9)) + 1  # one flows while the others are on their way
        yield Requests(side.name, size, in_flight, side.depth, alone, most)


def derived(device: Device) -> list[Derived]:
    """Return all numbers that follow from a part's figures, in the order in which people read them."""
    from hiersim.api import device_effects as effects

    if device.sort == "unit":
        return list(effects.unit_numbers(device))
    found = [number for side in sides(device) for number in _side_numbers(side)]
    if device.sort == "tier":
        return [*found, *effects.tier_numbers(device)]
    return [*found, *effects.link_numbers(device)]


def _side_numbers(side: Side) -> Iterator[Derived]:
    """Yield what follows for one direction."""
    name, tier = side.name, side.name in ("read", "write")
    if side.bandwidth is None:
        return
    latency = (f"{name}_latency" if tier else "latency", *(("overhead",) if side.overhead else ()))
    fixed = "(latency + overhead)" if side.overhead else "latency"
    words = "bandwidth x efficiency" + " x payload / (payload + header)" * any("packets" in use for use in side.uses)
    yield Derived(
        f"effective_{name}_bandwidth", "effective bandwidth", side.bandwidth, "bytes/s", words, side.uses, name
    )
    if side.latency is not None and side.half_size is not None:
        value, uses = side.latency / SECOND * side.bandwidth, (*side.uses, latency[0])
        words = "latency x effective bandwidth: bytes in flight that use it in full (Little's law)"
        yield Derived(f"{name}_bandwidth_delay_product", "bandwidth-delay product", value, "bytes", words, uses, name)
        words, uses = f"{fixed} x effective bandwidth: half of its time waits (Hockney)", (*side.uses, *latency)
        key = f"{name}_half_performance_size"
        yield Derived(key, "half-performance size n1/2", side.half_size, "bytes", words, uses, name)
    if side.ops:
        ops, value = f"{name}_ops" if tier else "ops", side.bandwidth / side.ops
        words, uses = "effective bandwidth / operation rate: smaller ones are bound by the rate", (*side.uses, ops)
        yield Derived(f"{name}_ops_break_even", "operations break-even size", value, "bytes", words, uses, name)
        if side.delay:
            words, value = f"operation rate x {fixed} (Little's law)", side.ops * side.delay / SECOND
            yield Derived(f"{name}_ops_in_flight", "requests for that rate", value, "", words, (ops, *latency), name)
