"""Fits of parameters to the training points of the table of device curves, independent of the package's own."""

import re
from pathlib import Path

import numpy as np

from hiersim.studies.device_curves.table import held_out, read_table

TABLE = Path(__file__).parents[3] / "shared" / "reference" / "devices_curves.csv"
MISSING = f"the measured curves ../shared/reference/{TABLE.name} are not here"
KINDS = {"100%": 0, "67%": 1, "50%": 2}


def table():
    return read_table(TABLE)


def training(rows, of=None):
    return [row for row, held in zip(rows, held_out(len(rows), of), strict=True) if not held]


def depth_of(row):
    return int(re.match(r"QD (\d+)", row.detail)[1])


def grid(device):
    """The points of a cycle-simulated memory by share of reads and visit, and which are for training."""
    rows = table().of("row_locality_sim", device, order=lambda row: (KINDS[row.detail.split()[0]], row.number))
    return training(rows)


def rate(rows, kind):
    """The rate of the largest visit of a kind, among these rows; None if there is none of 512 B and more."""
    found = [row for row in rows if row.detail.startswith(kind) and row.number >= 512]
    return max(found, key=lambda row: row.number).y if found else None


def efficiency(rows, peak):
    """Relative least squares of one rate for all read points of 512 B and more."""
    rates = np.array([row.y for row in rows if row.detail.startswith("100%") and row.number >= 512])
    return (1 / rates).sum() / (1 / rates**2).sum() / peak


def turnaround(shares, ratios):
    """The t of 1 / (1 + t min(w, 1 - w)) with the least squares of relative errors, and the largest of these."""
    grid = np.linspace(0, 2, 20001)
    errors = (1 / (1 + grid[:, None] * np.minimum(shares, 1 - np.array(shares)))) / np.array(ratios) - 1
    best = (errors**2).sum(axis=1).argmin()
    return grid[best], abs(errors[best]).max()


def loaded_line(curve, device, detail, below, of=None):
    """Training points (traffic in GB/s, ns) of a line whose traffic is below a limit in GB/s, as two arrays."""
    rows = table().of(curve, device, detail)
    return np.array([(row.number, row.y) for row in training(rows, of or len(rows)) if row.number < below]).T


def growth(load, asymptote):
    rho = load / asymptote
    return rho / (1 - rho)


def loaded(lines, idle=None, grid=None):
    """Return idle, rise, mixed rise and asymptote with the least squares of relative errors.

    For each asymptote of a grid the rest is a linear problem.

    Args:
        lines: (loads as shares of the cap, latencies in ns, share of the minority direction).
        idle: the idle latency in ns; fitted too when None.
        grid: asymptotes to try.
    """
    best = (np.inf, None)
    for asymptote in np.arange(1.005, 1.6, 0.001) if grid is None else grid:
        rows, goal = [], []
        for load, ns, share in lines:
            grown = growth(load, asymptote)
            rows.append(np.array([grown / ns, share * grown / ns, 1 / ns if idle is None else 0 * ns]))
            goal.append(np.ones(len(ns)) if idle is None else 1 - idle / ns)
        matrix, target = np.concatenate(rows, axis=1).T, np.concatenate(goal)
        found, *_ = np.linalg.lstsq(matrix, target, rcond=None)
        squares = ((matrix @ found - target) ** 2).sum()
        if squares < best[0]:
            best = (squares, (found[2] if idle is None else idle, found[0], found[1], asymptote))
    return best[1]
