"""Section 1: hops, the bounds that limit rates there, and what a transfer costs on them in each direction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from oracle.core import effects_nand, effects_packets

KINDS = ("bandwidth", "turnaround", "operations", "dies", "cache")  # in the order of a hop's bounds


@dataclass(eq=False)
class Hop:
    """What transfers pass; its bounds are what can limit their rates."""

    number: int
    name: str
    granularity: int
    slots: int | None
    waiting: str
    bounds: list[Bound] = field(default_factory=list)
    turnaround: float | None = None
    sharpness: int | None = None
    loaded: Any = None  # the LoadedLatency that its latency follows

    def bound(self, kind: str) -> Bound:
        return next(bound for bound in self.bounds if bound.kind == kind)


@dataclass(eq=False)
class Bound:
    """What can limit a rate: one of ``KINDS`` on a hop; the budget is less what others always take.

    ``tier`` is the tier whose write cache this is.
    """

    number: int
    hop: Hop
    kind: str
    budget: float = 1.0
    tier: Any = None


@dataclass(eq=False)
class Leg:
    """A hop in one direction; picoseconds of latency, per byte on the wire (or FLOP), and per operation."""

    hop: Hop
    part: str  # a tier, a link, a unit; `TIER.media` of a tier's media
    direction: str
    latency: int
    byte_cost: float
    op_cost: float | None = None
    background: float = 0.0  # bytes per second of others
    nand: Any = None
    cache_cost: float | None = None  # picoseconds per byte once the write cache is full
    packets: Any = None
    answers: Leg | None = None  # where the read requests go that the bytes of this leg answer

    @property
    def owner(self) -> str:
        return self.part.partition(".")[0]

    def wire(self, size: int) -> int:
        """Bytes that a transfer of ``size`` puts on the wire."""
        g = self.hop.granularity
        whole = -(-size // g) * g
        if self.packets is None:
            return whole
        return whole + effects_packets.headers(self.packets, self.direction, size)

    def asked(self, size: int) -> int:
        """Bytes that its read requests put on the wire of the other direction."""
        return effects_packets.requests(self.packets, size) if self.answers is not None else 0

    def costs(self, size: int) -> list[tuple[Bound, float]]:
        """What a byte of the payload costs on each bound of the hop, then what its read requests cost elsewhere."""
        by_kind = [(bound, self.cost(bound.kind, size)) for bound in self.hop.bounds]
        costs = [(bound, cost) for bound, cost in by_kind if cost is not None]
        asked = self.asked(size)
        if asked:
            costs.append((self.answers.hop.bound("bandwidth"), (asked / size) * self.answers.byte_cost))
        return costs

    def cost(self, kind: str, size: int) -> float | None:
        """What a byte of the payload costs on the hop's bound of a kind; none if it is not on it."""
        if kind == "operations":
            return None if self.op_cost is None else (1 / size) * self.op_cost
        if kind == "dies":
            return None if self.nand is None else effects_nand.cost(self.nand, self.direction, size)
        if kind == "cache":
            return None if self.cache_cost is None else (self.wire(size) / size) * self.cache_cost
        if kind == "turnaround" and self.hop.turnaround is None:
            return None
        alone = (self.wire(size) / size) * self.byte_cost
        pays = "write" if kind == "bandwidth" else "read"
        turns = self.hop.turnaround is not None and self.direction == pays
        return alone * (1.0 + self.hop.turnaround) if turns else alone

    @property
    def load_of_others(self) -> float:
        return self.background * self.byte_cost / 1e12


def budget(kind: str, turnaround: float | None, legs: list[Leg]) -> float:
    """What others leave of a bound (the write cache has a budget of its own)."""
    if kind not in ("bandwidth", "turnaround"):
        return 1.0
    r = sum(leg.load_of_others for leg in legs if leg.direction in ("read", "forward"))
    w = sum(leg.load_of_others for leg in legs if leg.direction in ("write", "backward"))
    if turnaround is None:
        return 1.0 - (r + w)
    if kind == "bandwidth":
        return 1.0 - (r + (1.0 + turnaround) * w)
    return 1.0 - ((1.0 + turnaround) * r + w)
