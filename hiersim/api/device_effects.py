"""What follows from the effects that a part states: mixes, loaded latency, packets, flash, energy, compute."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hiersim.api.device_numbers import GIGABYTE, SECOND, SHARES, SIZES, Derived, payload_share, sides, wire_bandwidth
from hiersim.api.devices import Device
from hiersim.machine.effects import Activation, Nand
from hiersim.machine.effects.amplification import units_touched, write_amplification, writes_per_block

LOADS = (0.5, 0.9)
"""Loads, as shares of the bandwidth, that loaded latencies are given for."""


def size_words(size: int) -> str:
    """Return a size as it is named in keys and names: ``4 KiB``."""
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"


def tier_numbers(device: Device) -> Iterator[Derived]:
    """Yield what follows from a tier's figures beyond each direction alone."""
    yield from _mixes(device)
    yield from _loaded(device, ("read_latency", "write_latency"))
    yield from _whole(device)
    yield from _flash(device)
    yield from _slc(device)
    yield from _wear(device)
    yield from _tier_energy(device)


def mixed_bandwidth(device: Device, writes: float) -> float | None:
    """Return the bytes/s of a tier's reads and writes together when a share of the bytes is written.

    Half duplex: both share the medium, and the direction with fewer bytes costs 1 + turnaround. Full duplex: each
    direction has its own, and the medium behind them, if stated, is shared in the same way.
    """
    read, write = (side.bandwidth for side in sides(device))
    if read is None or write is None:
        return None
    turn = device.number("turnaround", 0.0) or 0.0
    if device.choice("duplex", "half") == "half":
        times = (1 - writes) / read, writes / write
        return 1 / (sum(times) + turn * min(times))
    media = device.number("media_bandwidth")
    behind = media / (1 + turn * min(writes, 1 - writes)) if media else math.inf
    return min(read / (1 - writes), write / writes, behind)


def _mixes(device: Device) -> Iterator[Derived]:
    half = device.choice("duplex", "half") == "half"
    formula = "1 / (time of a byte read or written + turnaround x that of the fewer)"
    if not half:
        formula = "as much as both directions, and the medium behind them, let through"
    uses = ("read_bandwidth", "write_bandwidth", "efficiency", "turnaround", "media_bandwidth")
    for share in SHARES:
        found = mixed_bandwidth(device, share)
        if found is not None:
            name = f"bandwidth at {share:.0%} writes"
            yield Derived(f"bandwidth_at_{share:.0%}_writes".replace("%", ""), name, found, "bytes/s", formula, uses)


def _loaded(device: Device, latencies: tuple[str, ...]) -> Iterator[Derived]:
    rise, asymptote = device.number("loaded_latency.rise"), device.number("loaded_latency.asymptote")
    if rise is None or asymptote is None:
        return
    formula = "idle latency + rise x rho / (1 - rho), rho = load / asymptote"
    for field in latencies:
        idle = device.number(field)
        for load in LOADS if idle is not None else ():
            rho = load / asymptote
            value = (idle or 0.0) + rise * rho / (1 - rho)
            key, side = f"{field}_at_{load:.0%}".replace("%", ""), field.removesuffix("_latency").replace("latency", "")
            uses = (field, "loaded_latency.rise", "loaded_latency.asymptote")
            yield Derived(key, f"latency at {load:.0%} load", value, "time", formula, uses, side)


def lasting_write_bandwidth(device: Device) -> float | None:
    """Return the bytes/s at which writes go on for ever: with a write cache, the rate while that is full."""
    write, full = sides(device)[1].bandwidth, device.number("slc_cache.bandwidth")
    if write is None or full is None:
        return write
    return full * (device.number("efficiency", 1.0) or 1.0)


def _whole(device: Device) -> Iterator[Derived]:
    capacity, cache = device.number("capacity"), device.number("slc_cache.capacity", 0.0) or 0.0
    if not capacity:
        return
    for side, verb in zip(sides(device), ("read", "write"), strict=True):
        if not side.bandwidth:
            continue
        fast, words = capacity, "capacity / effective bandwidth"
        rest, uses = side.bandwidth, ("capacity", *side.uses)
        if verb == "write" and cache:
            fast, rest = min(cache, capacity), lasting_write_bandwidth(device) or side.bandwidth
            words, uses = (
                "write cache / effective bandwidth + the rest / the rate while full",
                (*uses, "slc_cache.capacity"),
            )
        time = (fast / side.bandwidth + (capacity - fast) / rest) * SECOND
        yield Derived(f"time_to_{verb}_whole", "time for all of it", time, "time", words, uses, side.name)


def _nand(device: Device) -> Nand | None:
    fields = ("dies", "page", "read", "program", "unit", "alignment", "over_provisioning", "erase_block")
    stated = {field: device.number(f"nand.{field}") for field in fields if device.has(f"nand.{field}")}
    return Nand.model_validate(stated) if {"dies", "page", "read"} <= set(stated) else None


def _flash(device: Device) -> Iterator[Derived]:
    """Yield what the dies behind the bus read, and program after garbage collection."""
    nand = _nand(device)
    if nand is None:
        return
    rate, uses = nand.dies * nand.page / nand.read * SECOND, ("nand.dies", "nand.page", "nand.read")
    yield Derived("dies_read_bandwidth", "dies read at most", rate, "bytes/s", "dies x page / read time", uses)
    moved = "units replaced x greedy cleaning at this over-provisioning (Desnoyers)"
    if nand.over_provisioning is None:
        moved = "units replaced; nothing is moved: no over-provisioning is stated"
    uses = ("nand.over_provisioning", "nand.unit", "nand.erase_block")
    for size in SIZES if any(device.has(path) for path in uses) else ():
        key, name = f"write_amplification_{size}", f"amplification of {size_words(size)} writes"
        yield Derived(key, name, amplification(nand, size), "", moved, uses)
    uses = ("nand.dies", "nand.page", "nand.program")
    for size in SIZES if nand.program else ():
        rate = nand.dies * nand.page / (nand.program or 1) * SECOND / amplification(nand, size)
        words, name = "dies x page / program time / amplification", f"dies take {size_words(size)} writes at"
        yield Derived(f"dies_write_bandwidth_{size}", name, rate, "bytes/s", words, uses)


def _slc(device: Device) -> Iterator[Derived]:
    size, rate = device.number("slc_cache.capacity"), device.number("slc_cache.bandwidth")
    write = sides(device)[1].bandwidth
    if size is None or rate is None or write is None:
        return
    words = "cache / effective write bandwidth"
    uses = ("slc_cache.capacity", "write_bandwidth", "efficiency")
    yield Derived("slc_fill_time", "write cache full after", size / write * SECOND, "time", words, uses)
    words = "its rate while full x efficiency"
    lasting = lasting_write_bandwidth(device) or rate
    yield Derived("slc_full_bandwidth", "writes then at", lasting, "bytes/s", words, ("slc_cache.bandwidth",))
    drain = device.number("slc_cache.drain", rate) or rate
    words = "cache / drain rate, while nothing is written"
    yield Derived("slc_drain_time", "write cache empty after", size / drain * SECOND, "time", words, uses[:1])


def amplification(nand: Nand, size: int) -> float:
    """Return the bytes programmed per byte written in random writes of ``size`` bytes, garbage collection included."""
    waf = write_amplification(nand.over_provisioning, writes_per_block(nand, size))
    return units_touched(nand, size) * nand.unit * waf / size


def _wear(device: Device) -> Iterator[Derived]:
    endurance, capacity = device.number("endurance"), device.number("capacity")
    if not endurance:
        return
    write, nand = lasting_write_bandwidth(device), _nand(device)
    if capacity:
        words = "endurance / capacity"
        yield Derived("whole_writes", "whole writes in its life", endurance / capacity, "", words, ("endurance",))
    if write:
        words = "endurance / write bandwidth that lasts"
        value = endurance / write * SECOND
        yield Derived("life_at_full_write", "life if always written", value, "time", words, ("endurance",))
    if nand is None:
        return
    for size in SIZES:
        words, value = "endurance / amplification", endurance / amplification(nand, size)
        name = f"takes in {size_words(size)} writes"
        yield Derived(f"endurance_{size}", name, value, "bytes", words, ("endurance", "nand.over_provisioning"))


def activations(activation: Activation, size: int) -> int:
    """Return the rows that a transfer of ``size`` bytes opens."""
    rounds = math.ceil(size / (activation.row * activation.banks))
    return min(math.ceil(size / activation.visit), activation.banks * rounds)


def _tier_energy(device: Device) -> Iterator[Derived]:
    for side in sides(device):
        field = f"{side.name}_energy"
        per_bit = device.number(field)
        if per_bit is not None:
            words = "8e9 bits x pJ/bit" + ", background apart" * (device.choice("energy_basis", "dynamic") == "dynamic")
            value = per_bit * 8 * GIGABYTE
            yield Derived(f"{field}_of_1_gb", "energy of 1 GB", value, "energy", words, (field,), side.name)
    power, read = device.number("background_power"), sides(device)[0].bandwidth
    if power and read:
        words, uses = "background power x 1 GB / effective read bandwidth", ("background_power", "read_bandwidth")
        value = power * GIGABYTE / read * SECOND
        yield Derived("background_energy_of_1_gb", "background while reading 1 GB", value, "energy", words, uses)
    fields = ("energy", "visit", "row", "banks")
    if all(device.has(f"activation.{field}") for field in fields):
        opened = Activation.model_validate({field: device.number(f"activation.{field}") for field in fields})
        for size in SIZES:
            value = activations(opened, size) * opened.energy / size * GIGABYTE
            words = "rows opened x energy of an activation"
            key, name = f"activation_energy_{size}", f"activations of 1 GB in {size_words(size)}"
            yield Derived(key, name, value, "energy", words, tuple(f"activation.{field}" for field in fields))


def both_ways(device: Device) -> float | None:
    """Return the bytes/s each way when a link moves as much payload forward as backward at the same time.

    Read requests of what moves towards the driving end take a share of the other direction.
    """
    forward, backward = wire_bandwidth(device, "forward"), wire_bandwidth(device, "backward")
    if forward is None or backward is None:
        return None
    asked = 0.0
    if device.has("packets"):
        asked = (device.number("packets.request_header", 0.0) or 0.0) / (device.number("packets.read_request") or 1.0)
    first = device.choice("packets.driven_by", "first") == "first"
    costs = {
        "forward": (1 / payload_share(device, "forward") + asked * first) / forward,
        "backward": (1 / payload_share(device, "backward") + asked * (not first)) / backward,
    }
    return 1 / (sum(costs.values()) if device.choice("duplex", "full") == "half" else max(costs.values()))


def link_numbers(device: Device) -> Iterator[Derived]:
    """Yield what follows from a link's figures beyond each direction alone."""
    both = both_ways(device)
    if both is not None:
        words = "the slower direction"
        if device.has("packets"):
            words = "the direction that carries read requests too: payload, header, request_header / read_request"
        words = "both share it" if device.choice("duplex", "full") == "half" else words
        yield Derived("both_ways_bandwidth", "each way, both together", both, "bytes/s", words, ("bandwidth",))
    yield from _loaded(device, ("latency",))
    per_bit = device.number("energy")
    if per_bit is not None:
        value = per_bit * 8 * GIGABYTE
        yield Derived("energy_of_1_gb", "energy to move 1 GB", value, "energy", "8e9 bits x pJ/bit", ("energy",))


def unit_numbers(device: Device) -> Iterator[Derived]:
    """Yield what follows from a unit's figures: FLOP/s that operations reach, and their energy."""
    share, power = device.number("efficiency", 1.0) or 1.0, device.number("active_power")
    for path in device.figures:
        if not path.startswith("flops."):
            continue
        dtype, peak = path.removeprefix("flops."), device.number(path) or 0.0
        words = "peak x efficiency"
        yield Derived(f"{dtype}_reached", f"{dtype} reached", peak * share, "FLOP/s", words, (path, "efficiency"))
        if power:
            words, value = "active power / FLOP/s reached", power / (peak * share) * SECOND
            uses = ("active_power", path, "efficiency")
            yield Derived(f"{dtype}_energy", f"{dtype} energy of a FLOP", value, "energy", words, uses)
