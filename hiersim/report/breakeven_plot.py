"""When fetching beats computing, as a picture: time over context, computing against each tier, and where they cross."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiersim.api.breakeven import BreakEven
from hiersim.report.breakeven_table import share
from hiersim.report.format import duration, shorten
from hiersim.report.style import FAINT, INK, OTHER, TIERS, edged, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FLOOR = 1e-6
"""Seconds below which nothing is told apart: what is hidden under the first step is drawn here."""


def breakeven_plot(found: BreakEven, ax: Axes | None = None) -> Axes:
    """Draw what computing takes, and what fetching from each tier takes, solid alone and dashed on a busy way.

    Args:
        found: what ``breakeven`` gave.
        ax: where to draw; a new figure when absent.
    """
    with styled():
        ax = new_axes(8, 4.8, ax)
        x = [point.context for point in found.points]
        floor = _floor(found)
        _line(ax, x, [point.compute_ps for point in found.points], floor, ("computed", INK, "-"))
        for tier, kind in found.kinds.items():
            colour = TIERS.get(kind, OTHER)
            held = [point for point in found.points if tier in point.tiers]
            at = [point.context for point in held]
            _line(ax, at, [point.tiers[tier].fetch_ps for point in held], floor, (f"from {tier}", colour, "-"))
            if found.busy:
                label = f"from {tier}, way {share(found.busy)} busy"
                _line(ax, at, [point.tiers[tier].busy_ps for point in held], floor, (label, colour, (0, (4, 2))))
        _turns(ax, found)
        _axes(ax, found, x, floor)
    return ax


def _floor(found: BreakEven) -> float:
    """Return the lowest time that is drawn, seconds: a tenth of the least that is more than nothing."""
    times = [point.compute_ps for point in found.points]
    times += [time for point in found.points for each in point.tiers.values() for time in (each.fetch_ps, each.busy_ps)]
    return max(FLOOR, min((time for time in times if time > 0), default=10**9) / 1e12 / 2)


def _line(ax: Axes, x: list[int], ps: list[int], floor: float, look: tuple[str, str, Any]) -> None:
    """Draw times over contexts; ``look`` is a label, a colour and a kind of line."""
    seconds = [max(time / 1e12, floor) for time in ps]
    label, colour, style = look
    ax.plot(x, seconds, color=colour, label=label, linestyle=style, linewidth=1.8, marker=".", markersize=5,
            path_effects=edged(colour))  # fmt: skip


def _turns(ax: Axes, found: BreakEven) -> None:
    """Mark the contexts at which fetching becomes faster or slower."""
    first, last = found.points[0].context, found.points[-1].context
    for tier, spans in found.wins.items():
        for edge in {edge for span in spans for edge in span if first < edge < last}:
            ax.axvline(
                edge, color=TIERS.get(found.kinds[tier], OTHER), linewidth=0.9, linestyle=(0, (1, 2)), zorder=0.5
            )
            ax.annotate(f"{edge:,}", (edge, 1.0), (2, -2), xycoords=("data", "axes fraction"), va="top", fontsize=8,
                        textcoords="offset points", color=FAINT, rotation=90)  # fmt: skip


def _axes(ax: Axes, found: BreakEven, x: list[int], floor: float) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_ylim(bottom=floor)
    ax.xaxis.set_major_locator(FixedLocator(x[:: -(-len(x) // 9)]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda tokens, _: f"{tokens / 1024:g}k" if tokens >= 1024 else f"{tokens:g}")
    )
    ax.yaxis.set_major_locator(LogLocator(numticks=8))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda seconds, _: duration(seconds * 1e12)))
    ax.grid(axis="y", color="#e5e5e5", linewidth=0.7)
    ax.set_axisbelow(True)
    ax.set_xlabel("context (tokens)")
    ax.set_ylabel("until the first token, beyond KV near")
    ax.set_title(f"Fetch or compute: {shorten(f'{found.model} on {found.unit}, {found.name}', 60)}")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=8.5, frameon=False)
