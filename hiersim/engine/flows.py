"""Flows and their groups: who shares a rate, how much each group has been served, and when its next flow ends.

Transcribes docs/model.md, section 4. A group's flows hang in a list by (target, sequence number), least first.
"""

from __future__ import annotations

import math

from hiersim.engine import costs, heap, shapes
from hiersim.engine.columns import (
    ACTIVE,
    DIRTY,
    FREE_GROUP,
    G_AMOUNT,
    G_ANCHOR,
    G_BOUND,
    G_CLASS,
    G_FLOWS,
    G_HEAD,
    G_NEXT,
    G_PLACE,
    G_PREV,
    G_ROUTE,
    G_SHAPE,
    G_SIBLING,
    G_TAIL,
    GROUP_HEAD,
    GROUP_TAIL,
    GROUPS_FREE,
    H_BUSY,
    H_FLOWS,
    H_SINCE,
    I_GROUP,
    J_AMOUNT,
    J_CLASS,
    J_GROUP,
    J_MEMORY,
    J_NEXT,
    J_PREV,
    J_ROUTE,
    J_SEQ,
    J_STREAM,
    J_UNIT,
    NONE,
    NOW,
    R_COMPUTES,
    R_HOPS,
    R_LOADED,
    R_NEAR,
    R_OPERATES,
    R_RANK,
    R_SIZED,
    RATE,
    SERVED,
    SHIFT,
    U_COMPUTING,
    U_OPERATING,
    U_PORT,
    WEIGHT,
)
from hiersim.engine.world import World
from hiersim.jit import hot, inner

NEVER = float(1 << 62)  # picoseconds: no flow of a run ends so late


@inner
def advance(w: World, g: int) -> None:
    """Bring a group's account up to now, and charge the time of its flows to the bound that limits them."""
    now = w.clock[NOW]
    passed = now - w.groups[g, G_ANCHOR]
    if passed > 0:
        w.rates[g, SERVED] += w.rates[g, RATE] * passed
        bound = w.groups[g, G_BOUND]
        if bound >= 0:
            route = w.groups[g, G_ROUTE]
            for i in range(w.routes[route, R_HOPS]):
                w.bound_time[w.route_hop[route, i], bound] += w.groups[g, G_FLOWS] * passed
        w.groups[g, G_ANCHOR] = now


@inner
def set_end(w: World, g: int) -> None:
    """Enter in the calendar when the group's next flow ends; nothing while its rate is 0."""
    place = w.groups[g, G_PLACE]
    rate = w.rates[g, RATE]
    job = w.groups[g, G_HEAD]
    left = (w.flow_end[job] - w.rates[g, SERVED]) / rate if rate > 0.0 and job != NONE else math.inf
    if left >= NEVER:
        if place != NONE:
            heap.remove(w, place)
        return
    end = w.groups[g, G_ANCHOR] + (int(math.ceil(left)) if left > 0.0 else 0)  # noqa: RUF046 - a float in compiled code
    key = heap.order_key(0, w.jobs[job, J_CLASS], w.jobs[job, J_STREAM], w.jobs[job, J_SEQ])
    if place == NONE:
        heap.push(w, end, key, (I_GROUP << SHIFT) | g)
    else:
        heap.refit(w, place, end, key, (I_GROUP << SHIFT) | g)


@inner
def find_group(w: World, job: int) -> int:
    """Return the active group that the job's flow belongs to, or begin one."""
    route, traffic, amount = w.jobs[job, J_ROUTE], w.jobs[job, J_CLASS], w.jobs[job, J_AMOUNT]
    g = w.first_group[route, traffic]
    if w.routes[route, R_OPERATES] == 1:  # each has costs of its own
        g = NONE
    while g != NONE:
        if w.groups[g, G_AMOUNT] == amount or costs.are_equal(w, g, route, amount):
            return g
        g = w.groups[g, G_SIBLING]
    return begin_group(w, job)


@inner
def begin_group(w: World, job: int) -> int:
    """Take a free row for a new group, that of a job's flow, and put it in its place among the others."""
    route, traffic, amount = w.jobs[job, J_ROUTE], w.jobs[job, J_CLASS], w.jobs[job, J_AMOUNT]
    g = w.clock[FREE_GROUP]
    w.clock[FREE_GROUP] = w.groups[g, G_NEXT]
    w.clock[GROUPS_FREE] -= 1
    w.clock[ACTIVE + traffic] += 1
    w.groups[g, G_ROUTE] = route
    w.groups[g, G_CLASS] = traffic
    w.groups[g, G_FLOWS] = 0
    w.groups[g, G_ANCHOR] = w.clock[NOW]
    w.groups[g, G_HEAD] = NONE
    w.groups[g, G_TAIL] = NONE
    w.groups[g, G_BOUND] = NONE
    w.groups[g, G_PLACE] = NONE
    w.rates[g, SERVED] = 0.0
    w.rates[g, RATE] = 0.0
    w.rates[g, WEIGHT] = w.class_weight[traffic]
    if w.routes[route, R_OPERATES] == 1:
        shapes.enter(w, g, job)
    else:
        costs.enter(w, g, route, amount)
        w.groups[g, G_SHAPE] = amount if w.routes[route, R_SIZED] == 1 else 0
    w.groups[g, G_AMOUNT] = amount
    w.groups[g, G_SIBLING] = w.first_group[route, traffic]
    w.first_group[route, traffic] = g
    enter(w, g)
    return g


@inner
def enter(w: World, g: int) -> None:
    """Put a group in its place among the active ones: by route, then class, then behind those that began before."""
    place = order(w, g)
    before = w.clock[GROUP_TAIL]
    while before != NONE and order(w, before) > place:
        before = w.groups[before, G_PREV]
    after = w.clock[GROUP_HEAD] if before == NONE else w.groups[before, G_NEXT]
    w.groups[g, G_PREV] = before
    w.groups[g, G_NEXT] = after
    if before == NONE:
        w.clock[GROUP_HEAD] = g
    else:
        w.groups[before, G_NEXT] = g
    if after == NONE:
        w.clock[GROUP_TAIL] = g
    else:
        w.groups[after, G_PREV] = g


@hot
def order(w: World, g: int) -> int:
    """Return a number that orders groups by route, then class."""
    return int((w.routes[w.groups[g, G_ROUTE], R_RANK] << 2) | w.groups[g, G_CLASS])


@inner
def end_group(w: World, g: int) -> None:
    """Give back the row of a group without flows."""
    before, after = w.groups[g, G_PREV], w.groups[g, G_NEXT]
    if before == NONE:
        w.clock[GROUP_HEAD] = after
    else:
        w.groups[before, G_NEXT] = after
    if after == NONE:
        w.clock[GROUP_TAIL] = before
    else:
        w.groups[after, G_PREV] = before
    route, traffic = w.groups[g, G_ROUTE], w.groups[g, G_CLASS]
    sibling = w.first_group[route, traffic]
    if sibling == g:
        w.first_group[route, traffic] = w.groups[g, G_SIBLING]
    else:
        while w.groups[sibling, G_SIBLING] != g:
            sibling = w.groups[sibling, G_SIBLING]
        w.groups[sibling, G_SIBLING] = w.groups[g, G_SIBLING]
    w.clock[ACTIVE + traffic] -= 1
    w.groups[g, G_NEXT] = w.clock[FREE_GROUP]
    w.clock[FREE_GROUP] = g
    w.clock[GROUPS_FREE] += 1


@inner
def join(w: World, job: int, left: float) -> None:
    """Let a job's flow begin (or go on, in another class) with ``left`` bytes to carry."""
    g = find_group(w, job)
    advance(w, g)
    target = w.rates[g, SERVED] + left
    w.flow_end[job] = target
    w.jobs[job, J_GROUP] = g
    w.groups[g, G_FLOWS] += 1
    sequence = w.jobs[job, J_SEQ]
    before = w.groups[g, G_TAIL]  # almost always the last to begin is the last to end
    while before != NONE and (
        w.flow_end[before] > target or (w.flow_end[before] == target and w.jobs[before, J_SEQ] > sequence)
    ):
        before = w.jobs[before, J_PREV]
    after = w.groups[g, G_HEAD] if before == NONE else w.jobs[before, J_NEXT]
    w.jobs[job, J_PREV] = before
    w.jobs[job, J_NEXT] = after
    if before == NONE:
        w.groups[g, G_HEAD] = job
    else:
        w.jobs[before, J_NEXT] = job
    if after == NONE:
        w.groups[g, G_TAIL] = job
    else:
        w.jobs[after, J_PREV] = job
    set_end(w, g)
    w.clock[DIRTY] = 1


@inner
def leave(w: World, job: int) -> None:
    """Take a job's flow out of its group."""
    g = w.jobs[job, J_GROUP]
    advance(w, g)
    route = w.jobs[job, J_ROUTE]
    for j in range(w.routes[route, R_LOADED]):  # whoever arrives in this instant finds the hops without it
        i = w.route_loaded[route, j]
        w.residual[w.route_bound[route, i]] += w.group_cost[g, i] * w.rates[g, RATE]
    before, after = w.jobs[job, J_PREV], w.jobs[job, J_NEXT]
    if before == NONE:
        w.groups[g, G_HEAD] = after
    else:
        w.jobs[before, J_NEXT] = after
    if after == NONE:
        w.groups[g, G_TAIL] = before
    else:
        w.jobs[after, J_PREV] = before
    w.jobs[job, J_GROUP] = NONE
    w.groups[g, G_FLOWS] -= 1
    set_end(w, g)
    if w.groups[g, G_FLOWS] == 0:
        end_group(w, g)
    w.clock[DIRTY] = 1


@inner
def appear(w: World, job: int) -> None:
    """Count a flow that begins on the hops of its route and at its unit."""
    route = w.jobs[job, J_ROUTE]
    for i in range(w.routes[route, R_HOPS]):
        hop = w.route_hop[route, i]
        if w.hops[hop, H_FLOWS] == 0:
            w.hops[hop, H_SINCE] = w.clock[NOW]
        w.hops[hop, H_FLOWS] += 1
    count_at_unit(w, job, 1)


@inner
def vanish(w: World, job: int) -> None:
    """Undo ``appear`` when a flow has ended."""
    route = w.jobs[job, J_ROUTE]
    for i in range(w.routes[route, R_HOPS]):
        hop = w.route_hop[route, i]
        w.hops[hop, H_FLOWS] -= 1
        if w.hops[hop, H_FLOWS] == 0:
            w.hops[hop, H_BUSY] += w.clock[NOW] - w.hops[hop, H_SINCE]
    count_at_unit(w, job, -1)


@inner
def count_at_unit(w: World, job: int, change: int) -> None:
    """Change the number of computations or near accesses that flow at the job's unit."""
    unit = w.jobs[job, J_UNIT]
    route = w.jobs[job, J_ROUTE]
    if unit >= 0:
        if w.routes[route, R_COMPUTES] == 1:
            w.units[unit, U_COMPUTING] += change
        elif w.routes[route, R_OPERATES] == 1:
            w.units[unit, U_OPERATING] += change
            w.units[unit, U_PORT if w.jobs[job, J_MEMORY] == 1 else U_COMPUTING] += change
        elif w.routes[route, R_NEAR] == 1:
            w.units[unit, U_PORT] += change
