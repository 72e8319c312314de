"""The tables of hops, bounds and routes of a World (docs/model.md, section 1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from hiersim.engine import columns as c
from hiersim.engine.effects.tables import figures
from hiersim.engine.plan import DISCIPLINES, Hop, Plan, Step
from hiersim.engine.world import table

UNLIMITED = 1 << 40


def hop_tables(plan: Plan, kinds: int, streams: int) -> dict[str, Any]:
    """Return the tables of hops and bounds.

    Args:
        plan: the machine's hops.
        kinds: how many object classes the trace has.
        streams: how many streams are replayed.
    """
    hops, bounds = plan.hops, len(plan.bounds)
    rows = np.zeros((len(hops), c.HOP_COLUMNS), np.int64)
    rows[:, [c.H_HEAD, c.H_TAIL]] = c.NONE
    rows[:, c.H_LIMITED] = [hop.slots is not None for hop in hops]
    rows[:, c.H_FREE] = [UNLIMITED if hop.slots is None else hop.slots for hop in hops]
    rows[:, c.H_DISCIPLINE] = [DISCIPLINES.index(hop.waiting) for hop in hops]
    rows[:, c.H_GRAIN] = [hop.grain for hop in hops]
    figures(rows, hops)
    rows[:, c.H_BOUND] = [plan.bounds.index((number, c.BANDWIDTH)) for number in range(len(hops))]
    return {
        "hops": rows,
        "byte_cost": np.array([hop.byte_cost for hop in hops], np.float64),
        "op_cost": np.array([hop.op_cost for hop in hops], np.float64),
        "latency": np.array([hop.latency for hop in hops], np.int64),
        "payload": np.zeros((len(hops), 2, kinds), np.int64),
        "wire": np.zeros((len(hops), 2), np.int64),
        "granted": np.zeros((len(hops), streams + 2), np.int64),
        "bound_hop": np.array([hop for hop, _ in plan.bounds], np.int64),
        "bound_kind": np.array([kind for _, kind in plan.bounds], np.int64),
        **_rules(plan),
        "limit": np.ones((bounds, c.CLASSES)),
        "class_weight": np.ones(c.CLASSES),
        "room": np.zeros(bounds),
        "load": np.zeros(bounds),
        "marked": np.zeros(bounds, np.int64),
        "in_use": np.zeros(bounds, np.int64),
        "memo": np.zeros((c.MEMO_ROWS, c.MEMO_COLUMNS), np.int64),
        "memo_rate": np.zeros((c.MEMO_ROWS, c.MEMO_GROUPS + bounds)),
        "memo_asked": np.zeros(c.MEMO_COLUMNS, np.int64),
        "bound_time": np.zeros((len(hops), bounds), np.int64),
    }


def _rules(plan: Plan) -> dict[str, Any]:
    """Return how the bounds of each hop hold together, and what they have to give at first."""
    rule, span, sharpness, budget = [], [], [], []
    for hop in plan.hops:
        joined = together(hop)
        for kind in hop.kinds:
            first = kind == c.BANDWIDTH
            if hop.turnaround is not None and kind in (c.BANDWIDTH, c.TURNAROUND):
                rule.append(c.EITHER if first else c.EITHER_TOO)
            elif kind in joined:
                rule.append(c.TOGETHER if first else c.TOGETHER_TOO)
            else:
                rule.append(c.ALONE)
            span.append(len(joined) if rule[-1] == c.TOGETHER else 1)
            sharpness.append(hop.sharpness or 1)
            budget.append(_left_by_others(hop, kind))
    return {
        "rule": np.array(rule, np.int64),
        "span": np.array(span, np.int64),
        "together": np.array([k for k, how in enumerate(rule) if how == c.TOGETHER], np.int64),
        "sharpness": np.array(sharpness, np.int64),
        "budget": np.array(budget, np.float64),
        "residual": np.array(budget, np.float64),
    }


def together(hop: Hop) -> list[int]:
    """Return the kinds of a hop's bounds that bind as a smooth minimum, in order; none if each holds alone."""
    joined = [kind for kind in hop.kinds if kind in (c.BANDWIDTH, c.OPERATIONS, c.DIES)]
    return joined if hop.sharpness is not None and len(joined) > 1 else []


def _left_by_others(hop: Hop, kind: int) -> float:
    """Return the budget of a bound: 1 less what the traffic of others takes."""
    read, write = hop.background
    turn = 1.0 + (hop.turnaround or 0.0)
    if kind == c.BANDWIDTH:
        return 1.0 - (read + (turn * write if hop.turnaround is not None else write))
    if kind == c.TURNAROUND:
        return 1.0 - (turn * read + write)
    if kind == c.CACHE and hop.slc is not None and hop.slc.capacity > 1:  # empty at first
        return hop.slc_loose
    return 1.0


def route_tables(plan: Plan) -> dict[str, Any]:
    """Make every route that the managed tiers and the units can need, and return the tables that describe them."""
    count = len(plan.order)
    numbers = {key: np.full((count, count), c.NONE, np.int64) for key in ("move", "stream_route", "direct")}
    near = {key: np.zeros(count, np.int64) for key in ("near_read", "near_write")}
    for i, a in enumerate(plan.order):
        unit = plan.unit_near(a)
        near["near_read"][i] = plan.add_route(f"read {a}", plan.port(a, 0), (i, unit))
        near["near_write"][i] = plan.add_route(f"write {a}", plan.port(a, 1), (unit, i))
    alone = set(range(2 * count))
    for i, a in enumerate(plan.order):
        for j, b in enumerate(plan.order):
            if i != j:
                links, first, last = plan.steps(a, b), plan.port(a, 0), plan.port(b, 1)
                at_a, at_b = plan.unit_near(a), plan.unit_near(b)
                numbers["move"][i, j] = plan.add_route(f"{a} to {b}", [*first, *links, *last], (i, j))
                numbers["stream_route"][i, j] = plan.add_route(f"{a} past {b}", [*first, *links], (i, at_b))
                numbers["direct"][i, j] = plan.add_route(f"past {a} to {b}", [*links, *last], (at_a, j))
    compute = np.array(
        [
            plan.add_route(f"compute {unit}", [plan.unit_step[unit]], (count + u, count + u))
            for u, unit in enumerate(plan.units)
        ],
        np.int64,
    )
    operate, operating = _operations(plan)
    return {
        **numbers,
        **near,
        "compute": compute,
        "operate": operate,
        **_describe(plan, alone, set(compute.tolist()), operating),
    }


def _operations(plan: Plan) -> tuple[Any, set[int]]:
    """Add the routes of operations: a unit with what it moves on its near tier: nothing, reads, writes, both."""
    count = len(plan.order)
    numbers: list[list[int]] = []
    for u, (name, unit) in enumerate(plan.machine.units.items()):
        read, write = plan.port(unit.tier, 0), plan.port(unit.tier, 1)
        ways: tuple[list[Step], ...] = ([], read, write, [*read, *write])
        numbers.append(
            [plan.add_route(f"operate {name}", [plan.unit_step[name], *way], (count + u, count + u)) for way in ways]
        )
    return np.array(numbers, np.int64).reshape(-1, 4), {route for routes in numbers for route in routes}


Entry = tuple[int, int, int]  # a bound, which of the route's hops it is for, and the kind of cost


def _entries(plan: Plan, steps: list[tuple[int, int]]) -> list[Entry]:
    """Return what a route costs: each hop's bounds, then the read requests that it puts on the other direction."""
    entries = []
    for at, (h, direction) in enumerate(steps):
        hop = plan.hops[h]
        entries += [(plan.bounds.index((h, kind)), at, kind) for kind in hop.costs(direction)]
        if hop.answers(direction):
            other = plan.link_step[hop.part, 1 - direction][0]
            entries.append((plan.bounds.index((other, c.BANDWIDTH)), at, c.REQUESTS))
    return entries


def _ranks(routes: list[tuple[Step, ...]]) -> list[int]:
    """Return the place of each route among all by its hops; equal ones have the same."""
    places = {route: place for place, route in enumerate(sorted(set(routes)))}
    return [places[route] for route in routes]


def _describe(plan: Plan, near: set[int], computing: set[int], operating: set[int]) -> dict[str, Any]:
    longest = max(len(steps) for _, steps in plan.routes)
    costs = [_entries(plan, steps) for _, steps in plan.routes]
    most = max(len(entries) for entries in costs)
    rows = np.zeros((len(plan.routes), c.ROUTE_COLUMNS), np.int64)
    hop, direction, slot = (table(len(plan.routes), longest) for _ in range(3))
    bound, bound_at, cost, loaded = (table(len(plan.routes), most) for _ in range(4))
    crosses = np.zeros((len(plan.routes), len(plan.bounds)), np.uint8)
    rows[:, c.R_RANK] = _ranks([tuple(steps) for _, steps in plan.routes])
    for r, (_, steps) in enumerate(plan.routes):
        with_slots = sorted({h for h, _ in steps if plan.hops[h].slots is not None})
        entries = costs[r]
        rows[r, c.R_HOPS], rows[r, c.R_SLOTS], rows[r, c.R_BOUNDS] = len(steps), len(with_slots), len(entries)
        rows[r, c.R_LATENCY] = sum(plan.hops[h].latency[d] for h, d in steps)
        rows[r, [c.R_NEAR, c.R_COMPUTES]] = r in near, r in computing
        hops = [plan.hops[h] for h, _ in steps]
        rows[r, c.R_TWICE] = len({k for k, _, _ in entries}) < len(entries)
        rows[r, c.R_SMOOTH] = any(together(h) for h in hops)
        rows[r, c.R_VARIES] = any(h.loaded is not None or h.nand is not None for h in hops)
        rows[r, c.R_SENSES] = any(plan.hops[h].nand is not None and d == 0 for h, d in steps)
        rows[r, c.R_COUNTS] = any(h.packets or h.nand or h.activation for h in hops)
        by_size = (c.OPERATIONS, c.DIES, c.REQUESTS)
        rows[r, c.R_SIZED] = any(h.grain > 1 or h.packets for h in hops) or any(k in by_size for _, _, k in entries)
        hop[r, : len(steps)] = [h for h, _ in steps]
        direction[r, : len(steps)] = [d for _, d in steps]
        slot[r, : len(with_slots)] = with_slots
        for table_of, values in zip((bound, bound_at, cost), zip(*entries, strict=True), strict=True):
            table_of[r, : len(entries)] = values
        busy = [i for i, (k, _, _) in enumerate(entries) if plan.hops[plan.bounds[k][0]].loaded is not None]
        rows[r, c.R_LOADED] = len(busy)
        loaded[r, : len(busy)] = busy
        crosses[r, [k for k, _, _ in entries]] = 1
        if r in operating:  # the unit's slots alone, and no latency: an operation's work has its own
            with_slots = [h for h in with_slots if h == steps[0][0]]
            rows[r, [c.R_SLOTS, c.R_LATENCY, c.R_VARIES, c.R_SENSES, c.R_COUNTS]] = len(with_slots), 0, 0, 0, 0
            slot[r] = c.NONE
            slot[r, : len(with_slots)] = with_slots
            rows[r, c.R_OPERATES] = 1
    known = c.SHAPE_ROWS + (len(plan.routes) << c.KNOWN_BITS)
    return {
        "routes": rows,
        "route_hop": hop,
        "route_direction": direction,
        "route_slot": slot,
        "route_bound": bound,
        "route_bound_at": bound_at,
        "route_cost": cost,
        "route_loaded": loaded,
        "crosses": crosses,
        "known_size": np.zeros(known, np.int64),
        "known_cost": np.zeros((known, most + 1)),
        "known_wire": np.zeros((known, 3 * longest), np.int64),
        "shape": np.zeros((c.SHAPE_ROWS, c.SHAPE_COLUMNS), np.int64),
        "first_group": np.full((len(plan.routes), c.CLASSES), c.NONE, np.int64),
    }
