"""Attention as one, two or three passes over the keys: what must be read again, or kept on chip, for a softmax.

Nayak, Wu, Odemuyiwa, Pellauer, Emer, Fletcher: FuseMax, MICRO 2024, arXiv 2406.10491. Of each query the scores are
needed

    3 passes    for their maximum; for exponentials and their sum; for quotients and their products with values
    2 passes    for exponentials against the maximum of their tile, with sums that are corrected on the way; for
                quotients against the maximum of all, and their products with values
    1 pass      for both at once: earlier products are corrected when a maximum rises, and divided at the end

Between passes the scores of a tile of queries stay on chip if they fit there, all keys of them; else keys are read
again and the scores computed again, or, with ``spill: yes``, the scores go to the far memory and back. The paper
calls the 3-pass cascade that of FLAT (Kao and others, ASPLOS 2023, arXiv 2107.06419) and TileFlow, its own is the
1-pass one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.traces.generators.attention.shape import STATISTIC, AttentionParameters
from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.generators.tiles import cut
from hiersim.traces.operation import OperationStream, OperationTrace

KINDS = {3: ("maximum", "exponentials", "values"), 2: ("exponentials", "values"), 1: ("values",)}
"""What each pass is for."""


@dataclass(frozen=True)
class CascadeParameters(AttentionParameters):
    """Parameters of attention in passes."""

    passes: int = parameter(1, "passes over the keys", low=1, high=3)
    spill: str = parameter("no", "whether scores that do not fit on chip go to the far memory", one_of=("no", "yes"))
    queries_tile: int = parameter(0, "queries of a tile; 0: so many that their scores stay on chip, else M / 4d", low=0)
    keys_tile: int = parameter(0, "keys of a tile; 0: min(ceil(M / 4d), d), M elements on chip", low=0)

    @property
    def tile(self) -> tuple[int, int]:
        """Queries and keys of a tile."""
        fitting = -(-self.elements // (4 * self.head_dim))
        keys = min(self.keys_tile or min(fitting, self.head_dim), self.key_count)
        held = (self.elements - 2 * keys * self.head_dim) // (self.key_count + 2 * self.head_dim)
        queries = self.queries_tile or (held if self.passes > 1 and held > 0 else fitting)
        return min(queries, self.tokens), keys

    @property
    def holds(self) -> bool:
        """Whether the scores of a tile of queries with all keys stay on chip, beside its vectors and a tile of keys."""
        queries, keys = self.tile
        return queries * self.key_count + 2 * (queries + keys) * self.head_dim <= self.elements


class Passes:
    """The passes of a head."""

    def __init__(self, p: CascadeParameters) -> None:
        self.p, self.loop = p, p.loop("attention_passes")
        rows, columns = p.tile
        self.rows, self.columns = cut(p.tokens, rows), cut(p.key_count, columns)
        self.query = self._vectors("query", (p.tokens, rows), given=True)
        self.key = self._vectors("key", (p.key_count, columns), given=True)
        self.value = self._vectors("value", (p.key_count, columns), given=True)
        self.output = self._vectors("output", (p.tokens, rows), kept=True)
        self.sums = [row[0] for row in self.loop.tiles("statistics", (p.tokens, rows), (2, 2), STATISTIC)]
        self.stored: list[list[int]] = []
        if p.passes > 1 and not p.holds and p.spill == "yes":
            self.stored = self.loop.tiles("scores", (p.tokens, rows), (p.key_count, columns), p.element)
        else:
            held = p.key_count if p.passes > 1 and p.holds else columns
            self.loop.scratch(rows * held * p.element, "scores")

    def _vectors(self, name: str, rows: tuple[int, int], given: bool = False, kept: bool = False) -> list[int]:
        wide = (self.p.head_dim, self.p.head_dim)
        return [row[0] for row in self.loop.tiles(name, rows, wide, self.p.element, given=given, kept=kept)]

    def add(self, i: int) -> None:
        """Add the passes of a tile of queries."""
        p = self.p
        for number, kind in enumerate(KINDS[p.passes]):
            again = number > 0
            for j in range(len(self.columns)):
                self._tile(kind, i, j, again)

    def _tile(self, kind: str, i: int, j: int, again: bool) -> None:
        """Add a pass over one tile of keys."""
        product = 2 * self.rows[i] * self.columns[j] * self.p.head_dim
        reads, writes, work = [self.query[i]], [self.sums[i]], 0
        if self.stored:
            writes += [self.stored[i][j]] if kind != "values" else []
            reads += [self.stored[i][j]] if again else [self.key[j]]
            work = 0 if again else product
        elif not (again and self.p.holds):
            reads.append(self.key[j])
            work = product
        if kind == "values":
            reads.append(self.value[j])
            writes = [self.output[i]] if self.p.passes > 1 else [self.output[i], self.sums[i]]
            reads += [self.sums[i]] if self.p.passes > 1 else []
            work += product
        self.loop.step(kind, reads, writes, work)


def make(p: CascadeParameters, rng: np.random.Generator) -> OperationTrace | OperationStream:
    """Make the trace."""
    passes = Passes(p)
    for i in range(len(passes.rows)):
        passes.add(i)
    return p.all_heads(passes.loop)


GENERATOR = Generator(
    "attention_passes", "attention in one, two or three passes over the keys (FuseMax)", CascadeParameters, make
)
