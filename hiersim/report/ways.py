"""The ways of links between boxes: where they leave and arrive, and on which level they go sideways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

ARC = 1.0
"""Height below a row of boxes that links between two of them take, in inches, where others stand between."""
SIDEWAYS = 0.7
"""Links whose ends are further apart than this, in inches, go sideways on a level of their own."""


@dataclass(frozen=True)
class Box:
    """A rectangle by its centre and size, in inches; y grows upwards."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        """The x of the left side."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """The x of the right side."""
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        """The y of the upper side."""
        return self.y + self.height / 2

    @property
    def bottom(self) -> float:
        """The y of the lower side."""
        return self.y - self.height / 2

    def moved(self, by: float) -> Box:
        """Return the box moved to the right."""
        return replace(self, x=self.x + by)


@dataclass(frozen=True)
class Way:
    """How a link goes from its upper (or left) tier to its lower (or right) one.

    Attributes:
        ends: the two tiers, the upper or left one first.
        flipped: the first of ``ends`` is the second of the link's two tiers.
        row: the row of the upper end.
        flat: both ends are in one row; ``adjacent`` then tells that nothing stands between them.
        x: where it leaves and where it arrives, in inches.
        level: the level, counted from above, on which it goes sideways; none if it goes straight down.
        drop: how much lower the levels are, in inches, because links between boxes of the row pass above them.
    """

    ends: tuple[str, str]
    flipped: bool
    row: int
    flat: bool
    adjacent: bool
    x: tuple[float, float]
    level: int | None = None
    drop: float = 0.0

    def moved(self, by: float) -> Way:
        """Return the way moved to the right."""
        return replace(self, x=(self.x[0] + by, self.x[1] + by))


def find_ways(
    links: Mapping[str, tuple[str, str]], rows: Mapping[str, int], columns: Mapping[str, float], width: float
) -> dict[str, Way]:
    """Return the ways of links, given each tier's row and the x of its centre; ``width`` is that of a box."""
    ends: dict[str, tuple[str, str]] = {}
    for name, between in links.items():
        a, b = sorted(between, key=lambda tier: (rows[tier], columns[tier]))
        ends[name] = a, b
    ways = {}
    for name, (a, b) in ends.items():
        flat = rows[a] == rows[b]
        inside = [tier for tier in rows if rows[tier] == rows[a] and columns[a] < columns[tier] < columns[b]]
        x = (
            (columns[a], columns[b])
            if flat
            else (_port(name, 0, ends, rows, columns, width), _port(name, 1, ends, rows, columns, width))
        )
        ways[name] = Way((a, b), a != links[name][0], rows[a], flat, flat and not inside, x)
    return _levelled(ways)


def _port(
    name: str,
    side: int,
    ends: Mapping[str, tuple[str, str]],
    rows: Mapping[str, int],
    columns: Mapping[str, float],
    width: float,
) -> float:
    """Return where along a box's side a link is attached: evenly spread, in the order of the other ends."""
    tier = ends[name][side]
    same = [n for n, pair in ends.items() if pair[side] == tier and rows[pair[0]] != rows[pair[1]]]
    same.sort(key=lambda link: (columns[ends[link][1 - side]], link))
    room = min(width * 0.85 / len(same), 0.9)
    return columns[tier] + (same.index(name) - (len(same) - 1) / 2) * room


def _levelled(ways: Mapping[str, Way]) -> dict[str, Way]:
    """Return the ways with levels: of those that fan out the furthest goes highest, of those that meet lowest."""
    sources = [way.ends[0] for way in ways.values() if not way.flat]
    slanted = [n for n, way in ways.items() if not way.flat and abs(way.x[1] - way.x[0]) > SIDEWAYS]

    def order(name: str) -> tuple[bool, float, str]:
        way = ways[name]
        far = abs(way.x[1] - way.x[0])
        fans = sources.count(way.ends[0]) > 1
        return not fans, -far if fans else far, name

    taken: list[tuple[int, int, float, float]] = []
    found = dict(ways)
    for name in sorted(slanted, key=order):
        way = ways[name]
        low, high = min(way.x) - 0.22, max(way.x) + 0.22
        above = [level for row, level, a, b in taken if row == way.row and low < b and a < high]
        level = max(above, default=-1) + 1
        taken.append((way.row, level, low, high))
        arcs = any(other.flat and not other.adjacent and other.row == way.row for other in ways.values())
        found[name] = replace(way, level=level, drop=ARC if arcs else 0.0)
    return found
