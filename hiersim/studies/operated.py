"""Runs of operations for studies: machines put together from parts of the catalogue, and what they moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hiersim.drivers.execute.setup import Trace
from hiersim.engine.result import Result
from hiersim.errors import ConfigError, Mistake
from hiersim.machine import Execute, Machine, TierRules
from hiersim.machine.catalogue import fill_in
from hiersim.machine.mistakes import validated
from hiersim.studies.executed import executed
from hiersim.traces.generators import generate
from hiersim.traces.operation import OperationStream, OperationTrace
from hiersim.units import FROM_TEXT

WIRE = {"kind": "bus", "bandwidth": "1000 TB/s", "latency": "0 s"}
"""A link that adds nothing: the way from a memory to the chip that it belongs to."""


def machine(**groups: Mapping[str, Any]) -> Machine:
    """Return a machine from ``tiers``, ``links`` and ``units`` as a scenario file has them.

    Raises:
        ConfigError: a part or a figure is wrong.
    """
    data, problems = fill_in({"name": "study", **groups})
    made, more = validated(Machine, data, FROM_TEXT)
    if made is None or problems:
        raise ConfigError([Mistake(".".join(map(str, path)), what) for path, what in (*problems, *more)])
    return made


def chip(near: str | Mapping[str, Any], far: str | Mapping[str, Any], unit: str | Mapping[str, Any]) -> Machine:
    """Return a machine of a unit ``gpu0`` with on-chip memory ``sram`` and a memory ``hbm``, from parts or figures."""
    parts = [{"part": each} if isinstance(each, str) else dict(each) for each in (near, far, unit)]
    return machine(
        tiers={"sram": parts[0], "hbm": parts[1]},
        links={"bus": {"between": ["sram", "hbm"], **WIRE}},
        units={"gpu0": {"tier": "sram", **parts[2]}},
    )


def operations(kind: str, **parameters: Any) -> Trace:
    """Return what a generator of operations makes."""
    made = generate(kind, **parameters)
    assert isinstance(made, OperationTrace | OperationStream)
    return made


def run(on: Machine, trace: Trace, capacity_bytes: Mapping[str, int] | None = None, **execute: int) -> Result:
    """Run operations; every tier but the first keeps what is read of it.

    Args:
        on: the machine.
        trace: the operations.
        capacity_bytes: of tiers that are smaller than the machine's.
        execute: ``ahead`` and the like.
    """
    sizes, names = capacity_bytes or {}, list(on.tiers)
    rules = {
        name: TierRules(capacity=sizes.get(name), inclusion="exclusive" if name == names[0] else "inclusive")
        for name in names
    }
    return executed(on, trace, rules, Execute(**execute))


def moved(result: Result, tier: str = "hbm") -> int:
    """Return the bytes that a tier read and wrote."""
    return result.tiers[tier].read_total + result.tiers[tier].written_total


def binding(result: Result) -> str:
    """Return the unit or hop that had most to do."""
    return result.operations.binding if result.operations else ""
