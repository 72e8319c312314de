"""Which figures of a machine are uncertain, between what each lies, and which of them err together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hiersim.api.devices import Figure, device_of_record
from hiersim.config import Scenario
from hiersim.machine import Provenance
from hiersim.machine.record import Part, ends_of
from hiersim.sweep.doubt import factor
from hiersim.units import Quantity

SIZES = ("bytes",)
"""Dimensions without a class default: a capacity, a page or a granularity is what a part is built with."""
COUNTS = ("queue_depth", "engines", "slots", "dies")
"""Whole numbers of 1 or more that have one."""
PLAIN = ("turnaround", "asymptote")
"""Parameters of fits that have one; of ``asymptote``, which is more than 1, what is above 1."""
OF_THE_SHEET = ("bandwidth", "wide_bandwidth", "l2_bandwidth", "flops")
"""Multiples of a figure of the sheet that kernels reach, which have the default of a rate; a kernel's other constants,
which shape its curve together, are taken as they are."""


@dataclass(frozen=True)
class Uncertain:
    """A figure that is drawn.

    Attributes:
        path: its dotted path in the machine, such as ``tiers.hbm.read_latency``.
        value: what the machine has, in the base unit of its dimension (bytes/s, ps, pJ/bit ...).
        low, high: between what it lies, in the same unit.
        dimension: a key of ``units.DIMENSIONS``; empty for a plain number.
        confidence: of its source.
        stated: whether its range is stated; otherwise it is the class default.
        group: what figures that err together have in common.
    """

    path: str
    value: float
    low: float
    high: float
    dimension: str
    confidence: str
    stated: bool
    group: str

    def at(self, share: float) -> float:
        """Return the value below which the truth lies with a probability, in the figure's unit.

        Half of the chances lie on either side of ``value``; within each side every factor is as likely as any other
        (every difference where the low end is 0).
        """
        begin, end, way = (self.low, self.value, 2 * share) if share < 0.5 else (self.value, self.high, 2 * share - 1)
        if begin <= 0:
            return begin + (end - begin) * way
        return float(begin * (end / begin) ** way)


def uncertain(scenario: Scenario) -> list[Uncertain]:
    """Return the figures of a scenario's machine that a draw changes; those without a source are taken as they are."""
    return [found for path, part in scenario.machine.parts().items() for found in _of_part(path, part)]


def _of_part(path: str, part: Part) -> Iterator[Uncertain]:
    origins = part.origins()
    for figure in device_of_record(path, path.partition(".")[0][:-1], part).figures.values():
        origin = origins.get(figure.path) or origins.get(figure.path.rpartition(".")[0])
        if origin is None or isinstance(figure.value, bool) or not isinstance(figure.value, int | float):
            continue
        ends = _ends(figure, origin)
        if ends is not None:
            stated = origin.range is not None
            yield Uncertain(
                f"{path}.{figure.path}", figure.value, *ends, figure.dimension, origin.confidence, stated,
                _group(path, part, figure, origin),
            )  # fmt: skip


def _ends(figure: Figure, origin: Provenance) -> tuple[float, float] | None:
    """Return between what a figure lies; ``None`` for one that is taken as it is."""
    value = float(figure.value)
    if origin.range is not None:
        low, high = ends_of(origin.range, Quantity(figure.dimension) if figure.dimension else None)
        return (low, high) if low <= value <= high else None  # the value was replaced: its source says nothing of it
    name = figure.path.rpartition(".")[2]
    drawn = figure.dimension not in SIZES if figure.dimension else name in (*PLAIN, *OF_THE_SHEET)
    drawn = drawn or (name in COUNTS and origin.confidence == "estimate")  # else somebody has counted
    if not value or not drawn:
        return None
    times = factor(origin.confidence, "share" if name in OF_THE_SHEET else figure.dimension)
    if name == "asymptote":
        return 1 + (value - 1) / times, 1 + (value - 1) * times
    high = value * times
    return value / times, min(1.0, high) if figure.dimension == "share" else high


def _group(path: str, part: Part, figure: Figure, origin: Provenance) -> str:
    """Return what figures that err together have in common.

    What one source says of one part in one dimension is right or wrong together (read and write bandwidth, say), and so
    is the same part in two places of a machine.
    """
    same: tuple[Any, ...] = (part.part or path, origin.source, figure.dimension or figure.path)
    return "\n".join(map(str, same))
