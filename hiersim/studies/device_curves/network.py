"""Bandwidth of a group of network adapters by the size of a transfer: a cap on operations and one on bytes."""

from __future__ import annotations

from collections.abc import Iterator

from hiersim.studies.device_curves.curve import Axes, Curve, Line, Point
from hiersim.studies.device_curves.run import bandwidth, figures_of, part_of, spread
from hiersim.studies.device_curves.table import Table, held_out

PART = "efa-16x200g"
GIVEN = {"latency": "0 ns"}
"""The source states no latency, and measured with many transfers outstanding."""
DEPTH = 64
TOLERANCE = 0.05
DIRECTIONS = {"write": 1.0, "read": 0.0}
"""Share of forward transfers of each detail."""
NOTES = (
    "Writes determine the operation rate, the bandwidth of their direction and the sharpness of the bend; of the"
    " reads only the bandwidth of the other direction is fitted.",
    "The reads are reported apart. They carry noise that no curve of this kind follows: from 64 to 128 KiB they rise by"
    " 2.10 (no operation rate gives more than 2), and at 256 KiB, 512 KiB and 1 MiB they go 296, 289, 301 GB/s, so that"
    " a rising curve misses one of these by at least 1.2%. With the operation rate of the writes the worst is"
    " {0:+.1%}; a rate of its own for the reads would leave {1:.1%} at best between the first two points alone.",
)


def curves(table: Table) -> Iterator[Curve]:
    """Yield the curve of writes and reads."""
    part = part_of(PART, GIVEN)
    every = {way: table.of("link_bw_vs_size", "EFA", way) for way in DIRECTIONS}
    total = sum(map(len, every.values()))
    lines = []
    for way, share in DIRECTIONS.items():
        rows = every[way]
        points = tuple(
            Point(
                row.number,
                row.y,
                bandwidth(part, int(row.number), DEPTH, share),
                "held out" if held else "fitted",
                TOLERANCE if way == "write" else None,
            )
            for row, held in zip(rows, held_out(len(rows), total), strict=True)
        )
        sizes = [round(size) for size in spread(rows[0].number, rows[-1].number, 40, log=True)]
        lines.append(Line(f"{way}s", points, tuple((size, bandwidth(part, size, DEPTH, share)) for size in sizes)))
    first, second = (row.y for row in every["read"][:2])
    ratio = second / first / 2
    worst = max((point.error for point in lines[1].points), key=abs)
    yield Curve(
        "efa",
        "Networks",
        "EFA, 16 x 200 Gb/s between GPUs",
        PART,
        figures_of(PART, ("bandwidth", "backward_bandwidth", "ops", "sharpness"), ()),
        Axes("size of a transfer, bytes", "bandwidth, GB/s", log_x=True),
        tuple(lines),
        every["write"][0].source,
        f"{TOLERANCE:.0%} (writes)",
        tuple(note.format(worst, (ratio - 1) / (ratio + 1)) for note in NOTES),
    )
