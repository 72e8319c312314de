"""Decoding behind a shared prompt: its keys and values are read once for a batch, or once for each request.

Zhu, Wang, Zhang, Lau: RelayAttention, ACL 2024, arXiv 2402.14808. The queries of all requests attend to the shared
prompt together, then each to its own context, and the two results are combined with the logarithms of their sums.
``relay: no`` is the usual kernel, which reads the shared part again for every request. A step of one layer: a tile is
some tokens with the keys and values of all its KV heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.traces.generators.attention.shape import STATISTIC
from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.generators.tiles import Place, TileLoop, cut, repeated
from hiersim.traces.operation import DTYPES, OperationStream, OperationTrace


@dataclass(frozen=True)
class RelayParameters:
    """Parameters of decoding behind a shared prompt; the heads are Llama-2 7B's, one of the paper's models."""

    requests: int = parameter(32, "requests in the batch", low=1, high=10**5)
    shared: int = parameter(2048, "tokens of the prompt that all share", low=1, high=10**7)
    own: int = parameter(256, "tokens of each request's own context", low=1, high=10**7)
    relay: str = parameter("yes", "whether the shared part is read once for all", one_of=("yes", "no"))
    query_heads: int = parameter(32, "query heads", low=1, high=1024)
    kv_heads: int = parameter(32, "KV heads", low=1, high=1024)
    head_dim: int = parameter(128, "elements of a head", low=1, high=65536)
    layers: int = parameter(1, "layers, one after the other", low=1, high=10**4)
    element: int = parameter(2, "bytes of an element", low=1, high=8)
    tile: int = parameter(128, "tokens of a tile, a block of FlashAttention's", low=1, high=10**6)
    dtype: str = parameter("fp16", "number format of the FLOPs", one_of=DTYPES)
    unit: str = parameter("gpu0", "the unit that computes")
    near: str = parameter("sram", "its near tier, the on-chip memory")
    far: str = parameter("hbm", "the tier that keys and values lie in")

    @property
    def flops(self) -> int:
        """FLOPs of a query with one token."""
        return 4 * self.query_heads * self.head_dim


class Step:
    """A decoding step of one layer."""

    def __init__(self, p: RelayParameters) -> None:
        self.p = p
        self.loop = TileLoop(Place(p.unit, p.near, p.far, p.dtype), "relay_attention")
        wide = p.query_heads * p.head_dim
        self.query = self._rows("query", wide, given=True)
        self.output = self._rows("output", wide, kept=True)

    def _rows(self, name: str, width: int, given: bool = False, kept: bool = False) -> list[int]:
        """Make a row for each request."""
        rows = (self.p.requests, 1)
        return [row[0] for row in self.loop.tiles(name, rows, (width, width), self.p.element, given=given, kept=kept)]

    def tokens(self, name: str, count: int) -> list[int]:
        """Make the keys and values of tokens, an object for each tile."""
        wide = 2 * self.p.kv_heads * self.p.head_dim
        return [row[0] for row in self.loop.tiles(name, (count, self.p.tile), (wide, wide), self.p.element, given=True)]

    def attend(self, kind: str, tiles: list[int], lengths: list[int], who: range, writes: list[int]) -> None:
        """Let the queries of some requests attend to tokens, tile by tile."""
        for tile, length in zip(tiles, lengths, strict=True):
            reads = [tile, *(self.query[r] for r in who)]
            self.loop.step(kind, reads, writes, len(who) * length * self.p.flops)

    def build(self) -> OperationTrace:
        """Return the trace."""
        p = self.p
        shared, lengths = self.tokens("shared kv", p.shared), cut(p.shared, p.tile)
        before: list[int] = []
        if p.relay == "yes":
            wide = p.query_heads * (p.head_dim * p.element + STATISTIC)
            before = [row[0] for row in self.loop.tiles("shared part", (p.requests, 1), (wide, wide), 1)]
            self.attend("shared attention", shared, lengths, range(p.requests), before)
        for r in range(p.requests):
            own, mine = self.tokens("own kv", p.own), range(r, r + 1)
            if p.relay == "no":
                self.attend("shared attention", shared, lengths, mine, [self.output[r]])
            self.attend("own attention", own, cut(p.own, p.tile), mine, [self.output[r]])
            if p.relay == "yes":
                work = 3 * p.query_heads * p.head_dim
                self.loop.step("combine", [before[r]], [self.output[r]], work)
        return self.loop.build()


def make(p: RelayParameters, rng: np.random.Generator) -> OperationTrace | OperationStream:
    """Make the trace."""
    return repeated(Step(p).build(), p.layers)


GENERATOR = Generator(
    "relay_attention", "decoding of a batch behind a shared prompt, read once or by each", RelayParameters, make
)
