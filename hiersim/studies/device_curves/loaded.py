"""Latency of memory under load: measured systems, a manufacturer's model, and cycle simulations.

The load is traffic of others; what is measured is the latency of one cache line read beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hiersim.api.measure_load import most_traffic
from hiersim.machine import Link, Tier
from hiersim.studies.device_curves.curve import Axes, Curve, Line, Point, Role
from hiersim.studies.device_curves.run import GIGA, figures_of, loaded, part_of, spread
from hiersim.studies.device_curves.table import Row, Table, held_out

FIT = 0.97
"""Points up to this share of the cap may be used in a fit; above it they are shown only."""
JUDGED = 0.95
"""Points up to this share of the cap are judged."""
FAMILY = "Latency under load"


@dataclass(frozen=True)
class Loaded:
    """A curve of latencies.

    Attributes:
        lines: how the detail of each line begins, and its share of reads as the simulator is told it.
        fitted, stated: parameters, see ``run.figures_of``.
        given: figures of the part that this curve states otherwise.
        tolerance: what is asked of the points below ``JUDGED``, as a share.
    """

    slug: str
    title: str
    curve: str
    device: str
    part: str
    lines: tuple[tuple[str, float], ...]
    fitted: tuple[str, ...]
    stated: tuple[str, ...]
    given: dict[str, Any] = field(default_factory=dict)
    tolerance: float | None = None
    notes: tuple[str, ...] = ()


MESS = ("loaded_latency.rise", "loaded_latency.asymptote")
MIXED = ("loaded_latency.rise", "loaded_latency.mixed_rise", "loaded_latency.asymptote")
RAMULATOR = (
    "The simulated controllers answer an idle read in 45 ns and one of a small load in 53 ns, and from there latency"
    " hardly grows up to 0.9 of the cap. That is not the shape of the formula: a free `asymptote` runs away to many"
    " times the cap, so it is given (2), and the model shows nothing of what happens at the cap.",
)
LOADED = (
    Loaded(
        "graviton3",
        "Graviton3, 8 x DDR5-4800",
        "loaded_latency",
        "Graviton3",
        "ddr5-4800-8ch",
        (("100% reads", 1.0), ("58% reads", 0.58)),
        (*MIXED, "turnaround"),
        ("read_bandwidth", "efficiency", "read_latency"),
        tolerance=0.06,
        notes=(
            "Both lines are one part, with one asymptote. The caps are the highest points that may be used: 283.2"
            " GB/s of reads (bandwidth x efficiency), and 249.1 GB/s at 58% reads, which is where `turnaround` is"
            " from. Idle latency is that of the lowest loads.",
            "At the cap the simulated latency is {0:.1f} times the idle one with reads alone and {1:.1f} times at 58%"
            " reads, where 3.1 and 4.9 times were measured. That rise follows from the fit below the cap; the points"
            " there are in no fit, and the model has a cap where the measured curve turns upwards.",
        ),
    ),
    Loaded(
        "a64fx",
        "A64FX, 4 x HBM2",
        "loaded_latency",
        "A64FX",
        "a64fx-hbm2",
        (("100% reads", 1.0),),
        MESS,
        ("read_bandwidth", "read_latency"),
        notes=("The highest point, 942.6 GB/s, is stated by the source as the cap; no latency of it is used.",),
    ),
    Loaded(
        "cxl-x8-90",
        "CXL 2.0 x8 memory, manufacturer's model, 90% reads",
        "loaded_latency",
        "CXL x8",
        "cxl2-x8-mess",
        (("90% reads", 1.0),),
        MESS,
        ("backward_bandwidth", "latency"),
        given={"bandwidth": "29.5 GB/s"},
        notes=("Modelled as one stream of traffic over a link, its memory included; the cap is that of the source.",),
    ),
    Loaded(
        "cxl-x8-58",
        "CXL 2.0 x8 memory, manufacturer's model, 58% reads",
        "loaded_latency",
        "CXL x8",
        "cxl2-x8-mess-58",
        (("58% reads", 1.0),),
        MESS,
        ("bandwidth", "latency"),
        notes=(
            "A part of its own: the two mixes end at 29.5 and 43.6 GB/s, and their latencies rise differently. Two"
            " directions explain the caps, but a link's latency knows no mix.",
        ),
    ),
    Loaded(
        "xeon",
        "Xeon w3-2423, one channel of DDR5-4400",
        "loaded_latency",
        "Xeon",
        "ddr5-4400-1ch",
        (("100% reads", 1.0),),
        ("read_latency", "loaded_latency.rise"),
        ("read_bandwidth", "loaded_latency.asymptote"),
        given={"read_latency": "110.3 ns"},
        notes=(
            "The log has no point between half the cap and 0.98 of it, so the bend is not in the data that may be"
            " used: `asymptote` is that of the Graviton3. Idle latency is fitted to this curve; the log's own idle"
            " test, which is in the catalogue, says 106.3 ns.",
        ),
    ),
    Loaded(
        "alder-lake",
        "Alder Lake, two channels of DDR5",
        "loaded_latency",
        "Alder Lake",
        "ddr5-2ch",
        (("100% reads", 1.0),),
        ("read_latency", *MESS),
        ("read_bandwidth",),
        given={"read_latency": "86 ns"},
        notes=(
            "Idle latency is fitted to this curve; the log's own idle test, which is in the catalogue, says 88.9 ns."
            " The log has 158.7 ns at 53.7 GB/s and 158.2 ns at 54.5: its own noise there.",
        ),
    ),
    Loaded(
        "ramulator-ddr5-load",
        "DDR5-4800 sub-channel, Ramulator 2.1",
        "loaded_latency_sim",
        "Ramulator2.1 DDR5",
        "ddr5-4800-sub",
        (("100% reads", 1.0), ("67% reads", 0.67), ("50% reads", 0.5)),
        MIXED[:2],
        ("loaded_latency.asymptote", "read_bandwidth", "efficiency", "turnaround", "read_latency"),
        notes=RAMULATOR,
    ),
    Loaded(
        "ramulator-hbm3-load",
        "HBM3-6400 channel, Ramulator 2.1",
        "loaded_latency_sim",
        "Ramulator2.1 HBM3",
        "hbm3-6400-load",
        (("100% reads", 1.0), ("67% reads", 0.67), ("50% reads", 0.5)),
        MIXED[:2],
        ("loaded_latency.asymptote", "read_bandwidth", "efficiency", "turnaround", "read_latency"),
        notes=(
            *RAMULATOR,
            "At 67 and 50% reads these runs reach more (38.5 and 37.1 GB/s) than the saturated runs of the same memory,"
            " which `turnaround` is from (35.2 and 30.2): their latency is far up by then.",
        ),
    ),
)


def curves(table: Table) -> Iterator[Curve]:
    """Yield the curves of this family."""
    for spec in LOADED:
        yield _curve(spec, table)


def _curve(spec: Loaded, table: Table) -> Curve:
    part = part_of(spec.part, spec.given)
    every = {detail: table.of(spec.curve, spec.device, detail) for detail, _ in spec.lines}
    total = sum(map(len, every.values()))
    lines = tuple(_line(spec, part, detail, share, every[detail], total) for detail, share in spec.lines)
    rises = [line.model[-1][1] / line.model[0][1] for line in lines]
    asked = f"{spec.tolerance:.0%} below {JUDGED} of the cap" if spec.tolerance else ""
    return Curve(
        spec.slug,
        FAMILY,
        spec.title,
        spec.part,
        figures_of(spec.part, spec.fitted, spec.stated, spec.given),
        Axes("traffic, GB/s", "latency of a read, ns"),
        lines,
        every[spec.lines[0][0]][0].source,
        asked,
        tuple(note.format(*rises) for note in spec.notes),
    )


def _line(spec: Loaded, part: Tier | Link, detail: str, share: float, rows: list[Row], total: int) -> Line:
    held = held_out(len(rows), total)
    highest = max(row.number for row, out in zip(rows, held, strict=True) if not out)
    cap = min(highest, most_traffic(part, share) / GIGA)
    points = []
    for row, out in zip(rows, held, strict=True):
        role: Role = "beyond" if row.number >= FIT * cap else "held out" if out else "fitted"
        tolerance = spec.tolerance if row.number < JUDGED * cap else None
        points.append(Point(row.number, row.y, loaded(part, row.number, share), role, tolerance))
    xs = spread(rows[0].number, cap, 80)
    return Line(detail, tuple(points), tuple((x, loaded(part, x, share)) for x in xs))
