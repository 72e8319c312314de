"""A graph of operators on tensors, in an order: what is needed when, and how much of it lives at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from hiersim.errors import ConfigError

KINDS = ("intermediate", "input", "weight", "output")
"""What a tensor is: made and used up by operators, there at first (input, weight), or made and wanted (output)."""


@dataclass(frozen=True)
class Tensor:
    """A tensor.

    Attributes:
        name: of the tensor.
        size_bytes: its size.
        kind: one of ``KINDS``.
    """

    name: str
    size_bytes: int
    kind: str = "intermediate"

    @property
    def given(self) -> bool:
        """Whether it lies in the far memory at first."""
        return self.kind in ("input", "weight")


@dataclass(frozen=True)
class Operator:
    """An operator.

    Attributes:
        name: of the operator.
        reads, writes: numbers of tensors.
        flops: its FLOPs.
    """

    name: str
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    flops: int = 0

    @property
    def uses(self) -> tuple[int, ...]:
        """Tensors that have to be near while it runs, each once."""
        return tuple(dict.fromkeys((*self.reads, *self.writes)))


@dataclass(frozen=True)
class Graph:
    """Operators on tensors; each tensor is an input, a weight, or written by one operator.

    Attributes:
        name: of the graph.
        tensors: by number.
        operators: by number, in the order in which they were given.

    Raises:
        ConfigError: it says something impossible, with the operator's or tensor's name.
    """

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]

    def __post_init__(self) -> None:
        for what, names in (("tensor", self.tensors), ("operator", self.operators)):
            known = Counter(each.name for each in names)
            if twice := next((name for name, count in known.items() if count > 1), None):
                raise ConfigError(f"{what} {twice}: there are two of this name")
        for tensor in self.tensors:
            if tensor.size_bytes < 1:
                raise ConfigError(f"tensor {tensor.name}: a size is at least 1 byte, got {tensor.size_bytes}")
        for operator in self.operators:
            if operator.flops < 0:
                raise ConfigError(f"operator {operator.name}: FLOPs may not be negative, got {operator.flops}")
        self._check_writers()
        self._check_ring()

    def _check_writers(self) -> None:
        by: dict[int, str] = {}
        for operator in self.operators:
            for number in operator.writes:
                tensor = self.tensors[number]
                if tensor.given:
                    what = f"it writes {tensor.name}, which is there from the start"
                    raise ConfigError(f"operator {operator.name}: {what} (kind {tensor.kind})")
                if number in by:
                    raise ConfigError(f"operator {operator.name}: {by[number]} writes {tensor.name} already")
                by[number] = operator.name
        read = {number for operator in self.operators for number in operator.reads}
        for number, tensor in enumerate(self.tensors):
            if not tensor.given and number not in by and (number in read or tensor.kind == "output"):
                what = "no operator writes it; is its kind `input` or `weight`?"
                raise ConfigError(f"tensor {tensor.name}: {what}")

    def _check_ring(self) -> None:
        count = Ready(self)
        for number in count:
            count.ran(number)
        if left := [i for i, waits in enumerate(count.left) if waits > 0]:
            names = ", ".join(self.operators[i].name for i in left[:6])
            raise ConfigError(f"operators {names}: each waits for another of them, in a ring")

    @cached_property
    def writer(self) -> dict[int, int]:
        """The operator that writes each tensor which is written."""
        return {tensor: i for i, operator in enumerate(self.operators) for tensor in operator.writes}

    @cached_property
    def before(self) -> tuple[frozenset[int], ...]:
        """Operators whose tensors each operator reads."""
        return tuple(
            frozenset(self.writer[tensor] for tensor in operator.reads if tensor in self.writer)
            for operator in self.operators
        )

    @property
    def most_bytes(self) -> int:
        """Bytes of the tensors of the operator that needs most: less near memory is too little."""
        return max((sum(self.tensors[t].size_bytes for t in operator.uses) for operator in self.operators), default=0)

    @property
    def compulsory_bytes(self) -> int:
        """Bytes that cross whatever is done: inputs and weights that are used once in, outputs once out."""
        used = {t for operator in self.operators for t in operator.uses}
        return sum(self.tensors[t].size_bytes for t in used if self.tensors[t].kind != "intermediate")


@dataclass(frozen=True)
class Schedule:
    """A graph whose operators run in an order, one after the other; a place in it is a *step*.

    Attributes:
        graph: the graph.
        order: numbers of its operators.

    Raises:
        ConfigError: an operator is missing, or comes before one that it waits for.
    """

    graph: Graph
    order: tuple[int, ...]

    def __post_init__(self) -> None:
        graph, done = self.graph, set[int]()
        if sorted(self.order) != list(range(len(graph.operators))):
            raise ConfigError(f"an order of {graph.name} names each of its {len(graph.operators)} operators once")
        for number in self.order:
            if late := graph.before[number] - done:
                names = graph.operators[min(late)].name
                raise ConfigError(f"operator {graph.operators[number].name}: in this order it comes before {names}")
            done.add(number)

    def __len__(self) -> int:
        return len(self.order)

    def used(self, step: int) -> tuple[int, ...]:
        """Return the tensors that a step needs near."""
        return self.graph.operators[self.order[step]].uses

    @cached_property
    def uses(self) -> tuple[tuple[int, ...], ...]:
        """The steps that use each tensor, ascending."""
        found: list[list[int]] = [[] for _ in self.graph.tensors]
        for step in range(len(self)):
            for tensor in self.used(step):
                found[tensor].append(step)
        return tuple(tuple(steps) for steps in found)

    @cached_property
    def lives(self) -> tuple[tuple[int, int] | None, ...]:
        """The first and last step of each tensor, were nothing ever evicted; ``None`` of those that nobody uses."""
        return tuple((steps[0], steps[-1]) if steps else None for steps in self.uses)

    @cached_property
    def breadth_bytes(self) -> tuple[int, ...]:
        """Bytes that live in each step."""
        change = [0] * (len(self) + 1)
        for tensor, life in zip(self.graph.tensors, self.lives, strict=True):
            if life:
                change[life[0]] += tensor.size_bytes
                change[life[1] + 1] -= tensor.size_bytes
        return tuple(accumulate(change[:-1]))

    @property
    def peak_bytes(self) -> int:
        """Bytes that live in the step that has most: no allocation needs less."""
        return max(self.breadth_bytes, default=0)


class Ready:
    """Which operators may run next; iterate it, and say which ran."""

    def __init__(self, graph: Graph) -> None:
        self.left = [len(before) for before in graph.before]
        self.free = [i for i, waits in enumerate(self.left) if waits == 0]
        self._after: list[list[int]] = [[] for _ in graph.operators]
        for number, before in enumerate(graph.before):
            for other in before:
                self._after[other].append(number)

    def __iter__(self) -> Iterator[int]:
        while self.free:
            yield self.free[0]

    def ran(self, number: int) -> None:
        """Take an operator off, and free those that waited for it alone."""
        self.free.remove(number)
        for other in self._after[number]:
            self.left[other] -= 1
            if self.left[other] == 0:
                self.free.append(other)


def orders(graph: Graph, most: int = 1_000_000) -> Iterator[tuple[int, ...]]:
    """Yield orders that a graph allows, in the order of their numbers, at most so many."""
    count = 0
    stack: list[tuple[int, ...]] = [()]
    while stack and count < most:
        begun = stack.pop()
        if len(begun) == len(graph.operators):
            count += 1
            yield begun
        done = set(begun)
        free = [i for i in range(len(graph.operators)) if i not in done and graph.before[i] <= done]
        stack.extend((*begun, number) for number in reversed(free))
