"""What one kernel costs, in closed form: products with weights, attention, and what reads and writes activations.

Every function adds what it finds to ``out`` (``columns.TIME`` and so on), for so many layers. docs/step_cost.md has the
forms with their reasons; ``tests/oracle/serving/cost.py`` is the plain twin.
"""

from __future__ import annotations

import math
from typing import Any

from hiersim.drivers.serving import columns as c
from hiersim.jit import hot, inner


@hot
def smooth(left: float, right: float, sharpness: float) -> float:
    """Return (left^p + right^p)^(1/p): the sum for p = 1, near the larger for a large p."""
    most, least = max(left, right), min(left, right)
    if least <= 0.0:
        return most
    return float(most * (1.0 + (least / most) ** sharpness) ** (1.0 / sharpness))


@hot
def in_l2(size: float, l2: float) -> float:
    """Return the share of so many bytes that the L2 serves: all up to its size, none from twice of it."""
    if l2 <= 0.0:
        return 0.0
    return min(max(2.0 - size / l2, 0.0), 1.0)


@hot
def charge(out: Any, layers: float, fixed: float, compute: float, memory: float, time: float) -> None:
    """Add a kernel's times to what is found: alone on the compute side, alone on the near tier, and together."""
    out[c.TIME] += layers * (fixed + time)
    out[c.COMPUTE] += layers * (fixed + compute)
    out[c.MEMORY] += layers * memory


@inner
def add_linear(p: Any, out: Any, matrix: int, tokens: float, copies: float) -> None:
    """Add a product of activations with weights.

    Args:
        p: the packed unit and model.
        out: what is found so far.
        matrix: where the matrix stands in ``p``.
        tokens: of each copy.
        copies: weights that are read and multiplied with in one kernel; 1, or the distinct experts.
    """
    if tokens <= 0.0 or copies <= 0.0:
        return
    layers, rows, columns = p[matrix + c.M_LAYERS], p[matrix + c.M_ROWS], p[matrix + c.M_COLUMNS]
    own = c.LINEAR
    weights = copies * p[matrix + c.M_BYTES]
    near = weights * (1.0 - p[c.WEIGHTS_IN_L2])
    missed = 1.0 - in_l2(tokens * copies * (rows + columns) * c.ACTIVATION, p[c.L2])
    read = tokens * copies * rows * c.ACTIVATION * missed
    written = tokens * copies * columns * c.ACTIVATION * missed
    rate = p[own + c.BYTE] if tokens <= c.NARROW else p[own + c.WIDE_BYTE]
    memory = (near + read + written) * rate
    padded = math.ceil(tokens / p[own + c.ROWS]) * p[own + c.ROWS]
    compute = 2.0 * padded * copies * rows * columns * p[own + c.FLOP]
    served = (weights - near) * p[c.WEIGHT_L2_BYTE]
    time = smooth(memory + served, compute, p[own + c.SHARPNESS])
    charge(out, layers, p[own + c.OVERHEAD] + rows * p[own + c.DEPTH], compute, memory, time)
    out[c.FLOPS] += layers * 2.0 * tokens * copies * rows * columns
    out[c.WEIGHTS] += layers * near
    out[c.ACTIVATIONS_READ] += layers * read
    out[c.ACTIVATIONS_WRITTEN] += layers * written


@inner
def add_elementwise(p: Any, out: Any, count: float, read: float, written: float) -> None:
    """Add ``count`` kernels that each read and write so many bytes of activations."""
    size = read + written
    missed = 1.0 - in_l2(size, p[c.L2])
    near = size * missed
    memory = near * p[c.ELEMENT + c.BYTE]
    served = (size - near) * p[c.ELEMENT + c.ELEMENT_L2_BYTE]
    charge(out, count, p[c.ELEMENT + c.OVERHEAD], served, memory, memory + served)
    out[c.ACTIVATIONS_READ] += count * read * missed
    out[c.ACTIVATIONS_WRITTEN] += count * written * missed


@inner
def add_sampling(p: Any, out: Any, logits: float) -> None:
    """Add choosing tokens from so many bytes of logits."""
    if logits <= 0.0:
        return
    size = logits * p[c.SAMPLING + c.SAMPLING_PASSES]
    near = size * (1.0 - in_l2(logits, p[c.L2]))
    memory = near * p[c.ELEMENT + c.BYTE]
    served = (size - near) * p[c.ELEMENT + c.ELEMENT_L2_BYTE]
    charge(out, 1.0, p[c.SAMPLING + c.OVERHEAD], served, memory, memory + served)
    out[c.ACTIVATIONS_READ] += near


@inner
def add_state(p: Any, out: Any, mixer: int, sequences: float, tokens: float) -> None:
    """Add layers that keep a fixed state per sequence: it is read and written, and updated per token."""
    layers, state = p[mixer + c.X_LAYERS], p[mixer + c.X_STATE]
    if layers <= 0.0:
        return
    memory = 2.0 * sequences * state * p[c.ELEMENT + c.BYTE]
    compute = tokens * p[mixer + c.X_TOKEN] * p[c.LINEAR + c.FLOP]
    charge(out, layers, p[c.ELEMENT + c.OVERHEAD], compute, memory, max(memory, compute))
    out[c.FLOPS] += layers * tokens * p[mixer + c.X_TOKEN]
    out[c.KV_READ] += layers * sequences * state
    out[c.KV_WRITTEN] += layers * sequences * state
