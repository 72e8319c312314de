"""Orders of a graph's operators: as given, depth first, or by how little each adds to what lives."""

from __future__ import annotations

from collections.abc import Callable

from hiersim.errors import ConfigError, nearest
from hiersim.scratchpad.graph import Graph, Ready, Schedule


def given(graph: Graph) -> tuple[int, ...]:
    """Return the operators as the graph has them, those that wait for later ones behind these."""
    ready, order = Ready(graph), []
    while ready.free:
        order.append(min(ready.free))
        ready.ran(order[-1])
    return tuple(order)


def depth_first(graph: Graph) -> tuple[int, ...]:
    """Return the order that follows what has just become possible: a branch to its end before the next one."""
    ready, order = Ready(graph), []
    while ready.free:
        order.append(ready.free[-1])
        ready.ran(order[-1])
    return tuple(order)


def least_growth(graph: Graph) -> tuple[int, ...]:
    """Return the order that takes, of those that may run, the operator after which fewest bytes live."""
    readers = [0] * len(graph.tensors)
    for operator in graph.operators:
        for tensor in operator.reads:
            readers[tensor] += 1

    def growth(number: int) -> tuple[int, int]:
        operator = graph.operators[number]
        made = sum(graph.tensors[t].size_bytes for t in operator.writes if readers[t])
        freed = sum(graph.tensors[t].size_bytes for t in operator.reads if readers[t] == 1)
        return made - freed, number

    ready, order = Ready(graph), []
    while ready.free:
        order.append(min(ready.free, key=growth))
        ready.ran(order[-1])
        for tensor in graph.operators[order[-1]].reads:
            readers[tensor] -= 1
    return tuple(order)


ORDERS: dict[str, Callable[[Graph], tuple[int, ...]]] = {
    "given": given,
    "depth-first": depth_first,
    "least-growth": least_growth,
}
"""Orders by name."""


def scheduled(graph: Graph, order: str = "given") -> Schedule:
    """Return a graph in an order of ``ORDERS``.

    Raises:
        ConfigError: there is no such order.
    """
    if order not in ORDERS:
        raise ConfigError(f"no order `{order}`{nearest(order, ORDERS)} (one of {', '.join(ORDERS)})")
    return Schedule(graph, ORDERS[order](graph))
