"""What an operation of a unit moves on its near tier: counted in bytes, by object class (docs/model.md, section 13)."""

from __future__ import annotations

from hiersim.engine.columns import H_OPENED, H_PAGE, J_GROUP, J_OBJECT, J_ROUTE, R_HOPS
from hiersim.engine.effects import dies
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@hot
def moved(w: World, job: int, direction: int) -> int:
    """Return the bytes that an operation reads (0) from its near tier or writes (1) there."""
    rows = w.work_read if direction == 0 else w.work_written
    return int(rows[job, w.payload.shape[2]])


@inner
def add_up(w: World, job: int) -> None:
    """Sum the bytes that an operation moves, once they are entered by class."""
    kinds = w.payload.shape[2]
    w.work_read[job, kinds] = 0
    w.work_written[job, kinds] = 0
    for kind in range(kinds):
        w.work_read[job, kinds] += w.work_read[job, kind]
        w.work_written[job, kinds] += w.work_written[job, kind]


@inner
def count(w: World, job: int) -> None:
    """Add an operation that has ended to the traffic of its hops."""
    route = w.jobs[job, J_ROUTE]
    unit, group = w.route_hop[route, 0], w.jobs[job, J_GROUP]
    w.payload[unit, 0, w.object_class[w.jobs[job, J_OBJECT]]] += w.flops_of[job]
    w.operated[unit, 0] += w.flops_of[job]
    for i in range(1, w.routes[route, R_HOPS]):
        hop, direction = w.route_hop[route, i], w.route_direction[route, i]
        rows = w.work_read if direction == 0 else w.work_written
        for kind in range(w.payload.shape[2]):
            w.payload[hop, direction, kind] += rows[job, kind]
        amount = moved(w, job, direction)
        w.operated[hop, direction] += amount
        w.wire[hop, direction] += w.group_wire[group, 3 * i]
        w.hops[hop, H_OPENED] += w.group_wire[group, 3 * i + 2]
        if direction == 1 and w.hops[hop, H_PAGE] > 0:
            w.programmed[hop] += dies.programmed(w, hop, amount)
