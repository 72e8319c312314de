"""Every figure that was fitted to a measured curve is that fit: it is made again here, of the points it may use."""

import re

import numpy as np
import pytest
from studies.device_fits import (
    MISSING,
    TABLE,
    depth_of,
    efficiency,
    grid,
    loaded,
    loaded_line,
    rate,
    table,
    training,
    turnaround,
)

from hiersim import units
from hiersim.machine.catalogue import find_part

pytestmark = pytest.mark.skipif(not TABLE.exists(), reason=MISSING)


def figure(part, path, dimension=None):
    """The number of a figure of the catalogue: picoseconds, bytes/s, operations/s, or a plain number."""
    found = find_part(part)["figures"]
    for step in path.split("."):
        found = found[step]
    return units.parse(str(found["value"]), dimension) if dimension else found["value"]


def ns(part, path):
    return figure(part, path, "time") / 1000


def close(value):
    return pytest.approx(value, rel=0.01)


def test_graviton3_both_lines_under_one_asymptote():
    reads_cap = max(row.number for row in training(table().of("loaded_latency", "Graviton3", "100%")))
    mixed_cap = max(row.number for row in training(table().of("loaded_latency", "Graviton3", "58%")))
    assert figure("ddr5-4800-8ch", "turnaround") == close((reads_cap / mixed_cap - 1) / 0.42)
    reads = loaded_line("loaded_latency", "Graviton3", "100%", 0.97 * reads_cap)
    mixed = loaded_line("loaded_latency", "Graviton3", "58%", 0.97 * mixed_cap)
    lines = [(reads[0] / reads_cap, reads[1], 0.0), (mixed[0] / mixed_cap, mixed[1], 0.42)]
    _, rise, extra, asymptote = loaded(lines, idle=98.0)
    assert ns("ddr5-4800-8ch", "loaded_latency.rise") == close(rise)
    assert ns("ddr5-4800-8ch", "loaded_latency.mixed_rise") == close(extra)
    assert figure("ddr5-4800-8ch", "loaded_latency.asymptote") == close(asymptote)
    assert ns("ddr5-4800-8ch", "read_latency") == close(min(reads[1]))


@pytest.mark.parametrize(
    ("part", "device", "detail", "cap", "idle"),
    [
        ("a64fx-hbm2", "A64FX", "100%", 942.6, 112.0),
        ("cxl2-x8-mess", "CXL x8", "90%", 29.5, 107.6),
        ("cxl2-x8-mess-58", "CXL x8", "58%", 43.647, 107.6),
        ("ddr5-2ch", "Alder Lake", "100%", 57.0, None),
    ],
)
def test_loaded_latency(part, device, detail, cap, idle):
    highest = max(row.number for row in training(table().of("loaded_latency", device, detail)))
    points = loaded_line("loaded_latency", device, detail, 0.97 * min(cap, highest))
    start, rise, _, asymptote = loaded([(points[0] / cap, points[1], 0.0)], idle)
    assert ns(part, "loaded_latency.rise") == close(rise)
    assert figure(part, "loaded_latency.asymptote") == close(asymptote)
    if idle is None:
        assert start == pytest.approx(86.0, rel=0.01)  # what the page says of this curve


def test_loaded_latency_of_the_xeon_with_a_given_asymptote():
    points = loaded_line("loaded_latency", "Xeon", "100%", 0.97 * 28.393)
    given = figure("ddr5-4400-1ch", "loaded_latency.asymptote")
    assert given == figure("ddr5-4800-8ch", "loaded_latency.asymptote")
    start, rise, _, _ = loaded([(points[0] / 28.6, points[1], 0.0)], grid=[given])
    assert (start, ns("ddr5-4400-1ch", "loaded_latency.rise")) == (close(110.3), close(rise))


@pytest.mark.parametrize(
    ("part", "device", "cap"),
    [("ddr5-4800-sub", "Ramulator2.1 DDR5", 19.2 * 0.917), ("hbm3-6400-load", "Ramulator2.1 HBM3", 51.2 * 0.913)],
)
def test_loaded_latency_of_simulated_memories_with_a_given_asymptote(part, device, cap):
    t, lines = figure(part, "turnaround"), []
    every = len(table().of("loaded_latency_sim", device))
    for detail, share in (("100%", 0.0), ("67%", 0.33), ("50%", 0.5)):
        most = cap / (1 + t * share)
        traffic, latency = loaded_line("loaded_latency_sim", device, detail, 0.97 * most, every)
        lines.append((traffic / most, latency, share))
    asymptote = figure(part, "loaded_latency.asymptote")
    _, rise, mixed, _ = loaded(lines, ns(part, "read_latency"), [asymptote])
    assert ns(part, "loaded_latency.rise") == close(rise)
    assert ns(part, "loaded_latency.mixed_rise") == close(mixed)
    free = loaded(lines, ns(part, "read_latency"), np.arange(1.005, 6.0, 0.005))
    assert free[3] > 5  # why it is given: by itself it runs away


@pytest.mark.parametrize(
    ("part", "device", "peak"),
    [
        ("ddr4-3200-1ch", "Ramulator2.1 DDR4", 25.6),
        ("ddr5-4800-1ch", "Ramulator2.1 DDR5", 19.2),
        ("hbm3-6400-ch", "Ramulator2.1 HBM3", 51.2),
        ("hbm2-2000-ch", "Ramulator2.1 HBM2", 32.0),
        ("lpddr5-6400-x16", "Ramulator2.1 LPDDR5", 12.8),
        ("gddr6-14000-chip", "Ramulator2.1 GDDR6", 28.0),
    ],
)
def test_efficiency_and_turnaround_of_simulated_memories(part, device, peak):
    rows = grid(device)
    kept = efficiency(rows, peak)
    assert figure(part, "efficiency") == close(kept)
    assert rate(rows, "67%") is None  # held out
    t, _ = turnaround([0.5], [rate(rows, "50%") / (kept * peak)])
    assert figure(part, "turnaround") == close(t)


@pytest.mark.parametrize(
    ("part", "device", "peak"),
    [
        ("ddr4-3200-1ch", "Ramulator2.1 DDR4", 25.6),
        ("ddr5-4800-1ch", "Ramulator2.1 DDR5", 19.2),
        ("hbm3-6400-ch", "Ramulator2.1 HBM3", 51.2),
    ],
)
def test_the_same_efficiency_from_random_chunks(part, device, peak):
    """Of 4 KiB, 64 KiB and the stream the second is held out."""
    rows = table().of("chunk_size_sim", device, "MOP4CLXOR; write frac 0.00")
    used = np.array([row.y for row in rows if row.number == 4096 or row.x == "sequential"])
    assert figure(part, "efficiency") == close((1 / used).sum() / (1 / used**2).sum() / peak)


def test_streams_of_dramsim3():
    stack, phone = "DRAMsim3 HBM2_8Gb_x128_channels1_channel_size1024", "DRAMsim3 LPDDR4"
    rates = {
        float(re.search(r"frac (\S+);", row.detail)[1]): row.y
        for row in table().of("chunk_size_sim", stack)
        if row.x == "sequential" and row.device == stack
    }
    t, _ = turnaround([0.33, 0.5], [rates[0.33] / rates[0.0], rates[0.5] / rates[0.0]])
    assert figure("hbm2-stack", "turnaround") == close(t)
    assert figure("hbm2-stack", "efficiency") == close(rates[0.0] / 32)
    reads = table().of("chunk_size_sim", phone, "write frac 0.00")[-1]
    assert (reads.x, figure("lpddr4-2400-ch", "efficiency")) == ("sequential", close(reads.y / 19.2))


def test_the_size_curve_of_the_network():
    """The smooth minimum of an operation rate and a bandwidth: both from the writes, then the bandwidth of reads."""
    size, writes = np.array(
        [(row.number, row.y) for row in training(table().of("link_bw_vs_size", "EFA", "write"), 12)]
    ).T

    def error(ops, bandwidth, measured, p):
        return ((((size * ops / 1e9) ** -p + bandwidth**-p) ** (-1 / p) / measured - 1) ** 2).sum()

    squares, ops, forward, p = min(
        (error(ops, bandwidth, writes, p), ops, bandwidth, p)
        for p in range(3, 9)
        for ops in np.linspace(1.4e6, 1.6e6, 101)
        for bandwidth in np.linspace(300, 420, 241)
    )
    assert figure("efa-16x200g", "ops", "ops/s") == close(ops)
    assert figure("efa-16x200g", "bandwidth", "bytes/s") / 1e9 == close(forward)
    reads = np.array([row.y for row in training(table().of("link_bw_vs_size", "EFA", "read"), 12)])
    backward = min(np.linspace(250, 400, 1501), key=lambda bandwidth: error(ops, bandwidth, reads, p))
    assert figure("efa-16x200g", "backward_bandwidth", "bytes/s") / 1e9 == close(backward)
    assert (figure("efa-16x200g", "sharpness"), squares < 0.001) == (p, True)


@pytest.mark.parametrize(("part", "device"), [("p3700-800g", "Intel P3700"), ("micron-9100-max", "Micron 9100 MAX")])
def test_dies_from_latencies_at_two_depths(part, device):
    """A balanced closed network of D dies of s answers N requests in s (1 + (N - 1) / D)."""
    one, many = (float(re.search(r"latency (\S+) us", row.detail)[1]) for row in table().of("ssd_qd", device))
    assert ns(part, "read_latency") / 1000 == close(one)
    assert figure(part, "nand.dies") == close(15 * one / (many - one))


def test_the_drive_of_mqsim():
    """The largest error over what is asked of its point is least: every step from there makes it larger."""
    from hiersim.machine import Tier
    from hiersim.machine.effects import Nand
    from hiersim.studies.device_curves.run import bandwidth

    by_depth = {}
    for row in table().of("ssd_random_read_sim", "MQSim Gen4", order=lambda row: row.number):
        by_depth.setdefault(depth_of(row), []).append(row)
    rows = [row for line in by_depth.values() for i, row in enumerate(line) if i % 2 == 0 or i == len(line) - 1]
    asked = np.array([0.02 if depth_of(row) == 1 and row.number <= 1 << 20 else 0.15 for row in rows])
    assert len(rows) == 20

    def largest(latency, rate):
        dies = Nand(dies=figure("mqsim-gen4", "nand.dies"), page=16384, read=round(latency * 1000))
        drive = Tier(
            kind="flash", capacity=2**50, read_bandwidth=rate, write_bandwidth=rate, write_latency=0,
            read_latency=round(latency * 1000), granularity=4096, nand=dies, sharpness=3,
        )  # fmt: skip
        errors = np.array([bandwidth(drive, int(row.number), depth_of(row)) / row.y - 1 for row in rows])
        return np.abs(errors / asked).max()

    latency, rate = ns("mqsim-gen4", "read_latency"), figure("mqsim-gen4", "read_bandwidth", "bytes/s")
    assert figure("mqsim-gen4", "nand.read", "time") == figure("mqsim-gen4", "read_latency", "time")
    least = largest(latency, rate)
    assert 0.95 < least < 1
    for step in (0.998, 1.002):
        assert largest(latency * step, rate) > least
        assert largest(latency, rate * step) > least


def test_the_host_link_of_several_drives():
    from hiersim.studies.device_curves.striping import HOST_LINK

    measured = np.array([row.y for row in table().of("ssd_striping", "Gen4 SSDs") if row.number >= 4])
    assert close((1 / measured).sum() / (1 / measured**2).sum()) == HOST_LINK
