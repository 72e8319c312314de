"""What stays near between its uses when not everything fits: evicted by a policy, or chosen beforehand.

Between two uses of a tensor is a *gap*. Kept over it, the tensor takes room in all of its steps; else it is loaded
again, and stored before, if the far memory does not have it. So a plan says for each gap whether it is kept, and its
bytes follow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from hiersim.errors import ConfigError, nearest
from hiersim.scratchpad.allocate import Block
from hiersim.scratchpad.graph import Schedule

Gap = tuple[int, int, int]
"""A tensor, and the steps of two uses of it that follow each other."""


@dataclass(frozen=True)
class Plan:
    """Which tensors stay near over which gaps.

    Attributes:
        schedule: the graph in its order.
        capacity_bytes: near memory.
        kept: the gaps over which their tensors stay.
        how: who made it.
        proven: whether no plan for this order moves less (``order_proven``: for any order).
    """

    schedule: Schedule
    capacity_bytes: int
    kept: frozenset[Gap]
    how: str
    proven: bool = False
    order_proven: bool = False

    @cached_property
    def loads(self) -> tuple[tuple[int, int], ...]:
        """(step, tensor) of every load."""
        graph, found = self.schedule.graph, []
        for number, steps in enumerate(self.schedule.uses):
            if steps and graph.tensors[number].given:
                found.append((steps[0], number))
            found += [(after, number) for before, after in pairwise(steps) if (number, before, after) not in self.kept]
        return tuple(sorted(found))

    @cached_property
    def stores(self) -> tuple[tuple[int, int], ...]:
        """(step, tensor) of every store, which comes behind the step."""
        graph, found = self.schedule.graph, []
        for number, steps in enumerate(self.schedule.uses):
            if not steps or graph.tensors[number].given:
                continue
            first = next(
                (before for before, after in pairwise(steps) if (number, before, after) not in self.kept), None
            )
            if first is not None or graph.tensors[number].kind == "output":
                found.append((steps[-1] if first is None else first, number))
        return tuple(sorted(found))

    @property
    def moved_bytes(self) -> int:
        """Bytes that cross between near and far."""
        tensors = self.schedule.graph.tensors
        return sum(tensors[number].size_bytes for _, number in (*self.loads, *self.stores))

    @property
    def extra_bytes(self) -> int:
        """Bytes beyond those that every plan moves."""
        return self.moved_bytes - self.schedule.graph.compulsory_bytes

    def blocks(self) -> tuple[Block, ...]:
        """Return what is near from when to when, to be placed."""
        found = []
        for number, steps in enumerate(self.schedule.uses):
            begin = steps[0] if steps else 0
            for before, after in pairwise(steps):
                if (number, before, after) not in self.kept:
                    found.append(Block(number, self.schedule.graph.tensors[number].size_bytes, begin, before))
                    begin = after
            if steps:
                found.append(Block(number, self.schedule.graph.tensors[number].size_bytes, begin, steps[-1]))
        return tuple(found)


def gaps(schedule: Schedule) -> list[Gap]:
    """Return all gaps, by tensor."""
    return [(number, *pair) for number, steps in enumerate(schedule.uses) for pair in pairwise(steps)]


def check_room(schedule: Schedule, capacity_bytes: int) -> None:
    """Raise ConfigError if an operator's tensors do not fit near, with the bytes that are missing."""
    tensors = schedule.graph.tensors
    for operator in schedule.graph.operators:
        needed = sum(tensors[number].size_bytes for number in operator.uses)
        if needed > capacity_bytes:
            what = f"its tensors take {needed:,} bytes, {needed - capacity_bytes:,} more than the capacity"
            raise ConfigError(f"operator {operator.name}: {what}")


def evicting(schedule: Schedule, capacity_bytes: int, how: str, rank: Callable[[int, int], tuple[int, ...]]) -> Plan:
    """Go through the steps, and when room is needed evict what ranks highest.

    Args:
        schedule: the graph in its order.
        capacity_bytes: near memory.
        how: what the plan is called.
        rank: of a tensor in a step.
    """
    tensors, near, kept = schedule.graph.tensors, set[int](), set[Gap]()
    last: dict[int, int] = {}
    for step in range(len(schedule)):
        used = schedule.used(step)
        near = {number for number in near if number in used or schedule.uses[number][-1] > step}
        room = capacity_bytes - sum(tensors[number].size_bytes for number in near.union(used))
        for number in sorted(near.difference(used), key=lambda number: rank(number, step), reverse=True):
            if room >= 0:
                break
            near.discard(number)
            room += tensors[number].size_bytes
        kept |= {(number, last[number], step) for number in near.intersection(used)}
        near.update(used)
        last.update(dict.fromkeys(used, step))
    return Plan(schedule, capacity_bytes, frozenset(kept), how)


def belady(schedule: Schedule, capacity_bytes: int) -> Plan:
    """Evict what is used again last, the larger first of equal ones (Belady 1966)."""

    def rank(number: int, step: int) -> tuple[int, ...]:
        following = next(use for use in schedule.uses[number] if use > step)
        return following, schedule.graph.tensors[number].size_bytes, -number

    return evicting(schedule, capacity_bytes, "belady", rank)


def lru(schedule: Schedule, capacity_bytes: int) -> Plan:
    """Evict what was used longest ago."""

    def rank(number: int, step: int) -> tuple[int, ...]:
        before = [use for use in schedule.uses[number] if use < step]
        return -before[-1], schedule.graph.tensors[number].size_bytes, -number

    return evicting(schedule, capacity_bytes, "lru", rank)


def shortest_gaps(schedule: Schedule, capacity_bytes: int) -> Plan:
    """Keep the shortest gaps first, as long as there is room: each saves its size, and takes it for its length."""
    tensors = schedule.graph.tensors
    room = [capacity_bytes - sum(tensors[n].size_bytes for n in schedule.used(step)) for step in range(len(schedule))]
    kept = set()
    for number, before, after in sorted(gaps(schedule), key=lambda gap: (gap[2] - gap[1], -tensors[gap[0]].size_bytes)):
        size = tensors[number].size_bytes
        if all(room[step] >= size for step in range(before + 1, after)):
            kept.add((number, before, after))
            for step in range(before + 1, after):
                room[step] -= size
    return Plan(schedule, capacity_bytes, frozenset(kept), "gaps")


def fitted(schedule: Schedule, capacity_bytes: int) -> Plan:
    """Evict what is used again last, where each tensor needs a hole of its size and nothing is moved."""
    from hiersim.scratchpad.fitted import fitted as with_addresses

    return with_addresses(schedule, capacity_bytes)


def optimum(schedule: Schedule, capacity_bytes: int) -> Plan:
    """Choose the gaps so that least is moved, by an integer programme."""
    from hiersim.scratchpad.programmes import least_moved

    return least_moved(schedule, capacity_bytes)


WAYS: dict[str, Callable[[Schedule, int], Plan]] = {
    "lru": lru,
    "belady": belady,
    "gaps": shortest_gaps,
    "fitted": fitted,
    "optimum": optimum,
}
"""Ways to decide what stays, by name."""


def plan(schedule: Schedule, capacity_bytes: int, how: str = "belady") -> Plan:
    """Decide what stays near, in one of the ``WAYS``.

    Raises:
        ConfigError: there is no such way, or an operator's tensors do not fit.
    """
    if how not in WAYS:
        raise ConfigError(f"no replacement `{how}`{nearest(how, WAYS)} (one of {', '.join(WAYS)})")
    check_room(schedule, capacity_bytes)
    return WAYS[how](schedule, capacity_bytes)


def plans(schedule: Schedule, capacity_bytes: int, ways: Sequence[str] = tuple(WAYS)) -> list[Plan]:
    """Return the plans of several ways."""
    return [plan(schedule, capacity_bytes, how) for how in ways]
