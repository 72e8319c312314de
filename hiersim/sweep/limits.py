"""Limits that a point must keep: ``energy_j.total: {most: 2 kJ}``, in the unit that the number's name carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hiersim.errors import nearest
from hiersim.machine.record import Problem
from hiersim.report.numbers import Number, shown, unit_of
from hiersim.sweep.spans import quantity
from hiersim.units import UnitError, parse, show

KEYS = ("least", "most")


@dataclass(frozen=True)
class Limit:
    """What a number must be at least, and at most, in the number's own unit; ``None`` for no limit.

    A path of the space has a ``dimension`` that its name does not tell.
    """

    name: str
    least: float | None = None
    most: float | None = None
    dimension: str = ""

    def excess(self, value: Number) -> float:
        """Return by how much a number is outside, 0 or less if it is within, in the number's unit."""
        under = -float("inf") if self.least is None else self.least - value
        over = -float("inf") if self.most is None else value - self.most
        return float(max(under, over))

    def miss(self, value: Number) -> float:
        """Return by what share of the limit a number is outside; 0 if it is within."""
        ends = ((self.least, -1.0), (self.most, 1.0))
        return max(0.0, *(sign * (value - end) / (abs(end) or 1.0) for end, sign in ends if end is not None))

    def told(self) -> str:
        """Return the limit in words, such as ``at most 2 kJ``."""
        ends = (("at least", self.least), ("at most", self.most))
        return " and ".join(f"{words} {self.text(end)}" for words, end in ends if end is not None)

    def text(self, value: float) -> str:
        """Return a value of the number as a person reads it."""
        return show(value, self.dimension) if self.dimension else shown(self.name, value)


def read_limits(given: Mapping[str, Any], space: Mapping[str, list[Any]]) -> tuple[list[Limit], list[Problem]]:
    """Return the limits of a file, and what is wrong with them.

    Args:
        given: name -> ``least`` and ``most``.
        space: the values (for a span its ends) of each varied path; a limit on one must leave some of it.
    """
    limits: list[Limit] = []
    problems: list[Problem] = []
    for name, ends in given.items():
        if not isinstance(ends, dict) or not ends:
            problems.append((("limits", name), "expected {least: ...}, {most: ...} or both"))
            continue
        wrong = [key for key in ends if key not in KEYS]
        for key in wrong:
            problems.append((("limits", name, key), f"unknown key{nearest(key, KEYS) or '; allowed are least, most'}"))
        values: dict[str, float] = {}
        for key in ends.keys() - wrong:
            try:
                values[key] = in_unit_of(name, ends[key], name in space)
            except UnitError as why:
                problems.append((("limits", name, key), str(why)))
        told = [quantity(ends[key])[1] for key in values if name in space]
        limits.append(Limit(name, **values, dimension=next(filter(None, told), "")))
    if not problems:
        problems = [(("limits", limit.name), what) for limit in limits for what in _contradiction(limit, space)]
    return limits, problems


def in_unit_of(name: str, given: Any, is_path: bool) -> float:
    """Return a limit in the unit of the number that it is for; a plain number is in that unit already.

    Raises:
        UnitError: it is no such quantity.
    """
    if isinstance(given, int | float) and not isinstance(given, bool):
        return given
    text = str(given)
    if is_path:
        return quantity(text)[0]
    unit = unit_of(name)
    if unit in ("ps", "s"):
        return parse(text, "time") / (1 if unit == "ps" else 1e12)
    if unit == "bytes":
        return parse(text, "bytes")
    if unit == "j" and text.rstrip().endswith("J"):
        return parse(text.rstrip()[:-1] + "W", "power")  # a joule has the prefixes of a watt
    if unit == "w":
        return parse(text, "power")
    expected = {"j": "a number with a unit, such as `2 kJ`"}.get(unit, "a plain number")
    raise UnitError(f"`{text}` is not a value of `{name}`; expected {expected}")


def _contradiction(limit: Limit, space: Mapping[str, list[Any]]) -> list[str]:
    if limit.least is not None and limit.most is not None and limit.least > limit.most:
        ends = f"at least {limit.text(limit.least)} and at most {limit.text(limit.most)}"
        return [f"contradict each other: {ends} cannot both hold"]
    values = [value for value in space.get(limit.name, []) if isinstance(value, int | float)]
    if values and (
        (limit.least is not None and max(values) < limit.least) or (limit.most is not None and min(values) > limit.most)
    ):
        return [f"no value of `space.{limit.name}` is {limit.told()}"]
    return []
