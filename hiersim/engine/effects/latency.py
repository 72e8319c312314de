"""Latencies that depend on what is on a hop, fixed when a transfer has taken its last slot."""

from __future__ import annotations

from hiersim.engine.columns import H_AHEAD, H_LATENCY, H_LOADED, H_PAGE, J_AMOUNT, J_ROUTE, R_HOPS, R_VARIES
from hiersim.engine.effects import dies, loaded
from hiersim.engine.world import World
from hiersim.jit import hot


@hot
def fix(w: World, job: int) -> int:
    """Fix the latency of each hop of a job's route, count it there, and return their sum.

    Its page reads stand in line for the dies from now.
    """
    route = w.jobs[job, J_ROUTE]
    total = 0
    for i in range(w.routes[route, R_HOPS]):
        hop, direction = w.route_hop[route, i], w.route_direction[route, i]
        here = w.latency[hop, direction]
        if direction == 0 and w.hops[hop, H_PAGE] > 0:
            here += dies.queue(w, hop)
            w.hops[hop, H_AHEAD] += dies.senses(w, hop, w.jobs[job, J_AMOUNT])
        if w.hops[hop, H_LOADED] == 1:
            here += loaded.rise(w, hop)
        w.wait[job, i] = here
        w.hops[hop, H_LATENCY] += here
        total += here
    return total


@hot
def over(w: World, job: int) -> None:
    """Take the page reads of a job that now flows out of the line for the dies."""
    route = w.jobs[job, J_ROUTE]
    for i in range(w.routes[route, R_HOPS]):
        hop = w.route_hop[route, i]
        if w.route_direction[route, i] == 0 and w.hops[hop, H_PAGE] > 0:
            w.hops[hop, H_AHEAD] -= dies.senses(w, hop, w.jobs[job, J_AMOUNT])


@hot
def of_hop(w: World, job: int, i: int) -> int:
    """Return the latency of hop number ``i`` of a job's route, in picoseconds."""
    route = w.jobs[job, J_ROUTE]
    if w.routes[route, R_VARIES] == 1:
        return w.wait[job, i]
    return w.latency[w.route_hop[route, i], w.route_direction[route, i]]
