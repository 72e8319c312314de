"""Rates: progressive filling, class by class, once per instant (docs/model.md, section 4)."""

from __future__ import annotations

import math

from hiersim.engine import memo
from hiersim.engine.columns import (
    ACTIVE,
    CLASSES,
    DIRTY,
    EITHER,
    G_CLASS,
    G_FLOWS,
    G_NEXT,
    G_ROUTE,
    GROUP_HEAD,
    JOINED,
    NONE,
    R_BOUNDS,
    R_SMOOTH,
    R_TWICE,
    RATE,
    TARGET_RATE,
    THROTTLED,
    WEIGHT,
)
from hiersim.engine.effects import turnaround, write_cache
from hiersim.engine.effects.room import room_of
from hiersim.engine.flows import advance, set_end
from hiersim.engine.last import clear_together, fill_last, fill_only, settle_rate, together
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@inner
def set_rates(w: World) -> None:
    """Give every flow its max-min fair rate, and move the ends of those whose rate has changed."""
    w.clock[DIRTY] = 0
    if w.cache.shape[0] > 0:
        write_cache.before_rates(w)
    row = memo.find(w)
    if row != NONE and memo.knows(w, row):
        memo.recall(w, row)
    else:
        fill_all(w)
        if row != NONE:
            memo.keep(w, row)
    g = w.clock[GROUP_HEAD]
    while g != NONE:
        if w.rates[g, TARGET_RATE] != w.rates[g, RATE]:
            advance(w, g)
            w.rates[g, RATE] = w.rates[g, TARGET_RATE]
            set_end(w, g)
        g = w.groups[g, G_NEXT]
    if w.cache.shape[0] > 0:
        write_cache.after_rates(w)


@inner
def fill_all(w: World) -> None:
    """Share what all bounds have to give, class by class."""
    for k in range(w.budget.shape[0]):
        w.residual[k] = w.budget[k]
    joined = w.clock[JOINED] == 1
    for traffic in range(CLASSES):
        if joined:
            fill_joined(w, traffic)
        else:
            fill_alone(w, traffic)


@inner
def fill_alone(w: World, traffic: int) -> None:
    """Share among the groups of one class, on a machine whose bounds all hold alone; asks nothing of their rules."""
    fill(w, traffic, False)


@inner
def fill_joined(w: World, traffic: int) -> None:
    """Share among the groups of one class, on a machine some of whose bounds hold together."""
    fill(w, traffic, True)


@hot
def fill(w: World, traffic: int, joined: bool) -> None:
    """Share among the groups of one class what the classes before it have left."""
    still_open = w.clock[ACTIVE + traffic]
    if still_open == 0:
        return
    if still_open == 1 and fill_only(w, traffic, joined):
        return
    bounds, smoothed = gather_joined(w, traffic) if joined else gather_alone(w, traffic)
    while True:
        if still_open == 1 and w.routes[w.groups[w.open[0], G_ROUTE], R_TWICE] == 0:
            fill_last(w, w.open[0], joined)
            return
        level = math.inf
        least = NONE
        for i in range(bounds):
            k = w.in_use[i]
            if may_bind(w, k, level):
                here = turnaround.level(w, k) if joined and w.rule[k] == EITHER else room_of(w, k) / w.load[k]
                if here < level or (here == level and k < least):
                    level = here
                    least = k
        binding = least
        if smoothed:
            least, binding, level = together(w, least, level)
        still_open = freeze(w, still_open, least, binding, level)
        if still_open == 0:
            return
        bounds = sum_loads(w, still_open, bounds, joined)


@hot
def may_bind(w: World, k: int, level: float) -> bool:
    """Say whether a bound may be reached at a level or below it: a product tells most that are not, a quotient all."""
    return bool(room_of(w, k) <= level * w.load[k] * (1.0 + 1e-9))


@inner
def gather_alone(w: World, traffic: int) -> tuple[int, bool]:
    """List the groups of a class and their bounds, all of which hold alone."""
    return gather(w, traffic, False)


@inner
def gather_joined(w: World, traffic: int) -> tuple[int, bool]:
    """List the groups of a class and their bounds, some of which hold together."""
    return gather(w, traffic, True)


@hot
def gather(w: World, traffic: int, joined: bool) -> tuple[int, bool]:
    """List the groups of a class in order, and the bounds that they load alone or that stand first of *either*.

    Returns:
        How many bounds that are, and whether some of them hold together.
    """
    count = 0
    bounds = 0
    smoothed = False
    throttled = w.clock[THROTTLED] == 1
    g = w.clock[GROUP_HEAD]
    while g != NONE:
        if w.groups[g, G_CLASS] == traffic:
            w.open[count] = g
            count += 1
            route = w.groups[g, G_ROUTE]
            flows, weight = w.groups[g, G_FLOWS], w.rates[g, WEIGHT]
            if joined and w.routes[route, R_SMOOTH] == 1 and not smoothed:
                smoothed = True
                clear_together(w)
            for i in range(w.routes[route, R_BOUNDS]):
                share = (w.group_cost[g, i] * weight) * flows
                w.share[g, i] = share
                k = w.route_bound[route, i]
                if joined and w.rule[k] > EITHER:
                    w.load[k] += share  # cleared before, or with the first of its constraint
                elif w.marked[k] == 1:
                    w.load[k] += share
                else:
                    w.marked[k] = 1
                    w.in_use[bounds] = k
                    bounds += 1
                    if joined:
                        clear_load(w, k)
                    w.load[k] = share
                if throttled:
                    w.room[k] = min(w.residual[k], w.limit[k, traffic] * w.budget[k])
        g = w.groups[g, G_NEXT]
    for i in range(bounds):
        w.marked[w.in_use[i]] = 0
    return bounds, smoothed


@hot
def clear_load(w: World, k: int) -> None:
    """Forget the load of a bound, and of the second account of a constraint *either*."""
    w.load[k] = 0.0
    if w.rule[k] == EITHER:
        w.load[k + 1] = 0.0


@hot
def sum_loads(w: World, still_open: int, bounds: int, joined: bool) -> int:
    """Sum what the open groups ask of each bound at level 1; return how many bounds they are on."""
    for i in range(bounds):
        w.load[w.in_use[i]] = 0.0
        if joined:
            clear_load(w, w.in_use[i])
    if joined:
        clear_together(w)
    for j in range(still_open):
        g = w.open[j]
        route = w.groups[g, G_ROUTE]
        for i in range(w.routes[route, R_BOUNDS]):
            w.load[w.route_bound[route, i]] += w.share[g, i]
    kept = 0
    for i in range(bounds):
        k = w.in_use[i]
        if w.load[k] > 0.0:
            w.in_use[kept] = k
            kept += 1
    return kept


@hot
def freeze(w: World, still_open: int, on: int, binding: int, level: float) -> int:
    """Fix the rates of the open groups on a bound, as another binds them; return how many are open still."""
    kept = 0
    for j in range(still_open):
        g = w.open[j]
        if w.crosses[w.groups[g, G_ROUTE], on] == 1:
            settle_rate(w, g, binding, w.rates[g, WEIGHT] * level)
        else:
            w.open[kept] = g
            kept += 1
    return kept
