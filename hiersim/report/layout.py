"""Where the boxes of a machine go in a picture: near tiers on top, further ones below, children under their parents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from hiersim.report.ways import Box, Way, find_ways

BOX, UNIT = (2.7, 1.12), (2.3, 0.52)
"""Width and height of a tier's box and of a unit's, in inches."""
GAP, ROW = 0.45, 0.95
"""Least space between boxes side by side, and between rows, in inches."""
WIDE = 1.5
"""Space between two boxes side by side with a link between them, in inches."""
STEP = 0.5
"""Height that each level of pipes going sideways takes, in inches."""
STACK = 0.25
"""Space between a unit and its tier, or the next unit, in inches."""


@dataclass(frozen=True)
class Layout:
    """Boxes of tiers (``places``) and units by name, ways of links, each tier's row (0 is nearest), the size of all."""

    tiers: dict[str, Box]
    units: dict[str, Box]
    ways: dict[str, Way]
    rows: dict[str, int]
    width: float
    height: float


class Linked(Protocol):
    """Of a link, its two tiers."""

    @property
    def between(self) -> tuple[str, str]:
        """The two tiers that it connects."""
        ...


class Placed(Protocol):
    """Of a unit, what kind it is and where."""

    @property
    def kind(self) -> str:
        """What it is, such as ``gpu``."""
        ...

    @property
    def near(self) -> str:
        """The tier that it is at."""
        ...


class Shape(Protocol):
    """What a layout is made for: a run's result, or a machine as it stands."""

    @property
    def tiers(self) -> Mapping[str, object]:
        """Tiers by name."""
        ...

    @property
    def links(self) -> Mapping[str, Linked]:
        """Links by name."""
        ...

    @property
    def units(self) -> Mapping[str, Placed]:
        """Units by name."""
        ...


def arrange(shape: Shape) -> Layout:
    """Return where the boxes of a machine go; the lower left corner is (0, 0)."""
    rows = levels(shape)
    beside = {name: unit.near for name, unit in shape.units.items() if rows.get(unit.near)}
    columns = _columns(shape, rows, beside)
    ways = find_ways({name: link.between for name, link in shape.links.items()}, rows, columns, BOX[0])
    tops, height = _row_tops(shape, rows, ways)
    tiers = {name: Box(columns[name], tops[row] - BOX[1] / 2, *BOX) for name, row in rows.items()}
    units = _above(shape, beside, tiers) | _beside(beside, tiers)
    return _shifted(Layout(tiers, units, ways, rows, 0.0, height))


def levels(shape: Shape) -> dict[str, int]:
    """Return each tier's row: links to the near tier of the first unit or of another unit of its kind."""
    kinds = [unit.kind for unit in shape.units.values()]
    roots = dict.fromkeys(unit.near for unit in shape.units.values() if unit.kind == kinds[0])
    names = places(shape)
    rows = dict.fromkeys(roots or names[:1], 0)
    frontier = list(rows)
    while frontier:
        tier = frontier.pop(0)
        for neighbour in _neighbours(tier, shape):
            if neighbour not in rows:
                rows[neighbour] = rows[tier] + 1
                frontier.append(neighbour)
    return {name: rows.get(name, 0) for name in names}


def places(shape: Shape) -> list[str]:
    """Return the tiers, and what links and units name besides: tiers that the run only passed through."""
    linked = [tier for link in shape.links.values() for tier in link.between]
    return list(dict.fromkeys([*shape.tiers, *(unit.near for unit in shape.units.values()), *linked]))


def _neighbours(tier: str, shape: Shape) -> list[str]:
    """Return the tiers that a link connects with a tier, in the order of the links."""
    pairs = (link.between for link in shape.links.values() if tier in link.between)
    return [b if a == tier else a for a, b in pairs]


def _columns(shape: Shape, rows: Mapping[str, int], beside: Mapping[str, str]) -> dict[str, float]:
    """Return the x of each tier's centre: a row stands in the order of its parents, centred below them."""
    linked = {frozenset(link.between) for link in shape.links.values()}
    placed: dict[str, float] = {}
    for row in range(max(rows.values(), default=0) + 1):
        members = [name for name in rows if rows[name] == row]
        parents = {n: [placed[p] for p in _neighbours(n, shape) if rows[p] == row - 1] for n in members}
        centre = {n: sum(xs) / len(xs) if xs else 0.0 for n, xs in parents.items()}
        members.sort(key=centre.__getitem__)
        x, at = 0.0, {}
        for i, name in enumerate(members):
            if i:
                near = frozenset((members[i - 1], name)) in linked
                x += BOX[0] + (WIDE if near else GAP) + (UNIT[0] + GAP if name in beside.values() else 0)
            at[name] = x
        shift = (sum(centre.values()) - sum(at.values())) / len(at) if at else 0.0
        placed |= {name: x + shift for name, x in at.items()}
    return placed


def _row_tops(shape: Shape, rows: Mapping[str, int], ways: Mapping[str, Way]) -> tuple[list[float], float]:
    """Return the y of the upper side of each row's boxes, and the height of it all."""
    stacked = [unit.near for unit in shape.units.values() if not rows.get(unit.near)]
    head = max((stacked.count(near) for near in stacked), default=0) * (UNIT[1] + STACK)
    last = max(rows.values(), default=0)
    gaps = []
    for row in range(last):
        sideways = [
            (way.level + 1) * STEP + way.drop for way in ways.values() if way.row == row and way.level is not None
        ]
        gaps.append(ROW + 0.13 + max(sideways) if sideways else ROW)
    arcs = any(way.row == last and not way.adjacent for way in ways.values() if way.level is None and way.flat)
    height = head + (last + 1) * BOX[1] + sum(gaps) + (ROW if arcs else 0)
    tops = [height - head - row * BOX[1] - sum(gaps[:row]) for row in range(last + 1)]
    return tops, height


def _above(shape: Shape, beside: Mapping[str, str], tiers: Mapping[str, Box]) -> dict[str, Box]:
    """Return the boxes of units whose near tier is in the first row: above it, one on the other."""
    boxes: dict[str, Box] = {}
    count: dict[str, int] = {}
    for name, unit in shape.units.items():
        if name in beside:
            continue
        i = count[unit.near] = count.get(unit.near, -1) + 1
        near = tiers[unit.near]
        boxes[name] = Box(near.x, near.top + STACK + UNIT[1] / 2 + i * (UNIT[1] + STACK), *UNIT)
    return boxes


def _beside(beside: Mapping[str, str], tiers: Mapping[str, Box]) -> dict[str, Box]:
    """Return the boxes of units whose near tier is not in the first row: to its left, below one another."""
    boxes: dict[str, Box] = {}
    for name, near in beside.items():
        stack = [unit for unit, tier in beside.items() if tier == near]
        y = tiers[near].y - (stack.index(name) - (len(stack) - 1) / 2) * (UNIT[1] + 0.1)
        boxes[name] = Box(tiers[near].left - 0.3 - UNIT[0] / 2, y, *UNIT)
    return boxes


def _shifted(found: Layout) -> Layout:
    """Return the layout with its leftmost box at x = 0."""
    boxes = [*found.tiers.values(), *found.units.values()]
    left = min((box.left for box in boxes), default=0.0)
    right = max((box.right for box in boxes), default=BOX[0])
    tiers = {name: box.moved(-left) for name, box in found.tiers.items()}
    units = {name: box.moved(-left) for name, box in found.units.items()}
    ways = {name: way.moved(-left) for name, way in found.ways.items()}
    return Layout(tiers, units, ways, found.rows, right - left, found.height)
