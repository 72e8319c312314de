"""A curve: what was measured, what the simulator says at the same points, and how far the two are apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["fitted", "held out", "free", "beyond"]
"""What a point was used for.

fitted: a parameter was fitted to it. held out: it lies on a fitted curve, and no fit may use it. free: no parameter was
fitted to this curve, or none that matters here. beyond: outside of what the model covers; shown, and not judged.
"""


@dataclass(frozen=True)
class Point:
    """A measured point beside the simulated one; ``x`` and both ``y`` in the units of the curve's axes.

    Attributes:
        name: what ``x`` stands for in words, where a number does not say it.
        tolerance: the relative error that is asked for, as a share; ``None`` where none is.
    """

    x: float
    measured: float
    simulated: float
    role: Role
    tolerance: float | None = None
    name: str = ""

    @property
    def error(self) -> float:
        """The relative error of the simulation, as a share."""
        return self.simulated / self.measured - 1.0

    @property
    def holds(self) -> bool:
        """Whether the error is within what is asked for; ``True`` where nothing is."""
        return self.tolerance is None or abs(self.error) <= self.tolerance


@dataclass(frozen=True)
class Line:
    """Points of a curve that belong together, such as those of one share of reads, with the model between them.

    Attributes:
        label: what sets this line apart from the others of the curve.
        points: measured and simulated.
        model: simulated points for the picture, ``(x, y)``.
    """

    label: str
    points: tuple[Point, ...]
    model: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Figure:
    """A parameter of the model.

    Attributes:
        name: such as ``read_bandwidth``.
        value: as it is written in the catalogue.
        fitted: whether it was fitted to this curve; if not, it is stated by the source or known from elsewhere.
    """

    name: str
    value: str
    fitted: bool


@dataclass(frozen=True)
class Axes:
    """How a curve is drawn: the names and units of the axes, and which of them are logarithmic."""

    x: str
    y: str
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Curve:
    """A curve of the table.

    Attributes:
        slug: its name in files, such as ``graviton3``.
        family: the heading that it stands under.
        title: what was measured.
        part: the part that was simulated.
        figures: the parameters of the model.
        axes: how it is drawn.
        lines: the points.
        asked: the tolerance in words, or an empty text.
        source: where the points are from.
        notes: what a reader should know, one sentence or more each.
    """

    slug: str
    family: str
    title: str
    part: str
    figures: tuple[Figure, ...]
    axes: Axes
    lines: tuple[Line, ...]
    source: str
    asked: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def points(self) -> tuple[Point, ...]:
        """The points of all lines."""
        return tuple(point for line in self.lines for point in line.points)

    @property
    def fitted(self) -> tuple[str, ...]:
        """The names of the parameters that were fitted to this curve."""
        return tuple(figure.name for figure in self.figures if figure.fitted)

    @property
    def holds(self) -> bool:
        """Whether every point is within what is asked of it."""
        return all(point.holds for point in self.points)

    def of(self, *roles: Role) -> tuple[Point, ...]:
        """Return the points with one of these roles."""
        return tuple(point for point in self.points if point.role in roles)


def mean_error(points: Iterable[Point]) -> float:
    """Return the mean of the errors without their signs, as a share; 0 for no points."""
    errors = [abs(point.error) for point in points]
    return sum(errors) / len(errors) if errors else 0.0


def worst_error(points: Iterable[Point]) -> float:
    """Return the largest error with its sign, as a share; 0 for no points."""
    return max((point.error for point in points), key=abs, default=0.0)
