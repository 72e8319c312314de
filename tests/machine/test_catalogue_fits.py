"""The fitted figures of the catalogue are those fits: each is made again here, of the points that it may use.

Of a curve with more than nine points every third one (the second, the fifth, ... by load) is held out of the fit. Fits
that the page of device curves shows at length are made again in tests/studies.
"""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from hiersim import units
from hiersim.machine.catalogue import find_part

TABLE = Path(__file__).parents[3] / "shared" / "reference" / "devices_curves.csv"
ROWS = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())) if TABLE.exists() else []

pytestmark = pytest.mark.skipif(not ROWS, reason="the curves ../shared/reference/devices_curves.csv are not here")

MIX = {"all read": 0.0, "3:1": 1 / 4, "2:1": 1 / 3, "1:1": 1 / 2}


def points(curve, device, detail=""):
    """Return the rows of a curve."""
    return [r for r in ROWS if r["curve"] == curve and device in r["device"] and r["detail"].startswith(detail)]


def figure(part, field, group=None):
    figures = find_part(part)["figures"]
    return (figures[group] if group else figures)[field]


def value(part, field, dimension, group=None):
    return units.parse(str(figure(part, field, group)["value"]), dimension)


def kept(t, w):
    """Return the share of the bandwidth that a half-duplex medium keeps at a share of writes."""
    return 1 / (1 + t * np.minimum(w, 1 - w))


def turnaround(shares, ratios):
    """Return the t with the least squares of relative errors, and the largest of these."""
    grid = np.linspace(0, 2, 20001)
    errors = kept(grid[:, None], np.array(shares)) / np.array(ratios) - 1
    best = (errors**2).sum(axis=1).argmin()
    return grid[best], abs(errors[best]).max()


@pytest.mark.parametrize(
    ("part", "device", "worst"),
    [
        ("ddr4-3200-8ch", "Graviton2", 0.004),
        ("ddr5-5600-12ch", "Graviton4", 0.006),
        ("ddr4-2933-12ch", "Cascade Lake", 0.014),
        ("ddr5-4400-1ch", "Xeon w3-2423", 0.031),
        ("ddr5-2ch", "Alder Lake", 0.007),
    ],
)
def test_turnarounds_of_measured_memories(part, device, worst):
    rates = {MIX[row["x"]]: float(row["y"]) for row in points("rw_mix", device)}
    alone = rates.pop(0.0)
    t, error = turnaround(list(rates), [rate / alone for rate in rates.values()])
    assert figure(part, "turnaround")["value"] == pytest.approx(t, abs=0.0051)
    assert figure(part, "turnaround")["confidence"] == "measured"
    assert error < worst


def test_the_turnaround_of_the_simulated_stack():
    rows = [
        r for r in points("chunk_size_sim", "DRAMsim3 HBM2") if r["x"] == "sequential" and "address" not in r["device"]
    ]
    rates = {float(re.search(r"frac (\S+);", row["detail"])[1]): float(row["y"]) for row in rows}
    t, _ = turnaround([0.33, 0.5], [rates[0.33] / rates[0.0], rates[0.5] / rates[0.0]])
    assert figure("hbm2-stack", "turnaround")["value"] == round(t, 3)


@pytest.mark.parametrize(("part", "share"), [("ddr5-5600-1ch", 0.88), ("h100-hbm3", 0.80), ("rtx-4090-gddr6x", 0.80)])
def test_turnarounds_of_a_class(part, share):
    t, error = turnaround([0.33, 0.5], [share, share])
    assert figure(part, "turnaround")["value"] == pytest.approx(t, abs=0.006)
    assert figure(part, "turnaround")["confidence"] == "estimate"
    assert error < 0.05


def test_the_medium_behind_the_expander():
    """Reads 17.8, writes 13.6 and both together as the medium allows: no traffic measured is more than 10% away."""
    part = "cxl2-x8-expander-96g"
    read, write = (value(part, f"{way}_bandwidth", "bytes/s") / 1e9 for way in ("read", "write"))
    rates = {MIX[row["x"]]: float(row["y"]) for row in points("rw_mix", "CXL 2.0 x8")}
    bounds = {w: min(read / (1 - w), write / w if w else np.inf) for w in rates}
    grid = np.linspace(20, 30, 10001)
    errors = np.array([np.minimum(grid, bounds[w]) / rate - 1 for w, rate in rates.items()])
    best = grid[(errors**2).sum(axis=0).argmin()]
    assert value(part, "media_bandwidth", "bytes/s") / 1e9 == pytest.approx(best, abs=0.01)
    got = [min(best, bounds[w]) for w in sorted(rates)]
    assert got == pytest.approx([rates[w] for w in sorted(rates)], rel=0.045)
    assert got == sorted(got)


def loaded(device, share, cap, up_to=0.95):
    """Return the points (load, ns) of a curve below a share of its cap: those of the fit, and those held out."""
    rows = points("loaded_latency", device, f"{share}% reads")
    curve = sorted((float(row["x"]) / cap, float(row["y"])) for row in rows)
    curve = [(load, ns) for load, ns in curve if load < up_to]
    assert len(curve) > 9
    return (
        np.array([point for i, point in enumerate(curve) if i % 3 != 1]).T,
        np.array([point for i, point in enumerate(curve) if i % 3 == 1]).T,
    )


def growth(load, asymptote):
    rho = load / asymptote
    return rho / (1 - rho)


def fitted(curves, idle=None):
    """Return idle, rise, mixed rise and asymptote: for each asymptote of a grid the linear least squares of the rest.

    Args:
        curves: (loads, latencies, share of the minority direction).
        idle: the idle latency in ns; fitted too when ``None``.
    """
    best = (np.inf, None)
    for asymptote in np.arange(1.005, 1.6, 0.001):
        rows, goal = [], []
        for load, ns, share in curves:
            grown = growth(load, asymptote)
            columns = [grown / ns, share * grown / ns] if share else [grown / ns, 0 * ns]
            rows.append(np.array([*columns, 1 / ns if idle is None else 0 * ns]))
            goal.append(np.ones(len(ns)) if idle is None else 1 - idle / ns)
        matrix, target = np.concatenate(rows, axis=1).T, np.concatenate(goal)
        (rise, mixed, start), *_ = np.linalg.lstsq(matrix, target, rcond=None)
        squares = ((matrix @ np.array([rise, mixed, start]) - target) ** 2).sum()
        if squares < best[0]:
            best = (squares, (start if idle is None else idle, rise, mixed, asymptote))
    return best[1]


def worst(points, idle, rise, asymptote):
    load, ns = points
    return abs((idle + rise * growth(load, asymptote)) / ns - 1).max()


@pytest.mark.parametrize(
    ("part", "device", "share", "cap", "idle", "limit"),
    [
        ("a64fx-hbm2", "A64FX", 100, 942.6, 112.0, 0.032),
        ("cxl2-x8-mess", "CXL x8", 90, 29.5, 107.6, 0.008),
        ("ddr5-2ch", "Alder Lake", 100, 57.0, None, 0.084),  # the log's idle latency, 88.9, is not of this curve
    ],
)
def test_loaded_latency_of_other_curves(part, device, share, cap, idle, limit):
    used, held_out = loaded(device, share, cap)
    start, rise, _, asymptote = fitted([(*used, 0)], idle)
    assert figure(part, "asymptote", "loaded_latency")["value"] == pytest.approx(asymptote, abs=0.003)
    assert value(part, "rise", "time", "loaded_latency") == pytest.approx(rise * 1000, rel=0.02)
    assert max(worst(used, start, rise, asymptote), worst(held_out, start, rise, asymptote)) < limit


def test_the_dies_of_the_p3700():
    """A balanced closed network of D dies of s us answers N requests in s (1 + (N - 1) / D)."""
    one, many = (float(re.search(r"latency (\S+) us", row["detail"])[1]) for row in points("ssd_qd", "P3700"))
    assert (one, many) == (77.9, 93.9)
    assert figure("p3700-800g", "dies", "nand")["value"] == round(15 * one / (many - one))
    assert value("p3700-800g", "read", "time", "nand") == one * 1e6
    kiops = float(points("ssd_qd", "P3700")[1]["y"])
    assert 16 / (one + one * 15 / 73) * 1000 == pytest.approx(kiops, rel=0.03)


@pytest.mark.parametrize(("generation", "reads", "writes"), [(5, 52.73, 51.98), (4, 26.37, 25.99), (3, 13.18, 12.99)])
def test_packets_leave_what_the_model_of_pcie_leaves(generation, reads, writes):
    for part, lanes in ((f"pcie{generation}-x16", 16), (f"nvme{generation}-x4", 4)):
        rate = value(part, "bandwidth", "bytes/s") * figure(part, "efficiency")["value"] * 16 / lanes / 1e9
        payload = value(part, "max_payload", "bytes", "packets")
        headers = [value(part, f"{packet}_header", "bytes", "packets") for packet in ("completion", "write")]
        got = [rate * payload / (payload + header) for header in headers]
        assert got == pytest.approx([reads, writes], rel=6e-4)


def test_activations_add_the_energy_of_small_accesses():
    """DDR4: 13.2 pJ/bit more at 64 B, 3.4 at 4 KiB, next to nothing when streaming."""
    figures = find_part("ddr4-3200-1ch")["figures"]["activation"]
    energy = units.parse(figures["energy"]["value"], "energy")
    visit, row = (units.parse(figures[key]["value"], "bytes") for key in ("visit", "row"))
    banks = figures["banks"]["value"]
    for size, expected, tolerance in ((64, 13.2, 0.2), (4096, 3.4, 0.2), (64 << 20, 0.0, 0.2)):
        rows = min(-(-size // visit), banks * -(-size // (row * banks)))
        assert rows * energy / (size * 8) == pytest.approx(expected, abs=tolerance)
