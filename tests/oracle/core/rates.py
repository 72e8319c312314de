"""Section 4: groups of flows and their rates, by the documented recurrence in the documented order."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from oracle.core.calendar import FLOW_ENDS, Calendar, Entry
from oracle.core.constraints import Amounts, constraints_of
from oracle.core.hops import Bound
from oracle.core.topology import Topology
from oracle.core.write_cache import WriteCache

NEVER = 2**62  # an end that far after its anchor is none

Costs = tuple[tuple[Bound, float], ...]


@dataclass(eq=False)
class Flow:
    """A transfer that flows: how much its group must have served when it ends."""

    transfer: Any
    amount: int
    stream: int
    number: int
    ends: Callable[[], None]
    target: float = 0.0
    group: Group | None = None


@dataclass(eq=False)
class Group:
    """Flows of equal route, class, weight and costs; they share one rate (bytes per picosecond per flow)."""

    key: tuple
    traffic_class: int
    costs: Costs
    anchor: int
    served: float = 0.0
    rate: float = 0.0
    binding: Bound | None = None
    flows: list[Flow] = field(default_factory=list)
    end: Entry | None = None

    @property
    def n(self) -> int:
        return len(self.flows)


def in_order(group: Group) -> tuple:
    route = [(leg.hop.number, leg.direction in ("write", "backward")) for leg in group.key[0]]
    return route, group.traffic_class


class Rates:
    """All groups in order: by route, then class, then when they began."""

    def __init__(self, topology: Topology, calendar: Calendar) -> None:
        self.bounds = topology.bounds
        self.calendar = calendar
        self.groups: list[Group] = []
        self.weights = {0: 1.0, 1: 1.0, 2: 1.0}
        self.limits: dict[tuple[Bound, int], float] = {}
        self.single, self.smooth = constraints_of(self.bounds)
        self.caches = {bound: WriteCache(bound.tier) for bound in self.bounds if bound.kind == "cache"}
        self.changes: dict[Bound, Entry | None] = dict.fromkeys(self.caches)
        self.residual = {k: self.budget(k) for k in self.bounds}  # of the last setting

    def budget(self, bound: Bound) -> float:
        return self.caches[bound].budget if bound in self.caches else bound.budget

    def used(self, bound: Bound) -> float:
        """The share of a bound's hop in use by the traffic of others and by flows, at their last rates."""
        return 1.0 - self.residual[bound]

    def join(self, flow: Flow, route: tuple, traffic_class: int, costs: Costs) -> None:
        self._join(flow, route, traffic_class, costs, float(flow.amount))

    def leave(self, flow: Flow) -> None:
        group = flow.group
        self._advance(group)
        for k, a in group.costs:  # who arrives from now on finds the hops without it
            self.residual[k] = self.residual[k] + a * group.rate
        group.flows.remove(flow)
        if not group.flows:
            self.groups.remove(group)
        self._set_end(group)
        self._changed()

    def change_class(self, flow: Flow, route: tuple, traffic_class: int) -> None:
        """A flow changes group: it leaves with what it has left, and joins the other with that."""
        group = flow.group
        self.leave(flow)
        left = max(0.0, flow.target - group.served)
        self._join(flow, route, traffic_class, group.costs, left)

    def set_limit(self, bound: Bound, traffic_class: int, share: float) -> None:
        self.limits[bound, traffic_class] = share
        self._changed()

    def set_weight(self, traffic_class: int, weight: float) -> None:
        """The weight of every flow of a class, also of those that flow already (the specification names no others)."""
        self.weights[traffic_class] = weight
        self._changed()

    def _join(self, flow: Flow, route: tuple, traffic_class: int, costs: Costs, amount: float) -> None:
        group = self._group_of(route, traffic_class, costs)
        self._advance(group)
        flow.target = group.served + amount
        flow.group = group
        group.flows.append(flow)
        self._set_end(group)
        self._changed()

    def _group_of(self, route: tuple, traffic_class: int, costs: Costs) -> Group:
        key = (route, traffic_class, costs)  # the weight is the class's, so equal classes have equal weights
        for group in self.groups:
            if group.key == key:
                return group
        group = Group(key, traffic_class, costs, anchor=self.calendar.now)
        self.groups = sorted([*self.groups, group], key=in_order)  # equal ones stay as they were
        return group

    def _advance(self, group: Group) -> None:
        group.served += group.rate * (self.calendar.now - group.anchor)
        group.anchor = self.calendar.now

    def _set_end(self, group: Group) -> None:
        self.calendar.cancel(group.end)
        group.end = None
        if group.rate == 0 or not group.flows:
            return
        flow = min(group.flows, key=lambda flow: (flow.target, flow.number))
        wait = max(0.0, (flow.target - group.served) / group.rate)
        if wait >= NEVER:
            return
        time = group.anchor + math.ceil(wait)
        group.end = self.calendar.at(time, (FLOW_ENDS, group.traffic_class, flow.stream, flow.number), flow.ends)

    def _changed(self) -> None:
        self.calendar.after_instant(self._set_rates)

    def _set_rates(self) -> None:
        for cache in self.caches.values():
            cache.advance(self.calendar.now)
        filled = self.fill()
        for bound, cache in self.caches.items():
            self._await_change(bound, cache.follow(self.residual[bound]))
        for group, (rate, binding) in filled.items():
            group.binding = binding
            if rate != group.rate:
                self._advance(group)
                group.rate = rate
                self._set_end(group)

    def _await_change(self, bound: Bound, time: int | None) -> None:
        self.calendar.cancel(self.changes[bound])
        self.changes[bound] = None if time is None else self.calendar.change_at(time, self._changed)

    def fill(self) -> dict[Group, tuple[float, Bound | None]]:
        """Progressive filling, class by class; groups with their new rates and binding bounds, in order."""
        self.residual = {k: self.budget(k) for k in self.bounds}
        new: dict[Group, tuple[float, Bound | None]] = {}
        for traffic_class in (0, 1, 2):
            new |= self._fill_class(traffic_class)
        return {group: new[group] for group in self.groups}

    def _fill_class(self, traffic_class: int) -> dict[Group, tuple[float, Bound | None]]:
        residual, weight = self.residual, self.weights[traffic_class]
        limit = {k: self.limits.get((k, traffic_class), 1.0) for k in self.bounds}
        room = {k: min(residual[k], limit[k] * self.budget(k)) for k in self.bounds}
        still_open = [group for group in self.groups if group.traffic_class == traffic_class]
        new: dict[Group, tuple[float, Bound | None]] = {}
        while still_open:
            level, binding, gate = self._binding(self._load(still_open, weight), room)
            if gate is None:  # no bound has load: cannot happen for real parts
                new.update((group, (math.inf, None)) for group in still_open)
                break
            for group in [group for group in still_open if any(k is gate for k, _ in group.costs)]:
                rate = weight * level
                new[group] = (rate, binding)
                still_open.remove(group)
                for k, a in group.costs:
                    used = (a * rate) * group.n
                    room[k] = _left(room[k] - used)
                    residual[k] = _left(residual[k] - used)
        return new

    def _load(self, still_open: list[Group], weight: float) -> Amounts:
        load = dict.fromkeys(self.bounds, 0.0)
        for group in still_open:
            for k, a in group.costs:
                load[k] += (a * weight) * group.n
        return load

    def _binding(self, load: Amounts, room: Amounts) -> tuple[float, Bound | None, Bound | None]:
        """The least level, the bound that binds there, and the bound whose groups are those of its constraint."""
        least, binding, gate = math.inf, None, None
        for constraint in self.single:
            found = constraint.level(load, room)
            if found is not None and found[0] < least:
                (least, binding), gate = found, constraint.bounds[0]
        for smooth in self.smooth:
            found = smooth.level(load, room, self.residual, least)
            if found is not None and found[0] < least:
                (least, binding), gate = found, smooth.bounds[0]
        return least, binding, gate


def _left(budget: float) -> float:
    """So little of a budget is rounding; given to a lower class it would make flows that never end."""
    return budget if abs(budget) > 1e-9 else 0.0
