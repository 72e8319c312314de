"""Standard attention: one kernel after the other, each with its inputs and outputs in the far memory.

Algorithms 0 and 3 of FlashAttention (arXiv 2205.14135): S = Q K^T, P = softmax(S), O = P V, and dV = P^T dO,
dP = dO V^T, dS = P (dP - rowsum(P dP)), dQ = dS K, dK = dS^T Q. ``mask`` and ``dropout`` are passes over the scores
of their own, as in a framework without fused kernels: a mask reads and writes them (its gradient is nothing: it is 0
where a softmax gave 0), dropout reads them, writes them to another place and a byte for each that says what was kept,
and reads both again for its gradient.

Each product is a loop over tiles. If the on-chip memory holds all keys beside a few rows, these stay; else tiles are
square, t^2 + 2 t d <= M; and with less than d^2 elements on chip the inner dimension is cut too, 3 t^2 <= M.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np

from hiersim.traces.generators.attention.shape import AttentionParameters, at_least_one, square_tile
from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.generators.tiles import TileLoop, cut
from hiersim.traces.operation import OperationStream, OperationTrace

Grid = list[list[int]]
FEWEST = 16
"""Queries of a tile beside all keys, at least: the side of a tensor core's tile."""


@dataclass(frozen=True)
class StandardParameters(AttentionParameters):
    """Parameters of standard attention."""

    mask: str = parameter("no", "whether a kernel masks the scores", one_of=("no", "yes"))
    dropout: str = parameter("no", "whether a kernel drops some of the softmax's outputs", one_of=("no", "yes"))
    backward: str = parameter("no", "whether gradients are computed after it", one_of=("no", "yes"))

    @property
    def tile(self) -> tuple[int, int, int]:
        """Queries, keys and inner elements of a tile of a product."""
        room, d = self.elements, self.head_dim
        if room < d * d:
            side = at_least_one(isqrt(room // 3), "standard_attention", "three elements do not fit")
            return min(side, self.tokens), min(side, self.key_count), min(side, d)
        rows = min((room - self.key_count * d) // (d + self.key_count), room // (2 * self.key_count))
        if rows >= min(FEWEST, self.tokens):
            return min(rows, self.tokens), self.key_count, d
        side = at_least_one(square_tile(room, d), "standard_attention", "a row does not fit")
        return min(side, self.tokens), min(side, self.key_count), d


@dataclass(frozen=True)
class Matrices:
    """The matrices of a head as grids of tiles, and the lengths of these.

    Attributes:
        rows, columns, inner: queries, keys and elements of each tile.
        grids: by matrix, such as ``query`` or ``scores``.
        whole_rows: a kernel by rows holds one tile of queries with all keys, twice.
    """

    rows: list[int]
    columns: list[int]
    inner: list[int]
    grids: dict[str, Grid]
    whole_rows: bool

    def __getitem__(self, name: str) -> Grid:
        return self.grids[name]


def matrices(p: StandardParameters, loop: TileLoop) -> Matrices:
    """Make the matrices of a head."""
    rows, columns, inner = p.tile
    by_query, by_key, wide = (p.tokens, rows), (p.key_count, columns), (p.head_dim, inner)
    grids = {"query": loop.tiles("query", by_query, wide, p.element, given=True)}
    for name in ("key", "value"):
        grids[name] = loop.tiles(name, by_key, wide, p.element, given=True)
    grids["output"] = loop.tiles("output", by_query, wide, p.element, kept=True)
    scores = ["scores", *(["dropped scores"] if p.dropout == "yes" else [])]
    if p.backward == "yes":
        grids["output gradient"] = loop.tiles("output gradient", by_query, wide, p.element, given=True)
        grids["query gradient"] = loop.tiles("query gradient", by_query, wide, p.element, kept=True)
        for name in ("key gradient", "value gradient"):
            grids[name] = loop.tiles(name, by_key, wide, p.element, kept=True)
        scores.append("scores gradient")
    for name in scores:
        grids[name] = loop.tiles(name, by_query, by_key, p.element)
    if p.dropout == "yes":
        grids["dropout mask"] = loop.tiles("dropout mask", by_query, by_key, 1)
    fits = 2 * rows * p.key_count <= p.elements
    return Matrices(cut(*by_query), cut(*by_key), cut(*wide), grids, fits)


def outer(loop: TileLoop, m: Matrices, kind: str, left: str, right: str, out: str) -> None:
    """Add out = left right^T: scores by queries and keys."""
    for i, rows in enumerate(m.rows):
        for j, columns in enumerate(m.columns):
            for k, inner in enumerate(m.inner):
                loop.step(kind, [m[left][i][k], m[right][j][k]], [m[out][i][j]], 2 * rows * columns * inner)


def by_query(loop: TileLoop, m: Matrices, kind: str, scores: str, right: str, out: str) -> None:
    """Add out = scores right: a row of the output for each query."""
    for i, rows in enumerate(m.rows):
        for k, inner in enumerate(m.inner):
            for j, columns in enumerate(m.columns):
                loop.step(kind, [m[scores][i][j], m[right][j][k]], [m[out][i][k]], 2 * rows * columns * inner)


def by_key(loop: TileLoop, m: Matrices, kind: str, scores: str, right: str, out: str) -> None:
    """Add out = scores^T right: a row of the output for each key."""
    for j, columns in enumerate(m.columns):
        for k, inner in enumerate(m.inner):
            for i, rows in enumerate(m.rows):
                loop.step(kind, [m[scores][i][j], m[right][i][k]], [m[out][j][k]], 2 * rows * columns * inner)


def every_tile(loop: TileLoop, m: Matrices, kind: str, reads: list[str], writes: list[str]) -> None:
    """Add a pass over all scores, tile by tile."""
    for i in range(len(m.rows)):
        for j in range(len(m.columns)):
            loop.step(kind, [m[name][i][j] for name in reads], [m[name][i][j] for name in writes])


def every_row(loop: TileLoop, m: Matrices, kind: str, reads: list[str], changes: str, sums: list[int]) -> None:
    """Add a kernel that needs whole rows of scores: at once if they fit on chip, else a pass for their sums before."""
    if m.whole_rows:
        for i in range(len(m.rows)):
            loop.step(kind, [tile for name in reads for tile in m[name][i]], m[changes][i])
        return
    for i in range(len(m.rows)):
        for j in range(len(m.columns)):
            loop.step(f"{kind} sums", [m[name][i][j] for name in (*reads, changes)], [sums[i]])
        for j in range(len(m.columns)):
            loop.step(kind, [*(m[name][i][j] for name in reads), sums[i]], [m[changes][i][j]])


def make(p: StandardParameters, rng: np.random.Generator) -> OperationTrace | OperationStream:
    """Make the trace."""
    loop = p.loop("standard_attention")
    m = matrices(p, loop)
    sums = [row[0] for row in loop.tiles("statistics", (p.tokens, p.tile[0]), (2, 2), 4)]
    outer(loop, m, "scores", "query", "key", "scores")
    if p.mask == "yes":
        every_tile(loop, m, "mask", [], ["scores"])
    every_row(loop, m, "softmax", [], "scores", sums)
    kept = "scores"
    if p.dropout == "yes":
        kept = "dropped scores"
        every_tile(loop, m, "dropout", ["scores"], [kept, "dropout mask"])
    by_query(loop, m, "output", kept, "value", "output")
    if p.backward == "yes":
        _backward(p, loop, m, kept)
    return p.all_heads(loop)


def _backward(p: StandardParameters, loop: TileLoop, m: Matrices, kept: str) -> None:
    sums = [row[0] for row in loop.tiles("row sums", (p.tokens, p.tile[0]), (1, 1), 4)]
    by_key(loop, m, "value gradient", kept, "output gradient", "value gradient")
    outer(loop, m, "scores gradient", "output gradient", "value", "scores gradient")
    if p.dropout == "yes":
        every_tile(loop, m, "dropout gradient", ["dropout mask"], ["scores gradient"])
    every_row(loop, m, "softmax gradient", ["scores"], "scores gradient", sums)
    by_query(loop, m, "query gradient", "scores gradient", "key", "query gradient")
    by_key(loop, m, "key gradient", "scores gradient", "query", "key gradient")


GENERATOR = Generator(
    "standard_attention", "attention kernel by kernel, scores in the far memory", StandardParameters, make
)
