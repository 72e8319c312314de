"""Sections 1 and 4: what reads and writes cost the dies of a flash tier, and what garbage collection adds."""

from __future__ import annotations

import math
from functools import cache
from typing import Any


def senses(nand: Any, size: int) -> int:
    """Pages that a read opens."""
    return -(-size // nand.page)


def cost(nand: Any, direction: str, size: int) -> float | None:
    """Picoseconds of all dies per byte of payload; none for writes if no program time is stated."""
    if direction == "read":
        return (senses(nand, size) / size) * (nand.read / nand.dies)
    if nand.program is None:
        return None
    programs = touched(nand, size) * nand.unit / nand.page
    return ((programs / size) * (nand.program / nand.dies)) * amplification(nand, size)


def programmed(nand: Any, size: int) -> float:
    """Bytes of NAND that a write programs."""
    return touched(nand, size) * nand.unit * amplification(nand, size)


def touched(nand: Any, size: int) -> float:
    """Mapping units that a write replaces, on average over its positions."""
    alignment = nand.unit if nand.alignment is None else nand.alignment
    return (-(-size // alignment) * alignment + nand.unit - alignment) / nand.unit


def amplification(nand: Any, size: int) -> float:
    """Bytes programmed per byte replaced, to six decimals."""
    if nand.over_provisioning is None:
        return 1.0
    n = None
    if nand.erase_block is not None:
        n = max(1, nand.erase_block // (math.ceil(touched(nand, size)) * nand.unit))
    return _amplification(1 + nand.over_provisioning, n)


@cache
def _amplification(alpha: float, n: int | None) -> float:
    if n is None:
        return round(alpha / (alpha + lambert(-alpha * math.exp(-alpha))), 6)
    if n == 1:
        return 1.0
    b = alpha * (1 + 1 / (2 * n))
    x = 1 / 2 - (n / alpha) * lambert(-b * math.exp(-b))
    return round(max(1.0, n / (n - (x - 1))), 6)


def lambert(x: float) -> float:
    """The w of -1 <= w <= 0 with w exp(w) = x, by halving: w exp(w) rises there."""
    low, high = -1.0, 0.0
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        if middle * math.exp(middle) < x:
            low = middle
        else:
            high = middle
