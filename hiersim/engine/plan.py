"""From a machine to hops, bounds and routes (docs/model.md, section 1): the part of a run that no access changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from hiersim.engine import columns as c
from hiersim.machine import Link, Machine, Tier, Unit, route
from hiersim.machine.effects import Activation, LoadedLatency, Nand, Packets, SlcCache

PS_PER_S = 1e12
DISCIPLINES = ("fifo", "fair", "priority")
Step = tuple[int, int]  # a hop, and the direction in which it is passed


@dataclass
class Hop:
    """A part of a route with latency, costs and slots; pairs are by direction (read or forward, write or backward)."""

    name: str
    part: str
    byte_cost: tuple[float, float]
    """Picoseconds per byte on the wire (per FLOP for a unit)."""
    op_cost: tuple[float, float] = (0.0, 0.0)
    """Picoseconds per operation; 0 without a cap."""
    latency: tuple[int, int] = (0, 0)
    """Picoseconds."""
    grain: int = 1
    """Granularity in bytes."""
    slots: int | None = None
    waiting: str = "fifo"
    serves: tuple[bool, bool] = (True, True)
    """The directions that it serves."""
    background: tuple[float, float] = (0.0, 0.0)
    """Share of the hop that the traffic of others takes, by direction."""
    turnaround: float | None = None
    sharpness: int | None = None
    loaded: LoadedLatency | None = None
    nand: Nand | None = None
    slc: SlcCache | None = None
    slc_cost: float = 0.0
    """Picoseconds per byte while the write cache is full."""
    slc_loose: float = 1.0
    """Budget of the write cache while it has room, at which it cannot bind."""
    activation: Activation | None = None
    packets: Packets | None = None

    @property
    def kinds(self) -> list[int]:
        """The kinds of its bounds, in their order."""
        nand_programs = self.nand is not None and self.nand.program is not None
        there = {
            c.BANDWIDTH: True,
            c.TURNAROUND: self.turnaround is not None,
            c.OPERATIONS: max(self.op_cost) > 0.0,
            c.DIES: self.nand is not None and (self.serves[0] or nand_programs),
            c.CACHE: self.slc is not None and self.serves[1],
        }
        return [kind for kind, applies in there.items() if applies]

    def costs(self, direction: int) -> list[int]:
        """Return the kinds of the bounds that a transfer in a direction is on."""
        apart: list[int] = []
        if self.op_cost[direction] == 0.0:
            apart.append(c.OPERATIONS)
        if direction == 0:
            apart.append(c.CACHE)
        elif self.nand is None or self.nand.program is None:
            apart.append(c.DIES)
        return [kind for kind in self.kinds if kind not in apart]

    def answers(self, direction: int) -> bool:
        """Say whether bytes in a direction of a link answer the read requests of its driving end."""
        return self.packets is not None and direction == (1 if self.packets.driven_by == "first" else 0)


@dataclass
class Plan:
    """Hops by number, where each part's directions are, and the routes that the managed tiers need."""

    machine: Machine
    order: tuple[str, ...]
    """The managed tiers from near to far; their place here is their number in the core."""
    units: tuple[str, ...]
    hops: list[Hop] = field(default_factory=list)
    tier_step: dict[tuple[str, int], Step] = field(default_factory=dict)
    """(tier, 0 read or 1 write) -> hop and direction of its port."""
    media: dict[str, int] = field(default_factory=dict)
    """Tier -> the hop of the medium behind its two ports, where it has one."""
    link_step: dict[tuple[str, int], Step] = field(default_factory=dict)
    """(link, 0 forward or 1 backward) -> hop and direction."""
    unit_step: dict[str, Step] = field(default_factory=dict)
    routes: list[tuple[str, list[Step]]] = field(default_factory=list)
    """Each route's name and steps; the numbers are in the tables of the core."""
    ends: list[tuple[int, int]] = field(default_factory=list)
    """Each route's two ends: numbers of managed tiers, and behind them of units."""
    bounds: list[tuple[int, int]] = field(default_factory=list)
    """Each bound's hop and kind (``columns.BANDWIDTH`` ...)."""

    def steps(self, source: str, target: str) -> list[Step]:
        """Return the links from one tier to another as steps."""
        return [self.link_step[hop.link, 0 if hop.forward else 1] for hop in route(self.machine, source, target)]

    def port(self, tier: str, direction: int) -> list[Step]:
        """Return the hops of a tier's read (0) or write (1) direction: its port, and its medium if that is one."""
        steps = [self.tier_step[tier, direction]]
        if tier in self.media:
            steps.append((self.media[tier], direction))
        return steps if direction == 1 else steps[::-1]

    def unit_near(self, tier: str) -> int:
        """Return the place of the first unit whose near tier this is, for the ends of routes; else the tier's own."""
        for number, unit in enumerate(self.machine.units.values()):
            if unit.tier == tier:
                return len(self.order) + number
        return self.order.index(tier)

    def add_route(self, name: str, steps: Sequence[Step], ends: tuple[int, int]) -> int:
        """Add a route; return its number."""
        self.routes.append((name, list(steps)))
        self.ends.append(ends)
        return len(self.routes) - 1


def make_plan(machine: Machine, order: Sequence[str], dtype: str) -> Plan:
    """Number the machine's hops and bounds.

    Args:
        machine: the machine.
        order: the managed tiers, from near to far.
        dtype: the number format that the units compute in.
    """
    plan = Plan(machine, tuple(order), tuple(machine.units))
    for name, tier in machine.tiers.items():
        _add_tier(plan, name, tier)
    for name, link in machine.links.items():
        _add_link(plan, name, link)
    for name, unit in machine.units.items():
        _add_unit(plan, name, unit, dtype)
    plan.bounds = [(number, kind) for number, hop in enumerate(plan.hops) for kind in hop.kinds]
    return plan


def _cost(rate: float | None) -> float:
    return 0.0 if rate is None else PS_PER_S / rate


def _add_tier(plan: Plan, name: str, tier: Tier) -> None:
    byte = (
        PS_PER_S / (tier.read_bandwidth * tier.efficiency),
        PS_PER_S / (tier.write_bandwidth * tier.efficiency),
    )
    slc, media = tier.slc_cache, tier.media_bandwidth is not None
    hop = Hop(
        name,
        name,
        byte,
        (_cost(tier.read_ops), _cost(tier.write_ops)),
        (tier.read_latency, tier.write_latency),
        tier.granularity,
        tier.queue_depth,
        tier.waiting,
        background=_background(tier, byte),
        turnaround=None if media else tier.turnaround,
        sharpness=tier.sharpness,
        loaded=None if media else tier.loaded_latency,
        nand=tier.nand,
        slc=slc,
        slc_cost=PS_PER_S / (slc.bandwidth * tier.efficiency) if slc else 0.0,
        slc_loose=2.0 * (tier.write_bandwidth / slc.bandwidth) if slc else 1.0,
        activation=tier.activation,
    )
    _add(plan, ("read", "write"), tier.duplex, hop, plan.tier_step)
    if media:
        _add_media(plan, name, tier)


def _background(tier: Tier, byte_cost: tuple[float, float]) -> tuple[float, float]:
    return tier.background_read * byte_cost[0] / PS_PER_S, tier.background_write * byte_cost[1] / PS_PER_S


def _add_media(plan: Plan, name: str, tier: Tier) -> None:
    byte = (_cost(tier.media_bandwidth), _cost(tier.media_bandwidth))
    plan.media[name] = len(plan.hops)
    plan.hops.append(
        Hop(
            f"{name}.media",
            name,
            byte,
            grain=tier.granularity,
            background=_background(tier, byte),
            turnaround=tier.turnaround,
            loaded=tier.loaded_latency,
        )
    )


def _add_link(plan: Plan, name: str, link: Link) -> None:
    byte = (
        PS_PER_S / (link.bandwidth_of(True) * link.efficiency),
        PS_PER_S / (link.bandwidth_of(False) * link.efficiency),
    )
    hop = Hop(
        name,
        name,
        byte,
        (_cost(link.ops), _cost(link.ops)),
        (link.latency + link.overhead, link.latency + link.overhead),
        link.granularity,
        link.engines,
        link.waiting,
        background=(link.background * byte[0] / PS_PER_S, link.backward_background * byte[1] / PS_PER_S),
        sharpness=link.sharpness,
        loaded=link.loaded_latency,
        packets=link.packets,
    )
    _add(plan, ("forward", "backward"), link.duplex, hop, plan.link_step)


def _add(
    plan: Plan,
    directions: tuple[str, str],
    duplex: Literal["half", "full"],
    hop: Hop,
    steps: dict[tuple[str, int], Step],
) -> None:
    """Add one shared hop, or one for each direction."""
    if duplex == "half":
        steps[hop.name, 0], steps[hop.name, 1] = (len(plan.hops), 0), (len(plan.hops), 1)
        plan.hops.append(hop)
        return
    for i, direction in enumerate(directions):
        steps[hop.name, i] = (len(plan.hops), i)
        changed: dict[str, Any] = {"name": f"{hop.name}.{direction}", "serves": (i == 0, i == 1)}
        changed["op_cost"] = (0.0, 0.0) if hop.op_cost[i] == 0.0 else hop.op_cost
        changed["background"] = (hop.background[0], 0.0) if i == 0 else (0.0, hop.background[1])
        plan.hops.append(replace(hop, **changed))


def _add_unit(plan: Plan, name: str, unit: Unit, dtype: str) -> None:
    flops = unit.flops.get(dtype) or max(unit.flops.values(), default=0.0)  # type: ignore[call-overload]
    cost = PS_PER_S / (flops * unit.efficiency) if flops else 0.0
    plan.unit_step[name] = (len(plan.hops), 0)
    plan.hops.append(Hop(f"{name}.compute", name, (cost, cost), slots=unit.slots))
