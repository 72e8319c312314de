"""A curve as a picture: measured points, and the simulator as a line through them, or beside each point.

Written as SVG directly: small files, and the same bytes wherever it is written. Lines differ by colour, by dashes and
by the words at their ends, so that they are told apart in grey too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from hiersim.studies.device_curves.curve import Curve, Line, Point, Role
from hiersim.studies.device_curves.scale import Scale, scale_of

WIDTH, HEIGHT = 680, 380
LEFT, RIGHT, TOP, BOTTOM = 66, 118, 18, 84
"""Room around the axes, in pixels: for numbers, for the words at the ends of lines, and for the legend."""
COLOURS = ("#0072b2", "#d55e00", "#007a5a", "#a34a85", "#222222", "#3d8fc4", "#b37400")
"""Told apart by people who confuse red with green (after Okabe and Ito), dark enough on white."""
DASHES = ("", "7 3", "2 2", "9 3 2 3", "4 4", "1 3", "12 4")
INK, FAINT, GRID = "#222222", "#5f6468", "#e3e6e8"
ROLES: dict[Role, str] = {
    "fitted": "measured, used in a fit",
    "held out": "measured, held out",
    "free": "measured, no parameter fitted to it",
    "beyond": "measured, not covered",
}
HIGH = 13
"""Height of a line of text, in pixels."""


@dataclass(frozen=True)
class Frame:
    """Both axes of a picture."""

    x: Scale
    y: Scale


def picture(curve: Curve) -> str:
    """Return a curve as the text of an SVG file."""
    named = not curve.axes.x
    body = list(_named(curve) if named else _plotted(curve))
    height = _height(curve) if named else HEIGHT
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        ' font-family="Helvetica, Arial, sans-serif" font-size="12" role="img">\n'
        f"<title>{escape(curve.title)}</title>\n"
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
    )
    return head + "\n".join(body) + "\n</svg>\n"


def _plotted(curve: Curve) -> Iterator[str]:
    """Draw values over values."""
    points = [(p.x, y) for p in curve.points for y in (p.measured, p.simulated)]
    points += [point for line in curve.lines for point in line.model]
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    frame = Frame(
        scale_of([x for x, _ in points], LEFT, right, curve.axes.log_x, "bytes" in curve.axes.x and curve.axes.log_x),
        scale_of([y for _, y in points], bottom, TOP, curve.axes.log_y),
    )
    yield from _axes(curve, frame, right, bottom)
    for line, colour, dash in zip(curve.lines, COLOURS, DASHES, strict=False):
        yield from _model(line, frame, colour, dash)
    for line, colour in zip(curve.lines, COLOURS, strict=False):
        yield from (mark(p.role, frame.x.at(p.x), frame.y.at(p.measured), colour) for p in line.points)
    yield from _ends(curve, frame)
    yield from _legend(curve, HEIGHT - 26)


def _axes(curve: Curve, frame: Frame, right: float, bottom: float) -> Iterator[str]:
    for value, words in frame.y.marks():
        y = frame.y.at(value)
        yield f'<path d="M{LEFT} {y:.1f}H{right}" stroke="{GRID}"/>'
        yield text(LEFT - 7, y + 4, words, "end")
    for value, words in frame.x.marks():
        x = frame.x.at(value)
        yield f'<path d="M{x:.1f} {bottom}v4" stroke="{FAINT}"/>'
        yield text(x, bottom + 17, words, "middle")
    yield f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="{FAINT}"/>'
    yield text((LEFT + right) / 2, bottom + 36, curve.axes.x, "middle")
    middle = (TOP + bottom) / 2
    yield (
        f'<text x="16" y="{middle:.1f}" text-anchor="middle" fill="{INK}"'
        f' transform="rotate(-90 16 {middle:.1f})">{escape(curve.axes.y)}</text>'
    )


def _model(line: Line, frame: Frame, colour: str, dash: str) -> Iterator[str]:
    """Draw the simulator: a line where there are points between, else a tick at each point."""
    if line.model:
        path = " ".join(f"{frame.x.at(x):.1f},{frame.y.at(y):.1f}" for x, y in line.model)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dashes}/>'
        return
    for point in line.points:
        x, y = frame.x.at(point.x), frame.y.at(point.simulated)
        yield f'<path d="M{x - 8:.1f} {y:.1f}h16" stroke="{colour}" stroke-width="2"/>'


def mark(role: Role, x: float, y: float, colour: str) -> str:
    """Return the mark of a measured point: what it was used for is seen by its shape."""
    if role == "fitted":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{colour}"/>'
    if role == "held out":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.2" fill="#ffffff" stroke="{colour}" stroke-width="1.8"/>'
    if role == "free":
        return f'<path d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z" fill="#ffffff" stroke="{colour}" stroke-width="1.6"/>'
    return f'<path d="M{x - 3.5:.1f} {y - 3.5:.1f}l7 7m0 -7l-7 7" stroke="{colour}" stroke-width="1.4"/>'


def _ends(curve: Curve, frame: Frame) -> Iterator[str]:
    """Write what each line is at its right end, moved apart where two would meet."""
    ends = []
    for line, colour in zip(curve.lines, COLOURS, strict=False):
        x, y = line.model[-1] if line.model else (line.points[-1].x, line.points[-1].simulated)
        ends.append((frame.y.at(y), frame.x.at(x), line.label, colour))
    middle = (LEFT + WIDTH - RIGHT) / 2
    for side in ([end for end in ends if end[1] < middle], [end for end in ends if end[1] >= middle]):
        yield from _labels(sorted(side))


def _labels(ends: list[tuple[float, float, str, str]]) -> Iterator[str]:
    """Write labels beside their places, given as y, x, words and colour, from top to bottom."""
    for y, (_, x, label, colour) in zip(_apart([end[0] for end in ends]), ends, strict=True):
        words = text(x + 9, y + 4, label, "start", colour)
        yield words.replace("<text ", '<text stroke="#ffffff" stroke-width="3" stroke-linejoin="round" ')  # a halo
        yield words


def _apart(places: list[float]) -> list[float]:
    """Return ascending places at least a line of text apart, none of them below the axis."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + HIGH) if moved else place)
    limit = float(HEIGHT - BOTTOM)
    for i in range(len(moved) - 1, -1, -1):
        moved[i] = min(moved[i], limit)
        limit = moved[i] - HIGH
    return moved


def _named(curve: Curve) -> Iterator[str]:
    """Draw a row for each point, whose name is no number: the measured mark and a tick for the simulator."""
    points = [point for line in curve.lines for point in line.points]
    left, bottom = 210, _height(curve) - BOTTOM
    scale = scale_of([y for p in points for y in (p.measured, p.simulated)], left, WIDTH - 30, False)
    for value, words in scale.marks():
        x = scale.at(value)
        yield f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="{GRID}"/>'
        yield text(x, bottom + 17, words, "middle")
    yield text((left + WIDTH - 30) / 2, bottom + 36, curve.axes.y, "middle")
    for i, point in enumerate(points):
        y = TOP + 16 + 30 * i
        yield text(left - 10, y + 4, point.name, "end")
        yield from _row(point, scale, y)
    yield from _legend(curve, _height(curve) - 26)


def _row(point: Point, scale: Scale, y: float) -> Iterator[str]:
    measured, simulated = scale.at(point.measured), scale.at(point.simulated)
    yield f'<path d="M{measured:.1f} {y}H{simulated:.1f}" stroke="{FAINT}"/>'
    yield f'<path d="M{simulated:.1f} {y - 8}v16" stroke="{COLOURS[1]}" stroke-width="2.4"/>'
    yield mark(point.role, measured, y, COLOURS[0])


def _height(curve: Curve) -> int:
    return TOP + 30 * len(curve.points) + BOTTOM


def _legend(curve: Curve, y: float) -> Iterator[str]:
    """Explain the marks that the picture has, in rows of at most what fits."""
    used = [role for role in ROLES if curve.of(role)]
    entries = [(mark(role, 0, 0, INK), ROLES[role]) for role in used]
    lines = any(line.model for line in curve.lines)
    colour = INK if curve.axes.x else COLOURS[1]
    stroke = "M-9 0h18" if lines or curve.axes.x else "M0 -7v14"
    entries.append((f'<path d="{stroke}" stroke="{colour}" stroke-width="2"/>', "simulated"))
    x = 24.0
    for sign, words in entries:
        wide = 30 + 6.3 * len(words)
        if x + wide > WIDTH:
            x, y = 24.0, y + 16
        yield f'<g transform="translate({x:.0f} {y:.0f})">{sign}{text(13, 4, words, "start", FAINT)}</g>'
        x += wide + 8


def text(x: float, y: float, words: str, anchor: str, colour: str = INK) -> str:
    """Return a text at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
