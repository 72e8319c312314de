"""Least squares of a kernel's constants in relative error, with whole settings held out.

Nothing is random: the same tables give the same constants. A row whose implied bandwidth is above what the sheet allows
is left out of everything, because its bytes cannot have come from the near tier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hiersim.studies.kernels.kinds import Bound, Evaluator, Kind, beyond_l2
from hiersim.studies.kernels.table import COLUMNS, ROWS, TOKENS, WEIGHTS, Floats, Table

GATE = 1.05
"""A row that implies more than this share of the sheet's bandwidth did not read from the near tier."""
FOLDS = 8
"""Settings are dealt to so many folds in turn; each fold is held out once."""
OPEN = 0.001
"""A lower compute rate that costs no more than this of mean error is as likely as the best one."""
BOUND_BY_COMPUTE = 2.0
"""Rows that take so many times longer to compute than to read determine the compute rate."""
STEPS = 200

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Errors:
    """Relative errors of the closed form at some rows: mean of their sizes, 90th percentile, and mean with sign."""

    rows: int
    mean: float
    p90: float
    bias: float

    @classmethod
    def of(cls, relative: Floats) -> Errors | None:
        """Return the errors, or ``None`` of no rows."""
        if not len(relative):
            return None
        size = np.abs(relative)
        return cls(len(size), float(size.mean()), float(np.percentile(size, 90)), float(relative.mean()))


@dataclass(frozen=True)
class Fitted:
    """What a fit found.

    Attributes:
        kind: which constants.
        bits: of weights, or of keys and values.
        values: the constants by ``group.field``, rounded as they are written.
        files: where the rows are from.
        fell: rows that the gate left out.
        fitted, held_out: errors at the rows that remain, and at each fold by the constants of the others.
        parts: the same of some of the rows, by what they are: (fitted, held out).
    """

    kind: Kind
    bits: int
    values: dict[str, float]
    files: tuple[str, ...]
    fell: int
    fitted: Errors | None
    held_out: Errors | None
    parts: dict[str, tuple[Errors | None, Errors | None]]


def gated(table: Table, evaluator: Evaluator) -> tuple[Table, int]:
    """Return a table without the rows that no near tier can have served, and how many they were.

    Activations, and weights of products that were repeated alone, may come from the L2: of activations only rows
    beyond it are judged, and repeated products within it are no rows at all.
    """
    sheet = evaluator.sheet
    implied = table.bytes() / (table.time_us / 1e6)
    over = implied > GATE * sheet.bandwidth_bytes_per_s
    beyond = beyond_l2(table, sheet)
    if table.sort in ("elementwise", "sampling"):
        over &= beyond
    keep = ~over
    if table.sort == "linear" and table.alone:
        keep &= beyond
    return subset(table, keep), int(over.sum())


def subset(table: Table, keep: NDArray[np.bool_]) -> Table:
    """Return some rows of a table."""
    return replace(table, values=table.values[keep], time_us=table.time_us[keep], setting=table.setting[keep])


def fit(kind: Kind, table: Table, evaluator: Evaluator, parts: Mapping[str, NDArray[np.bool_]], fell: int) -> Fitted:
    """Fit constants to the rows of a table, and hold out whole settings.

    Args:
        kind: the constants.
        table: gated rows.
        evaluator: computes rows.
        parts: rows of which errors are told by themselves, by what they are.
        fell: rows that the gate left out.
    """
    kind, values = _best(kind, table, evaluator)
    if "linear.flops" in kind.bounds:
        values = _least_rate(kind, table, evaluator, values)
    values = {name: _rounded(value) for name, value in values.items()}
    errors = relative(table, evaluator, values)
    held = np.full(len(errors), np.nan)
    order = {setting: i for i, setting in enumerate(sorted(set(table.setting.tolist())))}
    folds = np.array([order[setting] % min(FOLDS, len(order)) for setting in table.setting.tolist()])
    if len(order) > 1:
        narrow = _held_at(kind, values) if "linear.flops" in kind.bounds else kind
        for fold in range(folds.max() + 1):
            others = solve(narrow, table, evaluator, folds != fold, values)
            held[folds == fold] = relative(table, evaluator, others)[folds == fold]
    told = {name: (Errors.of(errors[rows]), Errors.of(held[rows & ~np.isnan(held)])) for name, rows in parts.items()}
    files = tuple(table.file.split(", "))
    outside = Errors.of(held[~np.isnan(held)])
    return Fitted(kind, evaluator.bits, values, files, fell, Errors.of(errors), outside, told)


def _best(kind: Kind, table: Table, evaluator: Evaluator) -> tuple[Kind, dict[str, float]]:
    """Return the fit with the least squares over the values that are tried, and the kind with the best of those."""
    every = np.ones(len(table.values), bool)
    choices = [replace(kind, taken={**kind.taken, name: value}) for name in kind.tried for value in kind.tried[name]]
    found = [(each, solve(each, table, evaluator, every)) for each in choices or [kind]]
    weight = evaluator.weights(table)
    return min(found, key=lambda pair: float((weight * relative(table, evaluator, pair[1]) ** 2).sum()))


def relative(table: Table, evaluator: Evaluator, constants: Mapping[str, float]) -> Floats:
    """Return model / measured - 1 of each row."""
    return evaluator.times_us(table, constants) / table.time_us - 1.0


def solve(
    kind: Kind, table: Table, evaluator: Evaluator, rows: NDArray[np.bool_], start: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Return the constants with the least squares at some rows."""
    from scipy.optimize import least_squares

    names = [name for name, bound in kind.bounds.items() if bound.low < bound.high]
    fixed = {name: bound.start for name, bound in kind.bounds.items() if bound.low >= bound.high} | dict(kind.taken)
    bounds = [kind.bounds[name] for name in names]
    scale = np.array([abs(bound.start) or 1.0 for bound in bounds])
    begun = [_inside((start or {}).get(name, bound.start), bound) for name, bound in zip(names, bounds, strict=True)]
    weight = np.sqrt(evaluator.weights(table))[rows]
    measured = table.time_us[rows]

    def residuals(x: Floats) -> Floats:
        constants = fixed | dict(zip(names, (x * scale).tolist(), strict=True))
        result: Floats = (evaluator.times_us(table, constants, rows) / measured - 1.0) * weight
        return result

    low, high = (np.array([getattr(bound, side) for bound in bounds]) / scale for side in ("low", "high"))
    found = least_squares(
        residuals, np.array(begun) / scale, bounds=(low, high), max_nfev=STEPS, diff_step=1e-6, ftol=1e-6, xtol=1e-6
    )
    return fixed | dict(zip(names, (found.x * scale).tolist(), strict=True))


def _least_rate(kind: Kind, table: Table, evaluator: Evaluator, best: dict[str, float]) -> dict[str, float]:
    """Return the fit with the lowest compute rate that the rows allow, unless some of them determine it.

    Products that are bound by memory leave the rate open from above; large ones, which heat a card, are slower.
    """
    v, sheet = table.values, evaluator.sheet
    compute = (
        2 * v[:, TOKENS] * v[:, ROWS] * v[:, COLUMNS] / (best["linear.flops"] * sheet.weight_flops(evaluator.bits))
    )
    reading = v[:, WEIGHTS] / (best["linear.wide_bandwidth"] * sheet.bandwidth_bytes_per_s)
    if (compute / reading).max(initial=0.0) >= BOUND_BY_COMPUTE:
        return best
    every = np.ones(len(v), bool)
    found, limit = best, float(np.abs(relative(table, evaluator, best)).mean()) + OPEN
    rate = np.floor(best["linear.flops"] * 50) / 50
    while rate >= 0.2:
        other = solve(_held_at(kind, {"linear.flops": float(rate)}), table, evaluator, every, best)
        if np.abs(relative(table, evaluator, other)).mean() > limit:
            break
        found, rate = other, rate - 0.02
    return found


def _held_at(kind: Kind, values: Mapping[str, float]) -> Kind:
    """Return a kind whose compute rate is not fitted."""
    rate = values["linear.flops"]
    return replace(kind, bounds={**kind.bounds, "linear.flops": Bound(rate, rate, rate)})


def _inside(value: float, bound: Bound) -> float:
    room = (bound.high - bound.low) * 1e-6
    return min(max(value, bound.low + room), bound.high - room)


def _rounded(value: float) -> float:
    """Return a value with four digits, as it is written; what is next to nothing is nothing."""
    return float(f"{value:.4g}") if abs(value) > 1e-3 else 0.0


def merged(tables: Sequence[Table]) -> Table:
    """Return tables of one sort as one; settings stay apart."""
    if len(tables) == 1:
        return tables[0]
    settings, offset = [], 0
    for table in tables:
        settings.append(table.setting + offset)
        offset += int(table.setting.max(initial=-1)) + 1
    return replace(
        tables[0],
        file=", ".join(dict.fromkeys(table.file for table in tables)),
        values=np.concatenate([table.values for table in tables]),
        time_us=np.concatenate([table.time_us for table in tables]),
        setting=np.concatenate(settings),
        alone=all(table.alone for table in tables),
    )
