"""Intervals beside a run's numbers, as a table for the terminal; those that do not change are left to the JSON."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping

from rich.table import Table

from hiersim.report.numbers import Number, shown
from hiersim.report.policies_table import table

HEADLINES = (
    "elapsed_ps", "energy_j.total", "miss_ratio", "requests.*", "latency_ps.*", "units.*.busy_ps", "units.*.stalled_ps",
    "units.*.idle_ps", "units.*.stalls.*", "tiers.*.utilisation", "tiers.*.hits", "links.*_utilisation",
    "units.*.energy_j", "tiers.*.energy_j", "links.*.energy_j",
)  # fmt: skip
"""Numbers that a summary shows."""
LEAST = 0.001
"""Stalls of a smaller share of the time are left out."""


def intervals_table(numbers: Mapping[str, Number], intervals: Mapping[str, tuple[Number, Number]]) -> Table:
    """Return a row per number of a summary: its value, the low and the high end, and how wide that is.

    Args:
        numbers: of the run, by dotted name.
        intervals: low and high end by name.
    """
    rows = [
        {"number": name, "run": shown(name, value), "low": shown(name, low), "high": shown(name, high)}
        | {"spread": width(value, low, high)}
        for name, value, (low, high) in kept(numbers, intervals)
    ]
    return table(rows or [{"number": "no number changes"}])


def kept(
    numbers: Mapping[str, Number], intervals: Mapping[str, tuple[Number, Number]]
) -> list[tuple[str, Number, tuple[Number, Number]]]:
    """Return the numbers that a summary shows and that are not known exactly: name, value, low and high end."""
    elapsed, rows = numbers.get("elapsed_ps", 0), []
    for name in [name for pattern in HEADLINES for name in fnmatch.filter(intervals, pattern)]:
        value, (low, high) = numbers.get(name, 0), intervals[name]
        if low == high == value or (".stalls." in name and max(value, high) < LEAST * elapsed):
            continue
        rows.append((name, value, (low, high)))
    return rows


def width(value: Number, low: Number, high: Number) -> str:
    """Return how far the ends are from the value, in percent of it."""
    if value <= 0:
        return "-"
    return f"{100 * (low / value - 1):+.0f}% to {100 * (high / value - 1):+.0f}%"
