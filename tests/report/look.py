"""What a picture shows, as boxes: its texts, and whether they leave the figure, overlap, or cut across an edge."""

from __future__ import annotations

import io
import itertools

from matplotlib.text import Text

from hiersim.report.style import figure_of, save


def drawn(ax):
    """The axes after a drawing of the whole figure, and the figure's renderer."""
    figure = figure_of(ax)
    figure.draw_without_rendering()
    return figure


def texts(ax):
    """All texts that are seen: those of the axes, its title, axis labels, tick labels in view and legend."""
    found = [*ax.texts, ax.title, ax._left_title, ax._right_title]
    if ax.axison:
        found += [ax.xaxis.label, ax.yaxis.label]
        for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False)
            found += [label for at, label in ticks if min(limits) - 1e-9 <= at <= max(limits) + 1e-9]
    if ax.get_legend():
        found += ax.get_legend().get_texts()
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def boxes(ax):
    """Each text with its corners in pixels; an annotation without its arrow."""
    return [(text.get_text(), Text.get_window_extent(text).extents) for text in texts(ax)]


def faults(ax, slack=1.0):
    """What is wrong with the picture's texts, in words; empty if nothing is."""
    figure = drawn(ax)
    found, (width, height) = boxes(ax), figure.bbox.size
    wrong = [
        f"{words!r} leaves the figure"
        for words, (x0, y0, x1, y1) in found
        if x0 < -slack or y0 < -slack or x1 > width + slack or y1 > height + slack
    ]
    wrong += [f"{a!r} overlaps {b!r}" for (a, p), (b, q) in itertools.combinations(found, 2) if overlap(p, q, slack)]
    return wrong


def overlap(p, q, slack=1.0):
    """Whether two boxes share more than ``slack`` pixels in both directions."""
    return min(p[2], q[2]) - max(p[0], q[0]) > slack and min(p[3], q[3]) - max(p[1], q[1]) > slack


def image(ax, ending):
    """The bytes of the picture."""
    file = io.BytesIO()
    save(figure_of(ax), file, ending)
    return file.getvalue()
