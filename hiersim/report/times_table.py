"""What misses cost in time where a fetch takes long, and what prefetching could hide of it: a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from hiersim.report.format import count
from hiersim.report.policies_table import table
from hiersim.report.studies import Row, capacities


def times_table(rows: Sequence[Row]) -> Table:
    """Return the time of an access by policy and capacity, the shortest first, below that with prefetching.

    Args:
        rows: one mapping per replay of objects of one size, with ``demand_time`` and ``prefetched_time`` in accesses.
    """
    times: dict[str, dict[int, float]] = {}
    for row in rows:
        size = int(row["capacity"])
        times.setdefault("prefetching", {})[size] = float(row["prefetched_time"]) / float(row["requests"])
        times.setdefault(str(row["policy"]), {})[size] = float(row["demand_time"]) / float(row["requests"])
    ranked = sorted(times, key=lambda name: (name != "prefetching", sum(times[name].values()), name))
    made = table([{"policy": name} | {count(size): times[name][size] for size in capacities(rows)} for name in ranked])
    made.caption = (
        "time of an access, in hits, where every miss waits for a fetch; prefetching: one fetch at a time, ahead of "
        "what is known to come"
    )
    made.caption_justify = "left"
    return made
