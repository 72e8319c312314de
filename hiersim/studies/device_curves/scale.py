"""Axes of a picture: where values lie, and which of them are written beside the axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Steps between marks, times powers of ten."""
PREFIXES = ("B", "KiB", "MiB", "GiB")


@dataclass(frozen=True)
class Scale:
    """From values to places.

    Attributes:
        low, high: the values at both ends.
        start, end: their places, in pixels.
        log: whether equal factors are equally far apart.
        sizes: whether values are sizes in bytes.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    sizes: bool = False

    def at(self, value: float) -> float:
        """Return the place of a value, kept within the axis."""
        low, high, value = (math.log(each) if self.log else each for each in (self.low, self.high, value))
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return self.start + share * (self.end - self.start)

    def marks(self) -> list[tuple[float, str]]:
        """Return the values to write beside the axis, and how they are written."""
        if self.sizes:
            return _sizes(self.low, self.high)
        values = _factors(self.low, self.high) if self.log else _steps(self.low, self.high)
        return [(value, f"{value:g}") for value in values]


def scale_of(values: Sequence[float], start: float, end: float, log: bool, sizes: bool = False) -> Scale:
    """Return a scale that shows values: from 0 if it is not logarithmic, with some room at the upper end."""
    low, high = min(values), max(values)
    if log:
        room = (high / low) ** 0.04
        return Scale(low / room, high * room, start, end, log, sizes)
    return Scale(0.0, high * 1.05, start, end)


def _steps(low: float, high: float) -> list[float]:
    """Return about six round values."""
    rough = (high - low) / 6.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in STEPS if s * power >= rough * 0.999)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]


def _factors(low: float, high: float) -> list[float]:
    """Return round values by factors: of 2 where that gives some, else close ones over a short range, else 1, 2, 5."""
    doubled = [2.0**i for i in range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)]
    if 3 < len(doubled) < 7:
        return doubled
    leads = (1, 2, 5) if high / low > 10 else (1, 1.5, 2, 3, 4, 5, 7)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [lead * 10.0**power for power in powers for lead in leads if low <= lead * 10.0**power <= high]


def _sizes(low: float, high: float) -> list[tuple[float, str]]:
    """Return sizes in bytes by factors of 2, 4 or 8, whichever gives at most eight of them."""
    first, last = math.ceil(math.log2(low)), math.floor(math.log2(high))
    step = next(s for s in (1, 2, 3, 4) if (last - first) // s < 8)
    powers = range(first, last + 1, step)
    return [(float(2**power), f"{2 ** (power % 10)} {PREFIXES[power // 10]}") for power in powers]
