"""One number of several runs as bars, the best of them marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hiersim.report.format import shorten
from hiersim.report.style import MARK, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def ranking(rows: Sequence[tuple[str, float, str, bool]], ax: Axes | None = None, title: str = "") -> Axes:
    """Draw a bar per row.

    Args:
        rows: name, value, the value as people read it, and whether it is one of the best.
        ax: where to draw; a new figure when absent.
        title: the number's name.
    """
    with styled():
        ax = new_axes(8, 0.9 + 0.36 * max(1, len(rows)), ax)
        colours = [MARK if best else "#2466a3" for _, _, _, best in rows]
        ax.barh(range(len(rows)), [value for _, value, _, _ in rows], height=0.62, color=colours)
        for y, (_, value, text, best) in enumerate(rows):
            words = f"{text}{'  best' if best else ''}"
            ax.annotate(words, (value, y), (4, 0), textcoords="offset points", va="center", fontsize=8.5)
        ax.set_yticks(range(len(rows)), [shorten(name, 40) for name, _, _, _ in rows])
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, 1.18 * max([value for _, value, _, _ in rows], default=1) or 1)
        ax.set_xticks([])
        ax.spines["bottom"].set_visible(False)
        ax.set_title(title)
    return ax
