"""What each resource would save if it were better: bars, the longest on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hiersim.report.format import percent
from hiersim.report.style import FAINT, INK, MARK, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 12
"""Resources that are drawn."""
ROOM = 0.15
"""Share of the picture's width that a text takes beside its bar."""
LEAST = 0.001
"""Resources that save less than this share are not drawn."""


def savings(
    rows: Sequence[tuple[str, float | None, float]], ax: Axes | None = None, title: str = "", of: str = "the time"
) -> Axes:
    """Draw the share saved when each resource is twice as good as a bar, and its slope as a mark on it.

    Args:
        rows: name, slope (share saved per share better; ``None`` if unknown) and share saved, most first.
        ax: where to draw; a new figure when absent.
        title: what was run.
        of: what is saved.
    """
    drawn = [row for row in rows if max(row[2], row[1] or 0.0) >= LEAST][:MOST]
    with styled():
        ax = new_axes(8, 1.1 + 0.32 * max(1, len(drawn)), ax)
        ax.barh(range(len(drawn)), [100 * share for _, _, share in drawn], height=0.62, color="#2466a3")
        longest = max((max(share, slope or 0.0) for _, slope, share in drawn), default=1.0)
        for y, (_, slope, share) in enumerate(drawn):
            text = percent(max(0.0, share))
            close = slope is not None and share < slope < share + ROOM * longest
            beside = slope if slope is not None and close else share  # clear of the mark
            ax.annotate(text, (100 * beside, y), (4, 0), textcoords="offset points", va="center", fontsize=8.5)
            if slope is not None:
                ax.plot([100 * slope], [y], marker="|", markersize=11, markeredgewidth=2, color=MARK)
        ax.set_yticks(range(len(drawn)), [name for name, _, _ in drawn])
        ax.set_ylim(max(1, len(drawn)) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, 1.12 * max([100 * max(share, slope or 0.0) for _, slope, share in drawn], default=100))
        ax.set_xlabel(f"share of {of} (%): bar, saved when twice as good; mark, what hangs on it at the margin")
        ax.set_title(f"What would help{': ' + title if title else ''}", color=INK)
        if not drawn:
            ax.text(0.5, 0.5, "no single resource", ha="center", color=FAINT, transform=ax.transAxes)
    return ax
