"""The optimum as integer programmes: the smallest arena, the least traffic in an order, and over all orders.

After COSMA (Li, Gupta and Malik, arXiv 2311.18246), which decides the order of operators, the addresses and the
eviction of tensors together for the least off-chip traffic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from math import gcd
from random import Random
from typing import Any

from hiersim.errors import ConfigError
from hiersim.scratchpad.allocate import Allocation, Block, by_size, placed
from hiersim.scratchpad.graph import Graph, Schedule
from hiersim.scratchpad.linear import Programme
from hiersim.scratchpad.orders import drawn
from hiersim.scratchpad.replace import Gap, Plan, check_room, gaps, shortest_gaps

TRIES = 400
"""Orders that are drawn before an integer programme looks for the best of all."""
SECONDS = 60.0
"""After so long the best that was found is returned, not proven to be best."""


def smallest_arena(blocks: Sequence[Block], seconds: float = SECONDS) -> Allocation:
    """Place blocks so that the last byte is as low as it can be.

    Args:
        blocks: what is placed.
        seconds: how long to look.
    """
    greedy = placed(blocks, by_size(blocks))
    least = greedy.least_bytes
    if greedy.arena_bytes == least:
        return Allocation(greedy.blocks, greedy.offsets, least, proven=True)
    unit = gcd(*(block.size_bytes for block in blocks))
    size, most = [block.size_bytes // unit for block in blocks], greedy.arena_bytes // unit
    p = Programme()
    p.variable("arena", cost=1.0, upper=most, whole=False)
    for i in range(len(blocks)):
        p.variable(i, upper=most - size[i], whole=False)
        p.row({i: 1.0, "arena": -1.0}, high=-size[i])
    for i, j in combinations(range(len(blocks)), 2):
        if not blocks[i].meets(blocks[j]):
            continue
        p.variable((i, j))  # 1: i lies below j
        p.row({i: 1.0, j: -1.0, (i, j): most}, high=most - size[i])
        p.row({j: 1.0, i: -1.0, (i, j): -most}, high=-size[j])
    p.row({"arena": 1.0}, low=least // unit)
    found, proven = p.solve(seconds)
    order = sorted(range(len(blocks)), key=lambda i: (round(found[i], 6), i))
    offsets = [unit * each for each in _pushed_down(order, size, blocks)]
    return Allocation(tuple(blocks), tuple(offsets), least, proven)


def _pushed_down(order: Sequence[int], size: Sequence[int], blocks: Sequence[Block]) -> list[int]:
    """Return whole offsets: each block right on top of those below it that it meets."""
    offsets: dict[int, int] = {}
    for i in order:
        offsets[i] = max((offsets[j] + size[j] for j in offsets if blocks[i].meets(blocks[j])), default=0)
    return [offsets[i] for i in range(len(blocks))]


def least_moved(schedule: Schedule, capacity_bytes: int, addresses: bool = False, seconds: float = SECONDS) -> Plan:
    """Choose the gaps over which tensors stay so that least is moved, in a given order.

    Args:
        schedule: the graph in its order.
        capacity_bytes: near memory.
        addresses: whether each stay also needs an address, which nothing moves during it: room in pieces is no room.
        seconds: how long to look.

    Raises:
        ConfigError: an operator does not fit, or there are too many variables.
    """
    check_room(schedule, capacity_bytes)
    tensors, p = schedule.graph.tensors, Programme()
    unit = gcd(*(tensor.size_bytes for tensor in tensors))
    size = [tensor.size_bytes // unit for tensor in tensors]
    open_ = [gap for gap in gaps(schedule) if gap[2] - gap[1] > 1]
    for gap in open_:
        p.variable(gap, cost=-size[gap[0]])  # kept, it saves a load
    for number in {gap[0] for gap in open_}:
        if tensors[number].kind == "intermediate":
            p.variable(("stored", number), cost=size[number], whole=False)
    for gap in open_:
        if tensors[gap[0]].kind == "intermediate":
            p.row({("stored", gap[0]): 1.0, gap: 1.0}, low=1.0)
    rows = _room(schedule, capacity_bytes // unit, size, open_)
    for terms, high in rows:
        p.row(terms, high=high)
    closed = {gap for gap in gaps(schedule) if gap[2] - gap[1] == 1}
    if addresses:
        _addresses(p, schedule, capacity_bytes // unit, size)
    elif not rows:  # everything fits
        return Plan(schedule, capacity_bytes, frozenset({*open_, *closed}), "optimum", proven=True)
    found, proven = p.solve(seconds)
    kept = {gap for gap in open_ if found[gap] > 0.5}
    return Plan(schedule, capacity_bytes, frozenset(kept | closed), "optimum", proven)


def _room(
    schedule: Schedule, capacity: int, size: Sequence[int], open_: Sequence[Gap]
) -> list[tuple[Mapping[Any, float], float]]:
    """Return for each step that could be too full which gaps take how much, and what is left for them."""
    rows: list[tuple[Mapping[Any, float], float]] = []
    for step in range(len(schedule)):
        terms = {gap: float(size[gap[0]]) for gap in open_ if gap[1] < step < gap[2]}
        left = capacity - sum(size[number] for number in schedule.used(step))
        if sum(terms.values()) > left:
            rows.append((terms, float(left)))
    return rows


def _addresses(p: Programme, schedule: Schedule, capacity: int, size: Sequence[int]) -> None:
    """Demand an offset for each use, the same before and after a gap that is kept, and that nothing overlaps."""
    pieces: list[
        tuple[Any, int, int, int, Gap | None]
    ] = []  # (offset's name, tensor, first step, last step, the gap that must be kept for it)
    for number, steps in enumerate(schedule.uses):
        for step in steps:
            p.variable(("at", number, step), upper=capacity - size[number], whole=False)
            pieces.append((("at", number, step), number, step, step, None))
        for before, after in pairwise(steps):
            here, there, gap = ("at", number, before), ("at", number, after), (number, before, after)
            slack: dict[Any, float] = {} if after == before + 1 else {gap: float(capacity)}
            high = float(capacity) if slack else 0.0
            p.row({here: 1.0, there: -1.0, **slack}, high=high)
            p.row({there: 1.0, here: -1.0, **slack}, high=high)
            if after > before + 1:
                pieces.append((here, number, before + 1, after - 1, gap))
    apart: set[frozenset[Any]] = set()
    for (a, i, first, last, held), (b, j, begin, end, kept) in combinations(pieces, 2):
        key = frozenset((a, b, held, kept))
        if i != j and first <= end and begin <= last and key not in apart:
            apart.add(key)
            _apart(p, (a, size[i], held), (b, size[j], kept), capacity)


def _apart(p: Programme, one: tuple[Any, int, Gap | None], other: tuple[Any, int, Gap | None], capacity: int) -> None:
    """Demand that two pieces do not overlap, where the gaps that they stand for are kept."""
    (a, size, held), (b, another, kept) = one, other
    below = ("below", a, b, held, kept)
    p.variable(below)
    far = 2.0 * capacity
    slack = {gap: far for gap in (held, kept) if gap is not None}
    loose = far * len(slack)
    p.row({a: 1.0, b: -1.0, below: far, **slack}, high=far - size + loose)
    p.row({b: 1.0, a: -1.0, below: -far, **slack}, high=-another + loose)


def best_order(graph: Graph, capacity_bytes: int, seconds: float = SECONDS) -> Plan:
    """Choose the order of the operators and what stays near together, so that least is moved.

    Args:
        graph: the graph.
        capacity_bytes: near memory.
        seconds: how long to look.

    Raises:
        ConfigError: an operator does not fit, or there are too many variables.
    """
    steps, tensors = range(len(graph.operators)), graph.tensors
    check_room(Schedule(graph, _any_order(graph)), capacity_bytes)
    if (found_soon := _moving_nothing(graph, capacity_bytes)) is not None:
        return found_soon
    unit = gcd(*(tensor.size_bytes for tensor in tensors))
    used = sorted({number for operator in graph.operators for number in operator.uses})
    p = _choices(graph, used, unit)
    for o in steps:
        p.row({("runs", o, t): 1.0 for t in steps}, low=1.0, high=1.0)
        for before in graph.before[o]:
            for t in steps:
                terms = {("runs", o, s): 1.0 for s in range(t + 1)} | {("runs", before, s): -1.0 for s in range(t)}
                p.row(terms, high=0.0)
    for t in steps:
        p.row({("runs", o, t): 1.0 for o in steps}, low=1.0, high=1.0)
        p.row({("near", i, t): float(tensors[i].size_bytes // unit) for i in used}, high=capacity_bytes // unit)
    for i in used:
        _stays(p, graph, i)
    found, proven = p.solve(seconds)
    order = tuple(next(o for o in steps if found["runs", o, t] > 0.5) for t in steps)
    best = least_moved(Schedule(graph, order), capacity_bytes, seconds=seconds)
    return Plan(best.schedule, capacity_bytes, best.kept, "optimum", best.proven, proven and best.proven)


def _choices(graph: Graph, used: Sequence[int], unit: int) -> Programme:
    """Return a programme with variables for what runs, is near, is loaded and is stored in each step, and no rows."""
    p, steps = Programme(), range(len(graph.operators))
    for t in steps:
        for o in steps:
            p.variable(("runs", o, t))
        for i in used:
            size = graph.tensors[i].size_bytes // unit
            p.variable(("near", i, t))
            p.variable(("loaded", i, t), cost=size)
            if not graph.tensors[i].given:
                p.variable(("stored", i, t), cost=size)
    return p


def _moving_nothing(graph: Graph, capacity_bytes: int) -> Plan | None:
    """Look for a plan that moves only the compulsory bytes, which is the best without a solver: draw some orders."""
    draw = Random(0)
    for _ in range(TRIES):
        order = drawn(graph, draw)
        plan = shortest_gaps(Schedule(graph, order), capacity_bytes)
        if plan.extra_bytes == 0:
            return Plan(plan.schedule, capacity_bytes, plan.kept, "optimum", True, True)
    return None


def _stays(p: Programme, graph: Graph, i: int) -> None:
    """Demand that a tensor is near when it is used, where it was near, made or loaded, and loaded only if it is far."""
    steps, given = range(len(graph.operators)), graph.tensors[i].given
    users = [o for o in steps if i in graph.operators[o].uses]
    for t in steps:
        p.row({("near", i, t): 1.0} | {("runs", o, t): -1.0 for o in users}, low=0.0)
        came: dict[Any, float] = {("near", i, t): 1.0, ("loaded", i, t): -1.0}
        came |= {("near", i, t - 1): -1.0} if t else {}
        came |= {} if given else {("runs", graph.writer[i], t): -1.0}
        p.row(came, high=0.0)
        if not given:
            p.row({("stored", i, t): 1.0, ("near", i, t): -1.0}, high=0.0)
            p.row({("loaded", i, t): 1.0} | {("stored", i, s): -1.0 for s in range(t)}, high=0.0)
    if given:  # follows from the rows above, but a solver is much faster if told
        p.row({("loaded", i, t): 1.0 for t in steps}, low=1.0)
    else:
        p.row({("stored", i, t): 1.0 for t in steps}, low=float(graph.tensors[i].kind == "output"), high=1.0)
        for t in steps:
            p.row({("near", i, t): 1.0} | {("runs", graph.writer[i], s): -1.0 for s in range(t + 1)}, high=0.0)


def _any_order(graph: Graph) -> tuple[int, ...]:
    from hiersim.scratchpad.orders import given

    return given(graph)


def best_of_orders(graph: Graph, capacity_bytes: int, orders: Sequence[tuple[int, ...]]) -> Plan:
    """Return the optimum of the best of some orders.

    Raises:
        ConfigError: there are none.
    """
    found = [least_moved(Schedule(graph, order), capacity_bytes) for order in orders]
    if not found:
        raise ConfigError("no order to choose from")
    return min(found, key=lambda plan: plan.moved_bytes)
