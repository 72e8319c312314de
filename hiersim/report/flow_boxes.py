"""The boxes of the flow picture: tiers with what they held and served, units with where their time went."""

from __future__ import annotations

from dataclasses import dataclass

from hiersim.engine.result import Result
from hiersim.report.breakdown import whole
from hiersim.report.format import bound_of, capacity, percent, traffic
from hiersim.report.sheet import Sheet
from hiersim.report.style import FAINT, MARK, STATES, TIERS, colour_of
from hiersim.report.ways import Box

PAPER = "#fafafa"


@dataclass(frozen=True)
class Canvas(Sheet):
    """The sheet of a run: ``result`` is what is drawn."""

    result: Result


def draw_passage(canvas: Canvas, name: str, box: Box) -> None:
    """Draw a tier that the run did not manage: bytes only passed through it."""
    _frame(canvas, box, FAINT, False)
    canvas.text(box.left + 0.2, box.top - 0.17, name, 10.5, box.width - 0.3, weight="bold", color=FAINT)
    canvas.text(box.left + 0.2, box.top - 0.39, "not managed: passed through", 8.5, box.width - 0.3, color=FAINT)


def draw_tier(canvas: Canvas, name: str, box: Box, marked: bool) -> None:
    """Draw a tier: its name, the accesses it served, the bytes through its port, and how full it was at its peak."""
    tier = canvas.result.tiers[name]
    colour = TIERS.get(tier.kind, FAINT)
    _frame(canvas, box, colour, marked)
    x, right, inner = box.left + 0.2, box.right - 0.1, box.width - 0.3
    title = canvas.text(x, box.top - 0.17, name, 10.5, inner - 0.6, weight="bold")
    rest = inner - canvas.width(title) - 0.12
    canvas.text(right, box.top - 0.17, tier.kind, 8, rest, color=FAINT, ha="right")
    accesses = canvas.result.accesses
    served = f"served {percent((tier.hits + tier.merged) / accesses)} of accesses" if accesses else "no accesses"
    canvas.text(x, box.top - 0.39, served, 8.5, inner)
    moved = f"read {traffic(tier.read_total)}, written {traffic(tier.written_total)}"
    canvas.text(x, box.top - 0.57, moved, 8.5, inner)
    bound = f", bound by {bound_of(name, tier)}" if tier.bound not in ("-", "") else ""
    canvas.text(x, box.top - 0.75, f"port {percent(tier.utilisation)} used{bound}", 8.5, inner)
    share = tier.peak_bytes / tier.capacity_bytes if tier.capacity_bytes else 0.0
    bar = Box(x + 0.3, box.bottom + 0.15, 0.6, 0.1)
    canvas.rectangle(bar, facecolor="white", edgecolor=FAINT, linewidth=canvas.line(0.5))
    filled = Box(bar.left + 0.3 * min(share, 1), bar.y, 0.6 * min(share, 1), 0.1)
    canvas.rectangle(filled, facecolor=colour, edgecolor="none")
    held = f"peak {capacity(tier.peak_bytes)} of {capacity(tier.capacity_bytes)}"
    canvas.text(bar.right + 0.08, bar.y, held, 8, inner - 0.68)


def draw_unit(canvas: Canvas, name: str, box: Box, near: Box, marked: bool) -> None:
    """Draw a unit: its name, its busy and stalled shares, its time as a small bar, and a line to its near tier."""
    unit, elapsed = canvas.result.units[name], canvas.result.elapsed_ps
    ends = ((box.x, box.x), (box.bottom, near.top)) if box.y > near.top else ((box.right, near.left), (box.y, box.y))
    canvas.ax.plot(*ends, color=STATES["compute"], linewidth=canvas.line(2.5), solid_capstyle="butt", zorder=0.5)
    _frame(canvas, box, STATES["compute"], marked)
    x, inner = box.left + 0.18, box.width - 0.28
    words = f"{percent(unit.busy_ps / elapsed)} busy" if elapsed else "no time passed"
    told = canvas.text(box.right - 0.1, box.top - 0.16, words, 8, ha="right")
    canvas.text(x, box.top - 0.16, name, 9.5, inner - canvas.width(told) - 0.15, weight="bold")
    left = x
    for part in whole(name, unit, 8):
        width = inner * part.ps / elapsed
        strip = Box(left + width / 2, box.bottom + 0.14, width, 0.12)
        canvas.rectangle(strip, facecolor=colour_of(part, canvas.result), edgecolor=FAINT, linewidth=canvas.line(0.3))
        left += width


def _frame(canvas: Canvas, box: Box, colour: str, marked: bool) -> None:
    """Draw a box with a strip in its kind's colour at the left; thick and in the mark's colour if it is marked."""
    edge, width = (MARK, 2.6) if marked else (FAINT, 0.8)
    canvas.rectangle(box, facecolor=PAPER, edgecolor=edge, linewidth=canvas.line(width))
    canvas.rectangle(Box(box.left + 0.05, box.y, 0.1, box.height), facecolor=colour, edgecolor="none")
