"""Where a fit of a device begins: closed forms of its points, group by group of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hiersim.studies.device_data import Row
from hiersim.studies.device_model import DEEP, Device

LARGE = 1.3
"""An operation rate is begun at this multiple of the largest rate that was measured."""


def bandwidth_of(row: Row) -> float:
    """Return what a point says of the bandwidth in bytes/s, from its latency by Little's law if need be."""
    if row.bandwidth_bytes_per_s is not None:
        return row.bandwidth_bytes_per_s
    assert row.latency_ps is not None
    return row.queue_depth * row.size_bytes / row.latency_ps * 1e12


def latency_of(row: Row) -> float:
    """Return what a point says of the latency in picoseconds, from its bandwidth by Little's law if need be."""
    if row.latency_ps is not None:
        return row.latency_ps
    return row.queue_depth * row.size_bytes / bandwidth_of(row) * 1e12


def hockney(rows: Sequence[Row]) -> tuple[float, float]:
    """Return latency (ps) and bandwidth (bytes/s) of t = L + S / B through the points at depth 1, by relative errors.

    Where depth 1 does not show one of them, the largest bandwidth and the least latency of all points stand for it.
    """
    fastest, least = max(map(bandwidth_of, rows)), min(map(latency_of, rows))
    alone = [row for row in rows if row.queue_depth == 1]
    if len({row.size_bytes for row in alone}) >= 2:
        times = np.array([latency_of(row) for row in alone])
        terms = np.array([[1.0, row.size_bytes] for row in alone]) / times[:, None]
        latency, cost = np.linalg.lstsq(terms, np.ones(len(alone)), rcond=None)[0]
        if cost > 0 and latency > 0:
            return float(latency), max(1e12 / float(cost), fastest)
        return max(float(latency), 0.01 * least), 1.05 * fastest
    return least, 1.05 * fastest


def dies_of(rows: Sequence[Row], latency: float, page: int) -> float:
    """Return how many dies make the deepest small reads as fast as they are: X = (D / s) N / (N + D - 1)."""
    row = max(rows, key=lambda each: (each.queue_depth / each.size_bytes, each.line))
    senses = -(-row.size_bytes // page)
    flying = row.queue_depth * senses
    busy = bandwidth_of(row) * senses / row.size_bytes * latency / 1e12  # X s, the dies that are at work
    return float(np.clip(busy * (flying - 1) / max(flying - busy, 0.05 * flying), 2.0, 10_000.0))


def start_reads(device: Device, rows: Sequence[Row]) -> dict[str, float]:
    """Return the parameters of reads at which to begin (of a link: of forward transfers)."""
    latency, bandwidth = hockney(rows)
    deep = any(row.queue_depth > 1 for row in rows)
    if device.link:
        found = {"latency": latency, "bandwidth": bandwidth}
        return found | ({"ops": LARGE * _operations(rows)} if deep else {})
    found = {"read_latency": latency, "read_bandwidth": bandwidth}
    if device.kind in DEEP and deep:
        found["read_ops"] = LARGE * _operations(rows)
        if device.kind == "flash":
            found["dies"] = dies_of(rows, latency, device.page)
    return found


def start_writes(device: Device, rows: Sequence[Row]) -> dict[str, float]:
    """Return the parameters of writes at which to begin (of a link: of backward transfers)."""
    latency, bandwidth = hockney(rows)
    if device.link:
        return {"backward_bandwidth": bandwidth}
    found = {"write_latency": latency, "write_bandwidth": bandwidth}
    if device.kind in DEEP and any(row.queue_depth > 1 for row in rows):
        found["write_ops"] = LARGE * _operations(rows)
    return found


def start_mix(device: Device, rows: Sequence[Row], values: Mapping[str, float], together: bool) -> dict[str, float]:
    """Return what a mix of directions costs, at which to begin; nothing where the kind has no such figure.

    Args:
        device: the device.
        rows: points of reads and writes.
        values: what is known of reads and writes alone.
        together: bounds bind together, so that there is no turnaround.
    """
    deepest = max(rows, key=lambda row: (row.queue_depth > 1, row.queue_depth * row.size_bytes, row.line))
    if device.link:
        return {}
    if device.full:
        return {"media_bandwidth": 1.1 * bandwidth_of(deepest)}
    if together or not {"read_bandwidth", "write_bandwidth"} <= set(values):
        return {}
    times = deepest.share / values["read_bandwidth"], (1.0 - deepest.share) / values["write_bandwidth"]
    turns = (1.0 / bandwidth_of(deepest) - sum(times)) / min(times)
    return {"turnaround": float(np.clip(turns, 0.01, 2.0))}


def start_load(rows: Sequence[Row], idle_ps: float, most: float) -> dict[str, float]:
    """Return how the latency rises under load, at which to begin: rise x rho / (1 - rho), linear in the rise.

    Args:
        rows: points beside a background.
        idle_ps: the latency of a transfer without load.
        most: bytes/s that the device moves at most.
    """
    best = (np.inf, 0.0, 0.0)
    loads = np.array([min(row.background_bytes_per_s / most, 0.995) for row in rows])
    added = np.array([latency_of(row) for row in rows]) - idle_ps
    weight = 1.0 / (added + idle_ps)
    for asymptote in (1.02, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 2.0):
        rho = loads / asymptote
        shape = rho / (1.0 - rho)
        rise = float(np.sum(shape * added * weight**2) / max(np.sum((shape * weight) ** 2), 1e-300))
        error = float(np.sum(((rise * shape - added) * weight) ** 2))
        if rise > 0 and error < best[0]:
            best = (error, rise, asymptote)
    return {"rise": best[1] or 0.2 * idle_ps, "asymptote": best[2] or 1.15}


def _operations(rows: Sequence[Row]) -> float:
    return max(bandwidth_of(row) / row.size_bytes for row in rows)
