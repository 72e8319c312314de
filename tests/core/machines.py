"""Small machines and runs of the compiled core, for closed forms and laws."""

from __future__ import annotations

from typing import Any

from hiersim.drivers.replay import replay_timed
from hiersim.engine.result import Result
from hiersim.machine import ClassRules, Link, Machine, Replay, Tier, TierRules, Unit
from hiersim.traces.access import AccessTrace

NEAR, FAR = "near", "far"
STREAM = TierRules(promotion="never")
AT_HOME = {"page": ClassRules(on_miss="home", home=FAR)}


def a_tier(**fields: Any) -> Tier:
    figures = {"read_bandwidth": 1e12, "write_bandwidth": 1e12, "read_latency": 0, "write_latency": 0}
    return Tier(kind="ddr", **{"capacity": 10**6} | figures | fields)


def a_link(one: str, other: str, **fields: Any) -> Link:
    return Link(between=(one, other), kind="pcie", **{"bandwidth": 1e12, "latency": 0} | fields)


def a_machine(near=None, far=None, link=None, **unit: Any) -> Machine:
    """Two tiers, one byte per picosecond everywhere, no latencies, except what is given."""
    return Machine(
        tiers={NEAR: a_tier(**near or {}), FAR: a_tier(**far or {})},
        links={"link": a_link(FAR, NEAR, **link or {})},
        units={"gpu": Unit(kind="gpu", tier=NEAR, flops={"bf16": 1e12}, **unit)},
    )


def run(machine: Machine, objects, size, rules=None, replay=None, classes=None, **columns: Any) -> Result:
    """Objects of class `page` live in the far tier; others are made anew."""
    managed = {NEAR: TierRules(), FAR: TierRules()} | (rules or {})
    trace = AccessTrace.build(objects, size, {"object_class": 0, **columns}, classes=("page", "made"))
    return replay_timed(machine, managed, trace, Replay(**replay or {}), classes=classes or AT_HOME, timeline=True)


def done(result: Result, issued=0) -> list[int]:
    """When each access was done, if all were issued at the times given."""
    return (result.latency_ps + issued).tolist()


def stalls(result: Result, unit: str = "gpu") -> dict[tuple[str, str, str], int]:
    """Picoseconds by kind, place and detail."""
    return {(stall.kind, stall.place, stall.detail): stall.ps for stall in result.units[unit].stalls}
