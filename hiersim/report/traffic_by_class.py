"""Traffic by class: the bytes through each tier's ports and over each link, by what they were of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hiersim.engine.result import ByClass, Result
from hiersim.report import bars
from hiersim.report.format import duration, shorten, traffic
from hiersim.report.known import Given, each_of, ends_of, words
from hiersim.report.style import colours_of_classes, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 6


def traffic_by_class(results: Result | Sequence[Result], ax: Axes | None = None, intervals: Given = None) -> Axes:
    """Draw a bar per port and direction of a link that carried bytes, its parts the classes of objects.

    Args:
        results: one run, or several: then each has a bar at each place.
        ax: where to draw; a new figure when absent.
        intervals: of the numbers of each run, where they are known; a bar's gets a line with caps.
    """
    runs = [results] if isinstance(results, Result) else list(results)
    with styled():
        ax = new_axes(*size(runs), ax)
        bars.draw(ax, _rows(runs, intervals), traffic, COLUMNS)
        ax.set_xlabel(f"bytes moved, by class of object{words(intervals)}")
        of = f"{shorten(runs[0].name, 40)}, {duration(runs[0].elapsed_ps)} simulated" if len(runs) == 1 else ""
        ax.set_title(f"Traffic by class: {of}" if of else f"Traffic by class, in {len(runs)} runs")
    return ax


def size(results: Result | Sequence[Result]) -> tuple[float, float]:
    """Return the width and height in inches that the picture needs."""
    return bars.size(_rows([results] if isinstance(results, Result) else list(results)), COLUMNS)


def _rows(runs: Sequence[Result], intervals: Given = None) -> list[bars.Row]:
    """Return the bars, place by place, and within a place run by run; places that carried nothing have none."""
    carried = [_carried(run) for run in runs]
    names = {place: name for each in carried for place, (name, _) in each.items()}
    classes = dict.fromkeys(name for each in carried for _, sizes in each.values() for name in sizes)
    colours = colours_of_classes(classes)
    rows = []
    for place, number in names.items():
        for run, each, known in zip(runs, carried, each_of(intervals, len(runs)), strict=True):
            _, sizes = each.get(place, ("", {}))
            pieces = tuple(bars.Piece(sizes.get(name, 0), name, colour) for name, colour in colours.items())
            label = bars.named(place, shorten(run.name, 24), len(runs) > 1)
            rows.append(bars.Row(label, tuple(piece for piece in pieces if piece.amount), ends_of(known, number)))
    return rows


def _carried(run: Result) -> dict[str, tuple[str, ByClass]]:
    """Return of each place that carried any bytes the name of their number, and the bytes by class."""
    found: dict[str, tuple[str, ByClass]] = {}
    for name, tier in run.tiers.items():
        found[f"{name} read"] = f"tiers.{name}.read_bytes", tier.read_bytes
        found[f"{name} written"] = f"tiers.{name}.written_bytes", tier.written_bytes
    for name, link in run.links.items():
        one, other = link.between
        found[f"{name}, {one} to {other}"] = f"links.{name}.forward_bytes", link.forward_bytes
        found[f"{name}, {other} to {one}"] = f"links.{name}.backward_bytes", link.backward_bytes
    return {place: carried for place, carried in found.items() if sum(carried[1].values())}
