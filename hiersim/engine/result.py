"""What a timed run returns: plain numbers by name, from which every report, table and picture is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.engine.operations import OperationsResult
from hiersim.engine.requests import RequestsResult
from hiersim.engine.timeline import Timeline

ByClass = dict[str, int]
"""Bytes or picoseconds by object class name (``kv``, ``weight`` ...)."""


@dataclass(frozen=True)
class PrefetchResult:
    """What the prefetches into a tier were worth (docs/model.md, section 12); counts of objects.

    Attributes:
        prefetcher: the tier's prefetcher with its parameters; empty where only agents prefetched.
        named: objects that the prefetcher named, most of which may have been there already.
        issued: prefetches for which there was something to do; of them ``dropped`` for want of room or over the limit.
        in_time, late: prefetches that were used, by accesses that found the object there or on its way.
        unused: prefetched objects that left the tier before they were used.
        left: prefetched objects that are in the tier at the end, or on their way, and were not used.
        pollution: misses of objects that had to leave for a prefetch.
        misses: misses of the tier, as in ``TierResult``.
        bytes: of the prefetches that were not dropped.
    """

    prefetcher: str
    named: int
    issued: int
    dropped: int
    in_time: int
    late: int
    unused: int
    left: int
    pollution: int
    misses: int
    bytes: int

    @property
    def used(self) -> int:
        """Prefetches that were of use, in time or late."""
        return self.in_time + self.late

    @property
    def accuracy(self) -> float | None:
        """Share of the prefetched objects that were used; ``None`` without any."""
        return _ratio(self.used, self.issued - self.dropped)

    @property
    def coverage(self) -> float | None:
        """Share of the misses that there would be without prefetches, as far as a run can tell, that they avoided."""
        return _ratio(self.used, self.used + self.misses - self.pollution)

    @property
    def timeliness(self) -> float | None:
        """Share of the used prefetches that had arrived when they were asked for; ``None`` without any."""
        return _ratio(self.in_time, self.used)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True)
class TierResult:
    """One tier, over the whole run.

    Attributes:
        kind: the tier's kind, such as ``hbm``.
        capacity_bytes: the capacity that the run could use; ``peak_bytes`` and ``mean_bytes`` are of it.
        read_bytes, written_bytes: payload through the tier's port, by object class.
        read_wire_bytes, written_wire_bytes: the same rounded up to the granularity, as the medium sees it.
        hits, merged, misses: look-ups that found the object, found it arriving, or passed beyond.
        evictions: victims in all; of them ``dropped`` moved nothing, ``written_back`` were moved outwards.
        lost: dirty objects dropped at the last tier; ``refused``: victims that the next tier had no room for.
        passed_over: times that the policy offered a victim that was pinned or on its way.
        placed_bytes, removed_bytes, resident_bytes: what came, what left, and what stayed at the end.
        busy_ps: time with at least one flow on its port; ``utilisation`` is bytes x cost over elapsed time, at most 1.
        bound: the bound that limited most byte-time of its flows, or ``-``.
        programmed_bytes: written into NAND, garbage collection included; 0 without dies.
        endurance_used: share of the stated endurance that the writes took; ``None`` if none is stated.
        activations: DRAM rows opened, where their energy is known.
        prefetch: what its prefetches were worth; ``None`` where nothing prefetched.
        denied: objects that its admission or its policy turned away; ``None`` where neither does.
    """

    kind: str
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
    mean_bytes: float
    busy_ps: int
    utilisation: float
    bound: str
    energy_j: float
    programmed_bytes: float = 0.0
    endurance_used: float | None = None
    activations: int = 0
    prefetch: PrefetchResult | None = None
    denied: int | None = None

    @property
    def read_total(self) -> int:
        """Payload bytes read, over all object classes."""
        return sum(self.read_bytes.values())

    @property
    def written_total(self) -> int:
        """Payload bytes written, over all object classes."""
        return sum(self.written_bytes.values())


@dataclass(frozen=True)
class LinkResult:
    """One link: payload bytes by object class and wire bytes, utilisation by direction; time with a flow on it."""

    kind: str
    between: tuple[str, str]
    forward_bytes: ByClass
    backward_bytes: ByClass
    forward_wire_bytes: int
    backward_wire_bytes: int
    busy_ps: int
    forward_utilisation: float
    backward_utilisation: float
    energy_j: float

    @property
    def forward_total(self) -> int:
        """Payload bytes from the first of ``between`` to the second, over all object classes."""
        return sum(self.forward_bytes.values())

    @property
    def backward_total(self) -> int:
        """Payload bytes from the second of ``between`` to the first, over all object classes."""
        return sum(self.backward_bytes.values())


@dataclass(frozen=True)
class Stall:
    """Time that a unit stood still for one cause (see docs/model.md, section 9).

    Attributes:
        kind: ``room``, ``slot``, ``latency``, ``bandwidth`` or ``joined``.
        place: the tier or link, such as ``cxl`` or ``pcie.forward``.
        detail: what it was behind, or which bound; may be empty.
        object_class: the class of the object that was waited for.
        ps: the time in picoseconds.
    """

    kind: str
    place: str
    detail: str
    object_class: str
    ps: int

    @property
    def cause(self) -> str:
        """The cause in words without units, such as ``cxl bandwidth`` or ``pcie.forward slot behind write-back``."""
        behind = " behind " if self.kind in ("slot", "room") else " "
        detail = "" if not self.detail or self.detail == self.kind else behind + self.detail
        if self.kind == "joined" and self.detail == "demand":
            detail = " demand fetch"
        return f"{self.place} {self.kind}{detail}"


@dataclass(frozen=True)
class UnitResult:
    """One unit: busy (computing, or on its near tier's port) + stalled + idle = elapsed, in picoseconds."""

    kind: str
    near: str
    busy_compute_ps: int
    busy_near_ps: int
    idle_ps: int
    stalls: tuple[Stall, ...]
    energy_j: float

    @property
    def busy_ps(self) -> int:
        """Picoseconds busy, computing or on the near port."""
        return self.busy_compute_ps + self.busy_near_ps

    @property
    def stalled_ps(self) -> int:
        """Picoseconds stalled, over all causes."""
        return sum(stall.ps for stall in self.stalls)


@dataclass(frozen=True, repr=False)
class Result:
    """What a timed run returns.

    Attributes:
        name: the scenario's name; ``machine`` its machine's summary.
        elapsed_ps: simulated time from 0 to the end of the last event.
        seconds: wall time of the simulation itself, after compilation.
        accesses: accesses replayed; ``created`` of them created or recomputed their object, of ``created_bytes``.
        tiers, links, units: by name, in the machine's order.
        latency_ps: latency of each access, in trace order.
        served_by: for each access the index into ``tiers`` (in order) of the tier that held the object, or -1 for none.
        energy_j: energy in joules by part (``tiers.hbm.read``, ``tiers.hbm.background``, ``links.pcie.transfer``,
            ``units.gpu0.compute`` ...); parts without a figure are missing.
        provenance: versions, seed, scenario hash, trace fingerprint, estimates that the result rests on.
        timeline: every transfer, what each unit did when, how full each tier was; when asked for.
        operations: what became of operations, where such were run; ``accesses`` are their look-ups of objects then.
    """

    name: str
    machine: str
    elapsed_ps: int
    seconds: float
    accesses: int
    created: int
    created_bytes: int
    tiers: dict[str, TierResult]
    links: dict[str, LinkResult]
    units: dict[str, UnitResult]
    latency_ps: NDArray[np.int64]
    served_by: NDArray[np.int8]
    energy_j: dict[str, float]
    provenance: dict[str, Any]
    timeline: Timeline | None = None
    requests: RequestsResult | None = None
    operations: OperationsResult | None = None

    def __repr__(self) -> str:
        tiers = ", ".join(f"{name} {100 * tier.hits / (self.accesses or 1):.1f}%" for name, tier in self.tiers.items())
        done = f"{self.accesses:,} accesses in {self.elapsed_ps / 1e12:.6g} s, {self.total_energy_j:.6g} J"
        return f"<Result {self.name}: {done}; hits {tiers or 'none'}>"

    @property
    def total_energy_j(self) -> float:
        """Energy of the whole run in joules: the sum of its parts."""
        return float(sum(self.energy_j.values()))

    @property
    def miss_ratio(self) -> float:
        """Share of accesses whose object was in no tier; of a run without a trace of accesses, of look-ups."""
        if self.accesses and not len(self.served_by) and self.tiers:
            return next(reversed(self.tiers.values())).misses / self.accesses
        return float(np.count_nonzero(self.served_by < 0)) / self.accesses if self.accesses else 0.0

    @property
    def mean_latency_ps(self) -> float:
        """Mean latency of an access in picoseconds; 0 without accesses."""
        return float(np.mean(self.latency_ps)) if len(self.latency_ps) else 0.0

    def latency_quantiles_ps(self, shares: tuple[float, ...] = (0.5, 0.9, 0.99, 1.0)) -> dict[float, int]:
        """Latency in picoseconds below which the given shares of accesses stayed; empty without accesses."""
        if not len(self.latency_ps):
            return {}
        values = np.quantile(self.latency_ps, shares, method="inverted_cdf")
        return {share: int(value) for share, value in zip(shares, values, strict=True)}
