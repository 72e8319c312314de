"""Miss-ratio curves as a picture: misses over capacity, the tiers of a machine as marks, knees, error bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hiersim.api.curves import Curves
from hiersim.drivers.curves.curve import Curve
from hiersim.report.curve_words import size_words
from hiersim.report.format import shorten
from hiersim.report.miss_ratio import COLOURS, apart
from hiersim.report.studies import OPTIMUM
from hiersim.report.style import FAINT, INK, figure_of, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHES = ("-", (0, (6, 1.5)), (0, (3, 1.2)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)), (0, (4, 1, 1, 1, 1, 1)))
DOTS = 60  # points of a curve that are shown one by one, at the most
BEYOND = 4.0  # marks further right than this many footprints are named at the edge, not drawn


def curve_plot(found: Curves, ax: Axes | None = None, measure: str = "miss_ratio", title: str = "") -> Axes:
    """Draw the curves.

    Args:
        found: what ``mrc`` gave.
        ax: where to draw; a new figure when absent.
        measure: ``miss_ratio``, or ``byte_miss_ratio``.
        title: what the curves are of; the trace's name when absent.
    """
    with styled():
        ax = new_axes(9, 5, ax)
        _axes(ax, found, measure)
        ax.set_title(f"Misses by capacity: {shorten(title or found.trace, 60)}", pad=20 if found.places else 8)
        colours = _colours(found)
        for number, curve in enumerate(found.curves):
            _line(ax, found, curve, measure, colours[curve.policy], number)
        _floor(ax, found, measure)
        _marks(ax, found)
        _names(ax, found, measure)
    return ax


def _colours(found: Curves) -> dict[str, str]:
    others = [curve.policy for curve in found.curves if curve.policy != OPTIMUM]
    return {name: COLOURS[i] if i < len(COLOURS) else FAINT for i, name in enumerate(others)} | {OPTIMUM: INK}


def _axes(ax: Axes, found: Curves, measure: str) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter

    ax.set_xscale("log")
    low = float(min(curve.capacity[0] for curve in found.curves))
    marks = [place.upto for place in found.places if low <= place.upto <= BEYOND * found.footprint]
    high = float(max([int(curve.capacity[-1]) for curve in found.curves] + marks))
    low, high = (low / 1.5, high * 1.5) if low == high else (low, high * 1.12)
    ax.set_xlim(low, high)
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("capacity" if found.unit == "bytes" or found.each > 1 else "capacity (objects)")
    ax.set_ylabel(f"misses (% of {'bytes' if measure.startswith('byte') else 'accesses'})")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.xaxis.set_major_locator(FixedLocator(_ticks(low, high, found)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: size_words(found, x)))
    ax.grid(axis="y", color="#e5e5e5", linewidth=0.7)
    ax.set_axisbelow(True)


def _ticks(low: float, high: float, found: Curves) -> list[float]:
    """Return round capacities at even factors: powers of two of bytes, powers of ten of objects."""
    if found.unit == "bytes" or found.each > 1:
        each = found.each if found.unit == "objects" else 1
        powers = 2.0 ** np.arange(0, 64) / each
    else:
        between = (1,) if high >= 1000 * low else (1, 2, 5)
        powers = np.array([step * 10.0**power for power in range(19) for step in between])
    inside = powers[(powers >= low) & (powers <= high)]
    step = -(-len(inside) // 9) if len(inside) else 1
    return list(inside[::step])


def _line(ax: Axes, found: Curves, curve: Curve, measure: str, colour: str, number: int) -> None:
    x, y = curve.capacity.astype(float), getattr(curve, measure)
    style = (0, (5, 2)) if curve.policy == OPTIMUM else DASHES[number % len(DASHES)]
    ax.plot(x, y, label=curve.policy, color=colour, linewidth=1.7, linestyle=style, zorder=3)
    if len(x) <= DOTS:  # else the points are too close to be told apart
        ax.plot(x, y, ".", color=colour, markersize=5, zorder=3)
    error = curve.error if measure == "miss_ratio" else curve.byte_error
    if curve.seeds and not np.isnan(error).any():
        ax.fill_between(x, np.clip(y - error, 0, 1), np.clip(y + error, 0, 1), color=colour, alpha=0.16, linewidth=0)
    if measure == "miss_ratio":
        for knee in found.knees()[curve.policy]:
            ax.plot(
                [knee.capacity], [knee.miss_ratio], marker="o", markersize=7, color=colour, fillstyle="none", zorder=4
            )


def _floor(ax: Axes, found: Curves, measure: str) -> None:
    """Shade what no capacity avoids."""
    if measure == "miss_ratio" and found.first_uses > 0:
        ax.axhspan(0, found.first_uses, color="#efefef", zorder=0.3, linewidth=0)
        if found.first_uses > 0.05:
            ax.annotate("first uses", (0, found.first_uses), (4, -3), xycoords=("axes fraction", "data"),
                        textcoords="offset points", va="top", fontsize=8, color=FAINT)  # fmt: skip


def _marks(ax: Axes, found: Curves) -> None:
    """Draw a vertical line where each tier ends, its name on top, names kept apart; name those beyond the edge."""
    low, high = ax.get_xlim()
    inside = [place for place in found.places if low <= place.upto <= high]
    beyond = [place.name for place in found.places if place.upto > high]
    below = [place.name for place in found.places if place.upto < low]
    figure = figure_of(ax)
    figure.draw_without_rendering()
    width = ax.get_window_extent().width
    at = [float(np.log(place.upto / low) / np.log(high / low)) for place in inside]
    labels = [f"{place.name} {size_words(found, place.upto)}" for place in inside]
    longest = max((len(label) for label in labels), default=0)
    step = 4.9 * longest * figure.dpi / 72 / width
    for place, label, spot in zip(inside, labels, apart(at, step) if step * len(at) <= 1 else at, strict=True):
        ax.axvline(place.upto, color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0.6)
        ax.text(min(max(spot, step / 2), 1.0), 1.015, label, transform=ax.transAxes, va="bottom", ha="center",
                fontsize=8, color=FAINT)  # fmt: skip
    words = [f"{', '.join(beyond)} beyond the right edge"] if beyond else []
    words += [f"{', '.join(below)} before the left edge"] if below else []
    if words:
        ax.set_xlabel(f"{ax.get_xlabel()}; {', '.join(words)}")


def _names(ax: Axes, found: Curves, measure: str) -> None:
    """Name the curves in a legend, the one with the most misses first: at their right ends all curves meet."""
    ranked = sorted(found.curves, key=lambda curve: -_mean(curve, measure))
    lines = {line.get_label(): line for line in ax.get_lines()}
    ax.legend(
        [lines[curve.policy] for curve in ranked],
        ["optimum" if curve.policy == OPTIMUM else shorten(curve.policy, 30) for curve in ranked],
        loc="upper right", fontsize=8.5, framealpha=0.9, edgecolor="none", handlelength=3.2,
    )  # fmt: skip


def _mean(curve: Curve, measure: str) -> float:
    """Return the mean over the logarithm of the capacity."""
    log = np.log2(curve.capacity.astype(float))
    return float(np.interp(np.linspace(log[0], log[-1], 100), log, getattr(curve, measure)).mean())
