"""What operations of units cost: those that take as long alone and move as much cost the same, which is remembered.

Transcribes docs/model.md, section 13. Each shape that is entered has a number of its own, by which rates are recalled.
"""

from __future__ import annotations

from hiersim.engine import costs, work
from hiersim.engine.columns import (
    G_SHAPE,
    J_AMOUNT,
    J_ROUTE,
    R_BOUNDS,
    R_HOPS,
    SH_DURATION,
    SH_NUMBER,
    SH_READ,
    SH_ROUTE,
    SH_WRITTEN,
    SHAPE_ROWS,
    SHAPES,
)
from hiersim.engine.effects import activation, packets
from hiersim.engine.mixing import mix
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@inner
def enter(w: World, g: int, job: int) -> None:
    """Enter what a picosecond of an operation's work takes of its unit, and of its near tier for what it moves."""
    row = place(w, job)
    if knows(w, row, job):
        costs.recall(w, g, w.jobs[job, J_ROUTE], row)
    else:
        learn(w, row, g, job)
    w.groups[g, G_SHAPE] = w.shape[row, SH_NUMBER]


@hot
def place(w: World, job: int) -> int:
    """Return where an operation's shape is remembered."""
    mixed = mix(w.jobs[job, J_ROUTE], w.jobs[job, J_AMOUNT])
    mixed = mix(mix(mixed, work.moved(w, job, 0)), work.moved(w, job, 1))
    return int((mixed >> 12) & (SHAPE_ROWS - 1))


@hot
def knows(w: World, row: int, job: int) -> bool:
    """Say whether a row holds the shape of an operation."""
    return bool(
        w.shape[row, SH_ROUTE] == w.jobs[job, J_ROUTE] + 1
        and w.shape[row, SH_DURATION] == w.jobs[job, J_AMOUNT]
        and w.shape[row, SH_READ] == work.moved(w, job, 0)
        and w.shape[row, SH_WRITTEN] == work.moved(w, job, 1)
    )


@inner
def learn(w: World, row: int, g: int, job: int) -> None:
    """Enter costs that are not remembered, and remember them in a row, under the next number."""
    route, duration = w.jobs[job, J_ROUTE], w.jobs[job, J_AMOUNT]
    for i in range(1, w.routes[route, R_HOPS]):
        hop, direction = w.route_hop[route, i], w.route_direction[route, i]
        amount = work.moved(w, job, direction)
        w.group_wire[g, 3 * i] = packets.on_wire(w, hop, direction, amount)
        w.group_wire[g, 3 * i + 2] = activation.opened(w, hop, amount)
    for i in range(w.routes[route, R_BOUNDS]):
        on = w.route_bound_at[route, i]
        if on == 0:  # the unit itself
            w.group_cost[g, i] = 1.0
        else:
            amount = work.moved(w, job, w.route_direction[route, on])
            w.group_cost[g, i] = (costs.byte_cost(w, route, i, amount, w.group_wire[g, 3 * on], 0) * amount) / duration
    costs.keep(w, g, route, row)
    w.clock[SHAPES] += 1
    w.shape[row, SH_ROUTE] = route + 1
    w.shape[row, SH_DURATION] = duration
    w.shape[row, SH_READ] = work.moved(w, job, 0)
    w.shape[row, SH_WRITTEN] = work.moved(w, job, 1)
    w.shape[row, SH_NUMBER] = w.clock[SHAPES]
