"""Parts of one sort, or machines, side by side: figures, what follows from them, ratios, and which is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hiersim.api.device_numbers import derived
from hiersim.api.device_routes import Route, devices_of, routes
from hiersim.api.devices import Device
from hiersim.errors import ConfigError
from hiersim.machine import Machine

MORE = ("bandwidth", "capacity", "_ops", "ops", "queue_depth", "engines", "slots", "efficiency", "endurance", "dies")
MORE_BEGINS = ("bandwidth_at", "flops.", "dies_", "endurance_", "whole_writes", "life_", "capacity", "compute")
"""How the keys end, or begin, of which more is better."""
LESS = ("latency", "overhead", "power", "turnaround", "rise", "program", "nand.read", "estimates")
LESS_BEGINS = ("time_to", "write_amplification", "energy", "slc_drain")
"""The same where less is better; energies are found by their dimension."""
NEUTRAL = ("bandwidth_delay_product", "half_performance_size", "break_even", "in_flight", "as_stated")


@dataclass(frozen=True)
class Row:
    """One figure or derived number of all that are compared.

    Attributes:
        key: the figure's path, or the derived number's key.
        name: what it is, for people.
        values: one per device, in the base unit; ``None`` where it is absent, a text for choices.
        dimension: a key of ``hiersim.units.DIMENSIONS``; empty for plain numbers and choices.
        ratios: each value over the first one's; ``None`` where either is absent or no number.
        best: the places of the better ones; empty where all are equal, one alone states it, or none is better.
        follows: it is derived, not stated.
    """

    key: str
    name: str
    values: tuple[float | str | None, ...]
    dimension: str
    ratios: tuple[float | None, ...]
    best: tuple[int, ...]
    follows: bool = False


def compare(found: Sequence[Device | Machine]) -> list[Row]:
    """Return what two or more parts of one sort, or machines, state and what follows, row by row.

    Raises:
        ConfigError: there are fewer than two, or they are of different sorts.
    """
    if len(found) < 2:
        raise ConfigError("a comparison needs two names or more")
    sorts = [each.sort if isinstance(each, Device) else "machine" for each in found]
    if len(set(sorts)) > 1:
        what = ", ".join(f"`{each.name}` is a {sort}" for each, sort in zip(found, sorts, strict=True))
        raise ConfigError(f"only parts of one sort, or machines, compare: {what}")
    machines = [each for each in found if isinstance(each, Machine)]
    if machines:
        return _rows([_machine_values(each) for each in machines], False)
    devices = [each for each in found if isinstance(each, Device)]
    stated = [
        {p: (p.replace("_", " "), figure.value, figure.dimension) for p, figure in each.figures.items()}
        for each in devices
    ]
    follows = [{n.key: (n.label, n.value, n.dimension) for n in derived(each)} for each in devices]
    return _rows(stated, False) + _rows(follows, True)


Named = tuple[str, float | str, str]
"""Name, value and dimension."""


def _rows(columns: Sequence[Mapping[str, Named]], follows: bool) -> list[Row]:
    rows = []
    for key in dict.fromkeys(key for column in columns for key in column):
        name, _, dimension = next(column[key] for column in columns if key in column)
        values = tuple(column[key][1] if key in column else None for column in columns)
        rows.append(Row(key, name, values, dimension, _ratios(values), _best(key, dimension, values), follows))
    return rows


def _ratios(values: Sequence[float | str | None]) -> tuple[float | None, ...]:
    first = values[0]
    if not isinstance(first, int | float) or not first:
        return (None,) * len(values)
    return tuple(value / first if isinstance(value, int | float) else None for value in values)


def _best(key: str, dimension: str, values: Sequence[float | str | None]) -> tuple[int, ...]:
    numbers = {i: value for i, value in enumerate(values) if isinstance(value, int | float)}
    wanted = _direction(key, dimension)
    if len(numbers) < 2 or not wanted or len(set(numbers.values())) == 1:
        return ()
    best = max(numbers.values()) if wanted > 0 else min(numbers.values())
    return tuple(i for i, value in numbers.items() if value == best)


def _direction(key: str, dimension: str) -> int:
    """Return 1 where more is better, -1 where less is, 0 where it depends."""
    if key.endswith(NEUTRAL):
        return 0
    if dimension in ("energy", "energy/bit", "power") or key.endswith(LESS) or key.startswith(LESS_BEGINS):
        return -1
    if "latency" in key:
        return -1
    return 1 if key.endswith(MORE) or key.startswith(MORE_BEGINS) or dimension == "FLOP/s" else 0


def _machine_values(machine: Machine) -> dict[str, Named]:
    """Return what is compared of a machine: its units, and each tier as the first unit sees it, the near one first."""
    values: dict[str, Named] = {}
    for i, unit in enumerate(machine.units.values(), 1):
        which = f" of unit {i}" if i > 1 else ""
        for dtype, peak in unit.flops.items():
            values[f"compute.{i}.{dtype}"] = (f"compute{which}, {dtype}", peak * unit.efficiency, "FLOP/s")
    first, near = next((name, unit.tier) for name, unit in machine.units.items())
    for read, write in zip(routes(machine), routes(machine, "write"), strict=True):
        if read.unit == first:
            label = "near tier" if read.tier == near else read.tier
            values |= _tier_values(machine, label, read, write)
    values["capacity"] = ("all tiers, capacity", sum(tier.capacity for tier in machine.tiers.values()), "bytes")
    idle = [device.number("background_power", device.number("idle_power")) for device in devices_of(machine).values()]
    values["power_as_stated"] = ("power when idle, as stated", sum(watts or 0.0 for watts in idle), "power")
    values["estimates"] = ("estimates that it rests on", len(machine.estimates()), "")
    return values


def _tier_values(machine: Machine, label: str, read: Route, write: Route) -> dict[str, Named]:
    tier = machine.tiers[read.tier]
    found: dict[str, Named] = {
        f"{label}.kind": (f"{label}, kind", tier.kind, ""),
        f"{label}.capacity": (f"{label}, capacity", tier.capacity, "bytes"),
        f"{label}.read_latency": (f"{label}, read latency", read.latency, "time"),
        f"{label}.read_bandwidth": (f"{label}, read bandwidth", read.bandwidth, "bytes/s"),
        f"{label}.write_bandwidth": (f"{label}, write bandwidth", write.bandwidth, "bytes/s"),
        f"{label}.in_flight": (f"{label}, bytes in flight", read.in_flight, "bytes"),
    }
    if read.energy is not None:
        found[f"{label}.read_energy"] = (f"{label}, read energy", read.energy, "energy/bit")
    return found
