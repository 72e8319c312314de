"""Values from one to another: ``{from: 8 GiB, to: 64 GiB, count: 4, scale: log}`` in a sweep's or a search's file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hiersim.errors import nearest
from hiersim.machine.record import Problem
from hiersim.units import DIMENSIONS, UnitError, exact, parse

KEYS = ("from", "to", "count", "step", "scale")
MOST = 100_000
"""Values that a span may have."""


@dataclass(frozen=True)
class Span:
    """Values from one to another.

    Attributes:
        low, high: the ends, both among the values, in the base unit of the dimension (bytes, ps, bytes/s ...).
        dimension: a key of ``units.DIMENSIONS``; empty for plain numbers.
        whole: only whole numbers of the base unit.
        log: values go up by a factor, not by a difference.
        count: how many values there are; ``None`` where ``step`` says it, or where all between the ends are meant.
        step: from one value to the next.
    """

    low: float
    high: float
    dimension: str = ""
    whole: bool = False
    log: bool = False
    count: int | None = None
    step: float | None = None

    @property
    def listed(self) -> bool:
        """Whether the values can be listed."""
        return self.count is not None or self.step is not None

    def numbers(self) -> list[float]:
        """Return the values in the base unit, each once, ascending."""
        if self.step is not None:
            low, high, step = (Fraction(str(value)) for value in (self.low, self.high, self.step))  # 0.1 means 1/10
            found = [float(low + i * step) for i in range(int((high - low) / step) + 1)]
        else:
            last = (self.count or 1) - 1
            found = [self._at(i / last) if last else self.low for i in range(last + 1)]
        return list(dict.fromkeys(self.rounded(value) for value in found))

    def _at(self, share: float) -> float:
        """Return the value at a share of the way from one end to the other; the ends exactly."""
        if share in (0.0, 1.0):
            return self.high if share else self.low
        if self.log:
            return float(math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low))))
        return self.low + share * (self.high - self.low)

    def rounded(self, value: float) -> float:
        """Return a value as the span can have it."""
        return round(value) if self.whole else float(f"{value:.12g}")  # 32 GB/s, not 32000000000.00005 B/s

    def text(self, value: float) -> Any:
        """Return a value as YAML has it: with its unit if it has a dimension."""
        return exact(value, self.dimension) if self.dimension else value


def quantity(value: Any) -> tuple[float, str]:
    """Return a number with its dimension (empty for a plain number), in the base unit of that dimension.

    Raises:
        UnitError: the value is no number and no quantity with a unit.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value, ""
    if isinstance(value, str):
        for dimension in DIMENSIONS:
            try:
                found = parse(value, dimension)
            except UnitError:
                continue
            if not value.strip()[-1].isdigit():  # a text without a unit, such as "12", is a text
                return found, dimension
    raise UnitError(f"`{value}` is neither a number nor a quantity with a unit, such as `80 GiB`")


def span_of(data: Mapping[str, Any]) -> tuple[Span | None, list[Problem]]:
    """Read a span; return ``None`` and what is wrong with it if it is no such thing."""
    problems: list[Problem] = [
        ((key,), f"unknown key{nearest(key, KEYS) or '; allowed are ' + ', '.join(KEYS)}")
        for key in data
        if key not in KEYS
    ]
    problems += [((key,), "required key is missing") for key in ("from", "to") if key not in data]
    problems += [(("count",), f"expected a whole number of 1 or more, not `{data.get('count')}`")] * _bad_count(data)
    if data.get("scale", "linear") not in ("linear", "log"):
        problems.append((("scale",), f"`{data['scale']}` is not one of linear, log"))
    ends: dict[str, tuple[float, str]] = {}
    for key in ("from", "to", "step"):
        try:
            if key in data:
                ends[key] = quantity(data[key])
        except UnitError as why:
            problems.append(((key,), str(why)))
    if problems:
        return None, problems
    span = _made(data, ends)
    problems = _contradictions(span, ends, data)
    return (None if problems else span), problems


def _bad_count(data: Mapping[str, Any]) -> bool:
    count = data.get("count", 1)
    return isinstance(count, bool) or not isinstance(count, int) or count < 1


def _made(data: Mapping[str, Any], ends: Mapping[str, tuple[float, str]]) -> Span:
    (low, dimension), (high, _) = ends["from"], ends["to"]
    plain = not dimension and all(isinstance(value, int) for value, _ in ends.values())
    whole = plain or (bool(dimension) and DIMENSIONS[dimension].whole)
    step = ends["step"][0] if "step" in ends else None
    return Span(low, high, dimension, whole, data.get("scale") == "log", data.get("count"), step)


def _contradictions(span: Span, ends: Mapping[str, tuple[float, str]], data: Mapping[str, Any]) -> list[Problem]:
    problems: list[Problem] = []
    for key, (_, dimension) in ends.items():
        if dimension != span.dimension:
            mine = DIMENSIONS[span.dimension].noun if span.dimension else "a plain number"
            problems.append(((key,), f"`{data[key]}` does not go with `from: {data['from']}`, which is {mine}"))
    if problems:
        return problems
    if span.low > span.high:
        problems.append((("to",), f"{data['to']} is less than `from`, which is {data['from']}"))
    if span.log and span.low <= 0:
        problems.append((("from",), "must be more than 0 on a log scale"))
    if span.step is not None and (span.count is not None or span.log):
        problems.append((("step",), f"stands beside `{'count' if span.count is not None else 'scale: log'}`"))
    elif span.step is not None and (span.step <= 0 or (span.high - span.low) / span.step > MOST):
        problems.append((("step",), f"must be more than 0 and give at most {MOST:,} values"))
    if span.count is not None and span.count > MOST:
        problems.append((("count",), f"must be at most {MOST:,}"))
    return problems
