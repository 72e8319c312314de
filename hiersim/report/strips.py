"""Strips over time, one below the other on one time axis: what the pictures of bandwidth and of occupancy share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hiersim.report.known import Intervals, ends_of, whisker
from hiersim.report.style import FAINT, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCALES = ((1, "ps"), (10**3, "ns"), (10**6, "us"), (10**9, "ms"), (10**12, "s"), (3600 * 10**12, "h"))
HEIGHT, HEAD = 0.52, 1.0
"""Inches of a strip, and of title and axis."""
STEPS = 2000
"""Steps of a strip beyond which only the highest value of each part of the window is drawn."""


@dataclass(frozen=True)
class Strip:
    """Heights of 0 to 1 from one time on to the next.

    Attributes:
        label: what it shows; ``note`` what its full height is.
        colour: of its area.
        times_ps: borders of its steps, in picoseconds, one more than heights.
        heights: of each step.
    """

    label: str
    note: str
    colour: str
    times_ps: NDArray[np.int64]
    heights: NDArray[np.float64]


def size(strips: int) -> tuple[float, float]:
    """Return the width and height in inches of a picture of so many strips."""
    return 10.0, HEAD + HEIGHT * max(1, strips)


def coarse(
    times: NDArray[np.int64], values: NDArray[Any], window: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return borders and heights of at most ``STEPS`` steps; where there are more, the highest of each part.

    Args:
        times: when the values changed, in picoseconds, ascending.
        values: each from its time on.
        window: the times between which they are drawn, in picoseconds.
    """
    if len(times) <= STEPS:
        return np.append(times, max(window[1], int(times[-1]))), values
    at = np.unique(np.linspace(*window, STEPS + 1).astype(np.int64))
    before = np.maximum(np.searchsorted(times, at[:-1], side="right") - 1, 0)
    after = np.searchsorted(times, at[1:], side="left")
    highest = np.array([values[i : max(j, i + 1)].max() for i, j in zip(before.tolist(), after.tolist(), strict=True)])
    return at, highest


def draw(
    ax: Axes, strips: Sequence[Strip], window_ps: tuple[int, int], nothing: str, intervals: Intervals | None = None
) -> None:
    """Draw the strips over a window of time in picoseconds; ``nothing`` is said where there are none.

    Of ``intervals`` that of the whole time is drawn above them: where runs on drawn machines end.
    """
    scale, unit = next((item for item in reversed(SCALES) if item[0] <= window_ps[1]), SCALES[0])
    for y, strip in enumerate(strips):
        low = y + 0.42
        ax.axhline(low, color=FAINT, linewidth=0.5, zorder=1)
        ax.stairs(low - 0.84 * strip.heights, strip.times_ps / scale, baseline=low, fill=True, color=strip.colour,
                  zorder=2, linewidth=0)  # fmt: skip
        ax.stairs(
            low - 0.84 * strip.heights, strip.times_ps / scale, baseline=None, color=INK, linewidth=0.35, zorder=3
        )
        ax.annotate(strip.note, (1, y), (6, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                    va="center", fontsize=8, color=FAINT, annotation_clip=False)  # fmt: skip
    if not strips:
        ax.text(0.5, 0.5, nothing, ha="center", color=FAINT, transform=ax.transAxes)
    over = ends_of(intervals or {}, "elapsed_ps", scale) if strips else None
    whisker(ax, -0.62, over)
    ax.set_ylim(max(1, len(strips)) - 0.5, -0.75 if over else -0.5)
    ax.set_yticks(range(len(strips)), [strip.label for strip in strips])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    start, end = window_ps[0] / scale, window_ps[1] / scale
    ax.set_xlim(start, max([end if end > start else start + 1, *(over or ())]))
    ax.set_xlabel(f"simulated time ({unit}){'; line with caps: where runs on drawn machines end' if over else ''}")
