"""How a result shows itself in a notebook: a small table and a bar per unit, in plain HTML without scripts."""

from __future__ import annotations

from html import escape

from hiersim.engine.result import Result, UnitResult
from hiersim.report.breakdown import Part, whole
from hiersim.report.format import bound_of, capacity, duration, joules, percent, plural, traffic
from hiersim.report.style import FAINT, colour_of

CAUSES = 5
"""Stall causes named under a bar; the rest are one segment."""
WIDTH = 560
"""Width of a bar in pixels."""
_SQUARE = f"display:inline-block;width:0.8em;height:0.8em;border:1px solid {FAINT}"


def result_html(result: Result) -> str:
    """Return a result as HTML: a line of facts, a row per tier, and a bar of each unit's time with its causes."""
    facts = [plural(result.accesses, "access", "accesses"), result.machine, f"{duration(result.elapsed_ps)} simulated"]
    if result.total_energy_j:
        facts.append(joules(result.total_energy_j))
    blocks = [f"<p><b>{escape(result.name)}</b> · {escape(' · '.join(facts))}</p>", _tiers(result)]
    blocks += [_unit(name, unit, result) for name, unit in result.units.items()]
    return f'<div style="font-size:0.9em">{"".join(blocks)}</div>'


def _tiers(result: Result) -> str:
    heads = ("tier", "hit", "read", "written", "peak", "busy", "bound by", "energy")
    rows = []
    for name, tier in result.tiers.items():
        found = percent((tier.hits + tier.merged) / result.accesses) if result.accesses else "-"
        cells = [name, found, traffic(tier.read_total), traffic(tier.written_total), capacity(tier.peak_bytes)]
        cells += [percent(tier.utilisation), bound_of(name, tier), joules(tier.energy_j) if tier.energy_j else ""]
        rows.append(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{''.join(rows)}</table>"


def _unit(name: str, unit: UnitResult, result: Result) -> str:
    """Return one unit's bar as SVG, and below it what each segment is."""
    elapsed = result.elapsed_ps
    parts = whole(name, unit, CAUSES) if elapsed else []
    left, bars = 0.0, []
    for part in parts:
        width = WIDTH * part.ps / elapsed
        words = escape(_words(part, elapsed))
        look = f'fill="{colour_of(part, result)}" stroke="{FAINT}" stroke-width="0.4"'
        at = f'x="{left:.2f}" y="0" width="{width:.2f}" height="16"'
        bars.append(f"<rect {at} {look}><title>{words}</title></rect>")
        left += width
    legend = " &nbsp; ".join(
        f'<span style="{_SQUARE};background:{colour_of(part, result)}"></span> {escape(_words(part, elapsed))}'
        for part in parts
    )
    told = (
        f"busy {percent(unit.busy_ps / elapsed)}, stalled {percent(unit.stalled_ps / elapsed)}"
        if elapsed
        else "no time passed"
    )
    svg = f'<svg role="img" aria-label="{escape(told)}" width="{WIDTH}" height="16">{"".join(bars)}</svg>'
    return f"<p><b>{escape(name)}</b> {told}<br>{svg}<br><small>{legend}</small></p>"


def _words(part: Part, elapsed: int) -> str:
    return f"{part.label} {percent(part.ps / elapsed)}"
