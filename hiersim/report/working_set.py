"""A trace's working sets and reuses as tables for the terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from hiersim.report.format import capacity, count, duration, percent
from hiersim.report.policies_table import table
from hiersim.traces.working_set import Bin, WorkingSet


def working_set_tables(found: WorkingSet) -> list[Table]:
    """Return the tables: the trace's parts, the mean working set by window, and when objects come back."""
    timed = bool(found.gap_ps)
    tables = {
        "the trace in parts: what each touches": [
            ({"from": duration(part.start_ps)} if timed else {"from": count(part.start)})
            | {"accesses": part.accesses, "objects": part.objects, "bytes": capacity(part.bytes)}
            | {"first uses": percent(part.first_uses / part.accesses if part.accesses else 0.0)}
            for part in found.parts
        ],
        "mean working set of the last so many accesses": [
            {"accesses": window.accesses, "objects": count(round(window.objects)), "bytes": capacity(window.bytes)}
            for window in found.windows
            if window.accesses >= 16 or len(found.windows) < 8
        ],
        "reuses by distinct other objects since": _rows(found, found.distance, lambda number: count(int(number))),
        "reuses by time since": _rows(found, found.gap_ps, duration),
    }
    return [table(rows, title=title) for title, rows in tables.items() if rows]


def _rows(found: WorkingSet, bins: tuple[Bin, ...], words: Any) -> list[dict[str, Any]]:
    """Return a row per bin; the share is of all accesses, summed up from the first bin on."""
    rows, before = [], 0
    for each in bins:
        before += each.accesses
        if not each.accesses:
            continue
        rows.append(
            {"below": words(each.high), "accesses": each.accesses, "share": percent(each.accesses / found.accesses)}
            | {"up to here": percent(before / found.accesses)}
        )
    return rows
