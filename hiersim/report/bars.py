"""Horizontal bars of parts that add up: what the pictures of bytes and of energy share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiersim.report.known import LOW, Ends, whisker
from hiersim.report.style import FAINT, INK, figure_of, ink_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT, HEAD, LINE = 0.3, 1.25, 0.21
"""Inches of a bar, of title and axis, of a line of the legend."""


@dataclass(frozen=True)
class Piece:
    """A part of a bar: how much, what it is called in the legend, its colour and hatch."""

    amount: float
    label: str
    colour: str
    hatch: str = ""


@dataclass(frozen=True)
class Row:
    """A bar: its label, its parts from left to right, and between what ends its length is known to lie."""

    label: str
    pieces: tuple[Piece, ...]
    ends: Ends | None = None

    @property
    def total(self) -> float:
        """How long the bar is."""
        return sum(piece.amount for piece in self.pieces)

    @property
    def reach(self) -> float:
        """Where it ends, with its interval."""
        return max(self.total, self.ends[1] if self.ends else 0.0)


def entries(rows: Sequence[Row]) -> list[Piece]:
    """Return the parts that the legend explains: the first of each label, in order of appearance."""
    found: dict[str, Piece] = {}
    for piece in (piece for row in rows for piece in row.pieces if piece.amount):
        found.setdefault(piece.label, piece)
    return list(found.values())


def size(rows: Sequence[Row], columns: int) -> tuple[float, float]:
    """Return the width and height in inches of a picture of these bars."""
    return 10.0, HEAD + HEIGHT * max(1, len(rows)) + LINE * -(-len(entries(rows)) // columns)


def draw(ax: Axes, rows: Sequence[Row], show: Callable[[float], str], columns: int) -> None:
    """Draw the bars with their totals, an axis in round steps, and a legend below.

    Args:
        ax: where to draw.
        rows: the bars, from the top.
        show: an amount as a text.
        columns: of the legend.
    """
    most = max((row.reach for row in rows), default=0.0)
    for y, row in enumerate(rows):
        left = 0.0
        for piece in row.pieces:
            ax.add_artist(_patch(piece, (left, y - 0.38), piece.amount, 0.76))
            left += piece.amount
        whisker(ax, y + LOW, row.ends)
        ax.annotate(show(row.total), (row.reach, y), (5, 0), textcoords="offset points", va="center", fontsize=8.5)
    if not most:
        ax.text(0.5, 0.5, "nothing to show", ha="center", color=FAINT, transform=ax.transAxes)
    ax.set_xlim(0, 1.16 * most or 1)
    ax.set_ylim(max(1, len(rows)) - 0.5, -0.5)
    ax.set_yticks(range(len(rows)), [row.label for row in rows])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ticks(ax, most, show)
    _legend(ax, rows, columns)


def ticks(ax: Axes, most: float, show: Callable[[float], str]) -> None:
    """Put a few ticks at round amounts along the x axis."""
    from matplotlib.ticker import MaxNLocator

    at = [float(value) for value in MaxNLocator(6).tick_values(0, most or 1) if 0 <= value <= 1.16 * most]
    ax.set_xticks(at, [show(value) for value in at])


def _patch(piece: Piece, corner: tuple[float, float], width: float, height: float) -> Any:
    from matplotlib.patches import Rectangle

    edge = ink_on(piece.colour) if piece.hatch else "white"
    return Rectangle(
        corner,
        width,
        height,
        facecolor=piece.colour,
        edgecolor=edge,
        linewidth=0.5,
        hatch=piece.hatch,
        label=piece.label,
    )


def _legend(ax: Axes, rows: Sequence[Row], columns: int) -> None:
    from matplotlib.transforms import ScaledTranslation

    found = entries(rows)
    if not found:
        return
    below = ScaledTranslation(0, -0.5, figure_of(ax).dpi_scale_trans)
    ax.legend(
        handles=[_patch(piece, (0, 0), 1, 1) for piece in found],
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=ax.transAxes + below,
        ncols=columns,
        frameon=False,
        fontsize=8.5,
        handlelength=2.6,
        handleheight=1.1,
        borderaxespad=0,
        labelcolor=INK,
    )


def named(label: str, run: str, several: bool) -> str:
    """Return the label of a bar, with its run's name where there are several."""
    return f"{label} · {run}" if several else label
