"""Graphs that are too large for one integer programme, cut into parts that are solved one after the other.

After the divide and conquer of COSMA (Li, Gupta and Malik, arXiv 2311.18246). An order is cut where fewest bytes live
across. Of each part the order and what stays near are chosen together: it begins with what the parts before left near
and stored, and what it does not leave near for later parts costs the load that it will take. In the end what stays is
chosen once more over the whole order, as far as that is solved in time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import Any

from hiersim.errors import ConfigError
from hiersim.scratchpad.graph import Graph, Schedule
from hiersim.scratchpad.linear import Programme
from hiersim.scratchpad.orders import ORDERS, scheduled
from hiersim.scratchpad.programmes import least_moved
from hiersim.scratchpad.replace import Plan, belady, check_room, gaps, shortest_gaps

MOST = 8
"""Operators of a part: a programme of so many takes a second at most."""
SECONDS = 10.0
"""After so long the best that was found for a part is taken."""
AHEAD = -1
"""The step of a store before a part's first, of what was near then."""


@dataclass(frozen=True)
class State:
    """What lies where between two parts.

    Attributes:
        near: tensors that are near and will be used.
        stored: tensors made on the chip that far memory has, too.
    """

    near: frozenset[int] = frozenset()
    stored: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Steps:
    """What was chosen for a part.

    Attributes:
        order: its operators.
        near: of each step the tensors that are near.
        loaded: of each step those that are loaded for it.
        state: behind it.
    """

    order: tuple[int, ...]
    near: list[frozenset[int]]
    loaded: list[frozenset[int]]
    state: State


def in_parts(graph: Graph, capacity_bytes: int, most: int = MOST, seconds: float = SECONDS) -> Plan:
    """Choose order and replacement part by part, starting from each order by rule, and return the best plan.

    Nothing proves it best. It never moves more than Belady's rule, or the shortest gaps, in any of the orders by rule:
    where those move less than the parts, they are returned.

    Args:
        graph: the graph.
        capacity_bytes: near memory.
        most: operators of a part.
        seconds: how long to look at each part, and at the whole order in the end.

    Raises:
        ConfigError: an operator does not fit, or ``most`` is less than 1.
    """
    if most < 1:
        raise ConfigError(f"a part has at least 1 operator, got {most}")
    starts = {schedule.order: schedule for schedule in (scheduled(graph, name) for name in ORDERS)}
    found = []
    for schedule in starts.values():
        check_room(schedule, capacity_bytes)
        found += [belady(schedule, capacity_bytes), shortest_gaps(schedule, capacity_bytes)]
        found += _part_by_part(schedule, capacity_bytes, most, seconds)
    best = min(found, key=lambda plan: plan.moved_bytes)
    return Plan(best.schedule, capacity_bytes, best.kept, "parts", best.proven)


def cut(schedule: Schedule, most: int) -> list[tuple[int, int]]:
    """Return parts of an order, (first step, step behind the last): the bytes that live across cuts are fewest.

    Args:
        schedule: the graph in its order.
        most: steps of a part.
    """
    across = [0] * (len(schedule) + 1)
    for tensor, life in zip(schedule.graph.tensors, schedule.lives, strict=True):
        for step in range(life[0] + 1, life[1] + 1) if life else ():
            across[step] += tensor.size_bytes
    best: list[tuple[int, int, int]] = [(0, 0, 0)]  # bytes across, parts, and the last part's first step, by its end
    for end in range(1, len(schedule) + 1):
        tried = range(max(0, end - most), end)
        best.append(min((best[start][0] + across[start], best[start][1] + 1, start) for start in tried))
    ends = [len(schedule)]
    while ends[-1]:
        ends.append(best[ends[-1]][2])
    return list(pairwise(reversed(ends)))


def _part_by_part(schedule: Schedule, capacity_bytes: int, most: int, seconds: float) -> list[Plan]:
    """Return what comes of an order's parts, and of choosing once more what stays; nothing if one is not solved."""
    graph, state, order = schedule.graph, State(), list[int]()
    near: list[frozenset[int]] = []
    loaded: list[frozenset[int]] = []
    try:
        for start, end in cut(schedule, most):
            later = {tensor for o in schedule.order[end:] for tensor in graph.operators[o].uses}
            part = Part(graph, schedule.order[start:end], state, frozenset(later))
            steps = part.solve(capacity_bytes, seconds)
            state, order = steps.state, [*order, *steps.order]
            near, loaded = near + steps.near, loaded + steps.loaded
    except ConfigError:
        return []
    whole = Schedule(graph, tuple(order))
    stays = [here - came for here, came in zip(near, loaded, strict=True)]
    kept = {gap for gap in gaps(whole) if all(gap[0] in stays[step] for step in range(gap[1] + 1, gap[2] + 1))}
    found = [Plan(whole, capacity_bytes, frozenset(kept), "parts")]
    try:
        return [*found, least_moved(whole, capacity_bytes, seconds=seconds)]
    except ConfigError:
        return found


class Part:
    """The integer programme of a part.

    Args:
        graph: the whole graph.
        operators: the part's.
        state: before it.
        later: tensors that operators behind it use.
    """

    def __init__(self, graph: Graph, operators: Sequence[int], state: State, later: frozenset[int]) -> None:
        self.graph, self.operators, self.state, self.later = graph, tuple(operators), state, later
        self.steps = range(len(self.operators))
        used = {tensor for o in self.operators for tensor in graph.operators[o].uses}
        self.used = sorted(used | (state.near & later))
        self.p = Programme()

    def solve(self, capacity_bytes: int, seconds: float) -> Steps:
        """Return the best order and stays of the part.

        Raises:
            ConfigError: nothing was found in the time, or there are too many variables.
        """
        p, sizes = self.p, [tensor.size_bytes for tensor in self.graph.tensors]
        unit = gcd(*sizes)
        for t in self.steps:
            for o in self.operators:
                p.variable(("runs", o, t))
        for i in self.used:
            self._stays(i, sizes[i] // unit)
        for o in self.operators:
            p.row({("runs", o, t): 1.0 for t in self.steps}, low=1.0, high=1.0)
            for before in self.graph.before[o].intersection(self.operators):
                for t in self.steps:
                    ran = {("runs", o, s): 1.0 for s in range(t + 1)}
                    p.row(ran | {("runs", before, s): -1.0 for s in range(t)}, high=0.0)
        for t in self.steps:
            p.row({("runs", o, t): 1.0 for o in self.operators}, low=1.0, high=1.0)
            p.row({("near", i, t): float(sizes[i] // unit) for i in self.used}, high=capacity_bytes // unit)
        found, _ = p.solve(seconds)
        near, loaded = ([self._true(found, what, t) for t in self.steps] for what in ("near", "loaded"))
        order = tuple(next(o for o in self.operators if found["runs", o, t] > 0.5) for t in self.steps)
        stored = frozenset(i for t in (AHEAD, *self.steps) for i in self._true(found, "stored", t))
        return Steps(order, near, loaded, State(near[-1] & self.later, self.state.stored | stored))

    def _true(self, found: Mapping[Any, float], what: str, step: int) -> frozenset[int]:
        """Return the tensors of which a step's variable is 1."""
        return frozenset(i for i in self.used if found.get((what, i, step), 0.0) > 0.5)

    def _stays(self, i: int, size: int) -> None:
        """Demand that a tensor is near when it is used, and where it was near, made or loaded from where it is."""
        p, graph, steps = self.p, self.graph, self.steps
        far, was_near = graph.tensors[i].given or i in self.state.stored, i in self.state.near
        writer = graph.writer.get(i)
        made = writer in self.operators
        users = [o for o in self.operators if i in graph.operators[o].uses]
        stores = [] if far else [AHEAD, *steps] if was_near else list(steps)
        for t in steps:
            p.variable(("near", i, t))
            p.variable(("loaded", i, t), cost=size)
        for t in stores:
            p.variable(("stored", i, t), cost=size)
        for t in steps:
            p.row({("near", i, t): 1.0} | {("runs", o, t): -1.0 for o in users}, low=0.0)
            came: dict[Any, float] = {("near", i, t): 1.0, ("loaded", i, t): -1.0}
            came |= {("near", i, t - 1): -1.0} if t else {}
            p.row(came | ({("runs", writer, t): -1.0} if made else {}), high=float(was_near and t == 0))
            if not far:
                p.row({("stored", i, t): 1.0, ("near", i, t): -1.0}, high=0.0)
                p.row({("loaded", i, t): 1.0} | {("stored", i, s): -1.0 for s in stores if s < t}, high=0.0)
        self._left(i, size, stores, far)
        if far and users and not was_near:  # follows from the rows above, but a solver is faster if told
            p.row({("loaded", i, t): 1.0 for t in steps}, low=1.0)

    def _left(self, i: int, size: int, stores: list[int], far: bool) -> None:
        """Demand that a tensor is stored where it is wanted, and count the load that later parts will need."""
        p, last = self.p, ("near", i, self.steps[-1])
        stored: dict[Any, float] = {("stored", i, t): 1.0 for t in stores}
        if stores:
            made = self.graph.writer[i] in self.operators
            p.row(stored, low=float(made and self.graph.tensors[i].kind == "output"), high=1.0)
        if i in self.later:
            p.variable(("gone", i), cost=size, whole=False)
            p.row({("gone", i): 1.0, last: 1.0}, low=1.0)
            if not far:
                p.row(stored | {last: 1.0}, low=1.0)
