"""The stall stack: one bar per unit of where its time went; several runs stand below one another to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiersim.engine.result import Result
from hiersim.report.breakdown import Part, stalls, whole
from hiersim.report.format import duration, percent, shorten
from hiersim.report.known import LOW, Given, Intervals, each_of, ends_of, whisker, words
from hiersim.report.style import FAINT, HATCHES, INK, NEAR_HATCH, colour_of, figure_of, ink_on, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = 3
"""Lines of a bar's label."""
TOP = 8
"""Causes that have a colour and a line in the legend; the rest are one segment."""
SCALES = ((1, "ps"), (10**3, "ns"), (10**6, "us"), (10**9, "ms"), (10**12, "s"), (3600 * 10**12, "h"))


@dataclass(frozen=True)
class Bar:
    """One bar: the run and unit that it shows, its label, its parts from left to right, and the run's number."""

    label: str
    result: Result
    parts: tuple[Part, ...]
    run: int = 0


@dataclass(frozen=True)
class Segment:
    """Where a part of a bar was drawn, in the units of the axes, what to write into it, and on which colour."""

    left: float
    width: float
    y: float
    share: str
    colour: str


def stall_stack(
    results: Result | Sequence[Result], ax: Axes | None = None, share: bool | None = None, intervals: Given = None
) -> Axes:
    """Draw where the time of each unit went: computing, on its near tier, stalled by cause, idle.

    Args:
        results: one run, or several to compare.
        ax: where to draw; a new figure when absent.
        share: the axis is in percent of each run's time (the default for one run) or in time (for several, and where
            intervals are known).
        intervals: of the numbers of each run, where they are known; the time gets a line with caps.
    """
    runs = [results] if isinstance(results, Result) else list(results)
    share = len(runs) == 1 and not intervals if share is None else share
    bars = list_bars(runs)
    with styled():
        ax = new_axes(*size(runs), ax)
        scale, unit = _scale(runs, share)
        segments: list[Segment] = []
        for y, bar in enumerate(bars):
            segments += _draw(ax, y, bar, scale or bar.result.elapsed_ps / 100 or 1)
        _decorate(ax, runs, bars, f"time ({unit}){words(intervals)}" if not share else "share of the time (%)")
        reach = 0.0 if share else _totals(ax, bars, scale, each_of(intervals, len(runs)))
        ax.set_xlim(0, 100 if share else 1.1 * reach or 1)
        _legend(ax, bars)
        _label(ax, segments)
    return ax


def size(results: Result | Sequence[Result]) -> tuple[float, float]:
    """Return the width and height in inches that the picture needs."""
    bars = list_bars([results] if isinstance(results, Result) else list(results))
    entries = legend_entries(bars)
    columns = _columns(entries)
    return 10.0, 1.25 + 0.5 * max(1, len(bars)) + 0.21 * ((len(entries) + columns - 1) // columns)


def list_bars(runs: Sequence[Result]) -> list[Bar]:
    """Return the bars of all units of all runs; the causes shown are the largest over all of them."""
    total: dict[str, int] = {}
    for run in runs:
        for unit in run.units.values():
            for part in stalls(unit):
                total[part.label] = total.get(part.label, 0) + part.ps
    ranked = sorted(total, key=lambda label: (-total[label], label))
    kept = ranked if len(ranked) <= TOP + 1 else ranked[:TOP]
    several = len(runs) > 1
    bars = []
    for number, run in enumerate(runs):
        for name, unit in run.units.items():
            words = [run.name] * several + [name] * (not several or len(run.units) > 1)
            label = "\n".join(line for word in words for line in _lines(word, LINES + 1 - len(words)))
            bars.append(Bar(label, run, _arrange(whole(name, unit, len(unit.stalls)), kept), number))
    return bars


def _lines(words: str, most: int) -> list[str]:
    """Return a label in lines: what was varied one below the other, where there is room for that."""
    parts = [f"{part}," for part in words.split(", ")]
    parts[-1] = parts[-1][:-1]
    return [shorten(part, 28) for part in parts] if len(words) > 28 and len(parts) <= most else [shorten(words, 28)]


def _arrange(parts: Sequence[Part], kept: Sequence[str]) -> tuple[Part, ...]:
    """Return the parts in the order of all bars: busy, the kept causes, the others as one, idle."""
    stalled = {part.label: part for part in parts if part.state == "stall"}
    rest = [part for label, part in stalled.items() if label not in kept]
    other = [Part("stall", "other causes", "", "", (), sum(part.ps for part in rest))] if rest else []
    busy = [part for part in parts if part.state in ("compute", "near")]
    idle = [part for part in parts if part.state == "idle"]
    return (*busy, *(stalled[label] for label in kept if label in stalled), *other, *idle)


def _scale(runs: Sequence[Result], share: bool) -> tuple[float, str]:
    """Return picoseconds per unit of the axis and the unit's symbol; 0 for shares."""
    longest = max((run.elapsed_ps for run in runs), default=0)
    reached = [item for item in SCALES if item[0] <= longest]
    return (0, "%") if share else (reached or SCALES[:1])[-1]


def _draw(ax: Axes, y: float, bar: Bar, scale: float) -> list[Segment]:
    """Draw one bar and return its segments."""
    left = 0.0
    segments = []
    for part in bar.parts:
        width = part.ps / scale
        ax.add_artist(_patch(part, bar.result, (left, y - 0.36), width, 0.72))
        segments.append(Segment(left, width, y, percent(part.ps / bar.result.elapsed_ps), colour_of(part, bar.result)))
        left += width
    if not bar.parts:
        ax.text(0.01, y, "no time passed", va="center", color=FAINT, transform=ax.get_yaxis_transform())
    return segments


def _patch(
    part: Part, result: Result, corner: tuple[float, float], width: float, height: float, label: str = ""
) -> Any:
    """Return the rectangle of a part, in its colour and hatch."""
    from matplotlib.patches import Rectangle

    colour = colour_of(part, result)
    hatch = NEAR_HATCH if part.state == "near" else HATCHES.get(part.kind)
    edge = FAINT if part.state == "idle" else ink_on(colour) if hatch else "white"
    return Rectangle(
        corner,
        width,
        height,
        facecolor=colour,
        edgecolor=edge,
        linewidth=0.5,
        hatch=hatch,
        label=label,
    )


def _totals(ax: Axes, bars: Sequence[Bar], scale: float, known: Sequence[Intervals]) -> float:
    """Write each run's time at the end of its bars, behind what is known of it; return how far that reaches."""
    reach = 0.0
    for y, bar in enumerate(bars):
        ends = ends_of(known[bar.run], "elapsed_ps", scale)
        at = max(bar.result.elapsed_ps / scale, ends[1] if ends else 0.0)
        reach = max(reach, at)
        if bar.parts:
            whisker(ax, y + LOW, ends)
            text = duration(bar.result.elapsed_ps)
            ax.annotate(text, (at, y), (5, 0), textcoords="offset points", va="center")
    return reach


def _decorate(ax: Axes, runs: Sequence[Result], bars: Sequence[Bar], xlabel: str) -> None:
    ax.set_yticks(range(len(bars)), [bar.label for bar in bars])
    ax.set_ylim(len(bars) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(xlabel)
    if len(runs) == 1:
        ax.set_title(f"Where the time went: {shorten(runs[0].name, 40)}, {duration(runs[0].elapsed_ps)} simulated")
    else:
        ax.set_title(f"Where the time went, in {len(runs)} runs")


def _legend(ax: Axes, bars: Sequence[Bar]) -> None:
    """Put one line per part below the axes, in the order of the segments."""
    from matplotlib.transforms import ScaledTranslation

    entries = legend_entries(bars)
    if not entries:
        return
    handles = [_patch(part, result, (0, 0), 1, 1, words) for words, part, result in entries]
    below = ScaledTranslation(0, -0.5, figure_of(ax).dpi_scale_trans)
    ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=ax.transAxes + below,
        ncols=_columns(entries),
        frameon=False,
        fontsize=8.5,
        handlelength=2.6,
        handleheight=1.1,
        borderaxespad=0,
        labelcolor=INK,
    )


def legend_entries(bars: Sequence[Bar]) -> list[tuple[str, Part, Result]]:
    """Return the words of the legend with the part and run that show how it is drawn, each once.

    With one bar the words have the part's share of the time before them.
    """
    found: dict[str, tuple[str, Part, Result]] = {}
    rank = {"compute": 0, "near": 1, "stall": 2, "idle": 3}
    for bar in bars:
        for part in bar.parts:
            words = part.label if part.state != "near" else "on the near tier"
            share = f"{percent(part.ps / bar.result.elapsed_ps)}  " if len(bars) == 1 else ""
            found.setdefault(words, (share + shorten(words, 84), part, bar.result))
    return sorted(found.values(), key=lambda entry: rank[entry[1].state])


def _columns(entries: Sequence[tuple[str, Part, Result]]) -> int:
    return 2 if max((len(words) for words, _, _ in entries), default=0) <= 48 else 1


def _label(ax: Axes, segments: Sequence[Segment]) -> None:
    """Write the share into each segment that is wide enough for it."""
    figure = figure_of(ax)
    figure.draw_without_rendering()
    for segment in segments:
        (x0, _), (x1, _) = ax.transData.transform([(segment.left, 0), (segment.left + segment.width, 0)])
        if (x1 - x0) / figure.dpi < 0.075 * len(segment.share) + 0.1:
            continue
        back = {"facecolor": segment.colour, "edgecolor": "none", "pad": 1.5}
        middle = segment.left + segment.width / 2
        ink = ink_on(segment.colour)
        ax.text(middle, segment.y, segment.share, ha="center", va="center", fontsize=8.5, color=ink, bbox=back)
