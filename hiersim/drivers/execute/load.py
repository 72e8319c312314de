"""Putting operations into the rows of a Program: at first, and behind the others when a trace comes in pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.drivers.cache_loop import next_uses
from hiersim.drivers.execute import columns as x
from hiersim.drivers.execute.program import Program
from hiersim.jit import kernel
from hiersim.policies.contract import NEVER
from hiersim.traces.operation import NONE, PER_OPERATION
from hiersim.traces.operation_checks import successors

if TYPE_CHECKING:
    from hiersim.engine.plan import Plan
    from hiersim.traces.operation import Header, Operations

BY_ROW = (
    *("action", "kind", "unit", "stream", "flops", "dtype", "duration", "near_read", "near_written", "near_class"),
    *("source", "target", "reads", "following", "left", "phase", "outstanding", "work", "place", "looked"),
    *("free_at", "begun", "over", "critical"),
)
BY_USE = ("uses", "amounts", "taken", "next_use")
FRESH = {"following": NONE, "work": NONE, "free_at": -1, "begun": -1, "over": -1}  # others begin at 0


@dataclass(frozen=True)
class Numbers:
    """The core's numbers of what a trace names.

    Attributes:
        actions: uint8 by kind.
        units: int16 by the trace's unit.
        tiers: int16 by the trace's tier, -1 behind them for none.
    """

    actions: Any
    units: Any
    tiers: Any

    @classmethod
    def of(cls, header: Header, plan: Plan) -> Numbers:
        """Look the trace's names up in a plan, which must have them."""
        return cls(
            np.array(header.actions, np.uint8),
            np.array([plan.units.index(name) for name in header.units], np.int16),
            np.array([*(plan.order.index(name) for name in header.objects.tiers), NONE], np.int16),
        )


def extended(p: Program, piece: Operations | None, numbers: Numbers, critical: Any) -> Program:
    """Return a Program with further operations in rows, without those at the front that are over.

    Args:
        p: the Program.
        piece: the operations that follow; ``None`` when there are no more.
        numbers: the core's numbers of names.
        critical: int64 by place, where the chains of operations that leave the rows are kept.
    """
    if piece is None:
        p.state[x.COMPLETE] = 1
        return p
    kept = p if not p.state[x.ROWS] else _without_front(p, critical)
    parts = _appended(kept, piece, numbers)
    state, base, old = parts["state"], int(p.state[x.BASE]), int(kept.state[x.ROWS])
    state[x.ROWS] = old + len(piece)
    parts["remaining"] += np.bincount(piece.uses, minlength=len(parts["remaining"])).astype(np.int32)
    before = parts["after"] - base
    before[(before < 0) | (parts["over"][before.clip(0)] >= 0)] = NONE
    parts["first"], parts["entries"] = successors(parts["after_offsets"], before)
    grown = Program(**parts)
    link(grown.streams, grown.stream, grown.following, grown.state, old)
    wait_for(grown.left, grown.critical, (grown.after_offsets, grown.after, before), critical, base, old)
    state[x.SHORT] = int((grown.streams[:, x.S_LEFT] < state[x.LEAST]).sum())
    return grown


def _without_front(p: Program, critical: Any) -> Program:
    """Return a Program without the rows before its first operation that is not over."""
    waiting = np.flatnonzero(p.phase != x.OVER)
    gone = int(waiting[0]) if len(waiting) else int(p.state[x.ROWS])
    base = int(p.state[x.BASE])
    critical[base : base + gone] = p.critical[:gone]
    if not gone:
        return p
    parts = {name: getattr(p, name)[gone:] for name in BY_ROW}
    for offsets, names in (("offsets", BY_USE), ("after_offsets", ("after",))):
        ends = getattr(p, offsets)
        parts[offsets] = ends[gone:] - ends[gone]
        parts |= {name: getattr(p, name)[ends[gone] :] for name in names if len(getattr(p, name))}
    p.place[:] -= p.offsets[gone]
    p.state[x.BASE] += gone
    p.state[x.ROWS] -= gone
    if p.state[x.CURRENT] != NONE:
        p.state[x.AT] -= p.offsets[gone]
    p.streams[p.streams[:, x.S_LOOK_AT] != NONE, x.S_LOOK_AT] -= p.offsets[gone]
    return p._replace(**parts)


def _appended(p: Program, piece: Operations, numbers: Numbers) -> dict[str, Any]:
    """Return the arrays of a Program with the columns of further operations behind its own."""
    count, uses = len(piece), len(piece.uses)
    columns: dict[str, Any] = {name: getattr(piece, name) for name in PER_OPERATION if name != "duration_ps"}
    columns |= {"duration": piece.duration_ps, "action": numbers.actions.take(piece.kind)}
    columns |= {"unit": numbers.units.take(piece.unit)}
    columns |= {"source": numbers.tiers.take(piece.source), "target": numbers.tiers.take(piece.target)}
    columns |= {"uses": piece.uses, "taken": np.zeros(uses, np.uint8), "after": piece.after}
    columns |= {name: FRESH.get(name, 0) for name in BY_ROW if name not in columns}
    if piece.use_bytes is not None:
        columns["amounts"] = piece.use_bytes
    if p.state[x.FUTURE]:  # of a whole trace, which is one piece
        later = next_uses(piece.uses, len(p.remaining)).astype(np.int64)
        columns["next_use"] = np.where(later < 0, NEVER, later)
    parts: dict[str, Any] = p._asdict()
    for name, column in columns.items():
        parts[name] = _longer(parts[name], column, count)
    for name, added in (("offsets", piece.offsets), ("after_offsets", piece.after_offsets)):
        parts[name] = np.concatenate([parts[name], parts[name][-1] + added[1:]])
    return parts


def _longer(column: Any, more: Any, count: int) -> Any:
    """Return a column with more behind it: an array, or a number for ``count`` rows."""
    size = len(column)
    longer = np.empty(size + (len(more) if np.ndim(more) else count), column.dtype)
    longer[:size] = column
    longer[size:] = more
    return longer


@kernel
def wait_for(left: Any, critical: Any, comes: Any, earlier: Any, base: int, start: int) -> None:
    """Give new rows the number of operations that they come after and that are not over, and the chains of the others.

    Args:
        left: of each row, how many of them are not over.
        critical: of each row, its chain of operations.
        comes: where each row has its entries; what it comes after by place in the trace; and by row, -1 if over.
        earlier: the chains of operations that have left the rows, by place.
        base: the place of the first row.
        start: the first new row.
    """
    offsets, places, before = comes
    for row in range(start, left.shape[0]):
        for e in range(offsets[row], offsets[row + 1]):
            if before[e] >= 0:
                left[row] += 1
            elif places[e] < base:
                critical[row] = max(critical[row], earlier[places[e]])
            else:
                critical[row] = max(critical[row], critical[places[e] - base])


@kernel
def link(streams: Any, stream: Any, following: Any, state: Any, start: Any) -> None:
    """Put new rows behind the others of their streams; a stream without any begins with its first one."""
    for row in range(start, stream.shape[0]):
        s = stream[row]
        place = row + state[x.BASE]
        tail = streams[s, x.S_TAIL]
        if streams[s, x.S_HEAD] == x.NONE:
            streams[s, x.S_HEAD] = place
        if tail != x.NONE and tail >= state[x.BASE]:
            following[tail - state[x.BASE]] = place
        if streams[s, x.S_LOOK] == x.NONE:
            streams[s, x.S_LOOK] = place
            streams[s, x.S_LOOK_AT] = x.NONE
        streams[s, x.S_TAIL] = place
        streams[s, x.S_LEFT] += 1
