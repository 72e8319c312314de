"""Miss-ratio curves as a table for the terminal: a row per capacity, the miss ratios beside each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from hiersim.api.curves import Curves
from hiersim.drivers.curves.curve import Curve
from hiersim.report.curve_words import size_words
from hiersim.report.format import count, percent

ROWS = 24  # rows at the most, unless the capacities were asked for


def curve_table(found: Curves, measure: str = "miss_ratio") -> Table:
    """Return a row per capacity; ``measure`` is ``miss_ratio`` or ``byte_miss_ratio``.

    Where there is one curve and its objects have sizes, both stand beside each other.
    """
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", caption_justify="left")
    made.add_column("capacity", justify="right", no_wrap=True, style="bold")
    made.add_column("of all", justify="right", no_wrap=True)
    both = len(found.curves) == 1 and found.unit == "bytes" and measure == "miss_ratio"
    for curve in found.curves:
        made.add_column(curve.policy, justify="right", overflow="fold")
    if both:
        made.add_column("bytes", justify="right", no_wrap=True)
    notes = _notes(found)
    if notes:
        made.add_column("", overflow="fold")
    for size in rows_of(found):
        cells = [size_words(found, size), percent(size / found.footprint)]
        cells += [_cell(curve, size, measure) for curve in found.curves]
        cells += [_cell(found.curves[0], size, "byte_miss_ratio")] if both else []
        made.add_row(*map(Text, cells), *([Text(", ".join(notes.get(size, [])))] if notes else []))
    what = "bytes" if measure.startswith("byte") else "accesses"
    made.caption = f"share of {what} missed" + "; bytes: share of bytes missed" * both
    return made


def rows_of(found: Curves) -> list[int]:
    """Return the capacities to show: those that all curves have, or every other one of many; noted ones always."""
    shared = set(found.curves[0].capacity.tolist())
    for curve in found.curves[1:]:
        shared &= set(curve.capacity.tolist())
    noted = {size for size in _notes(found) if size in shared}
    return sorted(noted | set(_thinned(sorted(shared))))


def _thinned(sizes: Sequence[int]) -> list[int]:
    """Return sizes at even factors, the last among them."""
    if len(sizes) <= ROWS:
        return list(sizes)
    kept = [sizes[-1]]
    for size in reversed(sizes[:-1]):
        if kept[-1] / size >= 1.999:
            kept.append(size)
    return kept


def _notes(found: Curves) -> dict[int, list[str]]:
    """Return what is to be said of capacities: a tier ends there, a knee."""
    notes: dict[int, list[str]] = {}
    for place in found.places:
        if found.curves and place.upto < found.footprint and place.name != size_words(found, place.upto):
            notes.setdefault(place.upto, []).append(f"up to {place.name}")
    for policy, bends in found.knees().items():
        for knee in bends:
            notes.setdefault(knee.capacity, []).append(f"knee of {policy}" if len(found.curves) > 1 else "knee")
    return notes


def _cell(curve: Curve, size: int, measure: str) -> str:
    place = curve.point(size)
    if place is None:
        return "-"
    error = float((curve.error if measure == "miss_ratio" else curve.byte_error)[place])
    ratio = percent(float(getattr(curve, measure)[place]))
    return ratio if math.isnan(error) or error < 0.0005 else f"{ratio} ±{100 * error:.1f}"


def title(found: Curves) -> str:
    """Return the line above the table."""
    counted = "bytes" if found.unit == "bytes" or found.each > 1 else "objects"
    footprint = size_words(found, found.footprint)
    return f"{found.trace} · {count(found.accesses)} accesses · {footprint} in all · capacities in {counted}"
