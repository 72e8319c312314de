"""FlashAttention-2: queries in the outer loop, so that each output is written once.

Dao: FlashAttention-2, arXiv 2307.08691: Algorithm 1 forward, Algorithm 2 backward; of the statistics only the
logarithm of each query's sum is kept. The paper tunes tiles among 64 and 128 rows by hand; here they follow from the
on-chip memory unless they are given, by the rule of its predecessor with the loops' roles exchanged: ceil(M / 4d)
queries for M elements, and as many keys but at most d.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.traces.generators.attention.flash1 import Flash1Parameters, Head, Keeps, head_of, statistics
from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.generators.tiles import TileLoop
from hiersim.traces.operation import OperationStream, OperationTrace


@dataclass(frozen=True)
class Flash2Parameters(Flash1Parameters):
    """Parameters of FlashAttention-2."""

    queries_tile: int = parameter(0, "queries of a tile; 0: ceil(M / 4d), M elements on chip", low=0)
    keys_tile: int = parameter(0, "keys of a tile; 0: min(ceil(M / 4d), d)", low=0)

    @property
    def tile(self) -> tuple[int, int]:
        """Queries and keys of a tile."""
        queries = -(-self.elements // (4 * self.head_dim))
        keys = self.keys_tile or min(queries, self.head_dim)
        return min(self.queries_tile or queries, self.tokens), min(keys, self.key_count)


def forward(p: Flash2Parameters, loop: TileLoop, head: Head, keeps: Keeps) -> list[int]:
    """Add the forward pass; return the logarithms of the queries' sums."""
    sums = statistics(loop, p, 1)
    loop.scratch(2 * p.tile[0] * 4, "statistics on chip")
    for i, rows in enumerate(head.rows):
        kept = [j for j in range(len(head.columns)) if keeps(i, j)]
        for j in kept:
            writes = [head["output"][i], *([sums[i]] if j == kept[-1] else [])]
            work = 4 * rows * head.columns[j] * p.head_dim
            loop.step("attention", [head["query"][i], head["key"][j], head["value"][j]], writes, work)
    return sums


def backward(p: Flash2Parameters, loop: TileLoop, head: Head, keeps: Keeps, sums: list[int]) -> None:
    """Add the backward pass; a pass before it sums output times its gradient for each query."""
    products = statistics(loop, p, 1, "row sums")
    for i, rows in enumerate(head.rows):
        loop.step("row sum", [head["output"][i], head["output gradient"][i]], [products[i]], 2 * rows * p.head_dim)
        loop.step("zero", [], [head["query gradient"][i]])
    for j, columns in enumerate(head.columns):
        gradients = [head["key gradient"][j], head["value gradient"][j]]
        for i, rows in enumerate(head.rows):
            if keeps(i, j):
                reads = [head["key"][j], head["value"][j], head["query"][i], head["output gradient"][i]]
                work = 10 * rows * columns * p.head_dim
                loop.step("attention gradient", [*reads, sums[i], products[i]],
                          [*gradients, head["query gradient"][i]], work)  # fmt: skip


def make(p: Flash2Parameters, rng: np.random.Generator) -> OperationTrace | OperationStream:
    """Make the trace."""
    loop = p.loop("flash_attention_2")
    head = head_of(p, loop)
    sums = forward(p, loop, head, p.keeps())
    if p.backward == "yes":
        backward(p, loop, head, p.keeps(), sums)
    return p.all_heads(loop)


GENERATOR = Generator("flash_attention_2", "FlashAttention-2: queries in the outer loop (2023)", Flash2Parameters, make)
