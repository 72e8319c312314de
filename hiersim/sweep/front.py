"""The Pareto front: the points that no other point is better than in one number and at least as good in all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def front(values: Sequence[Sequence[float]], maximise: Sequence[bool] = ()) -> NDArray[np.bool_]:
    """Return which points are on the front; equal points are on it together.

    Args:
        values: a row per point, a column per objective.
        maximise: which columns are better the larger they are; none when empty.
    """
    if not len(values):
        return np.zeros(0, bool)
    signs = np.where(maximise, -1.0, 1.0) if len(maximise) else 1.0
    costs = np.asarray(values, np.float64) * signs
    on = np.ones(len(costs), bool)
    for i in range(len(costs)):
        beaten = np.all(costs <= costs[i], axis=1) & np.any(costs < costs[i], axis=1)
        on[i] = not beaten.any()
    return on
