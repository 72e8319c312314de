"""Bandwidth at mixes of reads and writes: servers' memory, and a CXL expander whose link is full duplex."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hiersim.studies.device_curves.curve import Axes, Curve, Line, Point
from hiersim.studies.device_curves.run import bandwidth, figures_of, part_of, spread
from hiersim.studies.device_curves.table import Table

FAMILY = "Mixes of reads and writes"
SHARES = {"all read": 0.0, "3:1": 1 / 4, "2:1": 1 / 3, "1:1": 1 / 2}
"""Share of the bytes that are written."""
SIZE, DEPTH = 64 << 10, 64
"""Bytes of an access, and how many are outstanding: enough to keep every part of this family busy."""


@dataclass(frozen=True)
class Mix:
    """A curve of mixes; see ``loaded.Loaded`` for the fields."""

    slug: str
    title: str
    device: str
    part: str
    fitted: tuple[str, ...] = ("read_bandwidth", "turnaround")
    tolerance: float = 0.03
    given: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


NO_LATENCY = {"read_latency": "100 ns"}
"""Of systems whose log has no latency; it does not matter for the bandwidth of many accesses."""
MIXES = (
    Mix(
        "cxl-mix",
        "CXL 2.0 x8 expander, 96 GB: reads and writes",
        "CXL",
        "cxl2-x8-expander-96g",
        ("read_bandwidth", "write_bandwidth", "media_bandwidth"),
        0.10,
        notes=(
            "Two directions of 17.8 and 13.6 GB/s before one medium: traffic rises with the share of writes, where"
            " memory on a processor's channels falls. `write_bandwidth` is half of the 1:1 traffic. At 2:1 and 1:1"
            " the simulator is at the medium's limit.",
        ),
    ),
    Mix("graviton2-mix", "Graviton2, 8 x DDR4-3200: reads and writes", "Graviton2", "ddr4-3200-8ch", given=NO_LATENCY),
    Mix(
        "graviton4-mix", "Graviton4, 12 x DDR5-5600: reads and writes", "Graviton4", "ddr5-5600-12ch", given=NO_LATENCY
    ),
    Mix("cascade-lake-mix", "Cascade Lake, 2 x 6 x DDR4-2933: reads and writes", "Cascade Lake", "ddr4-2933-12ch"),
    Mix(
        "xeon-mix",
        "Xeon w3-2423, one channel of DDR5-4400: reads and writes",
        "Xeon",
        "ddr5-4400-1ch",
        tolerance=0.04,
        notes=("The log has 25.1 GB/s both at 3:1 and at 2:1, which no curve of one parameter has.",),
    ),
    Mix("alder-lake-mix", "Alder Lake, two channels of DDR5: reads and writes", "Alder Lake", "ddr5-2ch"),
)


def curves(table: Table) -> Iterator[Curve]:
    """Yield the curves of this family."""
    for spec in MIXES:
        yield _curve(spec, table)


def _curve(spec: Mix, table: Table) -> Curve:
    part = part_of(spec.part, spec.given)
    rows = table.of("rw_mix", spec.device, order=lambda row: SHARES[row.x])

    def at(writes: float) -> float:
        return bandwidth(part, SIZE, DEPTH, 1.0 - writes)

    points = tuple(
        Point(SHARES[row.x], row.y, at(SHARES[row.x]), "fitted", spec.tolerance, f"{row.x} (read:write)")
        for row in rows
    )
    model = tuple((writes, at(writes)) for writes in spread(0.0, 0.5, 31))
    asked = f"{spec.tolerance:.0%}" + (" and rising with the share of writes" if spec.slug == "cxl-mix" else "")
    axes = Axes("share of bytes written", "traffic, GB/s")
    figures = figures_of(spec.part, spec.fitted, ())
    line = Line("traffic", points, model)
    return Curve(spec.slug, FAMILY, spec.title, spec.part, figures, axes, (line,), rows[0].source, asked, spec.notes)
