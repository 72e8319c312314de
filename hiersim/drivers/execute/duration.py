"""How long an operation takes alone: its FLOPs, or its bytes at the near tier (docs/model.md, section 14)."""

from __future__ import annotations

import math

from hiersim.drivers.execute.columns import K_CARRY, K_LAST_READ, K_LAST_WRITTEN, K_ROUTE, SMOOTH
from hiersim.drivers.execute.program import Program
from hiersim.engine import work
from hiersim.engine.columns import CACHE, EITHER, EITHER_TOO, R_BOUNDS, R_LATENCY, R_TWICE
from hiersim.engine.costs import byte_cost
from hiersim.engine.effects import packets
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@inner
def near_of(w: World, d: Program, kind: int, job: int, route: int) -> float:
    """Return ``near_time`` of an operation; one that moves as much as the last of its kind takes as long."""
    reads, writes = work.moved(w, job, 0), work.moved(w, job, 1)
    if (
        d.kinds[kind, K_ROUTE] != route + 1
        or d.kinds[kind, K_LAST_READ] != reads
        or d.kinds[kind, K_LAST_WRITTEN] != writes
    ):
        d.kinds[kind, K_ROUTE] = route + 1
        d.kinds[kind, K_LAST_READ] = reads
        d.kinds[kind, K_LAST_WRITTEN] = writes
        d.near_ps[kind] = near_time(w, job, route)
    return d.near_ps[kind]  # type: ignore[no-any-return]


@inner
def carry_of(w: World, d: Program, kind: int, route: int, amount: int) -> int:
    """Return ``carry_time`` of a carry; one of as much as the last of its kind takes as long."""
    if d.kinds[kind, K_ROUTE] != route + 1 or d.kinds[kind, K_LAST_READ] != amount:
        d.kinds[kind, K_ROUTE] = route + 1
        d.kinds[kind, K_LAST_READ] = amount
        d.kinds[kind, K_CARRY] = carry_time(w, route, amount)
    return int(d.kinds[kind, K_CARRY])


@inner
def near_time(w: World, job: int, route: int) -> float:
    """Return the picoseconds that an operation's bytes take of the bound of its near tier that they load most."""
    longest = 0.0
    for i in range(w.routes[route, R_BOUNDS]):
        k = w.route_bound[route, i]
        if w.route_bound_at[route, i] > 0 and w.rule[k] != EITHER_TOO and w.route_cost[route, i] != CACHE:
            here = account(w, job, route, i)
            if w.rule[k] == EITHER:  # its other account comes next
                here = min(here, account(w, job, route, i + 1))
            longest = max(longest, here)
    return longest


@inner
def account(w: World, job: int, route: int, at: int) -> float:
    """Return the picoseconds that an operation's bytes take of the route's bound number ``at``, wherever it has it."""
    if w.routes[route, R_TWICE] == 0:
        return moved_time(w, job, route, at)
    total = 0.0
    for i in range(w.routes[route, R_BOUNDS]):
        if w.route_bound[route, i] == w.route_bound[route, at]:
            total += moved_time(w, job, route, i)
    return total


@hot
def moved_time(w: World, job: int, route: int, at: int) -> float:
    """Return the picoseconds that what an operation moves one way takes of the route's bound number ``at`` there."""
    on = w.route_bound_at[route, at]
    hop, direction = w.route_hop[route, on], w.route_direction[route, on]
    amount = work.moved(w, job, direction)
    return byte_cost(w, route, at, amount, packets.on_wire(w, hop, direction, amount), 0) * amount


@inner
def carry_time(w: World, route: int, amount: int) -> int:
    """Return the picoseconds that bytes take over a route that nothing else is on, latencies included."""
    longest = 0.0
    for i in range(w.routes[route, R_BOUNDS]):
        k = w.route_bound[route, i]
        if w.rule[k] != EITHER_TOO and w.route_cost[route, i] != CACHE:
            here = bytes_on(w, route, amount, i)
            if w.rule[k] == EITHER:
                here = min(here, bytes_on(w, route, amount, i + 1))
            longest = max(longest, here)
    return int(math.ceil(longest) + w.routes[route, R_LATENCY])


@inner
def bytes_on(w: World, route: int, amount: int, at: int) -> float:
    """Return the picoseconds that a transfer's bytes take of the route's bound number ``at``, wherever it has it."""
    if w.routes[route, R_TWICE] == 0:
        return bytes_time(w, route, amount, at)
    total = 0.0
    for i in range(w.routes[route, R_BOUNDS]):
        if w.route_bound[route, i] == w.route_bound[route, at]:
            total += bytes_time(w, route, amount, i)
    return total


@hot
def bytes_time(w: World, route: int, amount: int, at: int) -> float:
    """Return the picoseconds that a transfer's bytes take of the route's bound number ``at`` there."""
    on = w.route_bound_at[route, at]
    hop, direction = w.route_hop[route, on], w.route_direction[route, on]
    wire, asked = packets.on_wire(w, hop, direction, amount), packets.asked(w, hop, direction, amount)
    return byte_cost(w, route, at, amount, wire, asked) * amount


@hot
def alone(d: Program, unit: int, compute: float, near: float) -> int:
    """Return the picoseconds of an operation of which FLOPs and bytes take so long, with the unit's overhead."""
    longer, shorter = max(compute, near), min(compute, near)
    p = d.state[SMOOTH]
    if p > 0 and longer > 0.0:
        longer *= math.pow(1.0 + math.pow(shorter / longer, float(p)), 1.0 / p)
    return max(1, int(math.ceil(longer) + d.overhead[unit]))
