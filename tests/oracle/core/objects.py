"""The objects of a trace: their sizes, classes, homes, and what it costs to make one."""

from __future__ import annotations

from typing import Any

from oracle.core.stores import Store


class Objects:
    """What is known of each object from the start."""

    def __init__(self, trace: Any, classes: dict[str, Any]) -> None:
        self.size = [int(size) for size in trace.size]
        self.class_name = [trace.classes[int(number)] for number in trace.object_class]
        self.flops = [float(flops) for flops in trace.flops]
        self.rules = [classes.get(name) for name in self.class_name]

    def __len__(self) -> int:
        return len(self.size)

    def home(self, obj: int) -> str | None:
        rules = self.rules[obj]
        return None if rules is None else rules.home

    def at_home(self, obj: int, store: Store) -> bool:
        return self.home(obj) == store.name

    def renewable(self, obj: int) -> bool:
        """Whether it has a cost to be made again."""
        rules = self.rules[obj]
        by_class = rules is not None and (rules.compute_time is not None or rules.flops_per_byte is not None)
        return by_class or self.flops[obj] > 0

    def creation_flops(self, obj: int, byte_cost: float) -> int:
        """FLOPs: the class's compute_time, else its flops_per_byte, else the trace's figure; halves round to even."""
        rules = self.rules[obj]
        if rules is not None and rules.compute_time is not None:
            return round(rules.compute_time / byte_cost)
        if rules is not None and rules.flops_per_byte is not None:
            return round(rules.flops_per_byte * self.size[obj])
        return round(self.flops[obj])
