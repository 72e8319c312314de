"""Tables for the terminal that are not about a timed run: cache studies, traces, and lists of what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from hiersim.report.format import capacity, count, percent
from hiersim.report.studies import KNOWING, Row, capacities, pivot, speed, to_optimum

SPEED_WIDTH = 5
MEASURES = {"miss_ratio": "accesses", "byte_miss_ratio": "bytes"}
"""Measures of which the optimum is known, and what they are a share of."""


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | Mapping[str, str] = (), title: str = "") -> Table:
    """Return a plain table of rows: one column per key, numbers to the right, nothing for what is missing.

    Args:
        rows: one mapping per row.
        columns: the keys to show, in order, or key -> heading; all keys of the rows when empty.
        title: a line above the table.
    """
    keys = columns or dict.fromkeys(key for row in rows for key in row)
    headings = dict(columns) if isinstance(columns, Mapping) else {key: key.replace("_", " ") for key in keys}
    made = _plain(title)
    for i, (key, heading) in enumerate(headings.items()):
        numeric = any(key in row for row in rows) and all(_is_number(row.get(key, 0)) for row in rows)
        style = "bold" if i == 0 else None
        made.add_column(heading, justify="right" if numeric else "left", no_wrap=numeric, overflow="fold", style=style)
    for row in rows:
        made.add_row(*(Text(_cell(row.get(key))) for key in headings))
    return made


def info(facts: Mapping[str, Any], title: str = "") -> Table:
    """Return facts (of a trace, a device, a model) as a table of two columns; nested ones by dotted path."""
    made = _plain(title)
    made.show_header = False
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for key, value in _flat(facts):
        made.add_row(key, Text(_cell(value)))
    return made


def study_table(rows: Sequence[Row], unit: str = "bytes", measure: str = "miss_ratio") -> Table:
    """Return a cache study: a row per policy, a column of miss ratios per capacity, how close to the optimum, how fast.

    Args:
        rows: one mapping per replay, see ``hiersim.report.studies``.
        unit: what capacities count: ``bytes``, or ``objects``.
        measure: ``miss_ratio``, ``byte_miss_ratio`` or ``cost_miss_ratio``, of which no optimum is known.
    """
    found, sizes = pivot(rows, measure), capacities(rows)
    closeness, speeds = to_optimum(found) if measure in MEASURES else {}, speed(rows)
    made = _plain("")
    made.add_column("policy", style="bold", overflow="fold", min_width=6)
    for size in sizes:
        made.add_column(capacity(size) if unit == "bytes" else count(size), justify="right", no_wrap=True)
    if closeness:
        made.add_column("to opt", justify="right", no_wrap=True)
    if speeds:
        made.add_column("M/s", justify="right", no_wrap=True, min_width=SPEED_WIDTH)
    least = {
        size: min((v[size] for n, v in found.items() if size in v and n not in KNOWING), default=None) for size in sizes
    }
    for name, by_size in found.items():
        cells = [_ratio(by_size.get(size), size in by_size and by_size[size] == least[size]) for size in sizes]
        if closeness:
            cells.append(Text(f"{100 * closeness[name]:.0f}%" if name in closeness else "-"))
        if speeds:
            cells.append(Text(_speed(speeds[name]) if name in speeds else "-"))
        made.add_row(name, *cells)
    what = MEASURES.get(measure, "the cost of all accesses")
    made.caption = (
        f"share of {what} missed by capacity"
        + ("; to opt: share of the way from lru to the optimum, mean" * bool(closeness))
        + ("; M/s: million accesses replayed a second" * bool(speeds))
    )
    return made


def _speed(accesses_per_s: float) -> str:
    """Return millions a second in at most `SPEED_WIDTH` characters, so that a table is as wide at any speed."""
    millions = accesses_per_s / 1e6
    return f"{millions:.0f}" if millions >= 99.95 else f"{millions:.3g}" if millions >= 0.1 else f"{millions:.3f}"


def _ratio(value: float | None, best: bool) -> Text:
    return Text("-" if value is None else percent(value), style="green" if best else "")


def _plain(title: str) -> Table:
    return Table(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="dim",
        title=title or None,
        title_justify="left",
        caption_justify="left",
    )


def _flat(facts: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in facts.items():
        found += _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(f"{prefix}{key}", value)]
    return found


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(value: Any) -> str:
    """Return a value as a cell's text: whole numbers with separators, others with three digits, lists joined."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(
            _cell(item) for item in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)
        )
    return str(value)
