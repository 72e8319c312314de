"""What it costs a unit to make an object, at first or again: its class says it, else the trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.machine import ClassRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiersim.engine.plan import Plan
    from hiersim.engine.world import I64
    from hiersim.traces import AccessTrace


def renewable(trace: AccessTrace, classes: Mapping[str, ClassRules]) -> Any:
    """Return which objects have a cost to be made again, by their class or by themselves; uint8[objects]."""
    rules = [classes.get(name, ClassRules()) for name in trace.classes]
    by_class = [rule.compute_time is not None or rule.flops_per_byte is not None for rule in rules]
    return (np.array(by_class, bool)[trace.object_class] | (trace.flops > 0)).astype(np.uint8)


def creation_flops(plan: Plan, trace: AccessTrace, classes: Mapping[str, ClassRules]) -> I64:
    """Return the work to create each object on each unit in FLOPs: the trace's own, or what its class says."""
    flops = np.empty((len(plan.units), trace.objects), np.int64)
    flops[:] = np.rint(trace.flops)
    for number, name in enumerate(trace.classes):
        rule = classes.get(name, ClassRules())
        of_class = trace.object_class == number
        if rule.flops_per_byte is not None:
            flops[:, of_class] = np.rint(rule.flops_per_byte * trace.size[of_class])
        if rule.compute_time is not None:
            for u, unit in enumerate(plan.units):
                cost = plan.hops[plan.unit_step[unit][0]].byte_cost[0]
                flops[u, of_class] = round(rule.compute_time / cost) if cost else 0
    for u, unit in enumerate(plan.units):
        if plan.hops[plan.unit_step[unit][0]].byte_cost[0] == 0.0:
            flops[u] = 0
    return flops
