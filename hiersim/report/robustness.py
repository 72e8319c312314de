"""Faults over the optimum's, from perfect predictions to the worst: consistency left, robustness right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hiersim.report.miss_ratio import COLOURS, MARKERS
from hiersim.report.style import FAINT, INK, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = {"next_use": "next uses", "discard": "bits", "phase": "bits"}


def robustness(rows: Sequence[Mapping[str, Any]], ax: Axes | None = None, title: str = "") -> Axes:
    """Draw policies with predictions; those of next uses and those of bits have their own errors below each other.

    Args:
        rows: of ``hiersim.studies.robustness.robustness``.
        ax: where to draw; a new figure when absent.
        title: what was replayed, such as the trace's name.
    """
    names = list(dict.fromkeys(str(row["policy"]) for row in rows))
    with styled():
        ax = new_axes(8, 4.6, ax)
        ax.set_title("Faults by quality of predictions" + (f": {title}" if title else ""))
        ax.set_ylabel("faults / faults of the optimum")
        ax.set_yscale("log")
        ax.axhline(1.0, color=INK, linewidth=1.2, linestyle=(0, (5, 2)))
        ax.annotate("optimum", (0, 1.0), (0, -3), textcoords="offset points", va="top", fontsize=8, color=INK)
        if rows:
            plain = float(rows[0]["to_opt"]) / float(rows[0]["to_lru"])
            ax.axhline(plain, color=FAINT, linewidth=1.0, linestyle=":")
            ax.annotate("lru", (0, plain), (0, 3), textcoords="offset points", fontsize=8, color=FAINT)
        for i, name in enumerate(names):
            mine = [row for row in rows if row["policy"] == name]
            at, ratios = [int(row["step"]) for row in mine], [float(row["to_opt"]) for row in mine]
            i %= len(COLOURS)
            dashes = "-" if mine[0]["predicts"] == "next_use" else "--"
            ax.plot(at, ratios, dashes, color=COLOURS[i], marker=MARKERS[i], markersize=5, linewidth=1.5, label=name)
        _ticks(ax, rows)
        if names:
            ax.legend(frameon=False, fontsize=8.5, loc="upper left", bbox_to_anchor=(0.02, 0.98))
    return ax


def _ticks(ax: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    """Name the errors at each step, of next uses above those of bits, and the ratios as plain numbers."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    labels: dict[int, dict[str, str]] = {}
    for row in rows:
        short = str(row["predictions"]).partition(":")[2] or str(row["predictions"])
        labels.setdefault(int(row["step"]), {})[KINDS[str(row["predicts"])]] = short
    steps = sorted(labels)
    ax.set_xticks(steps, ["\n".join(dict.fromkeys(labels[step].values())) for step in steps])
    ax.set_xlabel("errors of predictions")
    ax.margins(x=0.07)
    most = max((float(row["to_opt"]) for row in rows), default=1.0)
    ax.yaxis.set_major_locator(
        FixedLocator([each for each in (1, 1.5, 2, 3, 5, 10, 20, 50, 100) if each <= 1.2 * most])
    )
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    ax.grid(axis="y", color="#e5e5e5", linewidth=0.7)
    ax.set_axisbelow(True)
