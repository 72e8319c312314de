"""What stays near when tensors have addresses and nothing moves them: room in pieces is no room, so more has to leave.

The way of a compiler that orders, allocates and evicts one after the other: a tensor goes into the smallest hole that
takes it; if there is none, what is used again last leaves, until there is one. Where those that an operator needs stand
in each other's way, they leave too and come back side by side.
"""

from __future__ import annotations

from hiersim.scratchpad.allocate import hole
from hiersim.scratchpad.graph import Schedule
from hiersim.scratchpad.replace import Gap, Plan


class Memory:
    """Near memory: which tensors lie where."""

    def __init__(self, schedule: Schedule, capacity_bytes: int) -> None:
        self.schedule, self.capacity_bytes = schedule, capacity_bytes
        self.offsets: dict[int, int] = {}

    def size(self, number: int) -> int:
        """Return a tensor's bytes."""
        return self.schedule.graph.tensors[number].size_bytes

    def place(self, number: int) -> bool:
        """Put a tensor into the smallest hole that takes it; say whether there is one."""
        taken = sorted((offset, self.size(other)) for other, offset in self.offsets.items())
        at = hole(taken, self.size(number))
        if at + self.size(number) > self.capacity_bytes:
            return False
        self.offsets[number] = at
        return True

    def forget(self, step: int) -> None:
        """Let go of what is used no more."""
        uses = self.schedule.uses
        self.offsets = {number: offset for number, offset in self.offsets.items() if uses[number][-1] >= step}

    def evict(self, used: tuple[int, ...], step: int) -> bool:
        """Let that leave which is used again last, of what this step does not need; say whether something did."""
        others = [number for number in self.offsets if number not in used]
        if not others:
            return False
        next_use = {number: next(use for use in self.schedule.uses[number] if use > step) for number in others}
        del self.offsets[max(others, key=lambda number: (next_use[number], self.size(number), -number))]
        return True


def fitted(schedule: Schedule, capacity_bytes: int) -> Plan:
    """Go through the steps with addresses; where there is no hole, evict what is used again last.

    Args:
        schedule: the graph in its order.
        capacity_bytes: near memory.
    """
    memory, kept, last = Memory(schedule, capacity_bytes), set[Gap](), dict[int, int]()
    for step in range(len(schedule)):
        used = schedule.used(step)
        memory.forget(step)
        stayed = _make_room(memory, used, step)
        kept |= {(number, last[number], step) for number in stayed}
        last.update(dict.fromkeys(used, step))
    return Plan(schedule, capacity_bytes, frozenset(kept), "fitted")


def _make_room(memory: Memory, used: tuple[int, ...], step: int) -> set[int]:
    """Place what a step needs, and return which of it had stayed."""
    stayed = {number for number in used if number in memory.offsets}
    for number in sorted(set(used) - stayed, key=lambda number: (-memory.size(number), number)):
        while not memory.place(number):
            if not memory.evict(used, step):
                memory.offsets = {}
                for each in used:
                    memory.place(each)
                return set()
    return stayed
