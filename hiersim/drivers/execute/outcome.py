"""From a run of operations that has come to rest to its figures by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hiersim.drivers.execute import columns as x
from hiersim.engine import columns as c
from hiersim.engine.operations import KindResult, OperationsResult
from hiersim.engine.result import Stall
from hiersim.engine.words import DETAILS, KINDS
from hiersim.engine.world import I64
from hiersim.traces.operation import ACTIONS, OperationTrace

if TYPE_CHECKING:
    from hiersim.drivers.execute.run import Execution


def operations_result(execution: Execution) -> OperationsResult:
    """Return what became of the operations."""
    p, trace = execution.program, execution.trace
    whole = isinstance(trace, OperationTrace)
    by_operation = {"free_ps": p.free_at, "begun_ps": p.begun, "over_ps": p.over} if whole else {}
    return OperationsResult(
        count=int(p.state[x.DONE]),
        makespan_ps=int(p.state[x.ENDED_AT]),
        critical_path_ps=int(p.streams[:, x.S_CRITICAL].max(initial=0)),
        resources=_resources(execution),
        computing=_by_unit(execution, p.computing),
        kinds={name: _kind(execution, number) for number, name in enumerate(trace.header.kinds)},
        **{name: column.copy() for name, column in by_operation.items()},
    )


def _resources(execution: Execution) -> dict[str, int]:
    """Return what units and hops had to do, in picoseconds, of those that had anything to do."""
    w, plan = execution.core.world, execution.core.plan
    work = _by_unit(execution, execution.program.busy)
    units = {hop for hop, _ in plan.unit_step.values()}
    for number, hop in enumerate(plan.hops):
        if number not in units:
            work[hop.name] = int((w.wire[number] * w.byte_cost[number]).sum())
    return {name: ps for name, ps in work.items() if ps}


def _by_unit(execution: Execution, column: I64) -> dict[str, int]:
    return {name: int(ps) for name, ps in zip(execution.core.plan.units, column, strict=True)}


def _kind(execution: Execution, number: int) -> KindResult:
    row, units = execution.program.kinds[number], execution.core.plan.units
    return KindResult(
        action=ACTIONS[row[x.K_ACTION]],
        count=int(row[x.K_COUNT]),
        busy_ps=int(row[x.K_BUSY]),
        alone_ps=int(row[x.K_ALONE]),
        compute_ps=int(row[x.K_COMPUTE]),
        near_ps=int(row[x.K_NEAR]),
        unit=units[row[x.K_UNIT]] if row[x.K_UNIT] >= 0 else "",
        stalls=_stalls(execution, number),
        flops=int(row[x.K_FLOPS]),
        read_bytes=int(row[x.K_READ]),
        written_bytes=int(row[x.K_WRITTEN]),
        moved_bytes=int(row[x.K_MOVED]),
    )


def _stalls(execution: Execution, number: int) -> tuple[Stall, ...]:
    """Return what units waited for while an operation of a kind could not go on, longest first."""
    plan, table = execution.core.plan, execution.core.world.waits[number]
    stalls = []
    for kind, place, detail in np.argwhere(table > 0):
        where = plan.order[place] if kind in (c.S_ROOM, c.S_JOINED) else plan.hops[place].name
        stalls.append(Stall(KINDS[kind], where, DETAILS[int(kind)][detail], "", int(table[kind, place, detail])))
    return tuple(sorted(stalls, key=lambda stall: (-stall.ps, stall.cause)))
