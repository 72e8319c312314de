"""Pictures of a part measured alone: bandwidth over size, latency over queue depth, latency under load and others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, BinaryIO

from hiersim.report.files import Content
from hiersim.report.format import capacity, duration, traffic
from hiersim.report.measure_tables import share_words
from hiersim.report.style import FAINT, INK, detached, figure_of, new_axes, save, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import FuncFormatter

    from hiersim.api.measure import Measurement, Point

RAMP = ("#0b2545", "#13709e", "#2a9d8f", "#e9a03b", "#c8553d", "#7a1f3d")
"""Colours of lines in an order, dark to warm; they differ in lightness too."""
MARKERS = ("o", "s", "^", "D", "v", "P")
WIDTH, HEIGHT = 7.5, 4.6
ENDINGS = ("png", "svg")


def bandwidth_over_size(found: Measurement, ax: Axes | None = None) -> Axes:
    """Draw the bandwidth of the first share over the size of an access, a line per queue depth."""
    chosen = _first_share(found)
    with styled():
        ax = _axes(ax, found, "Bandwidth over size")
        for i, depth in enumerate(_kept(sorted({point.queue_depth for point in chosen}))):
            line = [point for point in chosen if point.queue_depth == depth]
            _line(ax, i, [p.size_bytes for p in line], [p.bandwidth_bytes_per_s for p in line], f"depth {depth}")
        _ticks(ax, sorted({point.size_bytes for point in chosen}), capacity)
        ax.set_xlabel("size of an access")
        _rates(ax)
        _legend(ax, share_words(found, chosen[0].share))
    return ax


def latency_over_depth(found: Measurement, ax: Axes | None = None) -> Axes:
    """Draw the mean latency of the first share over the queue depth, a line per size."""
    chosen = _first_share(found)
    with styled():
        ax = _axes(ax, found, "Latency over queue depth")
        for i, size in enumerate(_kept(sorted({point.size_bytes for point in chosen}))):
            line = [point for point in chosen if point.size_bytes == size]
            _line(ax, i, [p.queue_depth for p in line], [p.latency_ps for p in line], capacity(size))
        _ticks(ax, sorted({point.queue_depth for point in chosen}), str)
        ax.set_xlabel("queue depth (accesses outstanding)")
        _times(ax, "mean latency")
        _legend(ax, share_words(found, chosen[0].share))
    return ax


def bandwidth_over_share(found: Measurement, ax: Axes | None = None) -> Axes:
    """Draw the bandwidth at the greatest queue depth over the share of reads, a line per size."""
    from matplotlib.ticker import PercentFormatter

    deepest = max(point.queue_depth for point in found.points)
    chosen = [point for point in found.points if point.queue_depth == deepest]
    with styled():
        ax = _axes(ax, found, f"Bandwidth over the share of {found.direction}")
        for i, size in enumerate(_kept(sorted({point.size_bytes for point in chosen}))):
            line = sorted((point for point in chosen if point.size_bytes == size), key=lambda point: point.share)
            _line(ax, i, [p.share for p in line], [p.bandwidth_bytes_per_s for p in line], capacity(size))
        ax.set_xlabel(f"share of {found.direction}")
        ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        ax.set_xticks(sorted({point.share for point in chosen}))
        ax.set_ylim(bottom=0)
        ax.set_ylabel("bandwidth, both directions")
        ax.yaxis.set_major_formatter(_words(lambda y: f"{traffic(y)}/s"))
        _legend(ax, f"depth {deepest}")
    return ax


def latency_over_load(found: Measurement, ax: Axes | None = None) -> Axes:
    """Draw the latency of a probe over the bandwidth of others."""
    with styled():
        ax = _axes(ax, found, "Latency under load")
        for i, share in enumerate(dict.fromkeys(each.share for each in found.loaded)):
            line = [each for each in found.loaded if each.share == share]
            rates, times = [each.background_bytes_per_s for each in line], [each.latency_ps for each in line]
            _line(ax, 2 * i, rates, times, f"background: {share_words(found, share)}")
            ax.axvline(rates[-1] / line[-1].load, color=RAMP[2 * i], linewidth=0.8, linestyle=(0, (4, 3)))
        ax.set_xlim(left=0)
        ax.set_ylim(bottom=0)
        ax.set_xlabel("bandwidth of others (dashed: all that there is)")
        ax.xaxis.set_major_formatter(_words(lambda x: f"{traffic(x)}/s"))
        ax.set_ylabel(f"latency of {capacity(found.loaded[0].size_bytes)}, alone")
        ax.yaxis.set_major_formatter(_words(duration))
        _legend(ax, "")
    return ax


def write_cache(found: Measurement, ax: Axes | None = None) -> Axes:
    """Draw the write bandwidth over the bytes written since a write cache was empty."""
    with styled():
        ax = _axes(ax, found, "Writes into an empty write cache")
        edges = [found.filling[0].from_bytes, *(each.to_bytes for each in found.filling)]
        ax.stairs(
            [each.bandwidth_bytes_per_s for each in found.filling], edges, baseline=None, color=RAMP[1], linewidth=1.8
        )
        ax.set_xlim(0, edges[-1])
        ax.set_ylim(bottom=0)
        ax.set_xlabel("written")
        ax.xaxis.set_major_formatter(_words(traffic))
        ax.set_ylabel("bandwidth")
        ax.yaxis.set_major_formatter(_words(lambda y: f"{traffic(y)}/s"))
    return ax


def pictures(found: Measurement) -> dict[str, Content]:
    """Return the files of all pictures that the points suffice for, by name."""
    drawings: dict[str, Callable[[Measurement, Axes | None], Axes]] = {}
    if len({point.size_bytes for point in found.points}) > 1:
        drawings["bandwidth_over_size"] = bandwidth_over_size
    if len({point.queue_depth for point in found.points}) > 1:
        drawings["latency_over_depth"] = latency_over_depth
    if len({point.share for point in found.points}) > 1:
        drawings["bandwidth_over_share"] = bandwidth_over_share
    if found.loaded:
        drawings["latency_over_load"] = latency_over_load
    if found.filling:
        drawings["write_cache"] = write_cache
    files: dict[str, Content] = {}
    for name, draw in drawings.items():
        with styled():
            ax = draw(found, detached(WIDTH, HEIGHT))
        for ending in ENDINGS:
            files[f"{name}.{ending}"] = _writer(ax, ending)
    return files


def _writer(ax: Axes, ending: str) -> Callable[[BinaryIO], None]:
    return lambda file: save(figure_of(ax), file, ending)


def _first_share(found: Measurement) -> list[Point]:
    return [point for point in found.points if point.share == found.points[0].share]


def _kept(values: Sequence[int]) -> list[int]:
    """Return as many of the values as there are colours, the ends among them."""
    if len(values) <= len(RAMP):
        return list(values)
    return [values[round(i * (len(values) - 1) / (len(RAMP) - 1))] for i in range(len(RAMP))]


def _axes(ax: Axes | None, found: Measurement, title: str) -> Axes:
    ax = new_axes(WIDTH, HEIGHT, ax)
    ax.set_title(f"{title}: {found.subject.name}")
    ax.grid(color="#e5e5e5", linewidth=0.7)
    ax.set_axisbelow(True)
    return ax


def _line(ax: Axes, i: int, x: Sequence[float], y: Sequence[float], label: str) -> None:
    ax.plot(x, y, color=RAMP[i], marker=MARKERS[i], markersize=4.5, linewidth=1.6, label=label, clip_on=False)


def _ticks(ax: Axes, values: Sequence[int], words: Callable[[int], str]) -> None:
    """Scale the horizontal axis by factors, with a tick at each value, or at every other where they are many."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    ax.set_xscale("log")
    step = 2 if len(values) > 9 else 1
    ax.xaxis.set_major_locator(FixedLocator(list(values)[::step]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: words(round(x))))


def _rates(ax: Axes) -> None:
    _factors(ax)
    ax.set_ylabel("bandwidth (payload)")
    ax.yaxis.set_major_formatter(_words(lambda y: f"{traffic(y)}/s"))


def _times(ax: Axes, label: str) -> None:
    _factors(ax)
    ax.set_ylabel(label)
    ax.yaxis.set_major_formatter(_words(duration))


def _factors(ax: Axes) -> None:
    """Scale the vertical axis by factors, with ticks at 1, 2 and 5 where it has no more than three decades."""
    from matplotlib.ticker import LogLocator, NullLocator

    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low <= 1000 else (1.0,), numticks=20))
    ax.yaxis.set_minor_locator(NullLocator())


def _words(words: Callable[[float], str]) -> FuncFormatter:
    """Return a formatter of ticks; nothing has no unit."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda value, _: words(value) if value else "0")


def _legend(ax: Axes, title: str) -> None:
    """Put the legend right of the axes, the highest line first."""
    handles, labels = ax.get_legend_handles_labels()
    ends = [float(handle.get_ydata()[-1]) for handle in handles]  # type: ignore[attr-defined]
    order = sorted(range(len(handles)), key=lambda i: (float(f"{ends[i]:.2g}"), i), reverse=True)
    legend = ax.legend(
        [handles[i] for i in order], [labels[i] for i in order], title=title or None, loc="upper left",
        bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=8.5, alignment="left",
    )  # fmt: skip
    legend.get_title().set_color(FAINT if title else INK)
