"""Every measured curve of the table of devices, and what the simulator says at its points.

    from hiersim.studies.device_curves import curves_of, read_table
    for curve in curves_of(read_table("devices_curves.csv")):
        print(curve.title, curve.holds)

The parts and their parameters are in the catalogue. What is simulated runs in the simulator; no curve is read back.
``python -m hiersim.studies.device_curves TABLE FOLDER`` writes the page of all curves with its pictures.
"""

from __future__ import annotations

from hiersim.studies.device_curves import drives, energy, flash, loaded, memory, mixes, network, pcie, striping, writes
from hiersim.studies.device_curves.curve import Curve, Figure, Line, Point, mean_error, worst_error
from hiersim.studies.device_curves.table import Table, read_table

FAMILIES = (loaded, mixes, network, pcie, flash, drives, striping, writes, memory, energy)
"""In the order of the page; each has ``curves(table)``."""

__all__ = ["Curve", "Figure", "Line", "Point", "Table", "curves_of", "mean_error", "read_table", "worst_error"]


def curves_of(table: Table) -> list[Curve]:
    """Run every curve of a table.

    Raises:
        ConfigError: the table lacks a curve.
    """
    return [curve for family in FAMILIES for curve in family.curves(table)]
