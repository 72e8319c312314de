"""What a run of operations returns beside the rest of its Result: figures by kind of operation, and bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hiersim.engine.result import Stall


@dataclass(frozen=True)
class KindResult:
    """All operations of a kind.

    Attributes:
        action: what they do: ``compute``, ``fetch``, ``offload``, ``store``, ``drop`` or ``carry``.
        count: how many there were.
        busy_ps: picoseconds in which they worked, of a fetch from its beginning, one by one: of two at once twice.
        alone_ps: picoseconds that they would have worked with nothing beside them; 0 of copies of objects.
        compute_ps: the same of their FLOPs alone, or of a duration that is given; without the unit's overhead.
        near_ps: the same of their bytes at the near tier alone.
        unit: who computed the last of them; empty of copies.
        stalls: what units waited for while an operation of this kind was the first that could not go on; longest first.
        flops: FLOPs.
        read_bytes, written_bytes: near their units.
        moved_bytes: bytes that copies named, whether or not they were there already.
    """

    action: str
    count: int
    busy_ps: int
    alone_ps: int
    stalls: tuple[Stall, ...]
    flops: int
    read_bytes: int
    written_bytes: int
    moved_bytes: int
    compute_ps: int = 0
    near_ps: int = 0
    unit: str = ""

    @property
    def stalled_ps(self) -> int:
        """Picoseconds stalled, over all causes and units."""
        return sum(stall.ps for stall in self.stalls)

    @property
    def intensity(self) -> float | None:
        """FLOPs per byte near the unit; ``None`` without bytes."""
        total = self.read_bytes + self.written_bytes
        return self.flops / total if total else None


@dataclass(frozen=True)
class OperationsResult:
    """What became of a trace of operations; times in picoseconds.

    Attributes:
        count: operations.
        makespan_ps: when the last of them was over; transfers that went on behind it do not count.
        critical_path_ps: the longest chain of operations that come after each other, in streams too, each as fast as it
            is alone; copies of objects count as nothing, for they may find their objects in place.
        resources: what each unit and hop had to do in all, as the time that it would take with nothing else to wait
            for; ``gpu0`` is a unit's work, ``hbm.read`` or ``pcie.forward`` the bytes of a hop.
        kinds: figures by kind of operation.
        computing: picoseconds of each unit's work that FLOPs, given durations and overheads take, without its bytes.
        free_ps, begun_ps, over_ps: int64 by operation: when it could begin, when its objects were there, when it was
            over; empty where the trace came in pieces.
    """

    count: int
    makespan_ps: int
    critical_path_ps: int
    resources: dict[str, int]
    kinds: dict[str, KindResult]
    computing: dict[str, int] = field(default_factory=dict)
    free_ps: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    begun_ps: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    over_ps: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def roofline_ps(self) -> int:
        """What the busiest resource takes: no schedule of the same traffic is shorter."""
        return max(self.resources.values(), default=0)

    @property
    def bound_ps(self) -> int:
        """The larger of roofline and critical path: the run is never shorter."""
        return max(self.roofline_ps, self.critical_path_ps)

    @property
    def binding(self) -> str:
        """The busiest resource."""
        return max(self.resources, key=lambda name: self.resources[name], default="-")

    def without(self, resource: str) -> float:
        """Return how many times faster the run could be at most if one resource were infinitely fast."""
        rest = [ps for name, ps in self.resources.items() if name != resource]
        least = max(rest, default=0)
        return self.makespan_ps / least if least else float("inf")


def to_plain(operations: OperationsResult) -> dict[str, Any]:
    """Return the figures as plain numbers and texts, without those by operation."""
    return {
        "count": operations.count,
        "makespan_ps": operations.makespan_ps,
        "critical_path_ps": operations.critical_path_ps,
        "roofline_ps": operations.roofline_ps,
        "binding": operations.binding,
        "resources_ps": dict(sorted(operations.resources.items(), key=lambda item: (-item[1], item[0]))),
        "computing_ps": dict(operations.computing),
        "kinds": {name: _kind(kind) for name, kind in operations.kinds.items()},
    }


def _kind(kind: KindResult) -> dict[str, Any]:
    causes: dict[str, int] = {}
    for stall in kind.stalls:
        causes[stall.cause] = causes.get(stall.cause, 0) + stall.ps
    names = (
        "action",
        "count",
        "busy_ps",
        "alone_ps",
        "compute_ps",
        "near_ps",
        "unit",
        "stalled_ps",
        "flops",
        "read_bytes",
        "written_bytes",
        "moved_bytes",
    )
    return {name: getattr(kind, name) for name in names} | {
        "intensity": kind.intensity,
        "stalls": dict(sorted(causes.items(), key=lambda item: (-item[1], item[0]))),
        "stall_details": [vars(stall) for stall in kind.stalls],
    }
