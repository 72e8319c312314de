"""What a replay kept besides its totals, as files: which access hit, who was evicted, counts per interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
import polars as pl

from hiersim.drivers.cache_result import CacheResult
from hiersim.report.files import Content

HITS, VICTIMS, SERIES = "hits.npz", "victims.npz", "series.parquet"


def array_files(results: Sequence[CacheResult]) -> dict[str, Content]:
    """Return what was asked for, by file name.

    ``hits.npz`` and ``victims.npz`` hold an array per cache, named ``policy@capacity``: bool [accesses], and int32
    [evictions] of objects, numbered in the order of first use. ``series.parquet`` is `series_table`.
    """
    found: dict[str, Content] = {}
    for name, kind in ((HITS, "hit_map"), (VICTIMS, "victims")):
        arrays = {f"{each.policy}@{each.capacity}": getattr(each, kind) for each in results}
        if all(array is not None for array in arrays.values()):
            found[name] = _archive(arrays)
    if all(each.series is not None for each in results):
        found[SERIES] = lambda file: series_table(results).write_parquet(file)
    return found


def series_table(results: Sequence[CacheResult]) -> pl.DataFrame:
    """Return the counts per interval of all results below each other, with their ``policy`` and ``capacity``."""
    return pl.concat(
        each.series.table().select(
            pl.lit(each.policy).alias("policy"), pl.lit(each.capacity, dtype=pl.Int64).alias("capacity"), pl.all()
        )
        for each in results
        if each.series is not None
    )


def _archive(arrays: dict[str, np.ndarray]) -> Content:
    def write(file: BinaryIO) -> None:
        np.savez(file, allow_pickle=False, **arrays)

    return write
