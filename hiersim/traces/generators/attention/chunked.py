"""Attention in chunks, without scores of all queries by all keys: how much memory it needs, not what crosses to a chip.

Rabe, Staats: Self-attention Does Not Need O(n^2) Memory, arXiv 2112.05682. Queries and keys are cut into chunks; of
each pair of chunks come partial values, maxima and sums, which are combined when the last chunk of keys is done. The
default chunks are those of its published code, which keeps the partial results of all chunks of keys until then; they
are the residuals of its backward pass, which computes the scores of each pair again. Everything lies in the unit's
near tier, as on an accelerator whose memory is one; with one chunk of each it is attention with all scores in memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.traces.generators.attention.shape import STATISTIC
from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.generators.tiles import cut
from hiersim.traces.operation import DTYPES, OperationTrace
from hiersim.traces.operation_builder import OperationBuilder


@dataclass(frozen=True)
class ChunkedParameters:
    """Parameters of attention in chunks; a head in fp32, as the paper measures."""

    tokens: int = parameter(16384, "queries, and as many keys", low=1, high=10**7)
    head_dim: int = parameter(64, "elements of a query, key or value", low=1, high=65536)
    query_chunk: int = parameter(1024, "queries of a chunk; 0: all", low=0)
    key_chunk: int = parameter(4096, "keys of a chunk; 0: all", low=0)
    element: int = parameter(4, "bytes of an element", low=1, high=8)
    backward: str = parameter("no", "whether gradients are computed after it", one_of=("no", "yes"))
    dtype: str = parameter("fp32", "number format of the FLOPs", one_of=DTYPES)
    unit: str = parameter("gpu0", "the unit that computes")
    near: str = parameter("hbm", "its near tier, which has everything")


class Chunks:
    """The operations of a head."""

    def __init__(self, p: ChunkedParameters) -> None:
        self.p, self.build = p, OperationBuilder("chunked_attention")
        self.rows = cut(p.tokens, p.query_chunk or p.tokens)
        self.columns = cut(p.tokens, p.key_chunk or p.tokens)
        self.query = self.vectors("query", self.rows, given=True)
        self.key = self.vectors("key", self.columns, given=True)
        self.value = self.vectors("value", self.columns, given=True)
        self.output = self.vectors("output", self.rows, kept=True)
        self.partial: list[list[int]] = []

    def vectors(self, name: str, lengths: list[int], given: bool = False, kept: bool = False) -> list[int]:
        """Make vectors of ``head_dim`` elements, an object for each chunk of them."""
        home = self.p.near if given else None
        each = self.p.head_dim * self.p.element
        return [self.build.object(length * each, name, home=home, kept=kept) for length in lengths]

    def add(self, kind: str, reads: list[int], writes: list[int], flops: int = 0) -> None:
        """Add an operation of so many FLOPs."""
        self.build.add(kind, unit=self.p.unit, reads=reads, writes=writes, flops=flops, dtype=self.p.dtype)

    def scores(self, i: int, j: int, left: list[int], right: list[int], name: str = "scores") -> int:
        """Add the product of a chunk of queries with one of keys, and return it."""
        rows, columns = self.rows[i], self.columns[j]
        made = self.build.object(rows * columns * self.p.element, name)
        self.add(name, [left[i], right[j]], [made], 2 * rows * columns * self.p.head_dim)
        return made

    def forward(self) -> None:
        """Add the forward pass: partial results of each pair of chunks, and their sum."""
        for i, rows in enumerate(self.rows):
            partial = []
            for j, columns in enumerate(self.columns):
                scores, part = self.scores(i, j, self.query, self.key), self.part(rows)
                self.add("softmax", [scores], [scores, part[1]])
                self.add("values", [scores, self.value[j]], [part[0]], 2 * rows * columns * self.p.head_dim)
                partial += part
            self.add("combine", partial, [self.output[i]], rows * len(self.columns) * self.p.head_dim)
            self.partial.append(partial)

    def part(self, rows: int) -> list[int]:
        """Make the partial values of a pair of chunks, and its maxima and sums."""
        values = self.build.object(rows * self.p.head_dim * self.p.element, "partial values")
        return [values, self.build.object(2 * rows * STATISTIC, "statistics")]

    def backward(self) -> None:
        """Add the backward pass: of each pair of chunks the scores again, and the gradients that they give."""
        given = self.vectors("output gradient", self.rows, given=True)
        gradients = {name: self.vectors(name, self.rows if name == "query gradient" else self.columns, kept=True)
                     for name in ("query gradient", "key gradient", "value gradient")}  # fmt: skip
        started: set[int] = set()
        for i, rows in enumerate(self.rows):
            for j, columns in enumerate(self.columns):
                weights = self.scores(i, j, self.query, self.key)
                self.add("softmax", [weights, *self.partial[i]], [weights])
                work = 2 * rows * columns * self.p.head_dim
                self.update(started, "value gradient", [weights, given[i]], gradients["value gradient"][j], work)
                change = self.scores(i, j, given, self.value, "scores gradient")
                self.add("softmax gradient", [weights, change], [change])
                self.update(started, "query gradient", [change, self.key[j]], gradients["query gradient"][i], work)
                self.update(started, "key gradient", [change, self.query[i]], gradients["key gradient"][j], work)

    def update(self, started: set[int], kind: str, reads: list[int], sum_of: int, flops: int) -> None:
        """Add a product of so many FLOPs to a sum, which is the product itself at first."""
        self.add(kind, [*reads, *([sum_of] if sum_of in started else [])], [sum_of], flops)
        started.add(sum_of)


def make(p: ChunkedParameters, rng: np.random.Generator) -> OperationTrace:
    """Make the trace."""
    chunks = Chunks(p)
    chunks.forward()
    if p.backward == "yes":
        chunks.backward()
    return chunks.build.build()


GENERATOR = Generator(
    "chunked_attention", "attention in chunks of queries and keys (Rabe and Staats)", ChunkedParameters, make
)
