"""The pipes of the flow picture: two lanes a link, as wide as their bytes, coloured by how busy they were."""

from __future__ import annotations

import numpy as np

from hiersim.report.flow_boxes import Canvas
from hiersim.report.flow_ways import Pipe, Points, lane
from hiersim.report.style import FAINT, MARK, UTILISATION

WIDEST = 0.2
"""Width of the lane with the most bytes, in inches."""
APART = 0.26
"""Distance between the middles of a link's two lanes, in inches."""


def draw_pipes(canvas: Canvas, pipes: list[Pipe], marked: tuple[str, str, str]) -> None:
    """Draw the lanes of every link; ``marked`` is the group, name and direction of the place to look at first."""
    links = canvas.result.links
    most = max((size for link in links.values() for size in (link.forward_total, link.backward_total)), default=0)
    for pipe in pipes:
        link = links[pipe.name]
        for forward in (True, False):
            size = link.forward_total if forward else link.backward_total
            use = link.forward_utilisation if forward else link.backward_utilisation
            here = marked[:2] == ("links", pipe.name) and marked[2] in ("", "forward" if forward else "backward")
            ahead = forward != pipe.way.flipped
            points = lane(pipe.points, -APART / 2 if ahead else APART / 2)
            _draw_lane(canvas, points if ahead else points[::-1], size / most if most else 0.0, use, here)


def _draw_lane(canvas: Canvas, points: Points, share: float, use: float, marked: bool) -> None:
    """Draw one lane with an arrow head at its end; thin and dotted when nothing passed."""
    from matplotlib.patches import Polygon

    if not share:
        canvas.ax.plot(*points.T, color=FAINT, linewidth=canvas.line(0.7), linestyle=(0, (1, 2.5)), zorder=0.6)
        return
    outline = _arrow(points, max(WIDEST * share, 0.025) / 2)
    if marked:
        halo = Polygon(
            outline,
            closed=True,
            facecolor=MARK,
            edgecolor=MARK,
            linewidth=canvas.line(5),
            zorder=0.7,
            joinstyle="round",
        )
        canvas.ax.add_artist(halo)
    colour = UTILISATION[min(4, int(use * 5))]
    canvas.ax.add_artist(
        Polygon(
            outline,
            closed=True,
            facecolor=colour,
            edgecolor=FAINT,
            linewidth=canvas.line(0.5),
            zorder=0.8,
            joinstyle="round",
        )
    )


def _arrow(points: Points, half: float) -> Points:
    """Return the outline of an arrow along the points: a body of twice ``half`` inches, and a head."""
    head = min(0.16, 0.08 + half)
    body = points[np.hypot(*(points - points[-1]).T) >= head]
    along = (points[-1] - body[-1]) / np.hypot(*(points[-1] - body[-1]))
    across = np.array([-along[1], along[0]]) * (half + 0.045)
    tip = np.array([body[-1] + across, points[-1], body[-1] - across])
    outline: Points = np.vstack([lane(body, half), tip, lane(body, -half)[::-1]])
    return outline
