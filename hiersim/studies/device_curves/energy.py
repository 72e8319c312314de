"""Energy of DRAM by the size of random chunks: row activations that small chunks pay and streams share."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hiersim.api.measure_rig import energy_pj_per_bit, rig_of
from hiersim.machine import Tier
from hiersim.studies.device_curves.curve import Axes, Curve, Line, Point, Role
from hiersim.studies.device_curves.memory import STREAM, writes_of
from hiersim.studies.device_curves.run import GIGA, figures_of, part_of
from hiersim.studies.device_curves.table import Row, Table

PART = "ddr4-3200-1ch"
GIVEN = {"read_energy": "8.9 pJ/bit", "write_energy": "8.9 pJ/bit"}
"""DRAMsim3 counts the core without I/O, of which the catalogue's 11 pJ/bit hold 2."""
DEVICE = "DRAMsim3 DDR4_8Gb_x8_3200_channels1_address"
UNKNOWN = 1024
"""Bytes of the chunks of which this address map opens as many rows as of 64 B, which one ``visit`` does not say."""


def curves(table: Table) -> Iterator[Curve]:
    """Yield the curve of energies."""
    part = part_of(PART, GIVEN)
    assert isinstance(part, Tier)
    rows = [row for row in table.of("chunk_size_sim", DEVICE) if not writes_of(row)]
    points = tuple(_point(part, row) for row in rows)
    paths = ("activation.energy", "activation.visit", "activation.row", "activation.banks")
    yield Curve(
        "dramsim3-energy",
        "DRAM in cycle simulators",
        "Energy of DDR4-3200 reads, DRAMsim3",
        PART,
        figures_of(PART, (), (*paths, "read_energy", "background_power"), GIVEN),
        Axes("bytes of a random chunk (1 MiB: sequential)", "energy, pJ/bit", log_x=True),
        (Line("reads", points),),
        rows[0].source,
        "",
        (
            "Background power is shared by the traffic that DRAMsim3 reached at each point (20.6 to 24.2 GB/s)."
            " Energy and background are DRAMsim3's own figures, the activation its 6.7 nJ; `visit`, `row` and `banks`"
            " describe the address map of the part. Chunks of 1 KiB are not covered: under this map they open as many"
            " rows per byte as 64 B do (34.5 pJ/bit), which one `visit` for all sizes does not say.",
        ),
    )


def _point(part: Tier, row: Row) -> Point:
    size = min(row.number, STREAM)
    role: Role = "beyond" if size == UNKNOWN else "free"
    return Point(size, stated(row), per_bit(part, row), role, None, "sequential" if size == STREAM else "")


def stated(row: Row) -> float:
    """Return the pJ/bit of a point."""
    found = re.search(r"([\d.]+) pJ/bit", row.detail)
    assert found is not None
    return float(found[1])


def per_bit(part: Tier, row: Row) -> float:
    """Return the simulated pJ/bit of reads of a size, the background power shared by the traffic that was measured."""
    moving = energy_pj_per_bit(rig_of(part), int(min(row.number, STREAM)), 1.0)
    assert moving is not None
    return moving + (part.background_power or 0.0) / (row.y * GIGA * 8.0) * 1e12
