"""Whether a machine's figures are such as parts of their kinds have: finds bits for bytes and wrong prefixes.

What is found are warnings, for a figure may be right and the part unusual: each names the figure, its value, the range
of its kind, and the slip that would explain it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from hiersim.errors import Mistake
from hiersim.machine.link import Link
from hiersim.machine.machine import Machine
from hiersim.machine.plausible_ranges import ANY, DIMENSIONS, LINKS, OF_MEMORY, PASSES, READS_TO_WRITES, TIERS
from hiersim.machine.record import Part, Problem
from hiersim.machine.tier import Tier
from hiersim.units import parse, show

BITS = ("bytes", "bytes/s", "energy/bit")
"""Dimensions in which bits may be taken for bytes."""

STANDS_FOR: dict[type[Part], dict[str, tuple[str, ...]]] = {
    Tier: {word: (f"read_{word}", f"write_{word}") for word in ("bandwidth", "latency", "energy")},
    Link: {"bandwidth": ("bandwidth", "backward_bandwidth")},
}
"""Words of the table that mean several figures."""

Intervals = tuple[tuple[float, float], ...]


def implausible(machine: Machine) -> list[Mistake]:
    """Return the figures of a machine's tiers and links that no part of their kind is known to have, as warnings."""
    return [
        Mistake(".".join(("machine", path, *map(str, figure))), what)
        for path, part in machine.parts().items()
        for figure, what in odd_figures(part)
    ]


def odd_figures(part: Part) -> list[Problem]:
    """Return which figures of a part lie outside the ranges of its kind, and what slip would explain each.

    Figures that are 0 or absent are not looked at, nor are units.
    """
    if not isinstance(part, Tier | Link):
        return []
    odd: list[Problem] = []
    for figure, intervals in ranges(type(part), part.kind).items():
        value = value_of(part, figure)
        if value and not _fits(value, intervals):
            slip = _slip(value, intervals, DIMENSIONS[figure])
            what = f"{show(value, DIMENSIONS[figure])} is {_outside(intervals, DIMENSIONS[figure], part.kind)}{slip}"
            odd.append((tuple(figure.split(".")), what))
    return odd or (_odd_pairs(part) if isinstance(part, Tier) else [])


def value_of(part: Part, figure: str) -> float | None:
    """Return the figure at a dotted path in its base unit; ``None`` where it is absent or has its default."""
    found: Any = part
    for step in figure.split("."):
        default = type(found).model_fields[step].default
        found = getattr(found, step)
        if found is None or found == default:
            return None
    return float(found)


@cache
def ranges(model: type[Part], kind: str) -> dict[str, Intervals]:
    """Return the ranges of a kind of tier or link, by figure, in base units."""
    own = (TIERS if model is Tier else LINKS)[kind]
    memory = OF_MEMORY if model is Tier and kind in ("hbm", "gddr", "lpddr", "ddr", "cxl") else {}
    found: dict[str, Intervals] = {}
    for word, text in (ANY | memory | own).items():
        for figure in STANDS_FOR[model].get(word, (word,)):
            found[figure] = _parsed(text, DIMENSIONS[figure])
    if model is Tier and "read_bandwidth" in found:
        found["media_bandwidth"] = found["read_bandwidth"]
    return found


def _parsed(text: str, dimension: str = "") -> Intervals:
    """Return the intervals of a text such as ``1 GB/s to 2 GB/s or 1 TB/s to 2 TB/s``; ratios have no dimension."""
    pairs = [each.split(" to ") for each in text.split(" or ")]
    return tuple((_bound(low, dimension), _bound(high, dimension)) for low, high in pairs)


def _bound(text: str, dimension: str) -> float:
    return float(parse(text, dimension) if dimension else text)


def _fits(value: float, intervals: Intervals) -> bool:
    return any(low <= value <= high for low, high in intervals)


def _outside(intervals: Intervals, dimension: str, kind: str) -> str:
    bounds = [[show(b, dimension) if dimension else f"{b:g}" for b in interval] for interval in intervals]
    return f"outside {' or '.join(f'{low} to {high}' for low, high in bounds)}, the range of {kind}"


def _slip(value: float, intervals: Intervals, dimension: str) -> str:
    """Return which slip of units would explain a value, or an empty text."""
    eighth = "is it per byte?" if dimension == "energy/bit" else "are these bits?"
    slips = [(8.0, eighth), (1 / 8, "were bytes taken for bits?")] if dimension in BITS else []
    for factor in (1000.0, 1024.0):
        slips += [(factor, "is the unit's prefix one too high?"), (1 / factor, "is the unit's prefix one too low?")]
    for factor, question in slips:
        if _fits(value / factor, intervals):
            times = f"{factor:g} times too large" if factor > 1 else f"{1 / factor:g} times too small"
            return f"; {times}: {question}"
    return ""


def _odd_pairs(tier: Tier) -> list[Problem]:
    """Compare figures of a tier that are possible by themselves: read with write bandwidth, and with the capacity."""
    kind, read = tier.kind, tier.read_bandwidth
    if kind in READS_TO_WRITES:
        intervals, ratio = _parsed(READS_TO_WRITES[kind]), read / tier.write_bandwidth
        if not _fits(ratio, intervals):
            what = f"{show(read, 'bytes/s')} is {ratio:.3g} times `write_bandwidth`"
            return [(("read_bandwidth",), f"{what}, {_outside(intervals, '', kind)}{_either(ratio, intervals)}")]
    if kind in PASSES:
        intervals, takes = _parsed(PASSES[kind], "time"), tier.capacity / read * 1e12
        if not _fits(takes, intervals):
            what = f"{show(read, 'bytes/s')} reads all {show(tier.capacity, 'bytes')} in {show(takes, 'time')}"
            return [(("read_bandwidth",), f"{what}, {_outside(intervals, 'time', kind)}{_either(takes, intervals)}")]
    return []


def _either(ratio: float, intervals: Intervals) -> str:
    """Return which slip in one of two figures would explain their ratio, or an empty text."""
    for factor, question in ((8, "are these bits?"), (1000, "is a prefix wrong?")):
        if _fits(ratio / factor, intervals) or _fits(ratio * factor, intervals):
            return f"; one of the two may be {factor} times off: {question}"
    return ""
