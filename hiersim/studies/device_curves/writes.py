"""Write amplification by spare bytes: uniform random page writes into a drive that cleans greedily."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hiersim.api.measure_rig import ROOM, rig_of
from hiersim.machine import Tier
from hiersim.machine.effects import Nand
from hiersim.studies.device_curves.curve import Axes, Curve, Figure, Line, Point
from hiersim.studies.device_curves.run import spread
from hiersim.studies.device_curves.table import Table
from hiersim.traces.access import AccessTrace

PAGE, BLOCK = 4096, 64
"""Bytes of a page and of a write, and pages of an erase block in the table's own simulation."""
WRITES = 64
TOLERANCE = 0.03


def curves(table: Table) -> Iterator[Curve]:
    """Yield the curve of write amplification."""
    rows = table.of("waf", " uniform random page writes")
    points = tuple(Point(row.number, row.y, amplified(row.number), "free", TOLERANCE) for row in rows)
    model = tuple((spare, amplified(spare)) for spare in spread(rows[0].number, rows[-1].number, 60))
    figures = (Figure("nand.over_provisioning", "spare / (1 - spare)", False),)
    small = amplified(rows[0].number, BLOCK * PAGE)
    yield Curve(
        "write-amplification",
        "Flash drives",
        "Write amplification of uniform random page writes",
        "a drive with the stated spare bytes",
        figures,
        Axes("spare share of the physical bytes", "bytes programmed / bytes written", log_y=True),
        (Line("greedy cleaning", points, model),),
        rows[0].source,
        f"{TOLERANCE:.0%}",
        (
            "No parameter is fitted. The table counts spare bytes of the physical ones (s); the catalogue's"
            " `over_provisioning` is of the bytes that the host sees, s / (1 - s). The simulated value is what a run of"
            " writes programs over what it writes.",
            "Erase blocks are taken to hold very many pages. The table's own simulation has 512 blocks of 64 pages; an"
            f" `erase_block` of 64 pages gives {small:.2f} at 7% ({small / rows[0].y - 1:+.0%}), so the closed form for"
            " small blocks undershoots here: it knows no blocks that are kept free, which take of the spare bytes.",
        ),
    )


def amplified(spare: float, erase_block: int | None = None) -> float:
    """Return bytes programmed per byte written in a run of page writes.

    Args:
        spare: spare bytes as a share of the physical ones.
        erase_block: bytes erased together; very many when absent.
    """
    nand = Nand(dies=8, page=PAGE, read=1, program=1, over_provisioning=spare / (1.0 - spare), erase_block=erase_block)
    drive = Tier(
        kind="flash", capacity=ROOM, read_bandwidth=1e9, write_bandwidth=1e9, read_latency=0, write_latency=0, nand=nand
    )
    columns = {"write": np.ones(WRITES, np.uint8)}
    result = rig_of(drive).run(AccessTrace.build(np.zeros(WRITES, np.int32), [PAGE], columns), 1)
    return result.tiers["part"].programmed_bytes / result.tiers["part"].written_total
