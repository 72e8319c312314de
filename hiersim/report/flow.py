"""The flow over the hierarchy: tiers as boxes, links as pipes as wide as their bytes, and where most time was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiersim.engine.result import Result
from hiersim.report.breakdown import Part, binding, owner
from hiersim.report.flow_boxes import Canvas, draw_passage, draw_tier, draw_unit
from hiersim.report.flow_labels import label_pipes
from hiersim.report.flow_pipes import draw_pipes
from hiersim.report.flow_ways import pipes_of
from hiersim.report.format import duration, percent, shorten, traffic
from hiersim.report.known import Ends, Intervals, ends_of
from hiersim.report.layout import arrange
from hiersim.report.sheet import Margins, lay_out
from hiersim.report.style import FAINT, MARK, UTILISATION, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGINS = Margins(side=0.45, head=0.75, foot=0.85, least=6.6)
"""The title and the legend need the least width."""


def flow(result: Result, ax: Axes | None = None, intervals: Intervals | None = None) -> Axes:
    """Draw the machine with what moved: boxes of tiers and units, pipes of links, the binding hop marked.

    Args:
        result: the run.
        ax: where to draw, scaled to fit; a new figure of the fitting size when absent.
        intervals: of the run's numbers, where they are known; the title says that of the time.
    """
    layout = arrange(result)
    with styled():
        sheet = lay_out(layout, MARGINS, ax)
        canvas, left = Canvas(sheet.ax, sheet.scale, result), float(sheet.ax.get_xlim()[0])
        found = binding(result)
        marked = owner(found[1].place, result) if found else ("", "", "")
        pipes = pipes_of(layout)
        draw_pipes(canvas, pipes, marked)
        for name, box in layout.tiers.items():
            if name in result.tiers:
                draw_tier(canvas, name, box, marked[:2] == ("tiers", name))
            else:
                draw_passage(canvas, name, box)
        for name, box in layout.units.items():
            draw_unit(canvas, name, box, layout.tiers[result.units[name].near], marked[:2] == ("units", name))
        label_pipes(canvas, layout, pipes, marked)
        _title(canvas, (left, layout.height + MARGINS.head), found, ends_of(intervals or {}, "elapsed_ps"))
        if result.links:
            _legend(canvas, left)
    return sheet.ax


def size(result: Result) -> tuple[float, float]:
    """Return the width and height in inches that the picture needs."""
    return MARGINS.extent(arrange(result))


def _title(canvas: Canvas, at: tuple[float, float], found: tuple[str, Part] | None, ends: Ends | None) -> None:
    """Write what the picture shows, and in words what the mark shows."""
    result, (left, top) = canvas.result, at
    known = f" ({duration(ends[0])} to {duration(ends[1])})" if ends else ""
    words = f"What moved: {shorten(result.name, 40)}, {duration(result.elapsed_ps)}{known} simulated"
    canvas.text(left + 0.12, top - 0.22, words, 11)
    if found and result.elapsed_ps:
        unit, part = found
        share = percent(part.ps / result.elapsed_ps)
        doing = {"compute": "computing", "near": f"reading and writing its near tier {part.place}"}
        words = f"waiting, {part.label}" if part.state == "stall" else doing[part.state]
        canvas.text(
            left + 0.12, top - 0.46, shorten(f"Largest part of {unit}'s time, {share}: {words}", 86), 9, color=MARK
        )


def _legend(canvas: Canvas, left: float) -> None:
    """Explain width and colour of the pipes below the picture."""
    from matplotlib.patches import Rectangle

    x, y = left + 0.12, -MARGINS.foot + 0.32
    canvas.text(x, y + 0.06, "pipe colour: share of its bandwidth used", 8, color=FAINT)
    for i, colour in enumerate(UTILISATION):
        canvas.ax.add_artist(Rectangle((x + 2.6 + 0.36 * i, y), 0.36, 0.13, facecolor=colour, edgecolor="none"))
    for i, mark in enumerate(("0", "20", "40", "60", "80", "100%")):
        canvas.text(x + 2.6 + 0.36 * i, y - 0.1, mark, 7, color=FAINT, ha="center")
    most = max((max(link.forward_total, link.backward_total) for link in canvas.result.links.values()), default=0)
    if most:
        canvas.text(x, y - 0.16, f"pipe width: bytes, widest {traffic(most)}", 8, color=FAINT)
