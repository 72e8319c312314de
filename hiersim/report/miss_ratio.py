"""Miss ratio over capacity: a line per policy, the optimum under them, a machine's capacities as marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hiersim.report.format import capacity as binary
from hiersim.report.format import count, shorten
from hiersim.report.studies import OPTIMUM, REFERENCE, Row, pivot
from hiersim.report.style import FAINT, INK, figure_of, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8c6d31")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
"""Colours and markers of the policies that are told apart; the others are drawn thin and grey."""


def miss_ratio(
    rows: Sequence[Row], ax: Axes | None = None, unit: str = "bytes", measure: str = "miss_ratio",
    marks: Mapping[str, int] | None = None, title: str = "",
) -> Axes:  # fmt: skip
    """Draw a cache study.

    Args:
        rows: one mapping per replay: ``policy``, ``capacity``, ``miss_ratio`` and so on.
        ax: where to draw; a new figure when absent.
        unit: what capacities count: ``bytes``, or ``objects``.
        measure: ``miss_ratio``, or ``byte_miss_ratio``.
        marks: capacities to mark with a vertical line, by name (such as a machine's tiers).
        title: what the study is of, such as the trace's name.
    """
    found = pivot(rows, measure)
    names = _distinct(found)
    with styled():
        ax = new_axes(9, 5, ax)
        _axes(ax, found, unit, "bytes" if measure.startswith("byte") else "accesses")
        ax.set_title("Misses by policy and capacity" + (f": {shorten(title, 50)}" if title else ""))
        for name in found:
            _line(ax, name, found[name], names)
        for name, size in (marks or {}).items():
            ax.axvline(size, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0.5)
            ax.annotate(name, (size, 1.0), (3, -2), xycoords=("data", "axes fraction"), textcoords="offset points",
                        va="top", rotation=90, fontsize=8, color=FAINT)  # fmt: skip
        _direct_labels(ax, found, names)
    return ax


def _distinct(found: Mapping[str, Mapping[int, float]]) -> dict[str, int]:
    """Return the policies with a colour of their own and its number: LRU and the best, optimum apart."""
    ranked = [name for name in found if name != OPTIMUM]
    kept = ranked[: len(COLOURS)]
    if REFERENCE in ranked and REFERENCE not in kept:
        kept[-1] = REFERENCE
    return {name: i for i, name in enumerate(kept)}


def _axes(ax: Axes, found: Mapping[str, Mapping[int, float]], unit: str, what: str) -> None:
    """Scale and label the axes: capacities by factors, in binary units; misses in percent, from 0 if that is near."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter

    sizes = sorted({size for by_size in found.values() for size in by_size})
    ax.set_xlabel("capacity" if unit == "bytes" else "capacity (objects)")
    ax.set_ylabel(f"misses (% of {what})")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    ax.grid(axis="y", color="#e5e5e5", linewidth=0.7)
    ax.set_axisbelow(True)
    if not sizes:
        ax.text(0.5, 0.5, "no replays", ha="center", color=FAINT, transform=ax.transAxes)
        return
    if sizes[0] > 0 and len(sizes) > 1:
        ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(_spaced(sizes)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: binary(x) if unit == "bytes" else count(round(x))))
    values = [value for by_size in found.values() for value in by_size.values()]
    low, high = min(values), max(values)
    pad = 0.05 * ((high - low) or high or 1)
    ax.set_ylim(0 if low < 0.4 * high else low - pad, high + pad)


def _spaced(sizes: Sequence[int]) -> list[int]:
    """Return the capacities that get a tick label: all, or as many as stand clear of one another."""
    if sizes[0] <= 0 or len(sizes) < 2:
        return list(sizes)
    kept = [sizes[0]]
    for size in sizes[1:]:
        if (size / kept[-1]) >= (sizes[-1] / sizes[0]) ** 0.09:
            kept.append(size)
    return kept


def _line(ax: Axes, name: str, by_size: Mapping[int, float], names: Mapping[str, int]) -> None:
    x, y = [float(size) for size in by_size], list(by_size.values())
    if name == OPTIMUM:
        ax.plot(x, y, color=INK, linewidth=1.8, linestyle=(0, (5, 2)), zorder=3, marker="_")
        if len(x) > 1:
            ax.fill_between(x, y, ax.get_ylim()[0], color="#efefef", zorder=0.4, linewidth=0)
    elif name in names:
        i = names[name]
        ax.plot(x, y, color=COLOURS[i], marker=MARKERS[i], markersize=5, linewidth=1.5, zorder=2)
    else:
        ax.plot(x, y, color="#b5b5b5", linewidth=0.8, marker=".", markersize=3, zorder=1)


def _direct_labels(ax: Axes, found: Mapping[str, Mapping[int, float]], names: Mapping[str, int]) -> None:
    """Write each line's name at its right end, moved apart where the ends are close."""
    ends: list[tuple[float, float, str, str]] = []
    for name in found:
        if name == OPTIMUM or name in names:
            x, y = list(found[name].items())[-1]
            words = "optimum" if name == OPTIMUM else shorten(name, 22)
            ends.append((y, x, words, INK if name == OPTIMUM else COLOURS[names[name]]))
    others = len(found) - len(ends)
    figure = figure_of(ax)
    figure.draw_without_rendering()
    height = ax.get_window_extent().height
    low, high = ax.get_ylim()
    step = 12.5 * figure.dpi / 72 / height
    wanted = sorted(((y - low) / (high - low), x, words, colour) for y, x, words, colour in ends)
    places = apart([at for at, *_ in wanted], step)
    for (at, end, words, colour), place in zip(wanted, places, strict=True):
        _end_label(ax, (end, low + at * (high - low)), place, words, colour)
    if others > 0:
        words = f"grey: {others} other policies"
        ax.annotate(
            words, (0, 0), (4, 4), xycoords="axes fraction", textcoords="offset points", fontsize=8, color=FAINT
        )


def _end_label(ax: Axes, end: tuple[float, float], place: float, words: str, colour: str) -> None:
    """Write a label right of the axes at a height given as a share of it, with a thin line to the end of its curve."""
    arrow: dict[str, Any] = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 4}
    arrow |= {"relpos": (0, 0.5), "linestyle": ":"}
    ax.annotate(words, end, (1.05, place), xycoords="data", textcoords="axes fraction", va="center", fontsize=8.5,
                color=colour, arrowprops=arrow, annotation_clip=False)  # fmt: skip


def apart(wanted: Sequence[float], step: float) -> list[float]:
    """Return ascending places at least ``step`` apart, near the ascending places wanted, in 0 to 1 if they fit."""
    groups: list[tuple[float, int]] = []
    for place in wanted:
        groups.append((place, 1))
        while len(groups) > 1 and groups[-1][0] - groups[-2][0] < step * (groups[-1][1] + groups[-2][1]) / 2:
            (b, m), (a, n) = groups.pop(), groups.pop()
            groups.append(((a * n + b * m) / (n + m), n + m))
    places = [centre + (i - (size - 1) / 2) * step for centre, size in groups for i in range(size)]
    places = [max(place, i * step) for i, place in enumerate(places)]
    return [min(place, 1 - (len(places) - 1 - i) * step) for i, place in enumerate(places)]
