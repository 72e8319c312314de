"""Least squares of a device's parameters, the model being the simulator itself.

Parameters vary by factors (their logarithms are fitted), and errors are those of factors too: log(model / measured),
over the accuracy that is asked of the point; errors of much more than the accuracy count by their size, not by its
square. What the points do not determine is found by its standard error and left
out, the worst first, and the others are fitted again without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hiersim.studies.device_data import Row
from hiersim.studies.device_model import Device, predict

STEP = 0.01
"""Change of a logarithm by which slopes are measured: more than the simulator's rounding, less than its curvature."""
SPAN = float(np.log(1000.0))
"""A parameter stays within this factor of where it began."""
VAGUE = 0.25
"""A parameter whose logarithm has a larger standard error is not determined."""
FLOOR = 0.01
"""Points are not believed to be more accurate than this share, when standard errors are judged."""
ROUNDS = 30
"""Steps of a fit at most."""
ABOVE_ONE = ("asymptote",)
"""Parameters that are more than 1: what is fitted is what they have above it."""
OF_READS = ("read_latency", "read_bandwidth", "read_ops", "dies", "bandwidth")
OF_WRITES = ("write_latency", "write_bandwidth", "write_ops", "backward_bandwidth")
OF_MIXES = ("turnaround", "mixed_rise")
"""Parameters that only matter to some points."""
LARGEST = {"asymptote": 10.0, "turnaround": 10.0}
"""Values that no part may exceed."""
Values = dict[str, float]


@dataclass
class Model:
    """A device, and what the simulator says of the points at given values; what has been run once is kept."""

    device: Device
    runs: int = 0
    _kept: dict[tuple[object, ...], tuple[float, float]] = field(default_factory=dict)

    def __call__(self, row: Row, values: Values) -> tuple[float, float]:
        """Return bandwidth (bytes/s) and mean latency (ps) at a point."""
        alone = not row.background_bytes_per_s and row.share in (0.0, 1.0)
        unused = (*(OF_WRITES if row.share else OF_READS), *OF_MIXES) if alone else ()
        relevant = {key: value for key, value in values.items() if key not in unused}
        if "read_latency" in values and "write_latency" not in values:
            relevant = values  # reads stand in for what is not known of writes
        key = (row.line, *relevant.items())
        if key not in self._kept:
            self._kept[key] = predict(self.device.part(relevant), row)
            self.runs += 1
        return self._kept[key]


@dataclass(frozen=True)
class Fitted:
    """What a fit found: values, the standard errors of their logarithms, and what the points do not determine."""

    values: Values
    errors: dict[str, float]
    vague: dict[str, float]


def residuals(model: Model, rows: Sequence[Row], values: Values) -> NDArray[np.float64]:
    """Return log(model / measured) over the accuracy of each point, for what was measured of it."""
    found = []
    for row in rows:
        bandwidth, latency = model(row, values)
        for measured, modelled in ((row.bandwidth_bytes_per_s, bandwidth), (row.latency_ps, latency)):
            if measured is not None:
                found.append(np.log(modelled / measured) / row.accuracy)
    return np.array(found)


def fit(model: Model, rows: Sequence[Row], start: Values, fixed: Values, keep: Iterable[str] = ()) -> Fitted:
    """Fit parameters to points.

    Args:
        model: the simulator.
        rows: the points.
        start: values at which to begin; these are fitted.
        fixed: values of further parameters.
        keep: parameters that stay although the points hardly determine them.
    """
    free, kept = dict(start), set(keep)
    vague: dict[str, float] = {}
    while free:
        values, errors = _least(model, rows, free, fixed)
        worst = max((name for name in errors if name not in kept), key=lambda name: errors[name], default="")
        if not worst or errors[worst] <= VAGUE:
            return Fitted(values, errors, vague)
        vague[worst] = errors[worst]
        free = {name: value for name, value in values.items() if name != worst}
        if worst == "asymptote":  # the rise means nothing without it
            vague["rise"] = errors.get("rise", np.inf)
            free.pop("rise", None)
            free.pop("mixed_rise", None)
    return Fitted({}, {}, vague)


def _least(model: Model, rows: Sequence[Row], start: Values, fixed: Values) -> tuple[Values, dict[str, float]]:
    """Return the values with the least squares, and the standard errors of their logarithms."""
    from scipy.optimize import least_squares

    names = list(start)
    begun = np.array([_log(name, start[name]) for name in names])

    def values_at(point: NDArray[np.float64]) -> Values:
        return {name: _value(name, float(x)) for name, x in zip(names, point, strict=True)}

    def errors_at(point: NDArray[np.float64]) -> NDArray[np.float64]:
        return residuals(model, rows, fixed | values_at(point))

    def slopes_at(point: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = []
        for i in range(len(point)):
            ahead, behind = point.copy(), point.copy()
            ahead[i] += STEP
            behind[i] -= STEP
            columns.append((errors_at(ahead) - errors_at(behind)) / (2 * STEP))
        return np.stack(columns, axis=1)

    found = least_squares(
        errors_at, begun, jac=slopes_at, bounds=(begun - SPAN, begun + SPAN), max_nfev=ROUNDS, xtol=1e-6, ftol=1e-8,
        loss="soft_l1",
    )  # fmt: skip
    slopes, errors = slopes_at(found.x), errors_at(found.x)  # `found.jac` has the weights of the loss in it
    values, spread = values_at(found.x), dict(zip(names, _standard_errors(slopes, errors, rows), strict=True))
    return values, {
        name: error * (values[name] - 1.0) / values[name] if name in ABOVE_ONE else error
        for name, error in spread.items()
    }


def _standard_errors(jac: NDArray[np.float64], fun: NDArray[np.float64], rows: Sequence[Row]) -> list[float]:
    """Return the standard error of each logarithm: large where the points hardly depend on it."""
    accuracy = min(row.accuracy for row in rows)
    usual = 1.4826 * float(np.median(np.abs(fun)))  # of normal errors the standard deviation, whatever a few points do
    freedom = max(1, len(fun) - jac.shape[1]) / len(fun)
    noise = max(usual**2 / freedom, (FLOOR / accuracy) ** 2)
    strengths, directions = np.linalg.eigh(jac.T @ jac)
    variance = (directions**2) @ (1.0 / np.maximum(strengths, 1e-9))
    return [float(np.sqrt(noise * each)) for each in variance]


def _log(name: str, value: float) -> float:
    return float(np.log(value - 1.0 if name in ABOVE_ONE else value))


def _value(name: str, log: float) -> float:
    value = float(np.exp(log)) + (1.0 if name in ABOVE_ONE else 0.0)
    return min(value, LARGEST.get(name, value))
