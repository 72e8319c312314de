"""The tables of the terminal summary: tiers, links, and prefetches where there are any."""

from __future__ import annotations

from collections.abc import Iterable

from rich.padding import Padding
from rich.table import Table

from hiersim.engine.result import LinkResult, Result
from hiersim.report.format import bound_of, capacity, count, joules, percent, traffic


def tier_table(result: Result) -> Padding:
    """Return a row per tier: share of accesses it served, bytes, peak, busy share, what bounds it, energy.

    Accesses that found nothing in any tier have a row of their own, so the column of shares adds up.
    """
    merged, energy = any(tier.merged for tier in result.tiers.values()), any(t.energy_j for t in result.tiers.values())
    table = _table(
        _longest(result.tiers), "tier", "hit", *(["joined"] if merged else []), "read", "written", "peak", "busy"
    )
    table.add_column("bound by", overflow="fold", min_width=9)
    if energy:
        table.add_column("energy", justify="right", no_wrap=True)
    for name, tier in result.tiers.items():
        cells = [name, _hits(tier.hits, result)] + ([_hits(tier.merged, result)] if merged else [])
        cells += [
            traffic(tier.read_total),
            traffic(tier.written_total),
            capacity(tier.peak_bytes),
            percent(tier.utilisation),
        ]
        cells += [bound_of(name, tier)] + ([joules(tier.energy_j)] if energy else [])
        table.add_row(*cells)
    if result.accesses:
        made = f"{traffic(result.created_bytes)}" if result.created else ""
        found = sum(tier.hits + tier.merged for tier in result.tiers.values())
        cells = ["(none)", _hits(result.accesses - found, result)] + ([""] if merged else [])
        table.add_row(*cells, "", made, "", "", "created" if made else "", style="dim")
    return Padding(table, (0, 0, 0, 2))


def link_table(result: Result) -> Padding:
    """Return a row per link: bytes and busy share in both directions, energy."""
    energy = any(link.energy_j for link in result.links.values())
    table = _table(
        _longest(result.links), "link", "forward", "busy", "backward", "busy", *(["energy"] if energy else [])
    )
    table.add_column("from - to", overflow="fold", min_width=9)
    for name, link in result.links.items():
        table.add_row(name, *_directions(link), *([joules(link.energy_j)] if energy else []), " - ".join(link.between))
    return Padding(table, (0, 0, 0, 2))


def prefetch_table(result: Result) -> Padding:
    """Return a row per tier that prefetched: how much, how much was used, avoided misses, was in time, did harm."""
    found = {name: tier.prefetch for name, tier in result.tiers.items() if tier.prefetch}
    names = ("prefetched", "used", "covers", "in time", "dropped", "pollution")
    table = _table(_longest(found), "prefetch", *names)
    table.add_column("by", overflow="fold", min_width=5)
    for name, each in found.items():
        ratios = [_or_dash(ratio) for ratio in (each.accuracy, each.coverage, each.timeliness)]
        row = [traffic(each.bytes), *ratios, count(each.dropped), count(each.pollution)]
        table.add_row(name, *row, each.prefetcher or "agents")
    return Padding(table, (0, 0, 0, 2))


def _or_dash(ratio: float | None) -> str:
    return "-" if ratio is None else percent(ratio)


def _directions(link: LinkResult) -> list[str]:
    forward, backward = traffic(link.forward_total), traffic(link.backward_total)
    return [forward, percent(link.forward_utilisation), backward, percent(link.backward_utilisation)]


def _longest(names: Iterable[str]) -> int:
    return max(map(len, names), default=1)


def _hits(number: int, result: Result) -> str:
    return percent(number / result.accesses) if result.accesses else "-"


def _table(longest: int, first: str, *numbers: str) -> Table:
    """Return a table without lines: one column of names that may break, then columns of numbers that may not."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(first, overflow="fold", min_width=min(10, longest), style="bold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table
