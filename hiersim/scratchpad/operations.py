"""A plan as operations: loads on demand, and what leaves the scratchpad when the plan says so."""

from __future__ import annotations

from itertools import pairwise

from hiersim.scratchpad.replace import Plan
from hiersim.traces.generators.tiles import Place
from hiersim.traces.operation import OperationTrace
from hiersim.traces.operation_builder import OperationBuilder


def to_operations(plan: Plan, place: Place | None = None) -> OperationTrace:
    """Return the operations of a plan.

    Before an operator runs, what it does not find room beside has left, so that no policy evicts: the far tier has to
    be ``inclusive``, the near one as large as the plan's capacity.

    Args:
        plan: what stays near over which gaps.
        place: where it runs.
    """
    place = place or Place()
    schedule, builder = plan.schedule, OperationBuilder(plan.schedule.graph.name)
    graph = schedule.graph
    numbers = [
        builder.object(t.size_bytes, t.kind, home=place.far if t.given else None, kept=t.kind == "output", name=t.name)
        for t in graph.tensors
    ]
    stored, dropped = _leaving(plan)
    waits: list[int] = []
    for step, number in enumerate(schedule.order):
        operator = graph.operators[number]
        ran = builder.add(
            "operator",
            unit=place.unit,
            reads=[numbers[t] for t in operator.reads],
            writes=[numbers[t] for t in operator.writes],
            after=waits,
            name=operator.name,
            flops=operator.flops,
            dtype=place.dtype,
        )
        waits = []
        if gone := dropped.get(step):
            builder.add("drop", unit=place.unit, action="drop", reads=[numbers[t] for t in gone])
        if leave := stored.get(step):
            tensors, out = [numbers[t] for t in leave], f"{place.unit} out"
            waits = [builder.add("store", unit=place.unit, stream=out, action="offload", reads=tensors, after=[ran])]
    return builder.build()


def _leaving(plan: Plan) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Return what leaves behind each step: what is stored then, and what the far memory has already."""
    schedule, tensors = plan.schedule, plan.schedule.graph.tensors
    stores = {number: step for step, number in plan.stores}
    stored: dict[int, list[int]] = {}
    dropped: dict[int, list[int]] = {}
    for number, steps in enumerate(schedule.uses):
        last = [steps[-1]] if steps and (tensors[number].given or tensors[number].kind == "output") else []
        ends = [before for before, after in pairwise(steps) if (number, before, after) not in plan.kept]
        for step in (*ends, *last):
            first = stores.get(number) == step
            (stored if first else dropped).setdefault(step, []).append(number)
    return stored, dropped
