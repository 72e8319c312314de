"""The tables of a report: what a person reads, and the number by which a column is sorted."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from hiersim.engine.result import Result
from hiersim.report import tables
from hiersim.report.format import duration, joules, percent, plural
from hiersim.report.intervals import kept, width
from hiersim.report.numbers import numbers, shown
from hiersim.report.page import served
from hiersim.report.page.cells import Cell, Head, Table
from hiersim.report.reading import Saved
from hiersim.report.reading_tables import FOLDER, read_table
from hiersim.units import show as quantity

TITLES = {
    "tiers": "Tiers",
    "links": "Links",
    "units": "Units",
    "stalls": "Stalls",
    "energy": "Energy",
    "prefetch": "Prefetches",
    "operations": "Operations",
    "resources": "What each resource alone needs",
}
"""Of tables by name; others are called by their name."""
APART = ("accesses", "timeline", "spans", "levels", "occupancy", "draws", "intervals")
"""Tables with a row per access, transfer, change, step or draw: they stay in their files."""
MOST = 500
"""Rows of a table; more stay in its file."""
SHARES = ("utilisation", "accuracy", "coverage", "timeliness", "endurance_used", "share")
FIRST = ("tier", "kind", "hits", "merged", "misses", "read_bytes", "written_bytes", "utilisation", "bound", "energy_j")
"""Columns of tiers that people look at first; the others follow."""
HIDDEN = ("placed_bytes", "removed_bytes", "passed_over", "mean_bytes")
"""Columns that balance the books; they are in the table's file."""


def tables_of(result: Result, prefix: str) -> list[Table]:
    """Return the tables of a result; ``prefix`` makes their ids unique in a page."""
    found = [] if result.requests is None else served.tables(result.requests, prefix)
    return found + [
        _table(name, frame, f"{prefix}-{name}")
        for name, frame in tables.tables(result).items()
        if name not in APART and len(frame)
    ]


def intervals(saved: Saved, prefix: str) -> Table:
    """Return a row per number of a summary that is not known exactly: of the run, and the ends of its interval."""
    rows = []
    for name, value, (low, high) in kept(numbers(saved.document), saved.intervals):
        cells = [Cell(shown(name, each), each, True) for each in (value, low, high)]
        rows.append([Cell(name), *cells, Cell(width(value, low, high), None, True)])
    heads = [Head("number", False), *(Head(name, True) for name in ("run", "low", "high", "spread"))]
    text = "All intervals are in tables/intervals.parquet, and the draws in tables/draws.parquet."
    return Table(f"{prefix}-intervals", "How well numbers are known", heads, rows, text)


def others(folder: Path, known: Collection[str], prefix: str) -> list[Table]:
    """Return the short tables of a run's folder that its result does not have; long ones stay in their files."""
    found = []
    for path in sorted((folder / FOLDER).glob("*.parquet")):
        if path.stem in known or path.stem in APART:
            continue
        frame = read_table(path)
        if 0 < len(frame) <= MOST:
            found.append(_table(path.stem, frame, f"{prefix}-{path.stem}"))
    return found


def _table(name: str, frame: pl.DataFrame, id: str) -> Table:
    columns = [*FIRST, *(other for other in frame.columns if other not in FIRST)] if name == "tiers" else frame.columns
    kept = [column for column in columns if column not in HIDDEN and _says(frame[column])]
    more = FIRST if name == "tiers" else kept
    heads = [Head(_head(column), frame[column].dtype.is_numeric(), column not in more) for column in kept]
    rows = [
        [_cell(column, value, head.number) for column, value, head in zip(kept, row, heads, strict=True)]
        for row in frame.head(MOST).select(kept).iter_rows()
    ]
    text = (
        f"The first {MOST} of {len(frame):,} rows; the others are in tables/{name}.parquet."
        if len(frame) > MOST
        else ""
    )
    return Table(id, TITLES.get(name, name.replace("_", " ").capitalize()), heads, rows, text)


def _says(column: pl.Series) -> bool:
    """Say whether a column says anything: one of zeros or nulls does not."""
    if not column.dtype.is_numeric():
        return column.null_count() < len(column)
    return any(value not in (None, 0) and not (isinstance(value, float) and math.isnan(value)) for value in column)


def _head(column: str) -> str:
    """Return a column's name without its unit, which the cells carry."""
    for ending in ("_bytes", "_ps", "_j"):
        column = column.removesuffix(ending)
    return {"ps": "time", "bytes": "bytes", "": "bytes"}.get(column, column.replace("_", " "))


def _cell(column: str, value: Any, number: bool) -> Cell:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return Cell("-", -math.inf if number else None, number)
    if not number:
        return Cell(str(value))
    if column == "flops":
        return Cell(quantity(value, "FLOP/s").removesuffix("/s"), value, True)
    text = percent(value) if column in SHARES else shown(f"{column}_ps" if column == "ps" else column, value)
    return Cell(text, value, True)


LESS = (
    ("simulated", "elapsed_ps", duration),
    ("stalled", "stalled_ps", duration),
    ("energy", "total_energy_j", joules),
    ("time to first token", "ttft", duration),
    ("time per output token", "tpot", duration),
    ("mean latency", "mean", duration),
    ("p99 latency", "p99", duration),
)
"""What runs are compared by: less is better."""


def comparison(runs: Sequence[tuple[str, Result]]) -> Table:
    """Return a row per run; the best of each column stands out, and each number says what it is of the first run's."""
    facts = [facts_of(result) for _, result in runs]
    kept = [(head, key, show) for head, key, show in LESS if any(each.get(key) for each in facts)]
    heads = [Head("run", False), *(Head(head, True) for head, _, _ in kept), Head("in no tier", True)]
    rows = []
    for (name, result), each in zip(runs, facts, strict=True):
        cells = [Cell(name)]
        for _, key, show in kept:
            values = [other.get(key) for other in facts]
            cells.append(_compared(each.get(key), values, show))
        rows.append([*cells, _missed(result)])
    text = "Beside each number: what it is of the first run's."
    return Table("compared-runs", plural(len(runs), "run"), heads, rows, text)


def _missed(result: Result) -> Cell:
    """Return the share of accesses whose object was in no tier."""
    if not result.accesses:
        return Cell("-", -math.inf, True)
    missed = 1 - sum(tier.hits + tier.merged for tier in result.tiers.values()) / result.accesses
    return Cell(percent(max(0.0, missed)), missed, True)


def facts_of(result: Result) -> dict[str, float]:
    """Return the numbers of a run that runs are compared by: picoseconds, and joules."""
    found: dict[str, float] = {
        "elapsed_ps": result.elapsed_ps,
        "stalled_ps": sum(unit.stalled_ps for unit in result.units.values()),
        "total_energy_j": result.total_energy_j,
    }
    if result.requests is not None and result.requests.done.any():
        found |= {"ttft": float(result.requests.ttft_ps.mean()), "tpot": float(result.requests.tpot_ps.mean())}
    if len(result.latency_ps):
        found |= {"mean": result.mean_latency_ps, "p99": result.latency_quantiles_ps((0.99,))[0.99]}
    return found


def _compared(value: float | None, values: Sequence[float | None], show: Any) -> Cell:
    if value is None:
        return Cell("-", -math.inf, True)
    known = [each for each in values if each is not None]
    best = value == min(known) and min(known) < max(known)
    text = show(value)
    if values[0] and value != values[0]:
        text += f" ({value / values[0]:.3g}x)"
    return Cell(text, value, True, best)
