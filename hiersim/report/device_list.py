"""The list of machines and parts as tables for the terminal, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from hiersim.api.device_list import Entry
from hiersim.report.format import plural
from hiersim.units import show

TITLES = 100
"""Columns of a terminal from which on parts are listed with what they are."""

Column = tuple[str, str, str]
"""Heading, field and dimension."""
COLUMNS: dict[str, tuple[Column, ...]] = {
    "tier": (
        ("capacity", "capacity_bytes", "bytes"),
        ("read", "read_bandwidth_bytes_per_s", "bytes/s"),
        ("write", "write_bandwidth_bytes_per_s", "bytes/s"),
        ("latency", "latency_ps", "time"),
        ("pJ/bit", "energy_pj_per_bit", ""),
    ),
    "link": (
        ("forward", "read_bandwidth_bytes_per_s", "bytes/s"),
        ("backward", "write_bandwidth_bytes_per_s", "bytes/s"),
        ("latency", "latency_ps", "time"),
        ("pJ/bit", "energy_pj_per_bit", ""),
    ),
    "unit": (("compute", "flops", "FLOP/s"), ("power", "power_w", "power")),
}


@dataclass(frozen=True)
class DeviceList:
    """The list as tables, one for machines and one for each sort of part, as wide as the console that prints it.

    Attributes:
        entries: what to list, in order.
        grouped: parts stand under their kinds; otherwise each row names its kind.
    """

    entries: Sequence[Entry]
    grouped: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        first = True
        for sort in ("machine", *COLUMNS):
            members = [each for each in self.entries if each.sort == sort]
            if members:
                if not first:
                    yield ""
                wide = options.max_width >= TITLES
                yield _machines(members) if sort == "machine" else _parts(members, sort, wide, self.grouped)
                first = False


def _plain() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def _machines(entries: Sequence[Entry]) -> Table:
    made = _plain()
    made.add_column("machine", style="bold", no_wrap=True)
    made.add_column("what", overflow="fold")
    for each in entries:
        made.add_row(each.name, Text(each.title))
    return made


def _parts(entries: Sequence[Entry], sort: str, wide: bool, grouped: bool) -> Table:
    """Return the table of one sort of parts; what they are gets the room that the figures leave, if it is wide."""
    rows: list[list[str]] = []
    for each in entries:
        if grouped and (not rows or each.kind != rows[-1][-1]):
            rows.append([each.kind, *[""] * (len(COLUMNS[sort]) + 1), each.kind])
        rows.append([*_cells(each, sort, grouped), each.title, each.kind])
    headings = [sort, *["kind"] * (not grouped), *(heading for heading, _, _ in COLUMNS[sort])]
    made = _plain()
    for i, heading in enumerate(headings):
        width = max(len(heading), *(len(row[i]) for row in rows))
        left = i < len(headings) - len(COLUMNS[sort])
        made.add_column(heading, justify="left" if left else "right", min_width=width, no_wrap=True)
    if wide:
        made.add_column("what")  # may wrap as a column, so that it is what gives way; its texts are cut instead
    for row in rows:
        heads = row[0] == row[-1] and not any(row[1:-1])
        style = "cyan" if heads else ""
        cells = [Text(cell, no_wrap=True, overflow="ellipsis") for cell in row[1 : len(headings) + wide]]
        made.add_row(Text(row[0], style=style or "bold"), *cells)
    return made


def _cells(each: Entry, sort: str, grouped: bool) -> Iterator[str]:
    yield f"  {each.name}" if grouped else each.name
    if not grouped:
        yield each.kind
    for _, field, dimension in COLUMNS[sort]:
        yield figure(getattr(each, field), dimension)


def figure(value: float | None, dimension: str) -> str:
    """Return a value with three digits and its unit; ``-`` where it is absent."""
    if value is None:
        return "-"
    return show(value, dimension) if dimension else f"{value:.3g}"


def summary_line(entries: Sequence[Entry]) -> str:
    """Return how many machines and parts are listed."""
    machines = sum(each.sort == "machine" for each in entries)
    return f"{plural(machines, 'machine')}, {plural(len(entries) - machines, 'part')}"


def as_csv(entries: Sequence[Entry]) -> str:
    """Return the list as CSV: a column per field in base units, nothing for what is absent."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Entry)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(each) for each in entries)
    return text.getvalue()
