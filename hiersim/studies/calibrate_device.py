"""From measured points to the parameters of a device: ``hiersim calibrate device``.

Reads are fitted first, then writes, mixes and load, each with what is known so far, and all together at the end. A
third of the points is held out of every fit when there are more than nine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hiersim.api.measure_load import most_traffic
from hiersim.errors import ConfigError, Mistake, nearest
from hiersim.studies.device_curves.table import held_out
from hiersim.studies.device_data import Data, Row, read_data
from hiersim.studies.device_fit import Fitted, Model, Values, fit, residuals
from hiersim.studies.device_model import DEEP, LINKS, TIERS, Device, granularity_of
from hiersim.studies.device_report import Group, Rounded, covered, grouped, rounded, strangers
from hiersim.studies.device_start import bandwidth_of, latency_of, start_load, start_mix, start_reads, start_writes

FULL = 1.15
"""A mix that moves this much more than either direction alone shows that each has its own bandwidth."""
SATURATED = 8.0
"""A closed loop with this many times the bytes in flight that its latency needs is saturated for certain."""
BEGINNINGS = {"dies": (0.5, 1.0, 2.2, 5.0), "read_ops": (1.0, 1.5, 3.0), "ops": (1.0, 1.5, 3.0)}
"""Multiples of the closed forms at which a fit may begin; of all of them the ``TRIED`` closest are fitted."""
TRIED = 2
BOUND_TOGETHER = ("read_ops", "write_ops", "dies")


@dataclass(frozen=True)
class Calibration:
    """What a calibration found.

    Attributes:
        name: what the part is to be called.
        data: the points.
        device: what was fixed: kind, granularity, page, duplex.
        found: the parameters by name, rounded as they are written, with their standard errors as shares.
        vague: parameters that the points do not determine, and why.
        groups: errors by group of points; the last is of all.
        strange: lines of the file that no parameters come near.
        runs: how many points were simulated.
    """

    name: str
    data: Data
    device: Device
    found: dict[str, Rounded]
    vague: dict[str, str]
    groups: tuple[Group, ...]
    strange: tuple[int, ...]
    runs: int


def calibrate(path: str | Path, *, name: str = "my-device", kind: str | None = None, page: int = 16384) -> Calibration:
    """Fit the parameters of a device to measurements.

    Args:
        path: a CSV file (see ``hiersim.studies.device_data``).
        name: what the part is to be called.
        kind: what it is, such as ``flash``, ``ddr`` or ``pcie``; seen from the points when absent.
        page: bytes that a flash die reads at once, which no bandwidth shows.

    Raises:
        ConfigError: the file or the kind is wrong.
    """
    data = read_data(path)
    kind = _kind(kind, data)
    device = Device(kind, granularity_of(kind, data.rows), page, _full(kind, data.rows))
    rows = sorted(data.rows, key=_place)
    apart = held_out(len(rows))
    held = [row for row, out in zip(rows, apart, strict=True) if out]
    used = [row for row, out in zip(rows, apart, strict=True) if not out]
    model = Model(device)
    values, vague, errors = _staged(model, used)
    found = rounded(values, errors)
    final = {key: each.value for key, each in found.items()}
    groups = grouped(model, final, used, held)
    strange = strangers(model, final, rows)
    return Calibration(name, data, device, found, vague, groups, strange, model.runs)


def _place(row: Row) -> tuple[float, ...]:
    return -row.share, row.background_bytes_per_s, row.queue_depth, row.size_bytes, row.line


def _kind(kind: str | None, data: Data) -> str:
    if kind is None:
        return "link" if data.link else _seen(data.rows)
    known = [*TIERS, *LINKS]
    if kind not in known:
        raise ConfigError([Mistake("--kind", f"no kind `{kind}`{nearest(kind, known)} (kinds are {', '.join(known)})")])
    if (kind in LINKS) != data.link:
        has = "forward_share, of links" if data.link else "read_share, of tiers"
        raise ConfigError([Mistake("--kind", f"`{kind}` does not suit {data.name}, which has a column {has}")])
    return kind


def _seen(rows: Sequence[Row]) -> str:
    """Return what the points look like: flash answers in more than 5 us, remote CXL memory and DRAM sooner."""
    least = min(row.latency_ps or row.size_bytes * row.queue_depth / bandwidth_of(row) * 1e12 for row in rows)
    return "flash" if least > 5e6 else "ddr"


def _full(kind: str, rows: Sequence[Row]) -> bool:
    """Return whether each direction has its own bandwidth: it is so of links and CXL, or the mixes show it."""
    if kind in LINKS or kind == "cxl":
        return True
    pure = max((bandwidth_of(row) for row in rows if row.share in (0.0, 1.0)), default=0.0)
    mixed = max((bandwidth_of(row) for row in rows if 0.0 < row.share < 1.0), default=0.0)
    return bool(pure) and mixed > FULL * pure


def _staged(model: Model, rows: Sequence[Row]) -> tuple[Values, dict[str, str], dict[str, float]]:
    """Return values, what is not determined and why, and standard errors of logarithms."""
    device, points = model.device, _Points.of(rows)
    values: Values = {}
    vague: dict[str, str] = {}
    reads, loads, writes, mixes = points.reads, points.loads, points.writes, points.mixes
    held: Values = {}
    errors: dict[str, float] = {}
    if reads:
        start = start_reads(device, reads)
        start |= _load(device, loads, start) if loads else {}
        first = _best(model, [*reads, *loads], start)
        errors = first.errors
        _take(values, vague, first)
    elif loads:
        first, held = _beside(model, loads)
        _take(values, vague, first)
        values |= held
    if writes:
        _take(values, vague, _calmly(model, writes, start_writes(device, writes), values))
    together = any(key in values for key in BOUND_TOGETHER)
    mixed_loads = points.mixed_loads
    if mixes and reads and writes:
        start = start_mix(device, mixes, values, together)
        both = mixed_loads if "turnaround" in start and "rise" in values else []
        start |= {"mixed_rise": values["rise"]} if both else {}
        _take(values, vague, _calmly(model, [*mixes, *both], start, values))
        if together:
            vague["turnaround"] = "stands beside a smooth minimum of bounds, and a tier has the one or the other"
    if mixed_loads and "rise" not in values and {"read_latency", "latency"} & set(values):
        _take(values, vague, fit(model, mixed_loads, _load(device, mixed_loads, values), values))
    seen = [row for row in rows if covered(row, values)]
    free = {name: value for name, value in values.items() if name not in held}
    if set(map(id, seen)) != set(map(id, reads)):  # otherwise the first fit was of all of them already
        polished = fit(model, seen, free, held, keep=free)
        values, errors = polished.values | held, polished.errors
    return values, _reasons(device, values, rows) | vague, errors


def _beside(model: Model, loads: Sequence[Row]) -> tuple[Fitted, Values]:
    """Fit a loaded-latency curve alone: where it ends is all that it says of the bandwidth."""
    device = model.device
    held = {device.bandwidth: max(row.background_bytes_per_s for row in loads)}
    start = {device.latency: min(map(latency_of, loads))}
    start |= _load(device, loads, start | held)
    return fit(model, loads, start, held), held


def _calmly(model: Model, rows: Sequence[Row], start: Values, fixed: Values) -> Fitted:
    """Fit, where latency depends on the load first to the points that depend smoothly on everything.

    A closed loop that is neither alone nor saturated meets another load at each issue; close to the right values that
    does not matter, but far from them it leads nowhere.
    """
    known = fixed | start
    if start and "rise" in known:
        fastest = max(map(bandwidth_of, rows))
        waits = max(known.get(name, 0.0) for name in ("read_latency", "write_latency", "latency"))
        full = SATURATED * waits * fastest / 1e12
        calm = [row for row in rows if row.queue_depth == 1 or row.queue_depth * row.size_bytes >= full]
        start = start | fit(model, calm, start, fixed, keep=start).values if calm else start
    return fit(model, rows, start, fixed)


@dataclass(frozen=True)
class _Points:
    """Points by what they can determine; those beside a background are probes of reads."""

    reads: list[Row]
    writes: list[Row]
    mixes: list[Row]
    loads: list[Row]
    mixed_loads: list[Row]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> _Points:
        """Sort points into groups."""
        quiet = [row for row in rows if not row.background_bytes_per_s]
        beside = [row for row in rows if row.background_bytes_per_s]
        return cls(
            [row for row in quiet if row.share == 1.0],
            [row for row in quiet if row.share == 0.0],
            [row for row in quiet if 0.0 < row.share < 1.0],
            [row for row in beside if row.background_share == 1.0 and row.share == 1.0],
            [row for row in beside if row.background_share < 1.0 or row.share < 1.0],
        )


def _take(values: Values, vague: dict[str, str], found: Fitted) -> None:
    """Add what a fit found to what is known."""
    values.update(found.values)
    for key, error in found.vague.items():
        size = f"+-{100 * error:.0f}%" if error < 10 else "by any factor"
        vague[key] = f"the points leave it open ({size})"


def _best(model: Model, rows: Sequence[Row], start: Values) -> Fitted:
    """Fit reads from the best of several beginnings: dies and operation rate can stand for each other at first."""
    starts = [dict(start)]
    for name, scales in BEGINNINGS.items():
        if name in start:
            starts = [each | {name: each[name] * scale} for each in starts for scale in scales]
    if len(starts) == 1:
        return _calmly(model, rows, start, {})
    costs = [float(np.sum(np.abs(residuals(model, rows, each)))) for each in starts]
    found = [_calmly(model, rows, starts[i], {}) for i in np.argsort(costs, kind="stable")[:TRIED]]
    return min(found, key=lambda each: float(np.sum(np.abs(residuals(model, rows, each.values)))))


def _load(device: Device, rows: Sequence[Row], values: Values) -> Values:
    most = most_traffic(device.part(values), rows[0].background_share)
    return start_load(rows, values.get("read_latency", values.get("latency", 0.0)), most)


def _reasons(device: Device, values: Values, rows: Sequence[Row]) -> dict[str, str]:
    """Say of each parameter that a kind may have, and that was not looked for, which points would determine it."""
    read, write = ("forward", "backward") if device.link else ("reads", "writes")
    alone = {name: f"no point that is fitted is of {name} alone" for name in (read, write)}
    deep = dict(alone)
    for name, share in ((read, 1.0), (write, 0.0)):
        if any(row.share == share for row in rows):
            deep[name] = f"all points of {name} alone that are fitted are at queue depth 1"
    needs: dict[str, str] = {}
    if device.link:
        needs |= dict.fromkeys(("latency", "bandwidth"), alone[read])
        needs |= {"backward_bandwidth": alone[write], "ops": deep[read]}
    else:
        needs |= dict.fromkeys(("read_latency", "read_bandwidth"), alone[read])
        needs |= dict.fromkeys(("write_latency", "write_bandwidth"), alone[write])
        needs["media_bandwidth" if device.full else "turnaround"] = "no point that is fitted mixes reads and writes"
        needs |= {"read_ops": deep[read], "write_ops": deep[write]} if device.kind in DEEP else {}
        needs |= {"dies": deep[read]} if device.kind == "flash" else {}
    needs |= dict.fromkeys(("rise", "asymptote"), "no point that is fitted is beside a background")
    return {name: why for name, why in needs.items() if name not in values}
