"""A machine of two tiers, a link and a unit, and runs on it that pen and paper can follow."""

from __future__ import annotations

from oracle.core import Twin, TwinOutcome
from oracle.core.policies import make

from hiersim.machine import ClassRules, Link, Machine, Replay, Tier, TierRules, Unit
from hiersim.traces.access import AccessTrace

NEAR, FAR = "near", "far"


def a_tier(**fields) -> Tier:
    figures = {"read_bandwidth": 1e12, "write_bandwidth": 1e12, "read_latency": 0, "write_latency": 0}
    return Tier(kind="ddr", capacity=10**6, **figures | fields)


def a_machine(near=None, far=None, link=None, unit=None) -> Machine:
    return Machine(
        tiers={NEAR: a_tier(**near or {}), FAR: a_tier(**far or {})},
        links={"link": Link(between=(FAR, NEAR), kind="pcie", **{"bandwidth": 1e12, "latency": 0} | (link or {}))},
        units={"gpu": Unit(kind="gpu", tier=NEAR, flops={"bf16": 1e12}, **unit or {})},
    )


def run(machine: Machine, objects, size, rules=None, replay=None, agents=(), **columns) -> TwinOutcome:
    """Objects of class `page` live in the far tier; others are made anew."""
    rules = {NEAR: TierRules(), FAR: TierRules()} | (rules or {})
    trace = AccessTrace.build(objects, size, {"object_class": 0, **columns}, classes=("page", "made"))
    classes = {"page": ClassRules(on_miss="home", home=FAR)}
    return Twin(machine, rules, classes, Replay(**replay or {}), trace, make(rules, machine), agents).run()


STREAM = {FAR: TierRules(promotion="never")}
