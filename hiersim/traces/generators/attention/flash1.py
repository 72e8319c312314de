"""FlashAttention: keys and values in the outer loop, an online softmax, scores that never leave the chip.

Dao, Fu, Ermon, Rudra, Re: FlashAttention, NeurIPS 2022, arXiv 2205.14135: Algorithm 1 forward, Algorithm 4 backward,
and Algorithm 5, which passes over blocks that a mask leaves out. With M elements on chip a tile has ceil(M / 4d)
keys, and as many queries but at most d. Zeros that are loaded before they are overwritten (O, statistics, dQ) are
stored first. Dropout moves nothing: its mask is drawn again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hiersim.traces.generators.attention.shape import STATISTIC, AttentionParameters
from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.generators.tiles import TileLoop, cut
from hiersim.traces.operation import OperationStream, OperationTrace

Keeps = Callable[[int, int], bool]
"""Whether the tile of queries i and keys j has to be computed."""


@dataclass(frozen=True)
class Flash1Parameters(AttentionParameters):
    """Parameters of FlashAttention."""

    queries_tile: int = parameter(0, "queries of a tile; 0: min(ceil(M / 4d), d), M elements on chip", low=0)
    keys_tile: int = parameter(0, "keys of a tile; 0: ceil(M / 4d)", low=0)
    causal: str = parameter("no", "whether queries see no later keys, so that tiles of those are left out",
                            one_of=("no", "yes"))  # fmt: skip
    backward: str = parameter("no", "whether gradients are computed after it", one_of=("no", "yes"))

    @property
    def tile(self) -> tuple[int, int]:
        """Queries and keys of a tile."""
        keys = -(-self.elements // (4 * self.head_dim))
        queries = self.queries_tile or min(keys, self.head_dim)
        return min(queries, self.tokens), min(self.keys_tile or keys, self.key_count)

    def keeps(self) -> Keeps:
        """Return which tiles are computed."""
        rows, columns = self.tile
        if self.causal == "no":
            return lambda i, j: True
        return lambda i, j: j * columns < (i + 1) * rows


@dataclass(frozen=True)
class Head:
    """The tiles of a head: rows of a matrix as one object per tile.

    Attributes:
        rows, columns: queries and keys of each tile.
        parts: objects by matrix, such as ``query`` or ``output``.
    """

    rows: list[int]
    columns: list[int]
    parts: dict[str, list[int]]

    def __getitem__(self, name: str) -> list[int]:
        return self.parts[name]


def head_of(p: Any, loop: TileLoop) -> Head:
    """Make the tiles that forward and backward passes read and write; ``p`` has a ``tile``."""
    rows, columns = p.tile
    by_query, by_key, whole = (p.tokens, rows), (p.key_count, columns), (p.head_dim, p.head_dim)
    inputs = {"query": by_query, "key": by_key, "value": by_key}
    outputs = {"output": by_query}
    if p.backward == "yes":
        inputs["output gradient"] = by_query
        outputs |= {"query gradient": by_query, "key gradient": by_key, "value gradient": by_key}
    parts = {
        name: [row[0] for row in loop.tiles(name, lengths, whole, p.element, given=name in inputs, kept=True)]
        for name, lengths in (inputs | outputs).items()
    }
    loop.scratch(rows * columns * p.element, "scores")
    return Head(cut(*by_query), cut(*by_key), parts)


def statistics(loop: TileLoop, p: Any, count: int, name: str = "statistics") -> list[int]:
    """Make so many numbers of each query, an object per tile of queries."""
    return [row[0] for row in loop.tiles(name, (p.tokens, p.tile[0]), (count, count), STATISTIC)]


def forward(p: Any, loop: TileLoop, head: Head, keeps: Keeps) -> list[int]:
    """Add the forward pass; return the statistics, maximum and sum of each query."""
    known = statistics(loop, p, 2)
    for i in range(len(head.rows)):
        loop.step("zero", [], [head["output"][i], known[i]])
    for j, columns in enumerate(head.columns):
        for i, rows in enumerate(head.rows):
            if keeps(i, j):
                reads = [head["key"][j], head["value"][j], head["query"][i]]
                loop.step("attention", reads, [head["output"][i], known[i]], 4 * rows * columns * p.head_dim)
    return known


def backward(p: Any, loop: TileLoop, head: Head, keeps: Keeps, known: list[int]) -> None:
    """Add the backward pass, which computes the scores of each tile again."""
    for i in range(len(head.rows)):
        loop.step("zero", [], [head["query gradient"][i]])
    for j, columns in enumerate(head.columns):
        gradients = [head["key gradient"][j], head["value gradient"][j]]
        for i, rows in enumerate(head.rows):
            if keeps(i, j):
                reads = [head["key"][j], head["value"][j], head["query"][i], head["output"][i]]
                reads += [head["output gradient"][i], known[i]]
                work = 10 * rows * columns * p.head_dim
                loop.step("attention gradient", reads, [*gradients, head["query gradient"][i]], work)


def flash(p: Any, name: str, keeps: Keeps) -> OperationTrace | OperationStream:
    """Return the trace of all heads, with those tiles that are kept."""
    loop = p.loop(name)
    head = head_of(p, loop)
    known = forward(p, loop, head, keeps)
    if p.backward == "yes":
        backward(p, loop, head, keeps, known)
    return p.all_heads(loop)  # type: ignore[no-any-return]


def make(p: Flash1Parameters, rng: np.random.Generator) -> OperationTrace | OperationStream:
    """Make the trace."""
    return flash(p, "flash_attention", p.keeps())


GENERATOR = Generator("flash_attention", "FlashAttention: keys in the outer loop (2022)", Flash1Parameters, make)
