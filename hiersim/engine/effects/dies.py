"""Flash dies: page reads and programs, the queue before a die, and what garbage collection adds to writes."""

from __future__ import annotations

import math

from hiersim.engine.columns import H_AHEAD, H_ALIGNMENT, H_BLOCK, H_DIES, H_PAGE, H_SENSE, H_UNIT
from hiersim.engine.world import World
from hiersim.jit import hot


@hot
def senses(w: World, hop: int, amount: int) -> int:
    """Return the pages that a read of ``amount`` bytes takes."""
    page = w.hops[hop, H_PAGE]
    return (amount + page - 1) // page


@hot
def touched(w: World, hop: int, amount: int) -> float:
    """Return the mapping units that a write replaces, the mean over its possible positions."""
    alignment, unit = w.hops[hop, H_ALIGNMENT], w.hops[hop, H_UNIT]
    return ((amount + alignment - 1) // alignment * alignment + unit - alignment) / unit


@hot
def amplified(w: World, hop: int, units: float) -> float:
    """Return bytes programmed per byte, for writes that replace ``units`` mapping units each."""
    block = w.hops[hop, H_BLOCK]
    if block == 0:
        return w.amplification[hop, 0]
    writes = block // (int(math.ceil(units)) * w.hops[hop, H_UNIT])  # noqa: RUF046 - a float in compiled code
    return w.amplification[hop, max(1, writes)]


@hot
def read_cost(w: World, hop: int, amount: int) -> float:
    """Return the picoseconds that one byte of a read takes of all dies."""
    return (senses(w, hop, amount) / amount) * w.die_cost[hop, 0]


@hot
def write_cost(w: World, hop: int, amount: int) -> float:
    """Return the picoseconds that one byte of a write takes of all dies, garbage collection included."""
    units = touched(w, hop, amount)
    programs = units * w.hops[hop, H_UNIT] / w.hops[hop, H_PAGE]
    return ((programs / amount) * w.die_cost[hop, 1]) * amplified(w, hop, units)


@hot
def programmed(w: World, hop: int, amount: int) -> float:
    """Return the bytes that a write programs into NAND."""
    units = touched(w, hop, amount)
    return units * w.hops[hop, H_UNIT] * amplified(w, hop, units)


@hot
def queue(w: World, hop: int) -> int:
    """Return how long an arriving read waits for its die, in picoseconds: the arrival theorem of a balanced network."""
    ahead = w.hops[hop, H_AHEAD]
    return 0 if ahead == 0 else w.hops[hop, H_SENSE] * ahead // w.hops[hop, H_DIES]
