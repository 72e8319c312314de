"""The balance of a run in the terminal: what each resource alone would need, and what binds each kind of operation."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from hiersim.api.balance import Balance, Work
from hiersim.report.format import count, duration, percent, traffic
from hiersim.units import show

MOST = 8
"""Resources and kinds that are listed; JSON has all."""


def headline(found: Balance) -> str:
    """Return in a sentence what binds the run, and how near to its bound it came."""
    if not found.resources or not found.elapsed_ps:
        return f"{found.name}: nothing was at work, so nothing binds."
    first = found.resources[0]
    text = f"{found.name}: {first.name} binds, its work takes {percent(first.share)} of {duration(found.elapsed_ps)}"
    chain = found.critical_path_ps
    if chain and chain > first.needs_ps:
        text += f", though the longest chain of operations takes {percent(chain / found.elapsed_ps)}"
    best = found.elapsed_ps / found.bound_ps
    more = (
        f"With perfect overlap it could be {times(best)} as fast." if best >= 1.005 else "No overlap makes it faster."
    )
    return f"{text}. {more}"


def times(ratio: float | None) -> str:
    """Return how many times as fast, such as ``1.25x``."""
    return "-" if ratio is None else f"{ratio:.3g}x"


def resources_table(found: Balance, gains: Mapping[str, float] | None = None) -> Table:
    """Return a row per resource: what it alone needs, its share of the time, and the gain at most without it.

    Args:
        found: the balance.
        gains: how many times faster it ran without some of them.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("resource", style="bold", no_wrap=True)
    for name in ("alone", "of the run", "if infinite, at most", *(("simulated",) if gains else ())):
        table.add_column(name, justify="right", no_wrap=True)
    for each in found.resources[:MOST]:
        cells = [each.name, duration(each.needs_ps), percent(each.share), times(each.at_most)]
        table.add_row(*cells, *((times(gains[each.name]) if each.name in gains else "",) if gains else ()))
    return table


def work_table(found: Balance) -> Table:
    """Return a row per kind of operation, or per unit: its intensity, what its parts take, and what binds it."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("operations" if found.critical_path_ps is not None else "unit", overflow="fold", style="bold")
    for name in ("count", "FLOPs", "bytes", "FLOP/B", "computing", "bytes take", "waits"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("bound by", no_wrap=True)
    for each in found.work[:MOST]:
        table.add_row(*map(Text, _cells(each)))
    return table


def _cells(each: Work) -> tuple[str, ...]:
    spans = [duration(ps) if ps else "" for ps in (each.compute_ps, each.near_ps, each.stalled_ps)]
    flops = show(each.flops, "FLOP/s").removesuffix("/s") if each.flops else ""
    intensity = "" if each.intensity is None else f"{each.intensity:.3g}"
    moved = traffic(each.bytes) if each.bytes else ""
    return each.name, count(each.count), flops, moved, intensity, *spans, each.binding
