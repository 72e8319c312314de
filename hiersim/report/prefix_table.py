"""What hits on prefix blocks are worth: a table of usable hits and orphans by policy and capacity."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from hiersim.report.format import capacity, count, percent
from hiersim.report.studies import OPTIMUM, Row, capacities, pivot


def prefix_table(rows: Sequence[Row], unit: str = "bytes") -> Table:
    """Return a row per policy, the most usable hits first, and for each capacity the usable hits and the orphans.

    Args:
        rows: one mapping per replay of prefix blocks, with ``usable_ratio`` and ``orphan_share``.
        unit: what capacities count: ``bytes``, or ``objects``.
    """
    usable, orphans, sizes = pivot(rows, "usable_ratio"), pivot(rows, "orphan_share"), capacities(rows)
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", caption_justify="left")
    made.add_column("policy", style="bold", overflow="fold", min_width=6)
    for size in sizes:
        label = capacity(size) if unit == "bytes" else count(size)
        made.add_column(f"{label}\nusable", justify="right", no_wrap=True)
        made.add_column("\norphans", justify="right", no_wrap=True)
    online = [by_size for name, by_size in usable.items() if name != OPTIMUM]
    best = {size: max((each[size] for each in online if size in each), default=None) for size in sizes}
    for name in sorted(usable, key=lambda name: (name != OPTIMUM, -sum(usable[name].values()), name)):
        cells = [Text(name)]
        for size in sizes:
            found = usable[name].get(size)
            style = "green" if found is not None and found == best[size] else ""
            cells.append(Text("-" if found is None else percent(found), style=style))
            cells.append(Text("-" if found is None else percent(orphans[name][size])))
        made.add_row(*cells)
    made.caption = (
        "usable: share of accesses that hit, as all blocks before them in the request did; "
        "orphans: share of hits behind a miss"
    )
    return made
