"""A map of policies over capacities: dark where much is missed, the best of each capacity marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hiersim.report.format import capacity as binary
from hiersim.report.format import count, percent, shorten
from hiersim.report.studies import OPTIMUM, Row, pivot
from hiersim.report.style import FAINT, MARK, ink_on, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#f4f1e8", "#cfdde0", "#9cc0cf", "#6597b8", "#3c6798", "#2a3f75", "#1b1c45")
"""From little to much; each is darker than the one before, also in grey."""


def policy_map(
    rows: Sequence[Row], ax: Axes | None = None, unit: str = "bytes", measure: str = "miss_ratio", title: str = ""
) -> Axes:
    """Draw a cache study as a table of colours.

    Args:
        rows: one mapping per replay, as ``Replays.rows()`` has them: ``policy``, ``capacity``, ``miss_ratio`` ...
        ax: where to draw; a new figure when absent.
        unit: what capacities count: ``bytes``, or ``objects``.
        measure: ``miss_ratio``, or ``byte_miss_ratio``.
        title: what the study is of, such as the trace's name.
    """
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    found = pivot(rows, measure)
    sizes = sorted({size for by_size in found.values() for size in by_size})
    names = sorted(found, key=lambda name: (name != OPTIMUM, _mean(found[name]), name))
    colours = LinearSegmentedColormap.from_list("misses", COLOURS)
    with styled():
        ax = new_axes(*size(rows), ax)
        values = [value for by_size in found.values() for value in by_size.values()]
        low, high = min(values, default=0.0), max(values, default=1.0)
        for y, name in enumerate(names):
            for x, each in enumerate(sizes):
                if each in found[name]:
                    value = found[name][each]
                    colour = to_hex(colours((value - low) / ((high - low) or 1.0)))
                    best = name != OPTIMUM and value == _best(found, each)
                    _cell(ax, (x, y), percent(value), colour, best)
        _axes(ax, names, [binary(each) if unit == "bytes" else count(each) for each in sizes])
        what = "bytes" if measure.startswith("byte") else "accesses"
        ax.set_title(f"Share of {what} missed" + (f": {shorten(title, 50)}" if title else ""))
        ax.set_xlabel("capacity" + ("" if unit == "bytes" else " (objects)") + "; framed: the least of a column")
    return ax


def size(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the width and height in inches that the picture needs."""
    names, sizes = {row["policy"] for row in rows}, {row["capacity"] for row in rows}
    return max(5.5, 2.2 + 0.8 * len(sizes)), 1.2 + 0.28 * max(1, len(names))


def _mean(by_size: Mapping[int, float]) -> float:
    return sum(by_size.values()) / len(by_size)


def _best(found: Mapping[str, Mapping[int, float]], capacity: int) -> float:
    """Return the least of a column, bytes of capacity, that a policy without knowledge of the future reaches."""
    return min(by_size[capacity] for name, by_size in found.items() if name != OPTIMUM and capacity in by_size)


def _cell(ax: Axes, at: tuple[int, int], words: str, colour: str, best: bool) -> None:
    from matplotlib.patches import Rectangle

    x, y = at
    ax.add_artist(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.8))
    if best:
        ax.add_artist(Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, fill=False, edgecolor=MARK, linewidth=1.8, zorder=3))
    weight: Any = "bold" if best else "normal"
    ax.text(x, y, words, ha="center", va="center", fontsize=8, color=ink_on(colour), weight=weight, zorder=4)


def _axes(ax: Axes, names: Sequence[str], labels: Sequence[str]) -> None:
    ax.set_xlim(-0.5, max(1, len(labels)) - 0.5)
    ax.set_ylim(max(1, len(names)) - 0.5, -0.5)
    ax.set_xticks(range(len(labels)), list(labels))
    ax.set_yticks(range(len(names)), ["optimum" if name == OPTIMUM else shorten(name, 26) for name in names])
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    if not names:
        ax.text(0.5, 0.5, "no replays", ha="center", color=FAINT, transform=ax.transAxes)
