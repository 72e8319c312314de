"""The roofline: what a unit can compute for each byte that a tier brings it, with a run, or its operations, as dots.

After Williams, Waterman and Patterson, CACM 52(4), 2009; a roof per tier as in the hierarchical roofline of Yang and
others, CCPE 32(20), 2020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiersim.api.device_routes import routes
from hiersim.engine.result import Result
from hiersim.errors import ConfigError, nearest
from hiersim.machine import Machine
from hiersim.report.format import shorten
from hiersim.report.known import Ends, Intervals, ends_of, whisker, words
from hiersim.report.style import FAINT, INK, LINKS, TIERS, edged, figure_of, new_axes, styled
from hiersim.units import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (9.0, 5.4)
BACK = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
"""What is behind the name of a dot, so that it is readable where it crosses a line."""
ALONG = (0.5, 0.42, 0.62, 0.16, 0.3)
"""Where along the lines their names may stand: those of close lines begin with different places."""


@dataclass(frozen=True)
class Dot:
    """Something that computed: FLOPs for each byte, FLOP/s and their interval, the tier of the bytes, if one."""

    label: str
    flops_per_byte: float
    flops_per_s: float
    tier: str = ""
    ends: Ends | None = None


def roofline(
    result: Result | None, ax: Axes | None = None, *, machine: Machine, unit: str = "", dtype: str = "",
    operations: Sequence[Mapping[str, Any]] = (), intervals: Intervals | None = None,
) -> Axes:  # fmt: skip
    """Draw a unit's roofs: its peak, and under it one for each tier, at the bandwidth with which its bytes arrive.

    Args:
        result: a run on the machine, with a dot for each kind of its operations, or, without any, for each tier that it
            read from; ``None`` for the roofs alone.
        ax: where to draw; a new figure when absent.
        machine: the machine.
        unit: the unit; the first when absent.
        dtype: the number format of the peak; the unit's fastest of 16 bits, else its first, when absent.
        operations: mappings with ``flops``, ``bytes`` (of the near tier) and ``duration_ps``, each a dot, and with a
            ``name`` if it is to be told; instead of those of the run.
        intervals: of the run's numbers, where they are known: a dot gets a line with caps for the times that they give.

    Raises:
        ConfigError: the machine has no such unit, or the unit does not compute in that format.
    """
    unit = unit or next(iter(machine.units))
    if unit not in machine.units:
        raise ConfigError(
            f"no unit `{unit}`{nearest(unit, machine.units)} (the machine has {', '.join(machine.units)})"
        )
    dtype, peak = _peak(machine, unit, dtype)
    roofs = {route.tier: route.bandwidth for route in routes(machine) if route.unit == unit}
    known = intervals or {}
    dots = _operations(operations or kinds_of(result, unit, known)) or dots_of(machine, unit, peak, result, known)
    with styled():
        ax = new_axes(*SIZE, ax)
        low, high = _range(roofs, peak, dots)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlim(low, high)
        floor = min([peak / 3e3, *(dot.flops_per_s / 3 for dot in dots if dot.flops_per_s)])
        ax.set_ylim(floor, peak * 3)
        _roofs(ax, machine, roofs, peak, f"{show(peak, 'FLOP/s')} in {dtype}")
        _dots(ax, machine, dots)
        _names(ax, roofs, peak)
        _axes(ax, words(intervals))
        ax.set_title(_title(unit, result, machine))
    return ax


def _title(unit: str, result: Result | None, machine: Machine) -> str:
    name = f" and {shorten(result.name, 30)}" if result else ""
    return f"Roofs of {unit}{name}\n{shorten(machine.summary or machine.name, 96)}"


def size(shown: object = None) -> tuple[float, float]:
    """Return the width and height in inches that the picture needs."""
    return SIZE


def _peak(machine: Machine, unit: str, dtype: str) -> tuple[str, float]:
    own = machine.units[unit]
    formats: dict[str, float] = {str(name): rate for name, rate in own.flops.items()}
    if dtype and dtype not in formats:
        raise ConfigError(
            f"{unit} does not compute in `{dtype}`{nearest(dtype, formats)} (it has {', '.join(formats)})"
        )
    dtype = dtype or next((name for name in ("bf16", "fp16") if name in formats), next(iter(formats)))
    return dtype, formats[dtype] * own.efficiency


def kinds_of(result: Result | None, unit: str, intervals: Intervals) -> list[dict[str, Any]]:
    """Return a row for each kind of operation that a unit computed: name, FLOPs, bytes near it, time at work."""
    if result is None or result.operations is None:
        return []
    return [
        {
            "name": name,
            "flops": kind.flops,
            "bytes": kind.read_bytes + kind.written_bytes,
            "duration_ps": kind.busy_ps,
            "ends": ends_of(intervals, f"operations.kinds.{name}.busy_ps"),
        }
        for name, kind in result.operations.kinds.items()
        if kind.unit == unit
    ]


def dots_of(
    machine: Machine, unit: str, peak: float, result: Result | None, intervals: Intervals | None = None
) -> list[Dot]:
    """Return a dot per tier that a run's unit read from: the FLOPs that it computed over the bytes read of the tier.

    FLOPs are those of the time that it was busy computing, at its full rate.
    """
    if result is None or unit not in result.units or not result.elapsed_ps:
        return []
    flops = result.units[unit].busy_compute_ps / 1e12 * peak
    reads = {name: tier.read_total for name, tier in result.tiers.items() if tier.read_total and name in machine.tiers}
    rate, ends = flops / (result.elapsed_ps / 1e12), _rates(flops, ends_of(intervals or {}, "elapsed_ps"))
    dots = [Dot(f"run, per byte of {name}", flops / size, rate, name, ends) for name, size in reads.items()]
    return dots if flops else []


def _rates(flops: float, times_ps: Ends | None) -> Ends | None:
    """Return the FLOP/s of so many FLOPs in the longest and in the shortest time."""
    return None if times_ps is None else (flops / (times_ps[1] / 1e12), flops / (times_ps[0] / 1e12))


def _operations(rows: Sequence[Mapping[str, Any]]) -> list[Dot]:
    kept = [row for row in rows if row["flops"] and row["bytes"] and row["duration_ps"]]
    return [
        Dot(
            str(row.get("name", "")),
            row["flops"] / row["bytes"],
            row["flops"] / (row["duration_ps"] / 1e12),
            ends=_rates(row["flops"], row.get("ends")),
        )
        for row in kept
    ]


def _range(roofs: Mapping[str, float], peak: float, dots: Sequence[Dot]) -> tuple[float, float]:
    """Return the FLOPs per byte from left of all that matters to right of it."""
    knees = [peak / bandwidth for bandwidth in roofs.values() if bandwidth]
    seen = [*knees, *(dot.flops_per_byte for dot in dots)]
    return min(seen) / 30, max(seen) * 10


def _roofs(ax: Axes, machine: Machine, roofs: Mapping[str, float], peak: float, words: str) -> None:
    """Draw the peak, and for each tier the line up to it."""
    (low, high), (floor, _) = ax.get_xlim(), ax.get_ylim()
    ax.plot([min(peak / bandwidth for bandwidth in roofs.values()), high], [peak, peak], color=INK, linewidth=1.8)
    ax.annotate(words, (high, peak), (-2, 4), textcoords="offset points", ha="right", fontsize=8.5)
    for name, bandwidth in roofs.items():
        colour, knee = TIERS.get(machine.tiers[name].kind, FAINT), peak / bandwidth
        ax.plot([low, knee], [low * bandwidth, peak], color=colour, linewidth=1.8, zorder=2, path_effects=edged(colour))
        ax.plot([knee, knee], [floor, peak], color=colour, linewidth=0.6, linestyle=":", zorder=1)


def _names(ax: Axes, roofs: Mapping[str, float], peak: float) -> None:
    """Write the name of each roof along its line, where it meets no other text and no dot."""
    (low, _), (floor, _) = ax.get_xlim(), ax.get_ylim()
    figure_of(ax).draw_without_rendering()
    angle, taken = _slope(ax), _taken(ax)
    for i, (name, bandwidth) in enumerate(sorted(roofs.items(), key=lambda item: -item[1])):
        left, knee = max(low, floor / bandwidth), peak / bandwidth
        words = f"{name} {show(bandwidth, 'bytes/s')}"
        places = [left * (knee / left) ** share for share in (*ALONG[i % len(ALONG) :], *ALONG[: i % len(ALONG)])]
        text = ax.annotate(words, (low, floor), (0, 2), textcoords="offset points", rotation=angle, fontsize=8,
                           rotation_mode="anchor", zorder=4, color=INK, path_effects=halo())  # fmt: skip
        for at in places:
            text.xy = (at, at * bandwidth)
            box = text.get_window_extent().extents
            if not any(_meet(box, other) for other in taken):
                break
        taken.append(text.get_window_extent().extents)


def _taken(ax: Axes) -> list[Any]:
    """Return the corners of what stands in the axes already, in pixels: texts, and dots with their rims."""
    from matplotlib.text import Text

    dots = [line.get_xydata() for line in ax.lines if line.get_marker() == "o"]
    at = [ax.transData.transform(point)[0] for point in dots]
    rim = 6 / 72 * figure_of(ax).dpi
    return [Text.get_window_extent(text).extents for text in ax.texts] + [(*(p - rim), *(p + rim)) for p in at]


def _meet(box: Any, other: Any) -> bool:
    return bool(box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3])


def halo() -> list[Any]:
    """Return the effect that makes text readable where it crosses a line."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.5, foreground="white")]


def _slope(ax: Axes) -> float:
    """Return the angle on the page, in degrees, of a line of slope 1 on both logarithms."""
    from math import atan2, degrees, log10

    box, (x0, x1), (y0, y1) = ax.get_window_extent(), ax.get_xlim(), ax.get_ylim()
    return degrees(atan2(box.height / log10(y1 / y0), box.width / log10(x1 / x0)))


def _dots(ax: Axes, machine: Machine, dots: Sequence[Dot]) -> None:
    """Draw the dots; the names of those that stand close to each other hang at different heights."""
    figure, last, depth = figure_of(ax), -1e9, 0
    for dot in sorted(dots, key=lambda dot: dot.flops_per_byte):
        colour = TIERS.get(machine.tiers[dot.tier].kind, FAINT) if dot.tier else LINKS["network"]
        ax.plot([dot.flops_per_byte], [dot.flops_per_s], "o", color=colour, markersize=7, markeredgecolor=INK,
                markeredgewidth=0.7, zorder=5)  # fmt: skip
        whisker(ax, dot.flops_per_byte, dot.ends, upright=True)
        if not dot.label:
            continue
        at = float(ax.transData.transform((dot.flops_per_byte, dot.flops_per_s))[0]) / figure.dpi
        depth = depth + 1 if at - last < 0.075 * len(dot.label) else 0
        last = at
        line: dict[str, Any] = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 4}
        ax.annotate(dot.label, (dot.flops_per_byte, dot.flops_per_s), (0, -20 - 12 * depth), ha="center", fontsize=8,
                    textcoords="offset points", color=INK, zorder=6, arrowprops=line, bbox=BACK)  # fmt: skip


def _axes(ax: Axes, more: str) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    ax.set_xlabel(f"FLOPs for each byte that the tier brings{more}")
    ax.set_ylabel("computed")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}" if x < 1000 else show(x, "count")))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: show(y, "FLOP/s")))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.grid(color="#ececec", linewidth=0.6)
    ax.set_axisbelow(True)
