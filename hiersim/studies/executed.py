"""Operations for studies that are written in Python: plain machines, and runs of what a builder or a generator made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hiersim.drivers.execute.run import run_operations
from hiersim.drivers.execute.setup import Setting
from hiersim.engine.result import Result
from hiersim.machine import Execute, Link, Machine, Tier, TierRules, Unit
from hiersim.traces.operation import OperationStream, OperationTrace
from hiersim.traces.operation_builder import OperationBuilder


def plain_tier(kind: Any, bandwidth: float, capacity: float, **figures: Any) -> Tier:
    """Return a tier that reads and writes at one rate, without latency unless it is given.

    Args:
        kind: such as ``hbm``.
        bandwidth: bytes per second.
        capacity: bytes.
        figures: further figures of a tier.
    """
    rates = {"read_bandwidth": bandwidth, "write_bandwidth": bandwidth, "read_latency": 0, "write_latency": 0}
    return Tier(kind=kind, capacity=int(capacity), **rates | figures)


def plain_machine(
    tiers: Mapping[str, Tier], flops: float, link: float = 0.0, latency: int = 0, unit: str = "gpu0"
) -> Machine:
    """Return a machine of one unit near the first tier, and links of one bandwidth from each tier to the next.

    Args:
        tiers: by name, from near to far.
        flops: FLOPs per second in fp16.
        link: bytes per second of each link, each way.
        latency: picoseconds of each link.
        unit: the unit's name.
    """
    names = list(tiers)
    about: dict[str, Any] = {"kind": "pcie", "bandwidth": link, "latency": latency, "duplex": "full"}
    links = {f"link{i}": Link(between=(names[i], names[i + 1]), **about) for i in range(len(names) - 1)}
    return Machine(tiers=dict(tiers), links=links, units={unit: Unit(kind="gpu", tier=names[0], flops={"fp16": flops})})


def executed(
    machine: Machine,
    work: OperationBuilder | OperationTrace | OperationStream | Any,
    rules: Mapping[str, TierRules] | None = None,
    execute: Execute | None = None,
) -> Result:
    """Run operations on all tiers of a machine.

    Args:
        machine: the machine.
        work: a builder, or a trace of operations.
        rules: those of tiers that are not the default.
        execute: how they are executed.
    """
    trace = work.build() if isinstance(work, OperationBuilder) else work
    tiers = {name: TierRules() for name in machine.tiers} | dict(rules or {})
    return run_operations(Setting(machine, tiers, {}, execute or Execute()), trace, trace.name, {})


def seconds(result: Result) -> float:
    """Return how long the operations of a run took."""
    assert result.operations is not None
    return result.operations.makespan_ps / 1e12
