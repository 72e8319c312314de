"""Random small machines: 1 to 4 tiers, a tree of links with a few more, 1 or 2 units.

Bandwidths are a few bytes per picosecond and latencies short, so that times often tie. One machine in two has
effects of devices, each drawn one time in five, in the scale of the objects of ``strategies.traces``: pages, packets
and write caches of 1 to 100 bytes.
"""

from __future__ import annotations

from typing import Any

from hiersim.machine import Link, Machine, Tier, Unit
from hiersim.machine.effects import Activation, LoadedLatency, Nand, Packets, SlcCache
from strategies.dice import Dice

BANDWIDTHS = (1e12, 2e12, 4e12, 5e11, 3e12, 7e11)
OPERATIONS = (1e11, 5e10, 2e11, 3e10)
LATENCIES = (0, 1, 10, 100, 7)
GRANULARITIES = (4, 64, 3)
WAITING = ("fifo", "priority", "fair")
SHARPNESSES = (2, 3, 1, 6)
TURNAROUNDS = (0.3, 1.0, 0.0)
ASYMPTOTES = (1.13, 1.5, 1.02)
SHARES = (0.25, 0.5, 0.1)


def machine(dice: Dice) -> Machine:
    """Draw a machine whose tiers ``t0``, ``t1`` ... are listed from near to far."""
    plain = not dice.chance(2)
    tiers = {f"t{i}": _tier(dice, plain) for i in range(dice.pick((2, 3, 2, 3, 4, 1)))}
    names = list(tiers)
    links = {f"l{i}": _link(dice, plain, names[_parent(dice, i)], names[i]) for i in range(1, len(names))}
    for i in range(dice.often(0, (1, 2)) if len(names) > 1 else 0):
        one = dice.number(0, len(names) - 2)
        links[f"x{i}"] = _link(dice, plain, names[one], names[dice.number(one + 1, len(names) - 1)])
    return Machine(tiers=tiers, links=links, units=_units(dice, names))


def _tier(dice: Dice, plain: bool) -> Tier:
    rates = {
        "read_bandwidth": dice.pick(BANDWIDTHS),
        "write_bandwidth": dice.pick(BANDWIDTHS),
        "duplex": dice.pick(("half", "full")),
        "efficiency": dice.often(1.0, (0.5, 0.9)),
    }
    return Tier(
        kind="ddr",
        capacity=2**40,
        read_latency=dice.pick(LATENCIES),
        write_latency=dice.pick(LATENCIES),
        lookup_latency=dice.often(0, (3, 10), 6),
        read_ops=dice.often(None, OPERATIONS, 8),
        write_ops=dice.often(None, OPERATIONS, 8),
        granularity=dice.often(1, GRANULARITIES),
        queue_depth=_slots(dice),
        waiting=dice.pick(WAITING),
        **_energy(dice, "read_energy", "write_energy", "background_power"),
        **rates,
        **({} if plain else _tier_effects(dice, rates)),
    )


def _tier_effects(dice: Dice, rates: dict[str, Any]) -> dict[str, Any]:
    """Draw what a tier of these bandwidths does beyond them; turns need a shared medium and exclude sharpness."""
    fields: dict[str, Any] = {}
    if rates["duplex"] == "full" and _rarely(dice):
        fields["media_bandwidth"] = dice.pick(BANDWIDTHS)
    if (rates["duplex"] == "half" or "media_bandwidth" in fields) and dice.chance(4):
        fields["turnaround"] = dice.pick(TURNAROUNDS)
    elif _rarely(dice):
        fields["sharpness"] = dice.pick(SHARPNESSES)
    if _rarely(dice):
        fields["loaded_latency"] = _loaded(dice, mixed=bool(fields.get("turnaround")))
    if _rarely(dice):
        fields["nand"] = _nand(dice)
    if _rarely(dice):
        fields["slc_cache"] = _slc_cache(dice, rates["write_bandwidth"])
    if _rarely(dice):
        fields["activation"] = _activation(dice)
    if _rarely(dice):
        directions = rates["read_bandwidth"], rates["write_bandwidth"]
        least = min(min(directions) * rates["efficiency"], fields.get("media_bandwidth", 1e18))
        fields["background_read"] = least * dice.pick(SHARES)
        fields["background_write"] = least * dice.pick((0.0, 0.2))
    return fields


def _loaded(dice: Dice, mixed: bool) -> LoadedLatency:
    return LoadedLatency(
        rise=dice.pick((10, 100, 7)),
        mixed_rise=dice.pick((0, 40)) if mixed else 0,
        asymptote=dice.pick(ASYMPTOTES),
    )


def _nand(dice: Dice) -> Nand:
    """Dies that sense a byte in 0.1 to 25 ps: as fast as a bus of such a machine, or slower."""
    unit = dice.pick((10, 4, 16))
    return Nand(
        dies=dice.pick((1, 2, 4, 3)),
        page=dice.pick((10, 20, 4, 30)),
        read=dice.pick((40, 10, 100)),
        program=dice.pick((None, 20, 60)),
        unit=unit,
        alignment=dice.pick((None, 1, 2)),
        over_provisioning=dice.pick((None, 0.07, 0.28, 1.0)),
        erase_block=dice.often(None, (unit, 4 * unit, 64 * unit), 1),
    )


def _slc_cache(dice: Dice, write_bandwidth: float) -> SlcCache:
    return SlcCache(
        capacity=dice.pick((40, 10, 100, 20, 1)),
        bandwidth=write_bandwidth * dice.pick((0.5, 0.25, 0.1, 1.0)),
        drain=dice.pick((None, 1e11, 1e12)),
    )


def _activation(dice: Dice) -> Activation:
    return Activation(
        energy=dice.pick((1000.0, 17.5)),
        visit=dice.pick((4, 10, 64)),
        row=dice.pick((8, 30)),
        banks=dice.pick((1, 2, 4)),
    )


def _link(dice: Dice, plain: bool, one: str, other: str) -> Link:
    rates = {
        "bandwidth": dice.pick(BANDWIDTHS),
        "backward_bandwidth": dice.often(None, BANDWIDTHS, 6),
        "efficiency": dice.often(1.0, (0.8,)),
    }
    return Link(
        between=dice.pick(((one, other), (one, other), (other, one))),
        kind="pcie",
        duplex=dice.pick(("full", "full", "half")),
        latency=dice.pick(LATENCIES),
        overhead=dice.often(0, (5,)),
        ops=dice.often(None, OPERATIONS, 12),
        granularity=dice.often(1, GRANULARITIES, 6),
        engines=_slots(dice),
        waiting=dice.pick(WAITING),
        **_energy(dice, "energy", "background_power"),
        **rates,
        **({} if plain else _link_effects(dice, rates)),
    )


def _link_effects(dice: Dice, rates: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if _rarely(dice):
        fields["packets"] = _packets(dice)
    if _rarely(dice):
        fields["sharpness"] = dice.pick(SHARPNESSES)
    if _rarely(dice):
        fields["loaded_latency"] = _loaded(dice, mixed=False)
    if _rarely(dice):
        least = min(rates["bandwidth"], rates["backward_bandwidth"] or rates["bandwidth"]) * rates["efficiency"]
        fields["background"] = least * dice.pick(SHARES)
        fields["backward_background"] = least * dice.pick((0.0, 0.2))
    return fields


def _packets(dice: Dice) -> Packets:
    payload = dice.pick((16, 4, 8))
    return Packets(
        max_payload=payload,
        completion_header=dice.pick((2, 0, 3)),
        write_header=dice.pick((3, 1)),
        read_request=payload * dice.pick((1, 2, 8)),
        request_header=dice.pick((2, 1, 4)),
        driven_by=dice.pick(("first", "second")),
    )


def _units(dice: Dice, tiers: list[str]) -> dict[str, Unit]:
    """One unit at the nearest tier, or two: of one kind or of two, at one tier or at two."""
    units = {"u0": _unit(dice, "gpu", tiers[0])}
    if dice.chance(3):
        place = dice.pick((1, 1, 0)) if len(tiers) > 1 else 0
        units["u1"] = _unit(dice, dice.pick(("gpu", "cpu")), tiers[place])
    return units


def _unit(dice: Dice, kind: Any, tier: str) -> Unit:
    return Unit(
        kind=kind,
        tier=tier,
        flops={"bf16": dice.pick(BANDWIDTHS)},
        efficiency=dice.often(1.0, (0.5,)),
        slots=dice.often(None, (1, 2)),
        **_energy(dice, "active_power", "idle_power"),
    )


def _parent(dice: Dice, i: int) -> int:
    return dice.often(i - 1, (0,))


def _rarely(dice: Dice) -> bool:
    return dice.chance(5)


def _slots(dice: Dice) -> int | None:
    return dice.often(None, (1, 2, 3, 4), 4)


def _energy(dice: Dice, *fields: str) -> dict[str, float | None]:
    return {field: dice.pick((None, 1.0, 2.5)) for field in fields}
