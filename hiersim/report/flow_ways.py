"""The geometry of the flow picture's pipes: points along each link's way, and lanes beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hiersim.report.layout import STEP, Layout
from hiersim.report.ways import Way

BEND = 0.3
"""Radius of a pipe's corners, in inches."""

FIRST = 0.55
"""How far below the boxes the first level of pipes going sideways is, in inches."""

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Pipe:
    """A link in the picture: its name, its way, and points from its upper (or left) end to its lower (or right) one."""

    name: str
    way: Way
    points: Points


def pipes_of(layout: Layout) -> list[Pipe]:
    """Return the pipes of all links."""
    return [Pipe(name, way, _points(way, layout)) for name, way in layout.ways.items()]


def _points(way: Way, layout: Layout) -> Points:
    first, second = layout.tiers[way.ends[0]], layout.tiers[way.ends[1]]
    if way.adjacent:
        return _bezier((first.right, first.y), (second.left, second.y), (0.3, 0.0))
    if way.flat:
        start, end = (first.x + first.width / 3, first.bottom), (second.x - second.width / 3, second.bottom)
        return _bezier(start, end, (0.0, -0.8), (0.0, 0.8))
    start, end = (way.x[0], first.bottom), (way.x[1], second.top)
    if way.level is None:
        return _bezier(start, end, (0.0, (end[1] - start[1]) * 0.5))
    y = start[1] - FIRST - way.drop - STEP * way.level
    return _elbow(start, end, y)


def _bezier(
    start: tuple[float, float],
    end: tuple[float, float],
    out: tuple[float, float],
    into: tuple[float, float] | None = None,
) -> Points:
    """Return points of a cubic curve that leaves in the direction ``out`` and arrives in the direction ``into``."""
    t = np.linspace(0, 1, 41)[:, None]
    a, b, c, d = np.array(start), np.add(start, out), np.subtract(end, out if into is None else into), np.array(end)
    return _even((1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d)


def _elbow(start: tuple[float, float], end: tuple[float, float], y: float) -> Points:
    """Return points that go down to ``y``, sideways, and down again, round the corners."""
    side = 1.0 if end[0] > start[0] else -1.0
    turn = np.linspace(0, np.pi / 2, 9)
    first = np.column_stack([start[0] + side * BEND * (1 - np.cos(turn)), y + BEND - BEND * np.sin(turn)])
    last = np.column_stack([end[0] - side * BEND * (1 - np.sin(turn)), y - BEND * (1 - np.cos(turn))])
    corners = np.vstack([start, first, last, end])
    return _even(corners)


def _even(corners: Points) -> Points:
    """Return the same way as points at even distances, so that lanes beside it keep their distance."""
    steps = np.hypot(*np.diff(corners, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(steps)])
    dense = np.linspace(0, at[-1], 161)
    return np.column_stack([np.interp(dense, at, corners[:, 0]), np.interp(dense, at, corners[:, 1])])


def lane(points: Points, aside: float) -> Points:
    """Return the way moved sideways by so many inches, to the left as one looks along it."""
    along = np.gradient(points, axis=0)
    along /= np.hypot(along[:, :1], along[:, 1:])
    moved: Points = points + aside * np.column_stack([-along[:, 1], along[:, 0]])
    return moved
