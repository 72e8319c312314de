"""Loaded latency: how much longer a transfer's latency is while the part is busy."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hiersim.machine.record import Sourced
from hiersim.units import Picoseconds


class LoadedLatency(Sourced):
    """Latency under load, L0 + (rise + mixed_rise x w) x rho / (1 - rho), as a queue with random arrivals has it.

    rho is the load over ``asymptote`` (the load is 1 at the part's bandwidth), w the share of the direction with fewer
    bytes. Fits seven measured curves within 5 % below their cap (M/D/1 shape; Mess benchmark data, MICRO 2024).
    """

    rise: Picoseconds
    """Added when rho is 1/2 and all traffic is of one direction, in picoseconds."""
    mixed_rise: Picoseconds = 0
    """Added to ``rise`` per unit of the minority direction's share (0 to 0.5), in picoseconds."""
    asymptote: Annotated[float, Field(gt=1, le=10)]
    """Load at which the formula grows without bound, as a multiple of the bandwidth: more than 1."""
