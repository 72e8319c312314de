"""Occupancy over time: how full each tier was, from the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiersim.engine.result import Result
from hiersim.report import over_time, strips
from hiersim.report.format import capacity, percent, shorten
from hiersim.report.known import Intervals
from hiersim.report.style import colour_of_place, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def occupancy_over_time(result: Result, ax: Axes | None = None, intervals: Intervals | None = None) -> Axes:
    """Draw a strip for each tier, full where the tier is full.

    Args:
        result: a run that kept its timeline.
        ax: where to draw; a new figure when absent.
        intervals: of the run's numbers, where they are known; that of the time says where the run ends.
    """
    with styled():
        ax = new_axes(*size(result), ax)
        line = result.timeline
        window = line.window_ps if line else (0, 0)
        known = intervals if window[1] >= result.elapsed_ps else None  # a window may leave the end out
        strips.draw(ax, _strips(result), window, "the run kept no timeline", known)
        ax.set_title(f"Occupancy over time, of each tier's capacity: {shorten(result.name, 40)}")
    return ax


def size(result: Result) -> tuple[float, float]:
    """Return the width and height in inches that the picture needs."""
    return strips.size(0 if result.timeline is None else len(result.timeline.levels.tiers))


def _strips(result: Result) -> list[strips.Strip]:
    line, found = result.timeline, []
    for name in line.levels.tiers if line else ():
        assert line is not None
        times, used = over_time.occupancy(line, name)
        at, levels = strips.coarse(times, used, line.window_ps)
        tier, most = result.tiers[name], int(used.max(initial=0))
        note = f"up to {percent(most / tier.capacity_bytes)} of {capacity(tier.capacity_bytes)}"
        colour = colour_of_place(name, result)
        found.append(strips.Strip(name, note, colour, at, levels / tier.capacity_bytes))
    return found
