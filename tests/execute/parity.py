"""Comparing a run of operations with the same run of the naive twin, number by number."""

from __future__ import annotations

from typing import Any

from core.parity import differences
from oracle.core.calendar import StuckError
from oracle.execute.twin import Execution as Twin
from oracle.execute.twin import LostError

from hiersim.drivers.execute import columns as x
from hiersim.drivers.execute.outcome import operations_result
from hiersim.drivers.execute.run import Execution
from hiersim.drivers.execute.setup import Setting
from hiersim.engine import columns as c
from hiersim.engine.laws import check_laws
from hiersim.errors import ConfigError, TraceError


def setting_of(task: Any) -> Setting:
    return Setting(task.machine, task.rules, task.classes, task.execute, timeline=True)


def make_twin(task: Any) -> Twin:
    return Twin(task.machine, task.rules, task.classes, task.execute, task.trace)


def disagreement(task: Any) -> list[str]:
    """Run a task on both; return what differs, in words. Where one cannot go on, neither may the other."""
    mine = Execution(setting_of(task), task.trace)
    mine.core.world = mine.core.world._replace(victims=_victims())
    mine.core.grow(1)
    twin, ended = make_twin(task), None
    try:
        outcome = twin.run()
    except (StuckError, LostError) as why:
        ended = why
    try:
        mine.run()
    except (ConfigError, TraceError) as why:
        return _both_ended(mine, twin, ended, why)
    if ended is not None:
        return [f"the twin ended with {ended!r}, the driver did not"]
    check_laws(mine.core)
    return [*differences(mine.core, outcome), *_operations(mine, twin)]


def _victims() -> Any:
    import numpy as np

    return np.zeros((1024, c.VICTIM_COLUMNS), np.int64)


def _both_ended(mine: Execution, twin: Twin, ended: Any, why: Exception) -> list[str]:
    if ended is None:
        return [f"the driver ended with {why}, the twin did not"]
    if isinstance(ended, LostError) != isinstance(why, TraceError):
        return [f"the driver ended with {why}, the twin with {ended!r}"]
    if isinstance(ended, LostError):
        state = mine.program.state
        lost = int(state[x.LOST_BY]), int(state[x.LOST_OBJECT])
        return [] if lost == ended.args else [f"lost: driver {lost} twin {ended.args}"]
    over = mine.program.over.tolist()
    theirs = [op.over_at for op in twin.ops]
    return [] if over == theirs else [f"over before the standstill: driver {over} twin {theirs}"]


def _operations(mine: Execution, twin: Twin) -> list[str]:
    found: list[str] = []
    result = operations_result(mine)

    def compare(what: str, one: Any, other: Any) -> None:
        if one != other:
            found.append(f"{what}: driver {one} twin {other}")

    def overhead(op: Any) -> int:
        return 0 if op.duration >= 0 or op.over_at < 0 else twin.machine.units[op.unit].overhead

    ops = twin.ops
    compare("free", result.free_ps.tolist(), [op.free_at for op in ops])
    compare("begun", result.begun_ps.tolist(), [op.begun for op in ops])
    compare("over", result.over_ps.tolist(), [op.over_at for op in ops])
    compare("makespan", result.makespan_ps, twin.ended_at)
    compare("critical path", result.critical_path_ps, max((op.critical for op in ops), default=0))
    for name, kind in result.kinds.items():
        mine_of = [op for op in ops if op.kind == name]
        compare(f"{name}.count", kind.count, len(mine_of))
        compare(f"{name}.busy", kind.busy_ps, sum(op.over_at - op.begun for op in mine_of))
        compare(f"{name}.flops", kind.flops, sum(op.flops for op in mine_of))
        compare(f"{name}.compute", kind.compute_ps, sum(op.compute for op in mine_of))
        compare(f"{name}.near", kind.near_ps, sum(op.near for op in mine_of))
        stalls = {(s.kind, s.place, s.detail): s.ps for s in kind.stalls}
        compare(f"{name}.stalls", stalls, {k[1:]: ps for k, ps in twin.stalls.of_kind.items() if k[0] == name and ps})
    for unit, ps in twin.busy.items():
        compare(f"{unit} work", result.resources.get(unit, 0), ps)
        computed = sum(op.compute + overhead(op) for op in ops if op.unit == unit and op.action == "compute")
        compare(f"{unit} computing", result.computing[unit], computed)
    compare("sums", result.bound_ps <= result.makespan_ps or result.roofline_ps > 0, True)
    return found
