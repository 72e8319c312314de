"""Addresses for tensors that live at the same time: greedily, largest first or widest operator first, or optimally.

Greedy by size and by breadth are those of Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net
Inference, MLSys 2020 workshop, arXiv 2001.03288: a tensor goes into the smallest gap between those placed that live
when it does, else behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hiersim.errors import ConfigError, nearest
from hiersim.scratchpad.graph import Schedule


@dataclass(frozen=True)
class Block:
    """Bytes that are needed from a first to a last step; ``tensor`` is whose."""

    tensor: int
    size_bytes: int
    first: int
    last: int

    def meets(self, other: Block) -> bool:
        """Whether both are needed in some step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Allocation:
    """Where blocks lie.

    Attributes:
        blocks: what was to be placed.
        offsets: the first byte of each.
        least_bytes: a lower bound of every allocation: the most that is needed in a step.
        proven: whether no allocation is smaller.
    """

    blocks: tuple[Block, ...]
    offsets: tuple[int, ...]
    least_bytes: int
    proven: bool = False

    @property
    def arena_bytes(self) -> int:
        """The bytes that it takes in all."""
        ends = (offset + block.size_bytes for offset, block in zip(self.offsets, self.blocks, strict=True))
        return max(ends, default=0)

    @property
    def fragmentation(self) -> float:
        """Share of the arena beyond the most that is needed in a step."""
        return 1.0 - self.least_bytes / self.arena_bytes if self.arena_bytes else 0.0


def lifetimes(schedule: Schedule, kinds: Sequence[str] = ()) -> tuple[Block, ...]:
    """Return a block for each tensor of the given kinds, all when empty, for as long as it lives."""
    pairs = zip(schedule.graph.tensors, schedule.lives, strict=True)
    return tuple(
        Block(number, tensor.size_bytes, *life)
        for number, (tensor, life) in enumerate(pairs)
        if life and (not kinds or tensor.kind in kinds)
    )


def least_bytes(blocks: Iterable[Block]) -> int:
    """Return the most bytes that are needed in a step."""
    change: dict[int, int] = {}
    for block in blocks:
        change[block.first] = change.get(block.first, 0) + block.size_bytes
        change[block.last + 1] = change.get(block.last + 1, 0) - block.size_bytes
    most = now = 0
    for step in sorted(change):
        now += change[step]
        most = max(most, now)
    return most


def by_size(blocks: Sequence[Block]) -> list[int]:
    """Return the blocks in the order of their sizes, largest first."""
    return sorted(range(len(blocks)), key=lambda i: (-blocks[i].size_bytes, i))


def by_breadth(blocks: Sequence[Block]) -> list[int]:
    """Return the blocks of the step that needs most first, largest first, then those of the next such step."""
    steps = range(max((block.last for block in blocks), default=-1) + 1)
    there = [[i for i, block in enumerate(blocks) if block.first <= step <= block.last] for step in steps]
    wide = [sum(blocks[i].size_bytes for i in each) for each in there]
    chosen: dict[int, None] = {}
    for step in sorted(steps, key=lambda step: (-wide[step], step)):
        chosen.update(dict.fromkeys(sorted(there[step], key=lambda i: (-blocks[i].size_bytes, i))))
    return list(chosen)


def placed(blocks: Sequence[Block], order: Iterable[int]) -> Allocation:
    """Place blocks in an order, each into the smallest gap that takes it, the lowest of equal ones, else behind."""
    offsets: dict[int, int] = {}
    for number in order:
        taken = sorted(
            (offsets[other], blocks[other].size_bytes) for other in offsets if blocks[number].meets(blocks[other])
        )
        offsets[number] = hole(taken, blocks[number].size_bytes)
    return Allocation(tuple(blocks), tuple(offsets[i] for i in range(len(blocks))), least_bytes(blocks))


def hole(taken: Iterable[tuple[int, int]], size_bytes: int) -> int:
    """Return where the smallest gap that takes so many bytes begins, the lowest of equal ones, else the end.

    Args:
        taken: (offset, bytes) of what is there, ascending.
        size_bytes: what is to be placed.
    """
    best, end = (0, -1), 0
    for offset, other in taken:
        if offset - end >= size_bytes and (best[1] < 0 or offset - end < best[0]):
            best = offset - end, end
        end = max(end, offset + other)
    return best[1] if best[1] >= 0 else end


def optimum(blocks: Sequence[Block]) -> Allocation:
    """Place blocks so that the arena is smallest, by an integer programme."""
    from hiersim.scratchpad.programmes import smallest_arena

    return smallest_arena(blocks)


WAYS: dict[str, Callable[[Sequence[Block]], Allocation]] = {
    "size": lambda blocks: placed(blocks, by_size(blocks)),
    "breadth": lambda blocks: placed(blocks, by_breadth(blocks)),
    "optimum": optimum,
}
"""Ways to place blocks, by name."""


def allocate(blocks: Sequence[Block], how: str = "size") -> Allocation:
    """Place blocks in one of the ``WAYS``.

    Raises:
        ConfigError: there is no such way, or there are too many blocks for the optimum.
    """
    if how not in WAYS:
        raise ConfigError(f"no allocation `{how}`{nearest(how, WAYS)} (one of {', '.join(WAYS)})")
    return WAYS[how](blocks)
