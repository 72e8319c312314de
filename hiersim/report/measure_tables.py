"""Tables of a part measured alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiersim.report.format import capacity, count, duration
from hiersim.report.policies_table import table
from hiersim.units import show

if TYPE_CHECKING:
    from rich.table import Table

    from hiersim.api.measure import Measurement, Point


def share_words(found: Measurement, share: float) -> str:
    """Return a share of reads (of a link: of forward transfers) in words: ``reads``, ``67% reads``, ``writes``."""
    forward = found.share_name == "forward_share"
    one, other = ("forward", "backward") if forward else ("reads", "writes")
    return one if share == 1.0 else other if share == 0.0 else f"{100 * share:.0f}% {one}"


def grid(found: Measurement, quantity: str) -> tuple[Table, str]:
    """Return one quantity at the first share, a row per size, a column per queue depth, and its heading.

    Args:
        found: what was measured.
        quantity: ``bandwidth``, ``latency`` or ``bound``.
    """
    share = found.points[0].share
    chosen = [point for point in found.points if point.share == share]
    rows: dict[int, dict[str, str]] = {}
    for point in chosen:
        row = rows.setdefault(point.size_bytes, {"size": capacity(point.size_bytes)})
        row[f"depth {count(point.queue_depth)}"] = _cell(point, quantity)
    names = {"bandwidth": "bandwidth", "latency": "mean latency", "bound": "what an access waits for most"}
    return table(list(rows.values())), f"{names[quantity]}, {share_words(found, share)}"


def _cell(point: Point, quantity: str) -> str:
    if quantity == "bandwidth":
        return show(point.bandwidth_bytes_per_s, "bytes/s")
    return duration(point.latency_ps) if quantity == "latency" else point.bound


def points(found: Measurement) -> Table:
    """Return every point in a row of its own."""
    return table(
        [
            {
                "direction": share_words(found, point.share),
                "size": capacity(point.size_bytes),
                "depth": count(point.queue_depth),
                "bandwidth": _cell(point, "bandwidth"),
                "latency": duration(point.latency_ps),
                "p50": duration(point.latency_p50_ps),
                "p99": duration(point.latency_p99_ps),
                "bound": point.bound,
                "energy": "" if point.energy_pj_per_bit is None else f"{point.energy_pj_per_bit:.3g} pJ/bit",
            }
            for point in found.points
        ]
    )


def loaded(found: Measurement) -> tuple[Table, str] | None:
    """Return the latency by load with its heading, or nothing for a part whose latency does not depend on it."""
    if not found.loaded:
        return None
    rows: dict[float, dict[str, str]] = {}
    for each in found.loaded:
        row = rows.setdefault(each.load, {"load": f"{100 * each.load:.0f}%"})
        words = share_words(found, each.share)
        row[f"background: {words}"] = show(each.background_bytes_per_s, "bytes/s")
        row["latency" if each.share == 1.0 else f"latency beside {words}"] = duration(each.latency_ps)
    probe = capacity(found.loaded[0].size_bytes)
    return table(list(rows.values())), f"latency of {probe}, alone beside a background: bandwidth of others, latency"


def write_cache(found: Measurement) -> tuple[Table, str] | None:
    """Return the write bandwidth until a write cache is full and after, with a heading; nothing without a cache."""
    if not found.filling:
        return None
    first, last = found.filling[0], found.filling[-1]
    slower = [each for each in found.filling if each.bandwidth_bytes_per_s < 0.5 * (
        first.bandwidth_bytes_per_s + last.bandwidth_bytes_per_s)]  # fmt: skip
    until = slower[0].from_bytes if slower else last.to_bytes
    rows = [
        {"written": f"up to {show(until, 'bytes')}", "bandwidth": show(first.bandwidth_bytes_per_s, "bytes/s")},
        {"written": "then", "bandwidth": show(last.bandwidth_bytes_per_s, "bytes/s")},
    ]
    return table(rows), "writes into an empty write cache"
