"""Bandwidth of cycle-simulated memory by the size of what is accessed at random, and by the share of writes.

From 4 KiB on one efficiency holds for reads, and one turnaround for mixes. Below 512 B rows and banks decide, which the
model does not have: those points are shown and not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hiersim.machine import Link, Tier
from hiersim.studies.device_curves.curve import Axes, Curve, Line, Point, Role
from hiersim.studies.device_curves.run import bandwidth, figures_of, part_of
from hiersim.studies.device_curves.table import Row, Table, held_out

FAMILY = "DRAM in cycle simulators"
LEAST = 512
"""Bytes of a visit to a row from which the model holds."""
CHUNK = 4096
"""Bytes of a chunk from which it is judged."""
STREAM = 1 << 20
"""Bytes of an access that stands for a sequential stream."""
DEPTH = 32
READS = 0.03
"""What is asked of reads of 4 KiB and more."""


@dataclass(frozen=True)
class Memory:
    """A curve of rates; see ``loaded.Loaded`` for the fields.

    Attributes:
        map: how the detail of the points begins that are covered: the address map.
        trained: whether parameters are fitted to this curve, so that a third of it is held out.
    """

    slug: str
    title: str
    curve: str
    device: str
    part: str
    fitted: tuple[str, ...] = ()
    stated: tuple[str, ...] = ("read_bandwidth",)
    map: str = ""
    trained: bool = True
    tolerance: float | None = None
    given: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


VISITS, CHUNKS = "row_locality_sim", "chunk_size_sim"
ONE = {"read_bandwidth": "19.2 GB/s", "write_bandwidth": "19.2 GB/s"}
"""One of the two sub-channels of a DDR5 channel, as it was simulated."""
ONE_OF_TWO = {"read_bandwidth": "28 GB/s", "write_bandwidth": "28 GB/s"}
"""One of the two channels of a GDDR6 chip, as it was simulated."""
STACK = {"read_bandwidth": "32 GB/s", "write_bandwidth": "32 GB/s"}
"""One of the eight channels of a stack."""
ROW = (
    "Of each mix the largest visit counts. The turnaround is fitted to 50% writes; 33% is held out. The efficiency is"
    " that of the reads of 512 B and more."
)
SPREAD = (
    "No parameter is fitted to the mixes of this curve: the turnaround is that of long row hits (above), and all"
    " mixes here are free of any fit. Random chunks of 4 KiB turn around less well than that, chunks of 64 KiB nearly"
    " as well; one figure for a memory does not tell them apart."
)
BAD_MAP = (
    "Only the map that interleaves bank groups (MOP4CLXOR) is modelled. A stream that stays in one bank group gets 0.61"
    " (DDR4) to 0.88 (DDR5) of peak: another efficiency, which a machine may state."
)
DRAMSIM = (
    "No parameter is fitted to this curve: it is another simulator's view of the part that Ramulator's runs describe."
)
MEMORIES = (
    *(
        Memory(f"rows-{slug}", f"{title}, Ramulator 2.1, by bytes per row visit", VISITS, device, part,
               ("efficiency", "turnaround"), given=given, notes=(ROW,))
        for slug, title, device, part, given in (
            ("ddr4", "DDR4-3200 channel", "Ramulator2.1 DDR4", "ddr4-3200-1ch", {}),
            ("ddr5", "DDR5-4800 sub-channel", "Ramulator2.1 DDR5", "ddr5-4800-1ch", ONE),
            ("hbm3", "HBM3-6400 channel", "Ramulator2.1 HBM3", "hbm3-6400-ch", {}),
            ("hbm2", "HBM2-2000 channel", "Ramulator2.1 HBM2", "hbm2-2000-ch", {}),
            ("lpddr5", "LPDDR5-6400 channel", "Ramulator2.1 LPDDR5", "lpddr5-6400-x16", {}),
            ("gddr6", "GDDR6-14000 channel", "Ramulator2.1 GDDR6", "gddr6-14000-chip", ONE_OF_TWO),
        )
    ),
    *(
        Memory(f"chunks-{slug}", f"{title}, Ramulator 2.1, random chunks", CHUNKS, device, part, ("efficiency",),
               ("read_bandwidth", "turnaround"), "MOP4CLXOR", tolerance=READS, given=given, notes=(SPREAD, BAD_MAP))
        for slug, title, device, part, given in (
            ("ddr4", "DDR4-3200 channel", "Ramulator2.1 DDR4", "ddr4-3200-1ch", {}),
            ("ddr5", "DDR5-4800 sub-channel", "Ramulator2.1 DDR5", "ddr5-4800-1ch", ONE),
            ("hbm3", "HBM3-6400 channel", "Ramulator2.1 HBM3", "hbm3-6400-ch", {}),
        )
    ),
    Memory("dramsim3-ddr4", "DDR4-3200 channel, DRAMsim3, bank groups interleaved", CHUNKS,
           "DRAMsim3 DDR4_8Gb_x8_3200_channels1_address", "ddr4-3200-1ch", (),
           ("read_bandwidth", "efficiency", "turnaround"), trained=False,
           notes=(DRAMSIM, "Two ranks and another scheduler: DRAMsim3 loses next to nothing to writes.")),
    Memory("dramsim3-hbm2", "HBM2 channel, DRAMsim3", CHUNKS, "DRAMsim3 HBM2_8Gb_x128_channels1_channel_size1024",
           "hbm2-stack", ("efficiency", "turnaround"), trained=False, given=STACK,
           notes=("Efficiency and turnaround are fitted to the streams; random chunks are in no fit.",)),
    Memory("dramsim3-lpddr4", "LPDDR4-2400 channel, DRAMsim3", CHUNKS, "DRAMsim3 LPDDR4", "lpddr4-2400-ch",
           ("efficiency",), ("read_bandwidth", "turnaround"), trained=False,
           notes=("Writes cost this memory nothing in DRAMsim3, so the turnaround is nil.",)),
)  # fmt: skip


def curves(table: Table) -> Iterator[Curve]:
    """Yield the curves of this family."""
    for spec in MEMORIES:
        yield _curve(spec, table)


def writes_of(row: Row) -> float:
    """Return the share of the accesses that write."""
    reads = re.match(r"(\d+)% reads", row.detail)
    if reads:
        return 1.0 - int(reads[1]) / 100.0
    found = re.search(r"write frac ([\d.]+)", row.detail)
    assert found is not None
    return float(found[1])


def in_order(table: Table, curve: str, device: str) -> list[Row]:
    """Return the points of a memory line after line: by address map, share of writes, and size."""
    rows = [row for row in table.of(curve, device) if row.device == table.of(curve, device)[0].device]
    maps = list(dict.fromkeys(map(_map_of, rows)))
    return sorted(rows, key=lambda row: (maps.index(_map_of(row)), writes_of(row), row.number))


def _map_of(row: Row) -> str:
    """Return the address map of a point, or an empty text where the detail names none."""
    first, semicolon, _ = row.detail.partition("; write frac")
    return first if semicolon else ""


def _curve(spec: Memory, table: Table) -> Curve:
    part = part_of(spec.part, spec.given)
    rows = in_order(table, spec.curve, spec.device)
    lines: dict[float, list[Point]] = {}
    for row, held in zip(rows, held_out(len(rows)), strict=True):
        if row.detail.startswith(spec.map):
            point = _point(spec, part, row, held)
            lines.setdefault(writes_of(row), []).append(point)
    label = "bytes per row visit" if spec.curve == VISITS else "bytes of a random chunk (1 MiB: sequential)"
    return Curve(
        spec.slug,
        FAMILY,
        spec.title,
        spec.part,
        figures_of(spec.part, spec.fitted, spec.stated, spec.given),
        Axes(label, "bandwidth, GB/s", log_x=True),
        tuple(Line(_label(writes), tuple(points), _model(part, points, writes)) for writes, points in lines.items()),
        rows[0].source,
        f"{spec.tolerance:.0%} (reads of 4 KiB and more)" if spec.tolerance else "",
        spec.notes,
    )


def _label(writes: float) -> str:
    return f"{writes:.0%} writes" if writes else "reads alone"


def _share(writes: float) -> float:
    """Return the share of reads; 33% writes are one access in three."""
    return 2 / 3 if abs(writes - 1 / 3) < 0.01 else 1.0 - writes


def _point(spec: Memory, part: Tier | Link, row: Row, held: bool) -> Point:
    size, writes = min(row.number, STREAM), writes_of(row)
    simulated = bandwidth(part, int(size), DEPTH, _share(writes))
    tolerance = spec.tolerance if size >= CHUNK and not writes else None
    return Point(size, row.y, simulated, _role(spec, row, held), tolerance, "sequential" if size == STREAM else "")


def _role(spec: Memory, row: Row, held: bool) -> Role:
    """Say what a point is used for: of mixes only where a turnaround is fitted, at the largest visit or streaming."""
    if row.number < (LEAST if spec.curve == VISITS else CHUNK):
        return "beyond"
    if not spec.fitted or (writes_of(row) and "turnaround" not in spec.fitted):
        return "free"
    if held and spec.trained:
        return "held out"
    if spec.curve == CHUNKS:
        return "fitted" if row.number >= (CHUNK if spec.trained else STREAM) else "free"
    return "fitted"


def _model(part: Tier | Link, points: list[Point], writes: float) -> tuple[tuple[float, float], ...]:
    low, high = int(points[0].x), int(points[-1].x)
    sizes = [low << i for i in range((high // low).bit_length())]
    return tuple((size, bandwidth(part, size, DEPTH, _share(writes))) for size in sizes)
