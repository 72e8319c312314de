"""Traffic by class: the bytes through each tier's ports and over each link, by what they were of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hiersim.engine.result import ByClass, Result
from hiersim.report import bars
from hiersim.report.format import duration, shorten, traffic
from hiersim.report.style import colours_of_classes, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 6


def traffic_by_class(results: Result | Sequence[Result], ax: Axes | None = None) -> Axes:
    """Draw a bar per port and direction of a link that carried bytes, its parts the classes of objects.

    Args:
        results: one run, or several: then each has a bar at each place.
        ax: where to draw; a new figure when absent.
    """
    runs = [results] if isinstance(results, Result) else list(results)
    with styled():
        ax = new_axes(*size(runs), ax)
        bars.draw(ax, _rows(runs), traffic, COLUMNS)
        ax.set_xlabel("bytes moved, by class of object")
        of = f"{shorten(runs[0].name, 40)}, {duration(runs[0].elapsed_ps)} simulated" if len(runs) == 1 else ""
        ax.set_title(f"Traffic by class: {of}" if of else f"Traffic by class, in {len(runs)} runs")
    return ax


def size(results: Result | Sequence[Result]) -> tuple[float, float]:
    """Return the width and height in inches that the picture needs."""
    return bars.size(_rows([results] if isinstance(results, Result) else list(results)), COLUMNS)


def _rows(runs: Sequence[Result]) -> list[bars.Row]:
    """Return the bars, place by place, and within a place run by run; places that carried nothing have none."""
    carried = [_carried(run) for run in runs]
    places = list(dict.fromkeys(place for each in carried for place in each))
    classes = dict.fromkeys(name for each in carried for sizes in each.values() for name in sizes)
    colours = colours_of_classes(classes)
    rows = []
    for place in places:
        for run, each in zip(runs, carried, strict=True):
            sizes = each.get(place, {})
            pieces = tuple(bars.Piece(sizes.get(name, 0), name, colour) for name, colour in colours.items())
            label = bars.named(place, shorten(run.name, 24), len(runs) > 1)
            rows.append(bars.Row(label, tuple(piece for piece in pieces if piece.amount)))
    return rows


def _carried(run: Result) -> dict[str, ByClass]:
    """Return the bytes by class of each place that carried any."""
    found: dict[str, ByClass] = {}
    for name, tier in run.tiers.items():
        found |= {f"{name} read": tier.read_bytes, f"{name} written": tier.written_bytes}
    for name, link in run.links.items():
        found[f"{name}, {link.between[0]} to {link.between[1]}"] = link.forward_bytes
        found[f"{name}, {link.between[1]} to {link.between[0]}"] = link.backward_bytes
    return {place: sizes for place, sizes in found.items() if sum(sizes.values())}
