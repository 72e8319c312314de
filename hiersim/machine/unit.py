"""A unit: something that computes, attached to a tier."""

from __future__ import annotations

from typing import Literal

from hiersim.machine.kernels import Kernels
from hiersim.machine.record import Name, Part
from hiersim.machine.tier import Depth
from hiersim.units import FlopsPerSecond, Picoseconds, PositiveShare, Watts

UnitKind = Literal["gpu", "cpu", "npu", "near-memory"]
"""What a unit is."""

DType = Literal["bf16", "fp16", "fp8", "fp32", "int8"]
"""The number formats that units compute in."""


class Unit(Part):
    """Something that computes: FLOP/s by data type, the tier that it reads, power."""

    kind: UnitKind
    """What it is."""
    tier: Name
    """Its near tier."""
    flops: dict[DType, FlopsPerSecond]
    """Peak dense FLOP/s by data type."""
    efficiency: PositiveShare = 1.0
    """Share of the peak FLOP/s that operations reach."""
    slots: Depth | None = None
    """Operations that compute at once; they share the unit when absent."""
    overhead: Picoseconds = 0
    """Fixed time of an operation of a trace of operations, such as a kernel's launch, in picoseconds."""
    active_power: Watts | None = None
    """Power while computing, in watts; unknown when absent."""
    idle_power: Watts | None = None
    """Power while not computing, in watts; unknown when absent."""
    kernels: Kernels | None = None
    """Measured constants of its kernels; those of its class when absent."""
