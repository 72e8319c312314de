"""Block-sparse FlashAttention: the loop of FlashAttention over those tiles that a pattern keeps.

Algorithm 5 of FlashAttention (arXiv 2205.14135), which there uses the butterfly pattern of Pixelated Butterfly (Dao
and others, ICLR 2022, arXiv 2112.00029): tile (i, j) is kept if i and j are equal or differ in one bit, on the flat
butterfly's strides 1, 2, 4 ... Other patterns: a band of neighbours (``local``), and independent tiles (``random``)
beside the diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import ConfigError, Mistake
from hiersim.traces.generators.attention.flash1 import Flash1Parameters, flash
from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.operation import OperationStream, OperationTrace

TILES = 25_000_000


@dataclass(frozen=True)
class SparseParameters(Flash1Parameters):
    """Parameters of block-sparse FlashAttention."""

    pattern: str = parameter("butterfly", "which tiles are kept", one_of=("butterfly", "local", "random"))
    width: int = parameter(1, "local: neighbours on either side that a tile of queries sees", low=0, high=10**6)
    density: float = parameter(0.25, "random: share of the tiles that are kept, the diagonal besides", high=1.0)


def kept(p: SparseParameters, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which tiles the pattern keeps, bool [tiles of queries, tiles of keys]."""
    rows, columns = -(-p.tokens // p.tile[0]), -(-p.key_count // p.tile[1])
    if rows * columns > TILES:
        what = f"make {rows:,} x {columns:,} tiles, of which a pattern may choose among {TILES:,} at most"
        raise ConfigError([Mistake("block_sparse_attention.tokens", what)])
    middle = np.minimum(np.arange(rows) * columns // rows, columns - 1)[:, None]  # the diagonal of uneven tiles
    j = np.arange(columns)[None, :]
    if p.pattern == "local":
        return np.asarray(abs(j - middle) <= p.width)
    if p.pattern == "random":
        return np.asarray((rng.random((rows, columns)) < p.density) | (j == middle))
    apart = middle ^ j
    return np.asarray((apart & (apart - 1)) == 0)


def make(p: SparseParameters, rng: np.random.Generator) -> OperationTrace | OperationStream:
    """Make the trace."""
    seen, causal = kept(p, rng), p.keeps()
    return flash(p, "block_sparse_attention", lambda i, j: bool(seen[i, j]) and causal(i, j))


GENERATOR = Generator(
    "block_sparse_attention", "FlashAttention over the tiles of a sparse pattern", SparseParameters, make
)
