"""A machine whose near tiers are so fast that copies and computing do not hinder each other, and how to run on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hiersim.drivers.execute.run import run_operations
from hiersim.drivers.execute.setup import Setting
from hiersim.machine import Execute, Link, Machine, Tier, TierRules, Unit
from hiersim.workloads import generate

PCIE, NVME, GPU, CPU = 10e9, 2e9, 1e12, 1e11  # bytes and FLOPs per second
FAST = 1e15  # bytes per second


def tier(kind: Any, bandwidth: float, capacity: float, **figures: Any) -> Tier:
    rates = {"read_bandwidth": bandwidth, "write_bandwidth": bandwidth, "read_latency": 0, "write_latency": 0}
    return Tier(kind=kind, capacity=int(capacity), duplex="half", **rates | figures)


def machine(gddr: float = 1e12, near: float = FAST) -> Machine:
    flops = {"fp16": GPU, "fp32": GPU}
    return Machine(
        tiers={"gddr": tier("gddr", near, gddr), "dram": tier("ddr", FAST, 1e13), "flash": tier("flash", NVME, 1e14)},
        links={
            "pcie": Link(kind="pcie", between=("dram", "gddr"), bandwidth=PCIE, duplex="full", latency=0),
            "nvme": Link(kind="pcie", between=("dram", "flash"), bandwidth=FAST, duplex="full", latency=0),
        },
        units={
            "gpu0": Unit(kind="gpu", tier="gddr", flops=flops),
            "cpu0": Unit(kind="cpu", tier="dram", flops={"fp16": CPU, "fp32": CPU}),
        },
    )


def run(
    kind: str,
    on: Machine | None = None,
    rules: Mapping[str, TierRules] | None = None,
    execute: Execute | None = None,
    **params: Any,
) -> Any:
    chosen = on or machine()
    tiers = {name: TierRules() for name in chosen.tiers} | dict(rules or {})
    return run_operations(Setting(chosen, tiers, {}, execute or Execute()), generate(kind, **params), "test", {})


def loaded(result: Any) -> int:
    """Return the bytes that came over the link to the GPU."""
    return sum(result.links["pcie"].forward_bytes.values())


def read_from(result: Any, name: str) -> int:
    """Return the bytes that were read in a tier."""
    return sum(result.tiers[name].read_bytes.values())
