"""Rows of a large table read by key: memory layers, lookups in place of matrices, features of a graph's vertices.

Lample et al. (arXiv 1907.05242), Berges et al. (arXiv 2412.09764), Huang et al. (UltraMem, arXiv 2411.12364). For each
step and each table: keys near the unit are scanned, the rows that a batch chose are read, each once, and their sum is
made near the unit. A table at home elsewhere is gathered row by row; of one near the unit each row is rounded up to the
sector that its memory reads. Rows are drawn alike or by a power law. Those that are never read are one object, so that
a run has the whole table to hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.operation import OperationTrace
from hiersim.traces.operation_builder import OperationBuilder

I64 = NDArray[np.int64]


@dataclass(frozen=True)
class LookupParameters:
    """Parameters of lookups in tables."""

    rows: int = parameter(10**6, "rows of each table", low=1, high=10**12)
    row: int = parameter(1024, "bytes of a row", low=1, high=2**30, unit="bytes")
    tables: int = parameter(1, "tables, one after the other in each step", low=1, high=10**4)
    lookups: int = parameter(32, "rows that a token reads of each table", low=1, high=10**5)
    batch: int = parameter(1, "tokens of a step", low=1, high=10**6)
    steps: int = parameter(4, "steps, one after the other", low=1, high=10**6)
    alpha: float = parameter(0.0, "exponent of the power law by which rows are chosen; 0: alike", high=0.99)
    keys: int = parameter(0, "bytes of keys near the unit, scanned once for each table and step", unit="bytes")
    key_flops: int = parameter(0, "FLOPs of a token's scan")
    sector: int = parameter(1, "bytes that a row near the unit is rounded up to", low=1, high=2**30, unit="bytes")
    keep: bool = parameter(False, "rows that came stay, until the near tier's policy evicts them")
    unit: str = parameter("gpu0", "the unit that computes")
    near: str = parameter("gddr", "the unit's tier")
    home: str = parameter("dram", "the tier of the tables")


def make(p: LookupParameters, rng: np.random.Generator) -> OperationTrace:
    """Make the trace."""
    chosen = [[drawn(p, rng) for _ in range(p.tables)] for _ in range(p.steps)]
    builder = OperationBuilder("table_lookup", ordered=False)
    if p.keys:
        builder.object(p.tables * p.keys, "key", home=p.near, name="keys")
    tables = [objects(p, builder, [step[table] for step in chosen]) for table in range(p.tables)]
    for step in chosen:
        for numbers, rows in zip(tables, step, strict=True):
            look_up(p, builder, len(rows), [numbers[row] for row in rows.tolist() if numbers])
    return builder.build()


def drawn(p: LookupParameters, rng: np.random.Generator) -> I64:
    """Return the rows that a batch reads of one table, each once, ascending."""
    uniform = rng.random(p.batch * p.lookups)
    return np.unique(np.minimum((p.rows * uniform ** (1 / (1 - p.alpha))).astype(np.int64), p.rows - 1))


def objects(p: LookupParameters, builder: OperationBuilder, steps: list[I64]) -> dict[int, int]:
    """Add a table: each row that some step has to fetch, and the rest as one; return numbers of objects by row."""
    touched = np.unique(np.concatenate(steps)).tolist() if p.home != p.near else []
    numbers = {row: builder.object(p.row, "row", home=p.home) for row in touched}
    if p.rows > len(touched):
        builder.object((p.rows - len(touched)) * p.row, "row", home=p.home)
    return numbers


def look_up(p: LookupParameters, builder: OperationBuilder, count: int, reads: list[int]) -> None:
    """Add one step's scan of keys, gather and sum, of one table; ``reads`` is empty where rows need not come."""
    about: dict[str, Any] = {"unit": p.unit}
    if p.keys:
        builder.add("keys", flops=p.batch * p.key_flops, near_read=p.keys, near_class="key", **about)
    if reads:
        builder.add("gather", action="fetch", reads=reads, **about)
    sectors = 0 if reads else count * -(-p.row // p.sector) * p.sector
    flops = p.batch * p.lookups * (p.row // 2)
    builder.add("sum", flops=flops, reads=reads, near_read=sectors, near_class="row", **about)
    if reads and not p.keep:
        builder.add("drop_rows", action="drop", reads=reads, **about)


GENERATOR = Generator(
    "table_lookup", "rows of large tables read by key, as memory layers do", LookupParameters, make, operations=True
)
