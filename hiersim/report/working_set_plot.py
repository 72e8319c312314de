"""What a trace touches over time: in each part, objects that it comes back to, and objects that are new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiersim.report.format import capacity, duration, percent
from hiersim.report.style import FAINT, INK, MARK, STATES, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hiersim.traces.working_set import WorkingSet


def working_set_plot(found: WorkingSet, ax: Axes | None = None) -> Axes:
    """Draw a bar for each part: distinct objects touched, those seen before below those that are new.

    Above each bar are the bytes of its objects; a line is the mean working set of as many accesses as a part has.

    Args:
        found: of ``hiersim.traces.working_set.working_set``.
        ax: where to draw; a new figure when absent.
    """
    with styled():
        ax = new_axes(8, 4.2, ax)
        ax.set_title(f"Working set over time: {found.trace}")
        ax.set_ylabel("distinct objects touched")
        ax.yaxis.set_major_formatter("{x:,.0f}")
        known = [part.objects - part.first_uses for part in found.parts]
        fresh = [part.first_uses for part in found.parts]
        places = range(len(found.parts))
        ax.bar(places, known, 0.8, color=STATES["near"], label="seen before")
        ax.bar(places, fresh, 0.8, bottom=known, color=MARK, label="new")
        if len(found.parts) <= 16:
            for i, part in enumerate(found.parts):
                ax.annotate(
                    capacity(part.bytes), (i, part.objects), (0, 2), textcoords="offset points",
                    ha="center", fontsize=7.5, color=INK,
                )  # fmt: skip
        _mean(ax, found)
        _ticks(ax, found)
        ax.set_ylim(0, 1.22 * max([1, *(part.objects for part in found.parts)]))
        ax.legend(frameon=False, fontsize=8.5, loc="upper right", ncols=3)
    return ax


def _mean(ax: Axes, found: WorkingSet) -> None:
    """Draw the mean working set of windows as long as a part."""
    each = found.accesses / max(1, len(found.parts))
    windows = [window for window in found.windows if window.accesses <= each]
    if windows:
        last = windows[-1]
        label = f"mean of {last.accesses:,} accesses"
        ax.axhline(last.objects, color=FAINT, linewidth=1.2, linestyle=(0, (5, 2)), label=label)


def _ticks(ax: Axes, found: WorkingSet) -> None:
    """Name where some of the parts begin, and how much of the trace is first uses."""
    timed = bool(found.gap_ps)
    step = max(1, -(-len(found.parts) // 12))
    shown = range(0, len(found.parts), step)
    starts = [duration(found.parts[i].start_ps) if timed else f"{found.parts[i].start:,}" for i in shown]
    ax.set_xticks([i - 0.4 for i in shown], starts)
    share = percent(found.first_uses / found.accesses if found.accesses else 0.0)
    ax.set_xlabel(f"{'time' if timed else 'access'} from which a part begins; {share} of all accesses are first uses")
    ax.grid(axis="y", color="#e5e5e5", linewidth=0.7)
    ax.set_axisbelow(True)
