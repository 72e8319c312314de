"""Orders of a graph's operators: as given, depth first, or by how little each adds to what lives."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

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


class Growth:
    """How much each operator adds to what lives, as operators run."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._readers = [0] * len(graph.tensors)
        for operator in graph.operators:
            for tensor in operator.reads:
                self._readers[tensor] += 1

    def of(self, number: int) -> int:
        """Return the bytes that live after an operator beyond those before it."""
        operator, tensors = self._graph.operators[number], self._graph.tensors
        made = sum(tensors[t].size_bytes for t in operator.writes if self._readers[t])
        return made - sum(tensors[t].size_bytes for t in operator.reads if self._readers[t] == 1)

    def ran(self, number: int) -> None:
        """Take note that an operator ran."""
        for tensor in self._graph.operators[number].reads:
            self._readers[tensor] -= 1


def least_growth(graph: Graph) -> tuple[int, ...]:
    """Return the order that takes, of those that may run, the operator after which fewest bytes live."""
    ready, growth, order = Ready(graph), Growth(graph), []
    while ready.free:
        order.append(min(ready.free, key=lambda number: (growth.of(number), number)))
        ready.ran(order[-1])
        growth.ran(order[-1])
    return tuple(order)


def drawn(graph: Graph, random: Random, share: float = 0.5) -> tuple[int, ...]:
    """Return an order in which a share of the operators are drawn, and the others add least to what lives."""
    ready, growth, order = Ready(graph), Growth(graph), []
    while ready.free:
        if random.random() < share:
            order.append(random.choice(ready.free))
        else:
            order.append(min(ready.free, key=lambda number: (growth.of(number), random.random())))
        ready.ran(order[-1])
        growth.ran(order[-1])
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
