"""Parts or machines side by side for the terminal: figures, ratios to the first, the better one marked."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from hiersim.api.device_compare import Row
from hiersim.report.device_explain import amount, plain_table

BETTER = "*"
"""Stands behind the better value."""


def comparison(names: Sequence[str], titles: Sequence[str], rows: Sequence[Row]) -> RenderableType:
    """Return the table of a comparison.

    Args:
        names: the names of the devices, in order.
        titles: what each is.
        rows: what is compared.
    """
    blocks: list[RenderableType] = [
        Text.assemble((name, "bold"), f"  {title}" if title else "") for name, title in zip(names, titles, strict=True)
    ]
    made = plain_table(("figure", "fold"), *((name, "right") for name in names))
    before = False
    for row in rows:
        if row.follows and not before:
            made.add_row(Text("what follows", style="dim not bold"))
            before = True
        cells = [_cell(row, i) for i in range(len(names))]
        made.add_row(Text(row.name), *cells)
    words = f"x: times the value of {names[0]}; {BETTER}: the better one; -: absent"
    return Group(*blocks, "", made, "", Text(words, style="dim"))


def _cell(row: Row, i: int) -> Text:
    """Return a value with its ratio to the first one, marked if it is the better one."""
    words = Text(amount(row.values[i], row.dimension))
    ratio = row.ratios[i]
    if i and ratio is not None and ratio != 1.0:
        words.append(f"  x{_factor(ratio)}", style="dim")
    if i in row.best:
        words.stylize("green")
    return words.append(f" {BETTER}" if i in row.best else "  ")


def _factor(ratio: float) -> str:
    """Return a ratio with three digits, without an exponent."""
    if ratio >= 1000:
        return f"{ratio:,.0f}"
    return f"{float(f'{ratio:.3g}'):.10g}"
