"""Bytes by hop and direction, time with a flow, and section 10: energy."""

from __future__ import annotations

from collections import Counter
from typing import Any

from oracle.core import effects_nand, effects_rows
from oracle.core.hops import Leg
from oracle.core.topology import Topology
from oracle.core.transfers import FLOW, Transfer, Transfers

JOULES_PER_PICOJOULE = 1e-12


class Traffic:
    """What has passed each hop; told of stretches of time, and summed over the log at the end."""

    def __init__(self, topology: Topology, transfers: Transfers) -> None:
        self.topology = topology
        self.transfers = transfers
        self.busy: Counter[str] = Counter()  # picoseconds by hop, and by part ("tiers.hbm": either direction)

    def account(self, start: int, end: int) -> None:
        legs = [leg for transfer in self.transfers.in_flight if transfer.stage == FLOW for leg in transfer.route]
        for name in {leg.hop.name for leg in legs}:
            self.busy[name] += end - start
        for part in {leg.part for leg in legs}:
            self.busy["part", part] += end - start

    def payload(self, part: str, direction: str) -> dict[str, int]:
        return self._by_class(part, direction, lambda transfer, leg: transfer.carried(leg))

    def wire(self, part: str, direction: str) -> dict[str, int]:
        """Bytes on the wire in a direction, with the requests for those that come the other way."""
        total = Counter(self._by_class(part, direction, lambda t, leg: {t.object_class: leg.wire(t.size_on(leg))}))
        here = self.topology.leg(part, direction)
        for transfer in self.transfers.log:
            for leg in transfer.route:
                if leg.answers is here:
                    total[transfer.object_class] += leg.asked(transfer.amount)
        return dict(total)

    def programmed(self, tier: str) -> float:
        """Bytes of NAND that writes to a tier programmed."""
        total, leg = 0.0, self.topology.leg(tier, "write")
        if leg.nand is not None:
            for transfer in self._through(leg):
                total += effects_nand.programmed(leg.nand, transfer.size_on(leg))
        return total

    def activations(self, tier: str) -> int:
        """Rows of a tier that were opened."""
        activation = self.topology.machine.tiers[tier].activation
        if activation is None:
            return 0
        legs = [self.topology.leg(tier, way) for way in ("read", "write")]
        through = [transfer.size_on(leg) for leg in legs for transfer in self._through(leg)]
        return sum(effects_rows.activations(activation, size) for size in through)

    def _through(self, leg: Leg) -> list[Transfer]:
        return [transfer for transfer in self.transfers.log if leg in transfer.route]

    def _by_class(self, part: str, direction: str, bytes_of: Any) -> dict[str, int]:
        total: Counter[str] = Counter()
        for transfer in self.transfers.log:
            for leg in transfer.route:
                if (leg.part, leg.direction) == (part, direction):
                    total.update(bytes_of(transfer, leg))
        return dict(total)

    def energy(self, elapsed: int, computing: dict[str, int]) -> dict[str, float]:
        """Joules by part and kind; parts that state no figure have no entry."""
        machine, joules = self.topology.machine, {}
        for name, tier in machine.tiers.items():
            dynamic = [(self.wire(name, "read"), tier.read_energy), (self.wire(name, "write"), tier.write_energy)]
            joules |= _of_part(f"tiers.{name}", dynamic, tier.background_power, elapsed)
            if tier.activation is not None:
                opened = self.activations(name) * tier.activation.energy
                joules[f"tiers.{name}.activation"] = opened * JOULES_PER_PICOJOULE
        for name, link in machine.links.items():
            dynamic = [(self.wire(name, direction), link.energy) for direction in ("forward", "backward")]
            joules |= _of_part(f"links.{name}", dynamic, link.background_power, elapsed)
        for name, unit in machine.units.items():
            busy = computing.get(name, 0)
            if unit.active_power is not None or unit.idle_power is not None:
                active, idle = unit.active_power or 0.0, unit.idle_power or 0.0
                joules[f"units.{name}.compute"] = active * busy * 1e-12 + idle * (elapsed - busy) * 1e-12
        return joules


def slowest(transfer: Transfer) -> float:
    """The least picoseconds that its flow can take: all bytes at its slowest hop alone."""
    return max(work(transfer).values())


def work(transfer: Transfer) -> dict[str, float]:
    """Picoseconds of each bound that its bytes take at the least: without turns, and while the write cache has room."""
    total: dict[str, float] = {}
    for bound, cost in transfer.costs:
        if bound.kind not in ("turnaround", "cache"):
            name = f"{bound.hop.name} {bound.kind}"
            total[name] = total.get(name, 0.0) + cost * transfer.amount
    for leg in transfer.route:
        if leg.hop.turnaround is not None:
            total[f"{leg.hop.name} bandwidth"] = leg.wire(transfer.size_on(leg)) * leg.byte_cost
    return total


def _of_part(name: str, dynamic: list, power: float | None, elapsed: int) -> dict[str, float]:
    joules = {}
    if any(energy is not None for _, energy in dynamic):
        bits = [(sum(by_class.values()) * 8, energy or 0.0) for by_class, energy in dynamic]
        joules[f"{name}.dynamic"] = sum(n * energy for n, energy in bits) * JOULES_PER_PICOJOULE
    if power is not None:
        joules[f"{name}.background"] = power * elapsed * 1e-12
    return joules
