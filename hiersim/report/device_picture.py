"""A machine as a picture, laid out as the flow over it: boxes of tiers and units, pipes as wide as their bandwidth."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.api.device_numbers import sides
from hiersim.api.device_routes import devices_of
from hiersim.api.devices import Device
from hiersim.machine import Link, Machine
from hiersim.report.device_boxes import draw_tier, draw_unit
from hiersim.report.device_explain import GUESS
from hiersim.report.flow_labels import place_labels
from hiersim.report.flow_pipes import APART
from hiersim.report.flow_ways import Pipe, Points, lane, pipes_of
from hiersim.report.format import duration, shorten
from hiersim.report.layout import Shape, arrange
from hiersim.report.sheet import Margins, Sheet, lay_out
from hiersim.report.style import FAINT, LINKS, OTHER, detached, figure_of, paler, save, settle, styled
from hiersim.units import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGINS = Margins(side=0.6, head=0.75, foot=0.8, least=7.2)
THIN, DECADE, THICK = 0.03, 0.06, 0.22
"""Width of a pipe of 1 GB/s, what ten times as much adds, and the most, in inches."""
SAMPLES = (1e9, 1e10, 1e11, 1e12)
"""Bandwidths that the legend shows."""


@dataclass(frozen=True)
class _Near:
    """What the layout asks of a unit."""

    kind: str
    near: str


@dataclass(frozen=True)
class _Machine:
    """A machine as the layout sees it: its tiers, the ends of its links, and where its units are."""

    tiers: Mapping[str, object]
    links: Mapping[str, Link]
    units: Mapping[str, _Near]


def _shape(machine: Machine) -> Shape:
    """Return what the layout asks of a machine."""
    units = {name: _Near(unit.kind, unit.tier) for name, unit in machine.units.items()}
    return _Machine(machine.tiers, machine.links, units)


def picture(machine: Machine, ending: str) -> bytes:
    """Return the picture as the bytes of a file: ``svg`` or ``png``; the same machine gives the same bytes."""
    with styled():
        ax = draw(machine, detached(*size(machine), full=True))
        settle(figure_of(ax))
    file = io.BytesIO()
    save(figure_of(ax), file, ending)
    return file.getvalue()


def size(machine: Machine) -> tuple[float, float]:
    """Return the width and height in inches that the picture needs."""
    return MARGINS.extent(arrange(_shape(machine)))


def draw(machine: Machine, ax: Axes | None = None) -> Axes:
    """Draw the machine: capacity, bandwidth and latency of tiers, links by bandwidth, units by their peak.

    Args:
        machine: the machine.
        ax: where to draw, scaled to fit; a new figure of the fitting size when absent.
    """
    parts, layout = devices_of(machine), arrange(_shape(machine))

    def write(pipe: Pipe) -> Any:
        return sheet.text(0, 0, _words(pipe, parts[f"links.{pipe.name}"]), 10.5, linespacing=1.25, zorder=3)

    with styled():
        sheet = lay_out(layout, MARGINS, ax)
        pipes = pipes_of(layout)
        for pipe in pipes:
            _draw_pipe(sheet, pipe, parts[f"links.{pipe.name}"])
        for name, box in layout.tiers.items():
            draw_tier(sheet, parts[f"tiers.{name}"], box)
        for name, box in layout.units.items():
            unit = machine.units[name]
            draw_unit(sheet, parts[f"units.{name}"], unit, box, layout.tiers[unit.tier])
        place_labels(sheet, layout, pipes, write)
        left, right = sheet.ax.get_xlim()
        _title(sheet, machine, layout.height + MARGINS.head, left, right - left)
        _legend(sheet, left, bool(pipes))
    return sheet.ax


def thickness(bandwidth: float) -> float:
    """Return how wide a pipe is drawn for a bandwidth in bytes/s, in inches: equal steps for equal factors."""
    return min(THICK, max(0.02, THIN + DECADE * math.log10(bandwidth / 1e9)))


def _draw_pipe(sheet: Sheet, pipe: Pipe, link: Device) -> None:
    """Draw a link: a lane for each direction, the way back paler; one lane where both share it."""
    colour = LINKS.get(link.kind, OTHER)
    forward, backward = (side.bandwidth or 1e9 for side in sides(link))
    if link.choice("duplex", "full") == "half":
        _band(sheet, pipe.points, forward, colour)
        return
    turned = -1 if pipe.way.flipped else 1
    _band(sheet, lane(pipe.points, -turned * APART / 2), forward, colour)
    _band(sheet, lane(pipe.points, turned * APART / 2), backward, paler(colour))


def _band(sheet: Sheet, points: Points, bandwidth: float, colour: str) -> None:
    from matplotlib.patches import Polygon

    half = thickness(bandwidth) / 2
    outline = np.vstack([lane(points, half), lane(points, -half)[::-1]])
    style = {"facecolor": colour, "edgecolor": FAINT, "linewidth": sheet.line(0.5)}
    sheet.ax.add_artist(Polygon(outline, closed=True, zorder=0.8, joinstyle="round", **style))


def _words(pipe: Pipe, link: Device) -> str:
    """Return a link's label: its name and kind, its bandwidths, its latency with its overhead."""
    forward, backward = sides(link)
    rates = [show(side.bandwidth or 0.0, "bytes/s") for side in (forward, backward)]
    guess = GUESS if link.estimates((*forward.uses, *backward.uses)) else ""
    if link.choice("duplex", "full") == "half":
        told = f"{guess}{rates[0]} shared"
    elif rates[0] == rates[1]:
        told = f"{guess}{rates[0]} each way"
    else:
        arrows = ("→", "←") if pipe.way.flat else ("↓", "↑")
        first, second = rates[::-1] if pipe.way.flipped else rates
        number, _, unit = first.partition(" ")
        first = number if second.endswith(f" {unit}") else first
        told = f"{guess}{arrows[0]} {first}  {arrows[1]} {second}"
    name = pipe.name if pipe.name == link.kind else f"{shorten(pipe.name, 20)} ({link.kind})"
    delay = GUESS * bool(link.estimates(("latency", "overhead"))) + duration(forward.delay or 0.0)
    return "\n".join([name, told, delay] if forward.delay else [name, told])


def _title(sheet: Sheet, machine: Machine, top: float, left: float, width: float) -> None:
    sheet.text(left + 0.15, top - 0.24, shorten(machine.name, 60), 14, width - 0.3, weight="bold")
    sheet.text(left + 0.15, top - 0.53, machine.summary, 11, width - 0.3, color=FAINT)


def _legend(sheet: Sheet, left: float, pipes: bool) -> None:
    """Explain below the picture how wide pipes are, and what the mark of estimates means."""
    from matplotlib.patches import Rectangle

    x, y = left + 0.15, -MARGINS.foot + 0.42
    if pipes:
        sheet.text(x, y, "pipe width: bandwidth", 10.5, color=FAINT)
        for i, bandwidth in enumerate(SAMPLES):
            at, high = x + 1.85 + 1.33 * i, thickness(bandwidth)
            bar = Rectangle((at, y - high / 2), 0.4, high, facecolor=FAINT, edgecolor="none")
            sheet.ax.add_artist(bar)
            sheet.text(at + 0.47, y, show(bandwidth, "bytes/s"), 10.5, color=FAINT)
    sheet.text(
        x,
        y - 0.25,
        f"{GUESS} estimate; bandwidths after efficiency and headers; paler lane: the way back",
        10.5,
        color=FAINT,
    )
