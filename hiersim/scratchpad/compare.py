"""Orders, allocations and replacements of a graph side by side, with the optimum where the graph is small enough."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hiersim.errors import ConfigError
from hiersim.scratchpad import allocate, replace
from hiersim.scratchpad.graph import Graph
from hiersim.scratchpad.orders import ORDERS, scheduled
from hiersim.scratchpad.parts import in_parts
from hiersim.scratchpad.programmes import best_order

Row = dict[str, Any]


def allocations(graph: Graph, orders: Iterable[str] = tuple(ORDERS), optimum: bool = True) -> list[Row]:
    """Return a row for each order: what lives at most, and the arena that each way of placing tensors takes.

    Args:
        graph: the graph.
        orders: names of ``ORDERS``.
        optimum: whether the smallest arena is looked for, too.

    Returns:
        ``order``, ``peak_bytes``, and a number of bytes by way of ``allocate.WAYS``; ``None`` of an optimum that is not
        proven.
    """
    rows = []
    for order in orders:
        schedule = scheduled(graph, order)
        row: Row = {"order": order, "peak_bytes": schedule.peak_bytes}
        for how in allocate.WAYS:
            if how != "optimum" or optimum:
                row[how] = _arena(allocate.lifetimes(schedule), how)
        rows.append(row)
    return rows


def _arena(blocks: tuple[allocate.Block, ...], how: str) -> int | None:
    try:
        found = allocate.allocate(blocks, how)
    except ConfigError:  # too large, or not found in time
        return None
    return found.arena_bytes if found.proven or how != "optimum" else None


def replacements(
    graph: Graph, capacity_bytes: int, orders: Iterable[str] = tuple(ORDERS), optimum: bool = True, parts: int = 0
) -> list[Row]:
    """Return a row for each order: the bytes moved beyond the compulsory ones by each way to decide what stays.

    Args:
        graph: the graph.
        capacity_bytes: near memory.
        orders: names of ``ORDERS``.
        optimum: whether the least traffic is looked for, too; then a row is of the best order of all.
        parts: operators of a part, where the graph is solved part by part, too; then the last row is of that.

    Raises:
        ConfigError: an operator does not fit.
    """
    rows = []
    for order in orders:
        row: Row = {"order": order}
        for how in replace.WAYS:
            if how != "optimum" or optimum:
                row[how] = _extra(graph, order, capacity_bytes, how)
        rows.append(row)
    if optimum:
        rows.append({"order": "any", "optimum": _least(graph, capacity_bytes)})
    if parts:
        rows.append({"order": f"any, parts of {parts}", "parts": in_parts(graph, capacity_bytes, parts).extra_bytes})
    return rows


def _extra(graph: Graph, order: str, capacity_bytes: int, how: str) -> int | None:
    schedule = scheduled(graph, order)
    replace.check_room(schedule, capacity_bytes)
    try:
        found = replace.plan(schedule, capacity_bytes, how)
    except ConfigError:
        return None
    return found.extra_bytes if found.proven or how != "optimum" else None


def _least(graph: Graph, capacity_bytes: int) -> int | None:
    try:
        found = best_order(graph, capacity_bytes)
    except ConfigError:
        return None
    return found.extra_bytes if found.order_proven else None
