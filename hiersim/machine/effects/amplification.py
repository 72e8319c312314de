"""Write amplification of a flash drive whose garbage collection is greedy and whose writes are uniformly random.

Desnoyers, "Analytic modeling of SSD write performance" (SYSTOR 2012), with Lambert's W; many writes per erase block
give the limit alpha / (alpha + W(-alpha exp(-alpha))).
"""

from __future__ import annotations

import math

from hiersim.machine.effects.nand import Nand

DECIMALS = 6


def lambert_w(x: float) -> float:
    """Return the principal branch of Lambert's W, w exp(w) = x, for -1/e <= x <= 0."""
    w = -1.0 + math.sqrt(max(0.0, 2.0 * (1.0 + math.e * x)))  # the series at the branch point
    for _ in range(100):
        error = w * math.exp(w) - x
        slope = math.exp(w) * (w + 1.0)
        if slope == 0.0 or abs(error) < 1e-16:
            break
        w -= error / (slope - (w + 2.0) * error / (2.0 * w + 2.0))  # Halley's step
    return w


def write_amplification(over_provisioning: float | None, writes_per_block: int | None = None) -> float:
    """Return bytes programmed per byte written, at least 1, to six decimals.

    Args:
        over_provisioning: spare bytes as a share of the bytes that the host sees; ``None``: nothing is moved.
        writes_per_block: how many writes share an erase block; ``None``: very many.
    """
    if over_provisioning is None:
        return 1.0
    alpha = 1.0 + over_provisioning
    if writes_per_block is None:
        return round(alpha / (alpha + lambert_w(-alpha * math.exp(-alpha))), DECIMALS)
    if writes_per_block == 1:
        return 1.0  # a block is overwritten whole: the one to clean is always empty
    n = writes_per_block
    b = alpha * (1.0 + 1.0 / (2 * n))
    valid = 0.5 - (n / alpha) * lambert_w(-b * math.exp(-b))  # valid writes in the block that is cleaned
    return round(max(1.0, n / (n - (valid - 1.0))), DECIMALS)


def units_touched(nand: Nand, size: int) -> float:
    """Return how many mapping units a write of ``size`` bytes replaces, the mean over its possible positions."""
    alignment = nand.alignment or nand.unit
    return (-(-size // alignment) * alignment + nand.unit - alignment) / nand.unit


def writes_per_block(nand: Nand, size: int) -> int | None:
    """Return how many writes of ``size`` bytes fit into an erase block, at least 1; ``None`` if no block is stated."""
    if nand.erase_block is None:
        return None
    return max(1, nand.erase_block // (math.ceil(units_touched(nand, size)) * nand.unit))
