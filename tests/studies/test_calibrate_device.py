"""Calibrating devices: made-up parts come back, real curves are met, and what the points leave open is left out."""

import csv
import re
from pathlib import Path

import pytest

from hiersim.api.measure import measure
from hiersim.errors import ConfigError
from hiersim.studies.calibrate_device import calibrate
from hiersim.studies.device_entry import entry
from hiersim.studies.device_model import Device

CURVES = Path(__file__).parents[3] / "shared" / "reference" / "devices_curves.csv"
POINTS = list(csv.DictReader(CURVES.read_text(encoding="utf-8").splitlines())) if CURVES.exists() else []
real = pytest.mark.skipif(not POINTS, reason="the reference curves ../shared/reference/devices_curves.csv are not here")

MEMORY = {
    "read_latency": 95e3, "read_bandwidth": 40e9, "write_latency": 80e3, "write_bandwidth": 36e9, "turnaround": 0.3,
    "rise": 20e3, "asymptote": 1.15, "mixed_rise": 40e3,
}  # fmt: skip
FLASH = {
    "read_latency": 60e6, "read_bandwidth": 5e9, "dies": 200, "read_ops": 6e5, "write_latency": 15e6,
    "write_bandwidth": 3e9, "write_ops": 3e5,
}  # fmt: skip
CXL = {
    "read_latency": 250e3, "read_bandwidth": 18e9, "write_latency": 200e3, "write_bandwidth": 16e9,
    "media_bandwidth": 27e9,
}  # fmt: skip
LINK = {"latency": 2e6, "bandwidth": 50e9, "backward_bandwidth": 40e9, "ops": 2e6}


def written(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def made_up(path, device, values, sizes, depths, shares):
    found = measure(device.part(values), sizes=sizes, depths=depths, shares=shares)
    return written(path, [{k: v for k, v in row.items() if "p50" not in k and "p99" not in k} for row in found.rows()])


@pytest.mark.parametrize(
    ("kind", "device", "values", "sizes", "depths", "shares"),
    [
        ("ddr", Device("ddr", 64), MEMORY, [64, 1024, 16384, 2**20], [1, 8, 64], [1.0, 2 / 3, 0.5, 0.0]),
        ("flash", Device("flash", 4096), FLASH, [4096, 16384, 2**20], [1, 16, 64, 256], [1.0, 0.0]),
        ("cxl", Device("cxl", 64, full=True), CXL, [64, 4096, 2**20], [1, 16, 64], [1.0, 0.5, 0.0]),
        ("link", Device("link", 1, full=True), LINK, [4096, 16384, 2**20], [1, 4, 16, 64], [1.0, 0.0]),
    ],
    ids=["ddr", "flash", "cxl", "link"],
)
def test_a_made_up_part_comes_back(tmp_path, kind, device, values, sizes, depths, shares):
    found = calibrate(made_up(tmp_path / "data.csv", device, values, sizes, depths, shares), kind=kind)
    assert {name: each.value for name, each in found.found.items()} == pytest.approx(values, rel=0.02)
    everything = found.groups[-1]
    assert everything.held.points == pytest.approx(len(found.data.rows) / 3, abs=1)
    assert everything.used.points + everything.held.points == len(found.data.rows)
    assert everything.held.mean < 0.01
    assert found.strange == ()


def test_the_same_data_give_the_same_entry(tmp_path):
    path = made_up(tmp_path / "data.csv", Device("cxl", 64, full=True), CXL, [64, 2**20], [1, 16], [1.0, 0.0])
    assert entry(calibrate(path, kind="cxl")) == entry(calibrate(path, kind="cxl"))


def test_the_entry_can_be_measured_again(tmp_path):
    data = made_up(tmp_path / "data.csv", Device("flash", 4096), FLASH, [4096, 2**20], [1, 16], [1.0])
    found = calibrate(data, name="my-drive", kind="flash")
    path = tmp_path / "my_drive.yaml"
    path.write_text(entry(found))
    again = measure(str(path), sizes=[4096, 2**20], depths=[1, 16], shares=[1.0])
    measured = {(row.size_bytes, row.queue_depth): row.bandwidth_bytes_per_s for row in found.data.rows}
    for point in again.points:
        assert point.bandwidth_bytes_per_s == pytest.approx(measured[point.size_bytes, point.queue_depth], rel=0.03)
    assert found.data.sha256 in path.read_text()
    assert "write_bandwidth" not in path.read_text().split("figures:")[1]
    assert "only reads are measured" in again.notes[0]


def test_what_the_points_leave_open_is_left_out(tmp_path):
    """64 B at depth 1 say nothing of the bandwidth, and no point is of writes, of a mix, or beside a background."""
    rows = [{"size_bytes": size, "queue_depth": 1, "read_share": 1, "latency": f"{ns} ns"} for size, ns in
            ((64, 100.1), (64, 99.9), (128, 100.05), (128, 100.0))]  # fmt: skip
    found = calibrate(written(tmp_path / "data.csv", rows), kind="ddr")
    assert set(found.found) == {"read_latency"}
    assert found.found["read_latency"].value == pytest.approx(100_000, rel=0.01)
    assert {"read_bandwidth", "write_latency", "write_bandwidth", "turnaround", "rise"} <= set(found.vague)
    assert "leave it open" in found.vague["read_bandwidth"]
    assert found.vague["write_latency"] == "no point that is fitted is of writes alone"


def test_few_points_are_all_used(tmp_path):
    rows = [{"size": f"{size} B", "queue_depth": 1, "read_share": 1, "latency": f"{80 + size / 5000} us"} for size in
            (4096, 65536, 262144, 1048576)]  # fmt: skip
    found = calibrate(written(tmp_path / "data.csv", rows))
    assert found.device.kind == "flash"
    assert found.groups[-1].held is None
    assert found.found["read_latency"].value == pytest.approx(80e6, rel=0.02)
    assert found.found["read_bandwidth"].value == pytest.approx(5e9, rel=0.02)


def test_a_point_in_another_unit_is_named(tmp_path):
    rows = [{"size_bytes": size, "queue_depth": 1, "read_share": 1, "bandwidth_bytes_per_s": size / (8e-5 + size / 5e9)}
            for size in (4096, 8192, 16384, 65536, 131072, 262144, 524288, 1048576)]  # fmt: skip
    rows[3]["bandwidth_bytes_per_s"] /= 1000
    assert calibrate(written(tmp_path / "data.csv", rows), kind="flash").strange == (5,)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("flahs", "did you mean `flash`?"), ("pcie", "does not suit data.csv, which has a column read_share, of tiers")],
)
def test_a_kind_must_suit_the_data(tmp_path, kind, words):
    rows = [{"size_bytes": 64, "queue_depth": 1, "read_share": 1, "latency_s": 1e-7}] * 2
    with pytest.raises(ConfigError) as caught:
        calibrate(written(tmp_path / "data.csv", rows), kind=kind)
    assert words in str(caught.value)


@real
def test_a_simulated_drive_is_met(tmp_path):
    """MQSim's grid of random reads: 2 % is asked at depth 1 up to 1 MiB, 15 % elsewhere; a third is held out."""
    rows = []
    for point in POINTS:
        if point["curve"] == "ssd_random_read_sim" and point["device"] == "MQSim Gen4-like 16ch":
            size, depth = int(point["x"]), int(re.match(r"QD (\d+)", point["detail"])[1])
            accuracy = 0.02 if depth == 1 and size <= 2**20 else 0.15
            rows.append({"size_bytes": size, "queue_depth": depth, "read_share": 1, "bandwidth": f"{point['y']} GB/s",
                         "accuracy": accuracy})  # fmt: skip
    found = calibrate(written(tmp_path / "data.csv", rows), kind="flash")
    assert found.found["read_latency"].value == pytest.approx(45.4e6, rel=0.02)
    assert found.found["read_bandwidth"].value == pytest.approx(6.68e9, rel=0.03)
    assert 60 < found.found["dies"].value < 110
    held = found.groups[-1].held
    assert held.points == 11
    assert held.largest < 0.15
    assert held.mean < 0.05


@real
def test_a_measured_loaded_latency_is_met(tmp_path):
    rows = [
        {"size": "64 B", "queue_depth": 1, "read_share": 1, "latency_ns": p["y"], "background_gb_s": p["x"]}
        for p in POINTS
        if p["curve"] == "loaded_latency" and p["device"].startswith("Graviton3") and p["detail"].startswith("100")
    ]
    found = calibrate(written(tmp_path / "data.csv", rows), kind="ddr")
    assert found.found["read_latency"].value == pytest.approx(98e3, rel=0.02)
    assert found.found["rise"].value / found.found["asymptote"].value == pytest.approx(16.2e3, rel=0.1)
    assert found.groups[-1].held.largest < 0.06
