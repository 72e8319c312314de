"""A miss-ratio curve: how it was made, its points, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# 97.5% quantiles of Student's t distribution for 1 to 31 degrees of freedom (as in any table of it)
STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042, 2.040,
)  # fmt: skip
MOST_SEEDS = len(STUDENT) + 1

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """The misses of one policy over capacities.

    Attributes:
        policy: its name with its parameters.
        method: ``exact`` (stack distances), ``replayed`` (capacity by capacity), ``shards`` or ``miniature`` (sampled).
        capacity: int64 [points], increasing; in bytes, or objects where all count the same.
        miss_ratio: float64 [points], share of the accesses that miss.
        byte_miss_ratio: float64 [points], share of the requested bytes that miss.
        error: float64 [points], half the width of the 95% confidence interval of ``miss_ratio``; 0 where it is no
            estimate, NaN with a single seed.
        byte_error: float64 [points], the same of ``byte_miss_ratio``.
        rate: float64 [points], share of the objects that were looked at.
        seeds: how many samples were taken; 0 where all objects were looked at.
        checked: (capacity, miss ratio of a replay of the whole trace) at some of the points.
    """

    policy: str
    method: str
    capacity: NDArray[np.int64]
    miss_ratio: Floats
    byte_miss_ratio: Floats
    error: Floats
    byte_error: Floats
    rate: Floats
    seeds: int = 0
    checked: tuple[tuple[int, float], ...] = ()

    def point(self, capacity: int) -> int | None:
        """Return the number of the point at a capacity (bytes or objects), ``None`` if there is none."""
        place = int(np.searchsorted(self.capacity, capacity))
        return place if place < len(self.capacity) and self.capacity[place] == capacity else None

    def at(self, capacity: int) -> float | None:
        """Return the miss ratio at a capacity (bytes or objects), ``None`` if it is not among the points."""
        place = self.point(capacity)
        return None if place is None else float(self.miss_ratio[place])

    @property
    def off(self) -> float | None:
        """The largest distance to a replay of the whole trace, where there was one."""
        found = [(self.at(capacity), true) for capacity, true in self.checked]
        return max((abs(value - true) for value, true in found if value is not None), default=None)


def whole(
    policy: str, method: str, capacity: Sequence[int] | NDArray[np.int64], miss_ratio: Floats, byte_miss_ratio: Floats
) -> Curve:
    """Return a curve for which every object was looked at; ``capacity`` in bytes or objects."""
    none = np.zeros(len(capacity))
    return Curve(
        policy, method, np.asarray(capacity, np.int64), miss_ratio, byte_miss_ratio, none, none, np.ones(len(capacity))
    )


def mean_and_error(samples: Floats) -> tuple[Floats, Floats]:
    """Return the mean of estimates and half the width of its 95% confidence interval.

    Args:
        samples: float64 [seeds, points], one estimate per seed.
    """
    count = len(samples)
    mean = samples.mean(axis=0)
    if count < 2:
        return mean, np.full(samples.shape[1], math.nan)
    return mean, STUDENT[count - 2] * samples.std(axis=0, ddof=1) / math.sqrt(count)
