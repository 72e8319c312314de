"""A search's points by two of their numbers: the front joined, what is beaten pale, what breaks a limit crossed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hiersim.report.numbers import shown
from hiersim.report.style import FAINT, INK, MARK, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = Mapping[str, Any]
BEATEN, BROKEN = "#7d9cc0", "#b5b5b5"
"""Colours of points that others beat, and of those outside the limits."""


def pareto(rows: Sequence[Row], x: str, y: str, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw points.

    Args:
        rows: one mapping per point: the two numbers, ``on_front`` and ``within_limits``; rows without numbers are left
            out. With ``NAME.low`` and ``NAME.high`` beside a number the front gets error bars.
        x: the number of the horizontal axis, by its dotted name.
        y: that of the vertical one.
        ax: where to draw; a new figure when absent.
        title: what was searched.
    """
    found = [row for row in rows if row.get(x) is not None and row.get(y) is not None]
    best = sorted((row for row in found if row.get("on_front")), key=lambda row: (row[x], row[y]))
    with styled():
        ax = new_axes(7, 5, ax)
        _scatter(ax, [row for row in found if not row.get("within_limits", True)], x, y, "outside the limits")
        beaten = [row for row in found if row.get("within_limits", True) and not row.get("on_front")]
        _scatter(ax, beaten, x, y, "beaten by another")
        if best:
            _front(ax, best, x, y)
        _axes(ax, x, y, title)
        if found:
            ax.legend(frameon=False, fontsize=8)
        else:
            ax.text(0.5, 0.5, "no points", ha="center", color=FAINT, transform=ax.transAxes)
    return ax


def _scatter(ax: Axes, rows: Sequence[Row], x: str, y: str, label: str) -> None:
    if not rows:
        return
    outside = label.startswith("outside")
    form: dict[str, Any] = {"marker": "x", "c": BROKEN} if outside else {"marker": "o", "c": BEATEN, "linewidths": 0}
    ax.scatter([row[x] for row in rows], [row[y] for row in rows], s=18, label=label, zorder=1, **form)


def _front(ax: Axes, rows: Sequence[Row], x: str, y: str) -> None:
    across, up = [row[x] for row in rows], [row[y] for row in rows]
    ax.plot(across, up, color=INK, linewidth=0.8, linestyle=(0, (4, 2)), zorder=2)
    ax.scatter(across, up, s=44, color=MARK, edgecolors=INK, linewidths=0.8, label="Pareto front", zorder=3)
    bars: dict[str, Any] = {name: _bars(rows, key) for name, key in (("xerr", x), ("yerr", y))}
    if any(bars.values()):
        ax.errorbar(across, up, fmt="none", ecolor=INK, elinewidth=0.7, capsize=2, zorder=2.5, **bars)


def _bars(rows: Sequence[Row], name: str) -> list[list[float]] | None:
    """Return how far each point's interval reaches below and above it; nothing where there are no intervals."""
    if any(row.get(f"{name}.low") is None or row.get(f"{name}.high") is None for row in rows):
        return None
    below = [max(0.0, row[name] - row[f"{name}.low"]) for row in rows]
    return [below, [max(0.0, row[f"{name}.high"] - row[name]) for row in rows]]


def _axes(ax: Axes, x: str, y: str, title: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_title("Pareto front" + (f": {title}" if title else ""))
    for axis, name in ((ax.xaxis, x), (ax.yaxis, y)):
        axis.set_label_text(name)
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _, name=name: shown(name, float(value))))
    ax.grid(color="#e5e5e5", linewidth=0.7)
    ax.set_axisbelow(True)
