"""The tables of a run of operations: figures by kind of operation, and what each resource alone would need."""

from __future__ import annotations

from dataclasses import asdict

import polars as pl

from hiersim.api.balance import balance
from hiersim.engine.result import Result

WORK = {
    "name": pl.String, "unit": pl.String, "count": pl.Int64, "flops": pl.Int64, "bytes": pl.Int64,
    "intensity": pl.Float64, "compute_ps": pl.Int64, "near_ps": pl.Int64, "busy_ps": pl.Int64,
    "stalled_ps": pl.Int64, "binding": pl.String,
}  # fmt: skip
RESOURCES = {"name": pl.String, "sort": pl.String, "needs_ps": pl.Int64, "share": pl.Float64, "at_most": pl.Float64}


def operations(result: Result) -> pl.DataFrame:
    """Return a row per kind of operation: what it did, what its FLOPs and its bytes alone take, what binds it."""
    rows = [asdict(each) for each in balance(result).work]
    return pl.DataFrame(rows, schema=WORK).rename({"name": "operation", "intensity": "flops_per_byte"})


def resources(result: Result) -> pl.DataFrame:
    """Return a row per unit, port and link direction: the time that it alone needs, and the gain at most without it."""
    rows = [asdict(each) for each in balance(result).resources]
    return pl.DataFrame(rows, schema=RESOURCES).rename({"name": "resource"})
