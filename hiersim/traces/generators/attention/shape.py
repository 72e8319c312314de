"""What the generators of attention share: the shape of a head, where it runs, and the tiles that fit on chip."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from hiersim.errors import ConfigError
from hiersim.traces.generators.generator import parameter
from hiersim.traces.generators.tiles import Place, TileLoop, repeated
from hiersim.traces.operation import DTYPES, OperationStream, OperationTrace

STATISTIC = 4
"""Bytes of a row's maximum, sum or logarithm of a sum: fp32."""


@dataclass(frozen=True)
class AttentionParameters:
    """Parameters of every attention; the defaults are GPT-2 medium's, 16 heads and a batch of 64 (FlashAttention)."""

    tokens: int = parameter(1024, "queries of a head", low=1, high=10**7)
    keys: int = parameter(0, "keys of a head; 0: as many as queries", low=0, high=10**7)
    head_dim: int = parameter(64, "elements of a query, key or value", low=1, high=65536)
    heads: int = parameter(1, "heads, over all layers and sequences", low=1, high=10**6)
    element: int = parameter(2, "bytes of an element", low=1, high=8)
    sram: int = parameter(192 * 1024, "bytes of on-chip memory, from which tiles follow", low=64, unit="bytes")
    streams: int = parameter(1, "heads that run at once, each with so much on-chip memory", low=1, high=4096)
    dtype: str = parameter("fp16", "number format of the FLOPs", one_of=DTYPES)
    unit: str = parameter("gpu0", "the unit that computes")
    near: str = parameter("sram", "its near tier, the on-chip memory")
    far: str = parameter("hbm", "the tier that inputs and outputs lie in")

    @property
    def key_count(self) -> int:
        """Keys of a head."""
        return self.keys or self.tokens

    @property
    def elements(self) -> int:
        """Elements that the on-chip memory holds."""
        return self.sram // self.element

    def loop(self, name: str) -> TileLoop:
        """Return an empty loop of a head."""
        return TileLoop(Place(self.unit, self.near, self.far, self.dtype), name)

    def all_heads(self, loop: TileLoop) -> OperationTrace | OperationStream:
        """Return the loop's trace, once for each head."""
        return repeated(loop.build(), self.heads, self.streams)


def at_least_one(size: int, kind: str, needs: str) -> int:
    """Return a tile's size, or raise ConfigError if not even one row fits on chip."""
    if size < 1:
        raise ConfigError(f"{kind}.sram  is too small: {needs}")
    return size


def square_tile(elements: int, head_dim: int) -> int:
    """Return the side of the largest square tile t with two operands of ``head_dim``: t^2 + 2 t d <= elements."""
    return isqrt(head_dim * head_dim + elements) - head_dim
