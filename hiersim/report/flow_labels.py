"""The labels of the flow picture's pipes: each where it covers no box, no label and, if possible, no pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hiersim.engine.result import LinkResult
from hiersim.report.flow_boxes import Canvas
from hiersim.report.flow_pipes import APART, WIDEST
from hiersim.report.flow_ways import Pipe, Points, lane
from hiersim.report.format import percent, shorten, traffic
from hiersim.report.layout import Layout
from hiersim.report.sheet import Sheet
from hiersim.report.style import INK, MARK

Corners = tuple[float, float, float, float]
"""Left, bottom, right and top, in inches."""
REACH = APART / 2 + WIDEST / 2
"""Half the width of a pipe with both lanes at their widest, in inches."""


@dataclass(frozen=True)
class Obstacles:
    """What labels should not cover, and the limits that they must not leave."""

    boxes: list[Corners]
    labels: list[Corners]
    pipes: Points
    limits: Corners


def label_pipes(canvas: Canvas, layout: Layout, pipes: list[Pipe], marked: tuple[str, str, str]) -> None:
    """Write each link's name and traffic beside its pipe; that of the marked link in the mark's colour."""

    def write(pipe: Pipe) -> Any:
        colour = MARK if marked[:2] == ("links", pipe.name) else INK
        words = _words(pipe, canvas.result.links[pipe.name])
        return canvas.text(0, 0, words, 8, linespacing=1.25, zorder=3, color=colour)

    place_labels(canvas, layout, pipes, write)


def place_labels(sheet: Sheet, layout: Layout, pipes: list[Pipe], write: Callable[[Pipe], Any]) -> None:
    """Put the text that ``write`` makes for each pipe beside it, in turn, where it covers least."""
    boxes = [(box.left, box.bottom, box.right, box.top) for box in (*layout.tiers.values(), *layout.units.values())]
    (x0, x1), (y0, y1) = sheet.ax.get_xlim(), sheet.ax.get_ylim()
    edges = [lane(pipe.points, aside) for pipe in pipes for aside in (-REACH, 0.0, REACH)]
    obstacles = Obstacles(boxes, [], np.vstack([np.empty((0, 2)), *edges]), (x0, y0, x1, y1))
    for pipe in pipes:
        text = write(pipe)
        width, height = sheet.measure(text)
        x, y = min(_places(pipe, width, height), key=lambda place: _cost(_corners(place, width, height), obstacles))
        obstacles.labels.append(_corners((x, y), width, height))
        text.set(x=x - width / 2, y=y)


def _words(pipe: Pipe, link: LinkResult) -> str:
    """Return a link's label: its name, then the bytes and use of both lanes."""
    arrows = ("→", "←") if pipe.way.flat else ("↓", "↑")
    lanes = [
        f"{traffic(link.forward_total)}, {percent(link.forward_utilisation)}",
        f"{traffic(link.backward_total)}, {percent(link.backward_utilisation)}",
    ]
    lanes = lanes[::-1] if pipe.way.flipped else lanes
    return "\n".join([shorten(pipe.name, 24), f"{arrows[0]} {lanes[0]}", f"{arrows[1]} {lanes[1]}"])


def _places(pipe: Pipe, width: float, height: float) -> Iterator[tuple[float, float]]:
    """Yield centres for a label beside the pipe, the best liked first."""
    gap = REACH + 0.1
    middle = pipe.points[len(pipe.points) // 2]
    if pipe.way.flat:
        for lift in (1, -1):
            yield float(middle[0]), float(middle[1] + lift * (gap + height / 2))
        return
    (x0, y0), (x1, y1) = pipe.points[0], pipe.points[-1]
    ends = [(x1, y1 + 0.06 + height / 2), (x0, y0 - 0.06 - height / 2)]
    beside = [(float(middle[0]), float(middle[1])), *ends] if pipe.way.level is None else ends
    if pipe.way.drop:
        level = float(middle[1])
        beside = [*beside, (x0, level + REACH + 0.12 + height / 2), (x1, level - REACH - 0.12 - height / 2)]
    for x, y in beside:
        for side in (1, -1):
            yield float(x + side * (gap + width / 2)), float(y)
    for share in (0.5, 0.35, 0.65):
        x, y = pipe.points[int(share * (len(pipe.points) - 1))]
        for lift in (-1, 1):
            yield float(x), float(y + lift * (gap + height / 2))


def _corners(place: tuple[float, float], width: float, height: float) -> Corners:
    x, y = place
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _cost(corners: Corners, obstacles: Obstacles) -> float:
    """Return how bad a place is: leaving the picture is worst, then covering labels, boxes, pipes."""
    x0, y0, x1, y1 = corners
    limits = obstacles.limits
    outside = max(0.0, limits[0] - x0) + max(0.0, x1 - limits[2]) + max(0.0, limits[1] - y0) + max(0.0, y1 - limits[3])
    x, y = obstacles.pipes.T
    crossed = float(np.count_nonzero((x > x0 - 0.04) & (x < x1 + 0.04) & (y > y0 - 0.04) & (y < y1 + 0.04)))
    covered = 1000 * sum(_overlap(corners, other) for other in obstacles.labels)
    return 10_000 * outside + covered + 300 * sum(_overlap(corners, box) for box in obstacles.boxes) + crossed


def _overlap(a: Corners, b: Corners) -> float:
    """Return the area that two rectangles share, in square inches, with a narrow margin round them."""
    wide = min(a[2], b[2]) - max(a[0], b[0]) + 0.06
    high = min(a[3], b[3]) - max(a[1], b[1]) + 0.02
    return wide * high if wide > 0 and high > 0 else 0.0
