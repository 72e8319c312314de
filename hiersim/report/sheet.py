"""A sheet: axes in inches for a picture of boxes and pipes, with text that keeps its place at any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiersim.report.layout import Layout
from hiersim.report.style import INK, figure_of, new_axes
from hiersim.report.ways import Box

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Margins:
    """Room at each side, above for the title and below for the legend, and the least width, in inches."""

    side: float
    head: float
    foot: float
    least: float

    def extent(self, layout: Layout) -> tuple[float, float]:
        """Return the width and height of the whole picture, in inches."""
        return max(self.least, layout.width + 2 * self.side), layout.height + self.head + self.foot


@dataclass(frozen=True)
class Sheet:
    """Axes in inches of a picture that may be drawn smaller or larger, with text that keeps its place in it.

    Attributes:
        ax: where to draw.
        scale: drawn size over natural size; fonts and line widths follow it.
    """

    ax: Axes
    scale: float

    def text(self, x: float, y: float, words: str, points: float, fit: float = 0.0, **style: Any) -> Any:
        """Write words at a place, smaller or cut where they would be wider than ``fit`` inches; return the artist."""
        style = {"va": "center", "color": INK} | style
        made = self.ax.text(x, y, words, fontsize=points * self.scale, **style)
        if not fit:
            return made
        for size in (points, points * 0.9, points * 0.8, points * 0.7):
            made.set_fontsize(size * self.scale)
            if self.width(made) <= fit:
                return made
        while len(words) > 4 and self.width(made) > fit:
            words = words[:-1]
            made.set_text(words + "…")
        return made

    def rectangle(self, box: Box, **style: Any) -> None:
        """Draw a box."""
        from matplotlib.patches import Rectangle

        self.ax.add_artist(Rectangle((box.left, box.bottom), box.width, box.height, **style))

    def width(self, text: Any) -> float:
        """Return how wide a text is, in the inches of the picture."""
        figure = figure_of(self.ax)
        return float(text.get_window_extent().width / figure.dpi / self.scale)

    def line(self, points: float) -> float:
        """Return a line width that follows the scale."""
        return points * self.scale

    def measure(self, text: Any) -> tuple[float, float]:
        """Return the width and height of a text, in the inches of the picture."""
        extent, dpi = text.get_window_extent(), figure_of(self.ax).dpi
        return float(extent.width / dpi / self.scale), float(extent.height / dpi / self.scale)


def lay_out(layout: Layout, margins: Margins, ax: Axes | None) -> Sheet:
    """Return a sheet for a layout, its lower left corner at (0, 0) with the margins around it.

    Args:
        layout: what is to be drawn.
        margins: the room around it.
        ax: where to draw, scaled to fit; a new figure of the fitting size when absent.
    """
    width, height = margins.extent(layout)
    ax = new_axes(width, height, ax)
    ax.set_axis_off()
    ax.set_aspect("equal")
    side = (width - layout.width) / 2
    ax.set_xlim(-side, layout.width + side)
    ax.set_ylim(-margins.foot, layout.height + margins.head)
    if figure_of(ax).get_layout_engine() is not None:
        figure_of(ax).draw_without_rendering()
    ax.apply_aspect()
    return Sheet(ax, float(ax.get_window_extent().width / figure_of(ax).dpi / width))
