"""What a run of the twin returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

ByClass = dict[str, int]


class Evicted(NamedTuple):
    """A victim: when, which, and how: ``drop``, ``move``, ``lost`` (dirty, at the end), ``refused`` or ``denied``."""

    time: int
    object: int
    how: str


class Moved(NamedTuple):
    """A transfer that is over; ``amount`` is in bytes, or FLOPs of a computation; ``route`` is ``source>target``."""

    created: int
    slots: int
    flow: int
    done: int
    route: str
    traffic_class: int
    amount: int
    object: int


@dataclass
class TierOutcome:
    """The counters of ``TierResult``; ``byte_time`` is bytes x ps of all used room, ``programmed_bytes`` of NAND."""

    capacity_bytes: int
    read_bytes: ByClass
    written_bytes: ByClass
    read_wire_bytes: int
    written_wire_bytes: int
    hits: int
    merged: int
    misses: int
    evictions: int
    dropped: int
    written_back: int
    lost: int
    refused: int
    passed_over: int
    placed_bytes: int
    removed_bytes: int
    resident_bytes: int
    peak_bytes: int
    byte_time: int
    busy_ps: int
    programmed_bytes: float
    activations: int
    denied: int
    evicted: list[Evicted]
    prefetches: dict[str, int]  # counts of section 12
    levels: list[tuple[int, int]]  # bytes of used room from a time on


@dataclass
class HopOutcome:
    """Payload and wire bytes (headers and requests, too) by direction and class, and time with at least one flow."""

    bytes: dict[str, ByClass]
    wire_bytes: dict[str, ByClass]
    busy_ps: int


@dataclass
class UnitOutcome:
    """Where a unit's time went; stalls by (kind, place, detail, object class)."""

    busy_compute_ps: int
    busy_near_ps: int
    idle_ps: int
    stalls: dict[tuple[str, str, str, str], int]
    spent: list[tuple[Any, ...]]  # start, end, state, cause, access, object, place of the transfer waited for

    @property
    def stalled_ps(self) -> int:
        return sum(self.stalls.values())


@dataclass
class TwinOutcome:
    """A whole run, accesses in trace order; ``served`` is the tier where the first look-up found the object."""

    elapsed_ps: int
    events: int
    created: int
    created_bytes: int
    issue_ps: list[int]
    done_ps: list[int]
    served: list[str | None]
    tiers: dict[str, TierOutcome]
    hops: dict[str, HopOutcome]
    units: dict[str, UnitOutcome]
    transfers: list[Moved]
    energy_j: dict[str, float]

    @property
    def latency_ps(self) -> list[int]:
        return [done - issue for issue, done in zip(self.issue_ps, self.done_ps, strict=True)]
