"""Measured drives: operations by queue depth, bandwidth by size, and several drives behind one host link."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hiersim.studies.device_curves.curve import Axes, Curve, Line, Point, Role
from hiersim.studies.device_curves.run import GIGA, bandwidth, figures_of, part_of, spread
from hiersim.studies.device_curves.table import Table

FAMILY = "Flash drives"
PAGE = 4096
CHUNK = round(3.9 * (1 << 20))
"""Bytes of the reads of the M3 Max."""


@dataclass(frozen=True)
class Drive:
    """A curve of operations by queue depth; see ``loaded.Loaded`` for the fields."""

    slug: str
    title: str
    device: str
    part: str
    fitted: tuple[str, ...]
    stated: tuple[str, ...] = ()
    tolerance: float | None = 0.10
    given: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


NO_BUS = {"read_bandwidth": "1 TB/s"}
"""Of drives whose source states no bandwidth: none that binds."""
DIES = ("read_latency", "nand.dies")
DRIVES = (
    Drive(
        "p4800x",
        "Optane P4800X, 4 KiB random reads",
        "Optane P4800X",
        "p4800x-375g",
        ("read_latency",),
        ("read_bandwidth",),
        notes=(
            "At depth 16 the stated bandwidth of 2.4 GB/s binds, and no parameter is fitted to it. (The source's own"
            " 584.8 k operations/s and 25.5 us are 14.9 outstanding, not 16.)",
        ),
    ),
    Drive(
        "p3700",
        "P3700, 4 KiB random reads",
        "Intel P3700",
        "p3700-800g",
        DIES,
        ("nand.read",),
        given=NO_BUS,
        notes=("Dies follow from the latencies at both depths, 77.9 and 93.9 us; the operations are not used.",),
    ),
    Drive(
        "micron-9100",
        "Micron 9100 MAX, 4 KiB random reads",
        "Micron 9100 MAX",
        "micron-9100-max",
        DIES,
        ("nand.read",),
        given=NO_BUS,
        notes=("As the P3700: dies follow from the latencies at both depths, 107.7 and 116.2 us.",),
    ),
)


def curves(table: Table) -> Iterator[Curve]:
    """Yield the curves by depth, then those by size."""
    for spec in DRIVES:
        yield _by_depth(spec, table)
    yield _firecuda(table)
    yield _m3_max(table)


def _by_depth(spec: Drive, table: Table) -> Curve:
    part = part_of(spec.part, spec.given)
    rows = table.of("ssd_qd", spec.device)

    def at(depth: int) -> float:
        return bandwidth(part, PAGE, depth) * GIGA / PAGE / 1e3

    roles: list[Role] = ["fitted", "free" if spec.slug == "p4800x" else "fitted"]
    points = tuple(
        Point(row.number, row.y, at(int(row.number)), role, spec.tolerance)
        for row, role in zip(rows, roles, strict=True)
    )
    return Curve(
        spec.slug,
        FAMILY,
        spec.title,
        spec.part,
        figures_of(spec.part, spec.fitted, spec.stated, spec.given),
        Axes("queue depth", "thousand operations/s", log_x=True),
        (Line("4 KiB", points, tuple((depth, at(depth)) for depth in range(1, 17))),),
        rows[0].source,
        f"{spec.tolerance:.0%}",
        spec.notes,
    )


def _firecuda(table: Table) -> Curve:
    given = {"read_latency": "45 us"}
    part = part_of("firecuda-530", given)
    rows = table.of("ssd_bw_vs_size", "FireCuda")
    roles: list[Role] = ["fitted", "free"]
    points = tuple(
        Point(row.number, row.y, bandwidth(part, int(row.number), 128), role)
        for row, role in zip(rows, roles, strict=True)
    )
    sizes = [round(size) for size in spread(4096, 8192, 9, log=True)]
    return Curve(
        "firecuda-530",
        FAMILY,
        "FireCuda 530, random reads at a high depth",
        "firecuda-530",
        figures_of("firecuda-530", ("read_ops",), ("read_bandwidth", "sharpness", "read_latency"), given),
        Axes("size of an access, bytes", "bandwidth, GB/s", log_x=True),
        (Line("depth 128", points, tuple((size, bandwidth(part, size, 128)) for size in sizes)),),
        rows[0].source,
        "",
        (
            "The drive nearly doubles its bandwidth from 4 to 8 KiB, right up to where its bus begins: it bends more"
            " sharply than the `sharpness` of 3 that suits the MQSim grid. The latency is that of the class.",
        ),
    )


def _m3_max(table: Table) -> Curve:
    given = {"read_latency": "165 us", "read_bandwidth": "5.5 GB/s"}
    part = part_of("m3-max-ssd", given)
    depths = {"sequential cold QD1 3.9 MiB": 1, "parallel cold QD4 3.9 MiB": 4, "sequential read": 4}
    rows = {row.x: row for row in table.of("ssd_bw_vs_size", "Apple M3 Max")}
    points = []
    for i, (name, depth) in enumerate(depths.items()):
        role: Role = "beyond" if name == "sequential read" else "fitted"
        points.append(Point(i, rows[name].y, bandwidth(part, CHUNK, depth), role, None, name))
    return Curve(
        "m3-max-ssd",
        FAMILY,
        "Apple M3 Max internal drive",
        "m3-max-ssd",
        figures_of("m3-max-ssd", ("read_latency", "read_bandwidth"), (), given),
        Axes("", "bandwidth, GB/s"),
        (Line("reads of 3.9 MiB", tuple(points)),),
        rows["sequential read"].source,
        "",
        (
            "Cold reads of 3.9 MiB need a bandwidth of their own, 5.5 GB/s, and 165 us: as many parameters as points."
            " The 17.5 GB/s of sequential reads, which the catalogue has, are another regime (the system reads"
            " ahead), and one set of figures does not have both. Reads from the system's cache (32.1 GB/s) are DRAM,"
            " and page faults through mmap (0.12 GB/s) are the processor's time: neither is the drive.",
        ),
    )
