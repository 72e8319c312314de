"""The rate of the last open group of a class, and what a rate leaves of the bounds that it is on (see `solver`)."""

from __future__ import annotations

import math

from hiersim.engine.columns import (
    ALONE,
    EITHER_TOO,
    G_BOUND,
    G_CLASS,
    G_FLOWS,
    G_NEXT,
    G_ROUTE,
    GROUP_HEAD,
    NONE,
    R_BOUNDS,
    R_SMOOTH,
    R_TWICE,
    RATE,
    TARGET_RATE,
    THROTTLED,
    WEIGHT,
)
from hiersim.engine.effects import smooth, turnaround
from hiersim.engine.effects.room import room_of
from hiersim.engine.flows import advance
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@hot
def fill_only(w: World, traffic: int, joined: bool) -> bool:
    """Give the only group of a class its rate, with no sums over groups; say whether its bounds allow that."""
    g = w.clock[GROUP_HEAD]
    while w.groups[g, G_CLASS] != traffic:
        g = w.groups[g, G_NEXT]
    route = w.groups[g, G_ROUTE]
    if w.routes[route, R_TWICE] == 1:
        return False
    flows, weight = w.groups[g, G_FLOWS], w.rates[g, WEIGHT]
    throttled = w.clock[THROTTLED] == 1
    for i in range(w.routes[route, R_BOUNDS]):
        w.share[g, i] = (w.group_cost[g, i] * weight) * flows
        if throttled:
            k = w.route_bound[route, i]
            w.room[k] = min(w.residual[k], w.limit[k, traffic] * w.budget[k])
    fill_last(w, g, joined)
    return True


@hot
def fill_last(w: World, g: int, joined: bool) -> None:
    """Give the last open group of a class what its narrowest constraint has left."""
    route = w.groups[g, G_ROUTE]
    smoothed = joined and w.routes[route, R_SMOOTH] == 1
    level = math.inf
    least = NONE
    if smoothed:
        clear_together(w)
    for i in range(w.routes[route, R_BOUNDS]):
        k = w.route_bound[route, i]
        here = math.inf
        if not joined or w.rule[k] == ALONE:
            here = room_of(w, k) / w.share[g, i]
        else:
            w.load[k] = w.share[g, i]
            if w.rule[k] == EITHER_TOO:  # its first account comes before it
                k -= 1
                here = turnaround.level(w, k)
        if here < level or (here == level and k < least):
            level = here
            least = k
    binding = least
    if smoothed:
        least, binding, level = together(w, least, level)
    settle_rate(w, g, binding, w.rates[g, WEIGHT] * level)


@hot
def together(w: World, least: int, level: float) -> tuple[int, int, float]:
    """Lower a level to what bounds that hold together allow.

    Returns:
        The first bound of the constraint that is reached, the bound that binds there, and the level.
    """
    binding = least
    for i in range(w.together.shape[0]):
        k = w.together[i]
        if w.load[k] > 0.0:
            here = smooth.level(w, k, level)
            if here < level:
                level = here
                least = k
                binding = smooth.binding(w, k, level)
    return least, binding, level


@hot
def clear_together(w: World) -> None:
    """Forget the loads of bounds that hold together, also of those that no open group is on."""
    for i in range(w.together.shape[0]):
        for k in range(w.together[i], w.together[i] + w.span[w.together[i]]):
            w.load[k] = 0.0


@hot
def note_rate(w: World, g: int, binding: int, rate: float) -> None:
    """Note a group's new rate, and the bound that limits it from now on."""
    w.rates[g, TARGET_RATE] = rate
    if w.rates[g, RATE] != rate:
        advance(w, g)  # before the bound changes, so that the time so far is charged to the old one
    w.groups[g, G_BOUND] = binding


@inner
def settle_rate(w: World, g: int, binding: int, rate: float) -> None:
    """Note a group's new rate and take it from what its bounds have left."""
    note_rate(w, g, binding, rate)
    route = w.groups[g, G_ROUTE]
    flows = w.groups[g, G_FLOWS]
    throttled = w.clock[THROTTLED] == 1
    for i in range(w.routes[route, R_BOUNDS]):
        k = w.route_bound[route, i]
        used = (w.group_cost[g, i] * rate) * flows
        w.residual[k] = left_over(w.residual[k], used)
        if throttled:
            w.room[k] = left_over(w.room[k], used)


@hot
def left_over(room: float, used: float) -> float:
    """Return what is left of a budget; less than 1e-9 of it is rounding, which no class may be given.

    It is negative only of the account that may be overdrawn of two that hold as *either*.
    """
    left = room - used
    return left if abs(left) > 1e-9 else 0.0
