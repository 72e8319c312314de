"""How well a calibration does: errors by group of points, in the fit and held out, and what no parameters come near."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hiersim.studies.device_data import Row
from hiersim.studies.device_fit import Model, Values
from hiersim.studies.device_start import bandwidth_of, latency_of

DIGITS = 4
"""Significant digits of fitted figures."""
STRANGE = 3.0
"""A point that the model misses by more than this factor is named: its figure may be in another unit."""


@dataclass(frozen=True)
class Rounded:
    """A fitted parameter, rounded as it is written, and the standard error as a share of it."""

    value: float
    error: float


@dataclass(frozen=True)
class Errors:
    """Errors of so many points: mean and largest of abs(model / measured - 1), and R2 of the logarithms.

    ``r2`` is ``None`` where the points are all alike, so that there is nothing to explain.
    """

    points: int
    mean: float
    largest: float
    r2: float | None


@dataclass(frozen=True)
class Group:
    """Errors of a group of points that were used in the fit, and of those held out."""

    name: str
    used: Errors | None
    held: Errors | None


def rounded(values: Mapping[str, float], errors: Mapping[str, float]) -> dict[str, Rounded]:
    """Return values with ``DIGITS`` significant digits."""
    return {
        name: Rounded(float(f"{value:.{DIGITS}g}"), float(f"{errors.get(name, 0.0):.2g}"))
        for name, value in values.items()
    }


def covered(row: Row, values: Values) -> bool:
    """Return whether something is known of all that a point needs: its directions, and the load beside it."""
    reads = {"read_latency", "read_bandwidth", "bandwidth"} & set(values)
    writes = {"write_latency", "write_bandwidth", "backward_bandwidth"} & set(values)
    loaded = "rise" in values or not row.background_bytes_per_s
    return bool((reads or row.share == 0.0) and (writes or row.share == 1.0) and loaded)


def grouped(model: Model, values: Values, used: Sequence[Row], held: Sequence[Row]) -> tuple[Group, ...]:
    """Return the errors of each group of points, and of all together at the end."""
    names = list(dict.fromkeys(group_of(model, row) for row in (*used, *held)))
    names = [name for name in _order(model) if name in names]
    found = []
    for name in [*names, "all"]:
        halves = [
            _errors(model, values, [row for row in rows if name in (group_of(model, row), "all")])
            for rows in (used, held)
        ]
        if any(halves):
            found.append(Group(name, *halves))
    return tuple(found)


def group_of(model: Model, row: Row) -> str:
    """Return the name of the group that a point belongs to."""
    alone, deep, writes, mixed, loaded = _order(model)
    if row.background_bytes_per_s:
        return loaded
    if 0.0 < row.share < 1.0:
        return mixed
    if row.share == 0.0:
        return writes
    return alone if row.queue_depth == 1 else deep


def _order(model: Model) -> tuple[str, str, str, str, str]:
    if model.device.link:
        return "forward, depth 1", "forward, deeper", "backward", "both directions", "under load"
    return "reads, depth 1", "reads, deeper", "writes", "mixed", "under load"


def strangers(model: Model, values: Values, rows: Sequence[Row]) -> tuple[int, ...]:
    """Return the lines of the points that the model misses by a factor of ``STRANGE``."""
    known = [row for row in rows if covered(row, values)]
    return tuple(sorted(row.line for row in known if abs(_off(model, values, row)) > np.log(STRANGE)))


def _off(model: Model, values: Values, row: Row) -> float:
    """Return log(model / measured) of a point: of its bandwidth if that was measured, else of its latency."""
    bandwidth, latency = model(row, values)
    if row.bandwidth_bytes_per_s is None:
        return float(np.log(latency / latency_of(row)))
    return float(np.log(bandwidth / row.bandwidth_bytes_per_s))


def _errors(model: Model, values: Values, rows: Sequence[Row]) -> Errors | None:
    known = [row for row in rows if covered(row, values)]
    if not known:
        return None
    off = np.array([_off(model, values, row) for row in known])
    measured = np.log([bandwidth_of(row) for row in known])
    spread = float(np.sum((measured - measured.mean()) ** 2))
    wrong = np.abs(np.expm1(off))
    r2 = 1.0 - float(np.sum(off**2)) / spread if spread > 1e-9 else None
    return Errors(len(known), float(wrong.mean()), float(wrong.max()), r2)
