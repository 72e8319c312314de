"""From a trace of operations and a machine to a core and a Program that are ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from hiersim.drivers.execute import columns as x
from hiersim.drivers.execute.load import Numbers
from hiersim.drivers.execute.program import Program, empty
from hiersim.engine import columns as c
from hiersim.engine import driven
from hiersim.engine.admissions import find_admissions
from hiersim.engine.build import WHOLE, Options, homes_of
from hiersim.engine.core import Core
from hiersim.engine.plan import PS_PER_S, Plan, make_plan
from hiersim.engine.world import I64
from hiersim.errors import ConfigError
from hiersim.machine import ClassRules, Execute, Machine, Replay, TierRules
from hiersim.policies import find
from hiersim.traces.access import AccessTrace
from hiersim.traces.operation import DTYPES, NONE, OperationStream, OperationTrace

Trace: TypeAlias = OperationTrace | OperationStream
ROWS = 64  # of the core's tables at first; they grow


@dataclass(frozen=True)
class Setting:
    """What a run of operations is given.

    Attributes:
        machine: the machine.
        rules: the managed tiers from near to far.
        classes: home and cost of objects, by class.
        execute: how operations are executed.
        seed: from which randomised policies draw.
        timeline: whether every transfer and what units did is kept.
        window_ps: of which time, in picoseconds.
    """

    machine: Machine
    rules: Mapping[str, TierRules]
    classes: Mapping[str, ClassRules]
    execute: Execute = field(default_factory=Execute)
    seed: int = 0
    timeline: bool = False
    window_ps: tuple[int, int] = WHOLE


def plan_of(setting: Setting) -> Plan:
    """Return the plan of a run, to look up numbers of tiers and units."""
    return make_plan(setting.machine, tuple(setting.rules), "bf16")


def make_core(setting: Setting, trace: Trace) -> Core:
    """Return the core of a run, with the objects where they are at first."""
    plan = plan_of(setting)
    stand_ins = _as_accesses(trace)
    costs = {name: rule for name, rule in setting.classes.items() if rule.home is None}
    options = Options(
        setting.timeline,
        setting.window_ps,
        driven=ROWS + len(trace.header.streams),
        sorts=max(1, len(trace.header.kinds)),
        marked=setting.execute.ahead > 0,
        homes=homes(plan, trace, setting.classes),
        uses=len(trace.operations.uses) if isinstance(trace, OperationTrace) else 0,
    )
    replay = Replay(streams=max(1, len(trace.header.streams)))
    core = Core(setting.machine, setting.rules, costs, replay, stand_ins, setting.seed, options)
    if isinstance(trace, OperationTrace) and told_future(setting):
        uses = trace.operations.uses
        core.world.next_use[uses[::-1]] = np.arange(len(uses))[::-1]  # its first one: the last that is written stays
    _place(core, trace, plan, options.homes)
    return core


def told_future(setting: Setting) -> bool:
    """Return whether some policy asks for the next use of objects, so that the whole trace must be known."""
    policies = [find(rules.policy.spec) for rules in setting.rules.values()]
    return any(policy.needs_future for policy in (*policies, *find_admissions(setting.rules).values()))


def _as_accesses(trace: Trace) -> AccessTrace:
    """Return a trace of no accesses to the objects, and behind them one per class that stands for its other bytes."""
    objects = trace.objects
    kinds = len(objects.classes)
    size = np.concatenate([objects.size, np.full(kinds, objects.size.max(initial=1))])
    columns = {
        "object_class": np.concatenate([objects.object_class, np.arange(kinds)]),
        "flops": np.concatenate([objects.flops, np.zeros(kinds)]),
    }
    return AccessTrace.build([], size, columns, classes=objects.classes, name=trace.name)


def homes(plan: Plan, trace: Trace, classes: Mapping[str, ClassRules]) -> I64:
    """Return the tier that is the home of each object, as the trace or its class says, and none of each stand-in."""
    objects = trace.objects
    numbers = Numbers.of(trace.header, plan).tiers
    own = numbers[objects.home].astype(np.int64)
    by_class = homes_of(plan, _as_accesses(trace), classes)[: len(objects)]
    chosen = np.where(own == NONE, by_class, own)
    return np.concatenate([chosen, np.full(len(objects.classes), NONE, np.int64)])


def _place(core: Core, trace: Trace, plan: Plan, home: Any) -> None:
    """Make objects resident where they start; where they are at home they are so anyway."""
    objects, tiers = trace.objects, Numbers.of(trace.header, plan).tiers
    starts = tiers[objects.start].astype(np.int64)
    starts[starts == home[: len(objects)]] = NONE
    full = int(driven.place(core.handle, starts))
    if full >= 0:
        tier, name = int(starts[full]), plan.order[starts[full]]
        needed = int(objects.size[starts == tier].sum())
        capacity, used = (int(core.world.tiers[tier, column]) for column in (c.T_CAPACITY, c.T_USED))
        what = f"{capacity:,} bytes cannot hold the {needed:,} bytes of objects that start there"
        raise ConfigError(f"tiers.{name}.capacity: {what} (object {objects.name(full)} came when {used:,} were taken)")


def make_program(setting: Setting, trace: Trace, core: Core) -> Program:
    """Return a Program that has no operations in rows yet."""
    plan, objects = core.plan, trace.objects
    parts = empty(trace, len(plan.order), len(plan.units), setting.execute.ahead)
    parts["state"][x.SMOOTH] = setting.execute.smooth
    parts["state"][x.FUTURE] = told_future(setting)
    parts["streams"][:, x.S_UNIT] = _stream_units(trace, plan)
    parts["cost"] = costs(setting.machine)
    parts["overhead"] = np.array([unit.overhead for unit in setting.machine.units.values()], np.int64)
    parts["last_use"][core.world.home[:, : len(objects)].any(axis=0)] = NONE
    return Program(**parts)


def _stream_units(trace: Trace, plan: Plan) -> I64:
    units = [*(plan.units.index(name) for name in trace.header.units), NONE]
    return np.array([units[unit] for unit in trace.header.stream_units], np.int64)


def costs(machine: Machine) -> Any:
    """Return picoseconds per FLOP, float64 [units, number formats]; 0 where a unit does not compute in a format."""
    rows = [
        [PS_PER_S / (unit.flops[kind] * unit.efficiency) if unit.flops.get(kind) else 0.0 for kind in DTYPES]  # type: ignore[index, call-overload]
        for unit in machine.units.values()
    ]
    return np.array(rows, np.float64).reshape(-1, len(DTYPES))
