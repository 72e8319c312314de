"""What is known of a run's numbers: the intervals that draws of its machine gave, on pictures and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hiersim.report.format import count, duration, joules, plural
from hiersim.report.style import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Ends = tuple[float, float]
"""The low and the high end of an interval, in the unit of its number."""
Intervals = Mapping[str, Ends]
"""By the dotted name of a number of a result, such as ``elapsed_ps``."""
Given = Intervals | Sequence[Intervals] | None
"""Intervals of one run, or of several in their order, or of none."""


NAME = "_interval"
"""What lines of intervals are called; legends leave such names out."""
LOW = 0.27
"""How far below the middle of a bar its interval is drawn, of bars 1 apart: clear of what is written in the middle."""


def words(given: Given) -> str:
    """Return what an axis says of intervals, where some are drawn."""
    return "; line with caps: interval of drawn machines" if given and any(each_of(given, 1)) else ""


def each_of(given: Given, runs: int) -> list[Intervals]:
    """Return the intervals of each of so many runs; those of which none are known have none."""
    if given is None or isinstance(given, Mapping):
        given = [given or {}]
    return [*given, *({} for _ in range(runs - len(given)))]


def ends_of(intervals: Intervals, name: str, scale: float = 1.0) -> Ends | None:
    """Return the interval of a number divided by ``scale``; ``None`` where it is not known, or has no width."""
    low, high = intervals.get(name, (0.0, 0.0))
    return None if low == high else (low / scale, high / scale)


def whisker(ax: Axes, at: float, ends: Ends | None, upright: bool = False) -> None:
    """Draw an interval as a line with caps, which stands out from dark and light.

    Args:
        ax: where to draw.
        at: on which height, or, of an upright one, where along the axis.
        ends: from where to where; nothing is drawn of ``None``.
        upright: along the y axis.
    """
    if ends is None:
        return
    from matplotlib.patheffects import withStroke

    cap, halo = "_" if upright else "|", [withStroke(linewidth=2.6, foreground="white")]
    points: Any = ((at, at), ends) if upright else (ends, (at, at))
    ax.plot(*points, color=INK, linewidth=1.0, marker=cap, markersize=7, zorder=7, path_effects=halo, label=NAME)


def intervals_in(document: Mapping[str, Any]) -> Intervals:
    """Return the intervals that a result's JSON has; none where no machines were drawn."""
    found = (document.get("uncertainty") or {}).get("intervals", {})
    return {name: (low, high) for name, (low, high) in found.items()}


def told(document: Mapping[str, Any]) -> list[str]:
    """Return in a sentence how far the time and the energy are known; nothing where no machines were drawn."""
    known, intervals = document.get("uncertainty"), intervals_in(document)
    if not known or "elapsed_ps" not in intervals:
        return []
    low, high = intervals["elapsed_ps"]
    text = f"it took between {duration(low)} and {duration(high)}"
    if joined := ends_of(intervals, "energy_j.total"):
        text += f" and between {joules(joined[0])} and {joules(joined[1])}"
    drawn = f"On {count(known['draws'])} machines drawn from the ranges of {plural(len(known['figures']), 'figure')}"
    return [f"{drawn} {text}: intervals that cover {known['rate']:.0%}."]
