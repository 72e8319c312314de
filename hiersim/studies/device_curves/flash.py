"""Random reads of simulated flash drives by size and queue depth: dies behind a bus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hiersim.machine import Link, Tier
from hiersim.studies.device_curves.curve import Axes, Curve, Line, Point, Role
from hiersim.studies.device_curves.run import GIGA, bandwidth, figures_of, part_of
from hiersim.studies.device_curves.table import Row, Table

FAMILY = "Flash drives"
ALONE, GRID = 0.02, 0.15
"""What is asked at queue depth 1, and of the whole grid."""
LARGEST = 1 << 20
"""Size in bytes up to which the tolerance at queue depth 1 holds."""
FITTED = ("read_latency", "read_bandwidth", "nand.dies")
STATED = ("nand.read", "nand.page", "sharpness")
DEFAULT: dict[str, Any] = {
    "read_latency": "158.7 us",
    "read_bandwidth": "1.376 GB/s",
    "nand": {"dies": 33, "read": "158.7 us"},
}
"""The figures of MQSim's default configuration, in the place of those of the Gen4 drive."""
NOTES = (
    "The least that the largest of the errors can be, each over what is asked of it (2% at queue depth 1 up to 1 MiB,"
    " else 15%); `nand.read` is kept equal to the latency. Of every depth each second point between the smallest and"
    " the largest size is held out. Least squares, without the point of the next note, lead to 45.3 us, 6.56 GB/s"
    " and 93 dies: within 8% everywhere else, and 17% short of that point.",
    "By Little's law bandwidth is depth x size / mean latency. All points keep that within 3% but one: 4 MiB at depth"
    " 32, where MQSim states 7.885 GB/s, and its own mean latency of 18778 us allows 7.15. It is what the fit has to"
    " give way to: the simulator is {0:+.1%} from the bandwidth, and {1:+.1%} from the one that the latency allows.",
    "4 MiB at depth 1 is {2:+.1%} away: MQSim needs 733 us for it, 1.07 times what its smaller accesses lead to. The"
    " 2% hold up to 1 MiB.",
    "The sharpness of 3 is that of the class, chosen before; with 6 the largest error is the same. Between 80"
    " and 112 dies it hardly changes; the middle is taken. A cap on operations,"
    " tried as a fourth parameter, stays without effect (more than 5 M/s) and is left out.",
)


def curves(table: Table) -> Iterator[Curve]:
    """Yield the Gen4 drive, and MQSim's own default."""
    yield _gen4(table)
    yield _default(table)


def depth_of(row: Row) -> int:
    """Return the queue depth of a point."""
    return int(_detail(row, r"QD (\d+)"))


def by_latency(row: Row) -> float:
    """Return the bandwidth in GB/s that the mean latency of a point allows, by Little's law."""
    seconds = float(_detail(row, r"latency ([\d.]+) us")) / 1e6
    return depth_of(row) * row.number / seconds / GIGA


def _detail(row: Row, pattern: str) -> str:
    found = re.search(pattern, row.detail)
    assert found is not None
    return found[1]


def _gen4(table: Table) -> Curve:
    part = part_of("mqsim-gen4")
    rows = table.of("ssd_random_read_sim", "MQSim Gen4", order=lambda row: (depth_of(row), row.number))
    by_depth: dict[int, list[Row]] = {}
    for row in rows:
        by_depth.setdefault(depth_of(row), []).append(row)
    lines = {depth: _points(part, line) for depth, line in by_depth.items()}
    last = by_depth[32][-1]
    found = bandwidth(part, int(last.number), depth_of(last))
    alone = next(point for point in lines[1] if point.x > LARGEST)
    notes = [note.format(found / last.y - 1, found / by_latency(last) - 1, alone.error) for note in NOTES]
    return Curve(
        "mqsim",
        FAMILY,
        "Gen4 drive with 16 channels and 128 dies, MQSim",
        "mqsim-gen4",
        figures_of("mqsim-gen4", FITTED, STATED),
        Axes("size of an access, bytes", "bandwidth, GB/s", log_x=True, log_y=True),
        tuple(Line(f"depth {depth}", tuple(points), _model(part, depth, points)) for depth, points in lines.items()),
        rows[0].source,
        "2% at depth 1 up to 1 MiB, 15% else",
        tuple(notes),
    )


def _points(part: Tier | Link, rows: list[Row]) -> list[Point]:
    """Return the points of a depth; no fit may use every second one of those between two others."""
    inner = range(1, len(rows) - 1)
    return [_point(part, row, "held out" if i in inner and i % 2 == 1 else "fitted") for i, row in enumerate(rows)]


def _point(part: Tier | Link, row: Row, role: Role) -> Point:
    depth, size = depth_of(row), int(row.number)
    return Point(size, row.y, bandwidth(part, size, depth), role, ALONE if depth == 1 and size <= LARGEST else GRID)


def _model(part: Tier | Link, depth: int, points: list[Point]) -> tuple[tuple[float, float], ...]:
    """Return simulated points over the sizes of a depth; around the only one where there is one."""
    low, high = int(points[0].x), int(points[-1].x)
    sizes = [low << i for i in range((high // low).bit_length())]
    return tuple((size, bandwidth(part, size, depth)) for size in sizes) if len(sizes) > 1 else ()


def _default(table: Table) -> Curve:
    part = part_of("mqsim-gen4", DEFAULT)
    rows = table.of("ssd_random_read_sim", "MQSim default", order=lambda row: (depth_of(row), row.number))
    points = tuple(
        Point(i, row.y, bandwidth(part, int(row.number), depth_of(row)), "fitted", None, _name(row))
        for i, row in enumerate(rows)
    )
    return Curve(
        "mqsim-default",
        FAMILY,
        "Drive of MQSim's own default configuration",
        "mqsim-gen4",
        figures_of("mqsim-gen4", FITTED, STATED, DEFAULT),
        Axes("", "bandwidth, GB/s"),
        (Line("random reads", points),),
        rows[0].source,
        "",
        ("As many parameters as points: the fit is no test of the model, only that it has room for such a drive.",),
    )


def _name(row: Row) -> str:
    return f"{int(row.number) >> 10} KiB, depth {depth_of(row)}"
