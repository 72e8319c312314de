"""What happened when: every transfer, what each unit did, how full each tier was; columns, times in picoseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
I16 = NDArray[np.int16]
I8 = NDArray[np.int8]

KINDS = (
    "fetch",
    "create",
    "allocate",
    "evict",
    "copy",
    "prefetch",
    "migrate",
    "near read",
    "stream",
    "near write",
    "direct write",
    "compute",
    "carry",
    "operation",
)
"""What a transfer is for, by number (docs/model.md, sections 5 to 8)."""

OPERATION = KINDS.index("operation")

State = Literal["compute", "near", "stall", "idle"]


@dataclass(frozen=True)
class Cause:
    """Why a unit was in a state; the parts of a stall are those of ``Stall``, of other states they are empty."""

    state: State
    kind: str = ""
    place: str = ""
    detail: str = ""
    object_class: str = ""


@dataclass(frozen=True)
class Spans:
    """What each unit did, in order of the starts of a unit's spans, which follow each other without a gap.

    Attributes:
        units: the units' names, which ``unit`` indexes.
        causes: which ``cause`` indexes.
        unit, start_ps, end_ps, cause: of each span.
        access: place in the trace of the access that a stall is charged to (of a driver's run: the number of who wants
            the object), else -1; ``object`` is its object.
        transfer: the row among the transfers of what a stall waits for; -1 if that has not begun or is not kept.
    """

    units: tuple[str, ...]
    causes: tuple[Cause, ...]
    unit: I16
    start_ps: I64
    end_ps: I64
    cause: I32
    access: I64
    object: I32
    transfer: I64


@dataclass(frozen=True)
class Levels:
    """Bytes taken in a tier (resident, arriving with room granted, leaving) from a time on, in order of time.

    ``tier`` indexes ``tiers``; each tier has a row at the start, and one for each instant at whose end they differ.
    """

    tiers: tuple[str, ...]
    tier: I16
    time_ps: I64
    used_bytes: I64


@dataclass(frozen=True)
class Timeline:
    """Every transfer of a run in columns, in order of completion; times in picoseconds, sizes in bytes.

    Attributes:
        places: tier and unit names.
        created_ps, slots_ps, flow_ps, done_ps: when each began, had its slots, began to flow, and was over.
        object, bytes: what it carried; of a computation or an operation the bytes are FLOPs.
        near_bytes: [transfers, 2]: bytes that an operation reads from its near tier and writes there; else 0.
        source, target: index ``places``.
        traffic: 0 demand, 1 write-back, 2 prefetch.
        kind: indexes ``KINDS``; a creation is a computation, then a write.
        route: indexes ``routes``, its hops with their direction, such as ``("cxl.read", "pcie.backward")``.
        spans, levels: what units did, and how full tiers were.
        window_ps: what is kept of the run: transfers that overlap it whole, the rest cut off at its borders.
    """

    places: tuple[str, ...]
    created_ps: I64
    slots_ps: I64
    flow_ps: I64
    done_ps: I64
    object: I32
    bytes: I64
    near_bytes: I64
    source: I16
    target: I16
    traffic: I8
    kind: I8
    route: I16
    routes: tuple[tuple[str, ...], ...]
    spans: Spans
    levels: Levels
    window_ps: tuple[int, int]

    @property
    def hops(self) -> tuple[str, ...]:
        """The hops of all routes, each with its direction, in the order in which routes name them."""
        return tuple(dict.fromkeys(hop for route in self.routes for hop in route))

    def carried(self, hop: str) -> I64:
        """Return the bytes (FLOPs) that each transfer of ``on(hop)`` took over the hop."""
        rows = self.on(hop)
        if hop.endswith(".compute"):
            return self.bytes[rows]
        ways = {"read": slice(0, 1), "write": slice(1, 2)}.get(hop.rpartition(".")[2], slice(2))
        near = self.near_bytes[rows, ways].sum(axis=1)
        return np.where(self.kind[rows] == OPERATION, near, self.bytes[rows])

    def on(self, hop: str) -> I64:
        """Return the rows of the transfers that passed a hop, such as ``pcie.forward``, in order of completion."""
        passing = np.array([hop in route for route in self.routes], bool)
        return np.flatnonzero(passing[self.route]) if len(passing) else np.empty(0, np.int64)
