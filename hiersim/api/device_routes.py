"""A machine as its units see it: what a transfer between a tier and a unit's near tier takes, end to end."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hiersim.api.device_numbers import SECOND, Side, requests_of, sides
from hiersim.api.devices import Device, device_of_record
from hiersim.errors import ConfigError
from hiersim.machine import Machine
from hiersim.machine.catalogue import find_part, part_names
from hiersim.machine.route import route


@dataclass(frozen=True)
class Route:
    """The way between a unit and a tier, in one direction.

    Attributes:
        unit: the unit's name.
        tier: the tier's name.
        direction: ``read`` (from the tier to the unit's near tier) or ``write`` (from there to the tier).
        links: the links passed, from the unit outwards.
        latency: picoseconds before the first byte arrives, of the tier and of all links, overheads included.
        bandwidth: bytes/s of payload at most.
        bottleneck: the part that sets it.
        in_flight: bytes that must be in flight to use the bandwidth (Little's law).
        ops: operations/s at most; ``None`` without a cap.
        depth: transfers at once; ``None`` without a limit.
        requests: transfers in flight that fill the bandwidth, by their size in bytes.
        energy: pJ/bit of the tier and all links; ``None`` where one is not stated.
        estimates: dotted paths of the estimates that latency and bandwidth rest on.
    """

    unit: str
    tier: str
    direction: str
    links: tuple[str, ...]
    latency: float
    bandwidth: float
    bottleneck: str
    in_flight: float
    ops: float | None
    depth: int | None
    requests: dict[int, int]
    energy: float | None
    estimates: tuple[str, ...]


def devices_of(machine: Machine) -> dict[str, Device]:
    """Return the tiers, links and units of a machine by dotted path, such as ``tiers.hbm``, each with its title."""
    found = {}
    for path, part in machine.parts().items():
        group, name = path.split(".", 1)
        device = device_of_record(name, group.removesuffix("s"), part)
        if part.part in part_names():
            device = Device(name, device.sort, find_part(str(part.part))["title"], device.figures)
        found[path] = device
    return found


def routes(machine: Machine, direction: str = "read") -> list[Route]:
    """Return the routes between each unit and each tier, in the machine's order.

    Args:
        machine: the machine.
        direction: ``read`` or ``write``.
    """
    parts = devices_of(machine)
    return [_route(machine, parts, unit, tier, direction) for unit in machine.units for tier in machine.tiers]


def _route(machine: Machine, parts: dict[str, Device], unit: str, tier: str, direction: str) -> Route:
    near = machine.units[unit].tier
    outwards = route(machine, near, tier)
    reads = direction == "read"
    passed = {f"tiers.{tier}": sides(parts[f"tiers.{tier}"])[0 if reads else 1]}
    hops = route(machine, tier, near)[::-1] if reads else outwards
    for hop in hops:
        passed[f"links.{hop.link}"] = sides(parts[f"links.{hop.link}"])[0 if hop.forward else 1]
    slowest = min(passed, key=lambda path: passed[path].bandwidth or math.inf)
    latency = sum(side.delay or 0.0 for side in passed.values())
    bandwidth = passed[slowest].bandwidth or math.inf
    depths = [side.depth for side in passed.values() if side.depth is not None]
    rates = [side.ops for side in passed.values() if side.ops is not None]
    whole = Side(direction, bandwidth, latency, 0.0, min(rates, default=None), min(depths, default=None), ())
    return Route(
        unit=unit,
        tier=tier,
        direction=direction,
        links=tuple(hop.link for hop in hops),
        latency=latency,
        bandwidth=bandwidth,
        bottleneck=slowest.split(".", 1)[1],
        in_flight=latency / SECOND * bandwidth,
        ops=whole.ops,
        depth=whole.depth,
        requests={each.size: each.in_flight for each in requests_of(whole)},
        energy=_energy(parts, passed),
        estimates=_estimates(parts, passed),
    )


def _energy(parts: dict[str, Device], passed: dict[str, Side]) -> float | None:
    """Return the pJ/bit of all parts of a route, or ``None`` where one does not state its own."""
    fields = {path: f"{side.name}_energy" if path.startswith("tiers.") else "energy" for path, side in passed.items()}
    stated = [parts[path].number(field) for path, field in fields.items()]
    known = [each for each in stated if each is not None]
    return sum(known) if len(known) == len(stated) else None


def _estimates(parts: dict[str, Device], passed: dict[str, Side]) -> tuple[str, ...]:
    """Return the estimates among the latencies and bandwidths of a route's parts."""
    found = []
    for path, side in passed.items():
        delays = (f"{side.name}_latency",) if path.startswith("tiers.") else ("latency", "overhead")
        found += [f"{path}.{field}" for field in parts[path].estimates((*delays, *side.uses))]
    return tuple(found)


def balance(machine: Machine, unit: str, tier: str) -> dict[str, float]:
    """Return the FLOPs per byte, by data type, at which a unit computes as long as a tier's bytes take to reach it.

    Raises:
        ConfigError: the machine has no such unit or tier.
    """
    if unit not in machine.units:
        raise ConfigError(f"no unit `{unit}` (the machine has {', '.join(machine.units)})")
    found = _route(machine, devices_of(machine), unit, tier, "read")
    own = machine.units[unit]
    return {dtype: peak * own.efficiency / found.bandwidth for dtype, peak in own.flops.items()}
