"""Bandwidth over time: how many bytes a second went through each port and over each link, from the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiersim.engine.result import Result
from hiersim.report import over_time, strips
from hiersim.report.format import shorten
from hiersim.report.known import Intervals
from hiersim.report.style import colour_of_place, new_axes, styled
from hiersim.units import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 400
"""Parts of the window, over each of which a rate is a mean."""


def bandwidth_over_time(result: Result, ax: Axes | None = None, intervals: Intervals | None = None) -> Axes:
    """Draw a strip for each port and direction of a link that carried bytes, as high as its highest rate.

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
        strips.draw(ax, _strips(result), window, "nothing moved" if line else "the run kept no timeline", known)
        ax.set_title(f"Bandwidth over time: {shorten(result.name, 40)}")
    return ax


def size(result: Result) -> tuple[float, float]:
    """Return the width and height in inches that the picture needs."""
    return strips.size(len(_hops(result)))


def _hops(result: Result) -> list[str]:
    """Return the hops of tiers and links that carried bytes, in the machine's order; media say what ports say."""
    line = result.timeline
    if line is None:
        return []
    names = (*result.tiers, *result.links)
    hops = [hop for hop in line.hops if not hop.endswith((".media", ".compute")) and hop.partition(".")[0] in names]
    used = [hop for hop in hops if line.carried(hop).any()]
    return sorted(used, key=lambda hop: (names.index(hop.partition(".")[0]), hop.endswith((".write", ".backward"))))


def _strips(result: Result) -> list[strips.Strip]:
    line, found = result.timeline, []
    for hop in _hops(result):
        assert line is not None
        at = over_time.edges(line, BINS)
        rate = over_time.bandwidth(line, hop, at)
        most = float(rate.max(initial=0.0))
        note = f"up to {show(most, 'bytes/s')}"
        found.append(strips.Strip(_words(hop, result), note, colour_of_place(hop, result), at, rate / (most or 1.0)))
    return found


def _words(hop: str, result: Result) -> str:
    """Return a hop in words: ``hbm read``, ``pcie, hbm to dram``."""
    name, _, direction = hop.partition(".")
    if name in result.links:
        ends = result.links[name].between if direction == "forward" else result.links[name].between[::-1]
        return f"{name}, {ends[0]} to {ends[1]}"
    return f"{name} {'read' if direction == 'read' else 'written'}"
