"""The list of machines and parts: one row of plain numbers each, filtered and in order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hiersim.api.devices import ORDER, Device, all_parts, place_of
from hiersim.errors import ConfigError, Mistake, nearest
from hiersim.machine.catalogue import find_machine, machine_names

MACHINE = "machine"
"""The kind of machines in a list."""
KINDS = (MACHINE, *dict.fromkeys(ORDER))
"""What a list may be limited to, from near to far."""


@dataclass(frozen=True)
class Entry:
    """A machine or part in a list; ``None`` where a figure is absent or does not apply.

    Attributes:
        name: its name in the catalogue.
        sort: ``machine``, ``tier``, ``link`` or ``unit``.
        kind: ``machine``, or what the part is made of.
        title: what it is, in a line.
        capacity_bytes: what a tier holds.
        read_bandwidth_bytes_per_s: peak of a tier's reads, or of a link forward.
        write_bandwidth_bytes_per_s: peak of a tier's writes, or of a link backward.
        latency_ps: idle latency of a tier's reads, or of a transfer of a link, with its overhead.
        energy_pj_per_bit: of a tier's reads, or of a link.
        flops: peak FLOP/s of a unit in bf16, or in the first data type that it states.
        power_w: of a unit while it computes.
    """

    name: str
    sort: str
    kind: str
    title: str
    capacity_bytes: float | None = None
    read_bandwidth_bytes_per_s: float | None = None
    write_bandwidth_bytes_per_s: float | None = None
    latency_ps: float | None = None
    energy_pj_per_bit: float | None = None
    flops: float | None = None
    power_w: float | None = None


def _falling(value: float | None) -> float:
    return math.inf if value is None else -value


def _rising(value: float | None) -> float:
    return math.inf if value is None else value


SORTS: dict[str, Callable[[Entry], tuple[object, ...]]] = {
    "distance": lambda each: (place_of(each.kind), _falling(each.read_bandwidth_bytes_per_s or each.flops), each.name),
    "name": lambda each: (each.name,),
    "capacity": lambda each: (_falling(each.capacity_bytes), each.name),
    "bandwidth": lambda each: (_falling(each.read_bandwidth_bytes_per_s), each.name),
    "latency": lambda each: (_rising(each.latency_ps), each.name),
    "energy": lambda each: (_rising(each.energy_pj_per_bit), each.name),
    "flops": lambda each: (_falling(each.flops), each.name),
}
"""The orders of a list: the best first, what is unknown last; ``distance`` is from near to far, the fastest first."""


def listing(kinds: str = "", match: str = "", sort: str = "distance") -> list[Entry]:
    """Return machines and parts, machines first, then tiers, links and units.

    Args:
        kinds: kinds separated by commas, such as ``hbm,ddr`` or ``machine``; all when empty.
        match: words that must all occur in the name, the title or the kind, in any case of letters.
        sort: a key of ``SORTS``.

    Raises:
        ConfigError: there is no such kind or order, with the nearest one.
    """
    wanted = _kinds(kinds)
    if sort not in SORTS:
        raise ConfigError([Mistake("--sort", f"no order `{sort}`{nearest(sort, SORTS)} (one of {', '.join(SORTS)})")])
    words = match.casefold().split()
    found = [each for each in (*_machines(), *map(_part, all_parts())) if each.kind in wanted]
    found = [each for each in found if all(word in _searched(each) for word in words)]
    groups = (MACHINE, "tier", "link", "unit")
    return sorted(found, key=lambda each: (groups.index(each.sort), *SORTS[sort](each)))


def _kinds(text: str) -> Sequence[str]:
    asked = [kind.strip() for kind in text.split(",") if kind.strip()]
    wrong = [f"no kind `{kind}`{nearest(kind, KINDS)} (one of {', '.join(KINDS)})" for kind in asked]
    mistakes = [Mistake("--kind", what) for kind, what in zip(asked, wrong, strict=True) if kind not in KINDS]
    if mistakes:
        raise ConfigError(mistakes)
    return asked or KINDS


def _searched(each: Entry) -> str:
    return f"{each.name} {each.title} {each.kind}".casefold()


def _machines() -> list[Entry]:
    return [Entry(name, MACHINE, MACHINE, find_machine(name).summary) for name in machine_names()]


def _part(device: Device) -> Entry:
    first = next((path for path in device.figures if path.startswith("flops.")), "")
    link = device.sort == "link"
    latency = device.number("latency" if link else "read_latency")
    forward = device.number("bandwidth" if link else "read_bandwidth")
    return Entry(
        name=device.name,
        sort=device.sort,
        kind=device.kind,
        title=device.title,
        capacity_bytes=device.number("capacity"),
        read_bandwidth_bytes_per_s=forward,
        write_bandwidth_bytes_per_s=device.number("backward_bandwidth", forward)
        if link
        else device.number("write_bandwidth"),
        latency_ps=None if latency is None else latency + (device.number("overhead", 0.0) or 0.0),
        energy_pj_per_bit=device.number("energy" if link else "read_energy"),
        flops=device.number("flops.bf16", device.number(first)),
        power_w=device.number("active_power"),
    )
