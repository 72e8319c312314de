"""A plain machine for closed forms: hbm 1 B/ps, dram 4 B/ps, a link of 0.1 B/ps and 100 ps, units of 1 FLOP/ps."""

from __future__ import annotations

from typing import Any

from hiersim.drivers.execute.run import run_operations
from hiersim.drivers.execute.setup import Setting
from hiersim.machine import Execute, Link, Machine, Tier, TierRules, Unit


def tier(kind: Any, bandwidth: float, capacity: int, **figures: Any) -> Tier:
    rates = {"read_bandwidth": bandwidth, "write_bandwidth": bandwidth, "read_latency": 0, "write_latency": 0}
    return Tier(kind=kind, capacity=capacity, duplex="half", **rates | figures)


def plain(hbm: int = 10**6, **unit: Any) -> Machine:
    return Machine(
        tiers={"hbm": tier("hbm", 1e12, hbm), "dram": tier("ddr", 4e12, 10**9)},
        links={"pcie": Link(kind="pcie", between=("dram", "hbm"), bandwidth=1e11, duplex="full", latency=100)},
        units={
            "gpu": Unit(kind="gpu", tier="hbm", flops={"fp16": 1e12}, **unit),
            "cpu": Unit(kind="cpu", tier="dram", flops={"fp16": 1e12}),
        },
    )


def run(trace: Any, machine: Machine | None = None, rules: Any = None, **execute: Any) -> Any:
    machine = machine or plain()
    rules = rules or {name: TierRules() for name in machine.tiers}
    return run_operations(Setting(machine, rules, {}, Execute(**execute), timeline=True), trace, "test", {})
