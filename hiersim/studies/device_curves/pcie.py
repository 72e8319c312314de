"""PCI Express: the packet model by size and direction, and copies that were measured on GPUs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hiersim.studies.device_curves.curve import Axes, Curve, Line, Point
from hiersim.studies.device_curves.run import bandwidth, figures_of, part_of, spread
from hiersim.studies.device_curves.table import Row, Table

FAMILY = "PCI Express"
PACKETS = (
    "packets.max_payload",
    "packets.completion_header",
    "packets.write_header",
    "packets.read_request",
    "packets.request_header",
)
WIRE = {"latency": "0 ns", "overhead": "0 ns", "engines": None}
"""The packet model counts bytes on the wire, and knows neither latency nor a number of transfers outstanding."""
READ, WRITE, BOTH = 0.0, 1.0, 0.5
"""Share of forward transfers: the device reads host memory backward, and writes it forward."""
DEPTH = 32
LARGE = 512 << 20
"""Bytes of the copies that were measured."""
MODEL = {"read": READ, "write": WRITE, "both directions": BOTH}

MEASURED = (  # device in the table, part, share of forward transfers, tolerance
    ("V100 Gen3", "pcie3-x16", READ, None),
    ("A100 Gen4 H2D SM", "pcie4-x16", READ, None),
    ("A6000 Gen4 P2P", "pcie4-x16", READ, 0.02),
    ("H100 Gen5 D2H", "pcie5-x16", WRITE, 0.02),
    ("H100 Gen5 H2D", "pcie5-x16", READ, None),
)
NOTES = (
    "No parameter is fitted: raw rate and headers are those of the standard and of the packet model. A read of host"
    " memory by the device is a completion (20 B for 256 B), a write a posted packet (24 B).",
    "The V100 and the A100 stay below what their links let through; the A100's kernel copy falls to 18.05 and 16.5 GB/s"
    " at 10 and 20 GiB, which is not the link's doing. The H100's kernel that reads host memory keeps too few reads in"
    " flight (35.2 GB/s); a run that states its `engines` or its sizes shows that, a link alone does not. None of these"
    " three is judged.",
)


def curves(table: Table) -> Iterator[Curve]:
    """Yield the packet model, and the measured copies."""
    yield _model(table)
    yield _measured(table)


def _model(table: Table) -> Curve:
    rows = table.of("pcie_bw_vs_size", "PCIe 5.0 x16")
    part = part_of("pcie5-x16", WIRE)

    def at(size: int, share: float) -> float:
        return bandwidth(part, size, DEPTH, share) * (0.5 if share == BOTH else 1.0)

    lines = []
    for name, share in MODEL.items():
        points = tuple(Point(row.number, _stated(row, name), at(int(row.number), share), "free", 0.005) for row in rows)
        sizes = [round(size / 4) * 4 for size in spread(64, 512, 60, log=True)]
        label = f"{name}, each" if share == BOTH else name
        lines.append(Line(label, points, tuple((size, at(size, share)) for size in sizes)))
    return Curve(
        "pcie5-model",
        FAMILY,
        "PCIe 5.0 x16, packet model of pcie-bench",
        "pcie5-x16",
        figures_of("pcie5-x16", (), ("bandwidth", "efficiency", *PACKETS)),
        Axes("size of an access, bytes", "bandwidth, GB/s", log_x=True),
        tuple(lines),
        rows[0].source,
        "0.5%",
        (
            "Latency, launch overhead and the number of engines are taken out: the packet model is of bytes on the"
            " wire.",
        ),
    )


def _stated(row: Row, name: str) -> float:
    """Return the GB/s of a direction; those of writes and of both together stand in the detail."""
    if name == "read":
        return row.y
    found = re.search(rf"{name} ([\d.]+)", row.detail)
    assert found is not None
    return float(found[1])


def _measured(table: Table) -> Curve:
    points = []
    for i, (device, name, share, tolerance) in enumerate(MEASURED):
        row = table.of("pcie_measured", device)[0]
        found = bandwidth(part_of(name), LARGE, 1, share)
        points.append(Point(i, row.y, found, "free" if tolerance else "beyond", tolerance, row.device))
    return Curve(
        "pcie-measured",
        FAMILY,
        "Copies between GPUs and host memory",
        "pcie3-x16, pcie4-x16, pcie5-x16",
        figures_of("pcie5-x16", (), ("bandwidth", "efficiency", *PACKETS, "latency", "overhead")),
        Axes("", "bandwidth, GB/s"),
        (Line("copies of 512 MiB", tuple(points)),),
        table.of("pcie_measured", "A6000")[0].source,
        "2% (A6000, H100 device to host)",
        NOTES,
    )
