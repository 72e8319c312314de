"""What a byte of a transfer costs on each bound of its route, for a group of flows whose costs are equal.

Transcribes docs/model.md, section 1. Costs are a matter of route and size, so those of a few sizes are remembered.
"""

from __future__ import annotations

from hiersim.engine.columns import (
    BANDWIDTH,
    CACHE,
    DIES,
    EITHER,
    EITHER_TOO,
    KNOWN_BITS,
    OPERATIONS,
    PK_REVERSE,
    R_BOUNDS,
    R_COUNTS,
    R_HOPS,
    REQUESTS,
    SHAPE_ROWS,
    SLOWEST,
)
from hiersim.engine.effects import activation, dies, packets
from hiersim.engine.world import World
from hiersim.jit import hot, inner


@hot
def byte_cost(w: World, route: int, at: int, amount: int, wire: int, asked: int) -> float:
    """Return the picoseconds that one byte of a transfer takes of the route's bound number ``at``.

    Args:
        w: the World.
        route: the transfer's route.
        at: which of the route's bounds.
        amount: the transfer's bytes.
        wire: its bytes on the wire of the hop that the bound is for.
        asked: bytes of the read requests that it answers there.
    """
    on = w.route_bound_at[route, at]
    hop = w.route_hop[route, on]
    direction = w.route_direction[route, on]
    kind = w.route_cost[route, at]
    if kind == OPERATIONS:
        return (1.0 / amount) * w.op_cost[hop, direction]
    if kind == DIES:
        return dies.read_cost(w, hop, amount) if direction == 0 else dies.write_cost(w, hop, amount)
    if kind == REQUESTS:
        other = w.packet[hop, PK_REVERSE + direction]
        return (asked / amount) * w.byte_cost[other, 1 - direction]
    share = wire / amount
    if kind == CACHE:
        return share * w.cache_cost[hop]
    cost = share * w.byte_cost[hop, direction]
    pays = (kind == BANDWIDTH) == (direction == 1)  # writes on the one account, reads on the other
    return cost * w.turnaround[hop] if pays and w.turnaround[hop] > 1.0 else cost


@hot
def slowest(w: World, g: int, route: int) -> float:
    """Return the most picoseconds that a byte of a group takes of a bound, for the law that none is passed sooner."""
    most = 0.0
    for i in range(w.routes[route, R_BOUNDS]):
        rule = w.rule[w.route_bound[route, i]]
        if rule == EITHER:  # one of the two accounts must hold: at least the cheaper one
            most = max(most, min(w.group_cost[g, i], w.group_cost[g, i + 1]))
        elif rule != EITHER_TOO and w.route_cost[route, i] != CACHE:
            most = max(most, w.group_cost[g, i])
    return most


@hot
def enter_sizes(w: World, g: int, route: int, amount: int) -> None:
    """Enter what a transfer of a size counts on each hop of a group's route."""
    counts_more = w.routes[route, R_COUNTS] == 1
    for i in range(w.routes[route, R_HOPS]):
        hop, direction = w.route_hop[route, i], w.route_direction[route, i]
        w.group_wire[g, 3 * i] = packets.on_wire(w, hop, direction, amount)
        if counts_more:
            w.group_wire[g, 3 * i + 1] = packets.asked(w, hop, direction, amount)
            w.group_wire[g, 3 * i + 2] = activation.opened(w, hop, amount)


@inner
def are_equal(w: World, g: int, route: int, amount: int) -> bool:
    """Say whether a byte of a transfer of this size costs on every bound what one of the group's does."""
    for i in range(w.routes[route, R_BOUNDS]):
        on = w.route_bound_at[route, i]
        hop, direction = w.route_hop[route, on], w.route_direction[route, on]
        wire, asked = packets.on_wire(w, hop, direction, amount), packets.asked(w, hop, direction, amount)
        if w.group_cost[g, i] != byte_cost(w, route, i, amount, wire, asked):
            return False
    return True


@hot
def place(route: int, amount: int) -> int:
    """Return where a route's transfers of a size are remembered: one of a few rows of the route, behind the shapes."""
    return SHAPE_ROWS + ((route << KNOWN_BITS) | ((amount >> 12) ^ (amount >> 17)) & ((1 << KNOWN_BITS) - 1))


@inner
def enter(w: World, g: int, route: int, amount: int) -> None:
    """Enter what a byte of a transfer of a size costs on each bound of a group's route, and what its hops count."""
    row = place(route, amount)
    if w.known_size[row] == amount:
        recall(w, g, route, row)
    else:
        learn(w, g, route, amount)


@inner
def recall(w: World, g: int, route: int, row: int) -> None:
    """Enter what was kept in a row of a group of the same route."""
    bounds = w.routes[route, R_BOUNDS]
    for i in range(bounds):
        w.group_cost[g, i] = w.known_cost[row, i]
    for i in range(3 * w.routes[route, R_HOPS]):
        w.group_wire[g, i] = w.known_wire[row, i]
    w.rates[g, SLOWEST] = w.known_cost[row, bounds]


@inner
def learn(w: World, g: int, route: int, amount: int) -> None:
    """Enter costs that are not remembered, and remember them."""
    enter_sizes(w, g, route, amount)
    for i in range(w.routes[route, R_BOUNDS]):
        at = 3 * w.route_bound_at[route, i]
        w.group_cost[g, i] = byte_cost(w, route, i, amount, w.group_wire[g, at], w.group_wire[g, at + 1])
    row = place(route, amount)
    keep(w, g, route, row)
    w.known_size[row] = amount


@inner
def keep(w: World, g: int, route: int, row: int) -> None:
    """Note in a row what has been entered for a group of a route."""
    bounds = w.routes[route, R_BOUNDS]
    w.rates[g, SLOWEST] = slowest(w, g, route)
    for i in range(bounds):
        w.known_cost[row, i] = w.group_cost[g, i]
    for i in range(3 * w.routes[route, R_HOPS]):
        w.known_wire[row, i] = w.group_wire[g, i]
    w.known_cost[row, bounds] = w.rates[g, SLOWEST]
