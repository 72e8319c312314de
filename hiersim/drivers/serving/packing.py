"""A unit's constants and a model's work as one array, from which compiled code computes the cost of a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.drivers.serving import columns as c
from hiersim.errors import ConfigError
from hiersim.machine import Link, Tier, Unit
from hiersim.machine.catalogue.kernels import kernels_of
from hiersim.models import Projection, Work
from hiersim.models.work import TOKENS

SECOND = 1e12
"""Picoseconds."""
LOGIT = 4
"""Bytes of a logit: chosen in fp32."""
EIGHT_BIT = ("fp8", "int8", "fp4", "int4")
"""Formats with kernels of their own."""
UPS = ("up", "gate_up")
"""Matrices that an activation function follows; the second with its gate beside it."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Formats:
    """How numbers are stored and computed with.

    Attributes:
        weights: of the matrices; products are computed in this format where the unit can, else in 16 bits.
        kv: of keys and values.
    """

    weights: str = "bf16"
    kv: str = "bf16"


def pack(work: Work, unit: Unit, near: Tier, formats: Formats | None = None, link: Link | None = None) -> Floats:
    """Return the array that ``step_cost`` takes.

    Args:
        work: what one rank holds and does.
        unit: what computes.
        near: its near tier.
        formats: as which ``work`` was made; bf16 when absent.
        link: what connects the ranks; needed when there are several.

    Raises:
        ConfigError: several ranks and no link, or a unit without FLOP/s for 16 bits.
    """
    if work.ranks > 1 and link is None:
        raise ConfigError(f"{work.ranks} ranks need a link between them")
    types = formats or Formats()
    kernels = kernels_of(unit, near).kernels
    p = np.zeros(c.TABLES, np.float64)
    fill_unit(p, kernels, Sheet.of(unit, near, types), types)
    p[c.STEP] = kernels.step
    p[c.WEIGHTS_IN_L2] = _in_l2(work.weight_bytes, p[c.L2])
    p[c.RANKS], p[c.REDUCES], p[c.REDUCE_BYTES] = work.ranks, work.all_reduces, work.all_reduce_bytes_per_token
    p[c.GATHER_BYTES] = work.gather_bytes_per_sequence
    if link is not None:
        p[c.LINK_LATENCY], p[c.LINK_BYTE] = link.latency, SECOND / (link.bandwidth * link.efficiency)
    p[c.EXPERTS], p[c.EXPERTS_ACTIVE], p[c.OTHER_WEIGHTS] = work.experts, work.experts_active, work.other_bytes
    p[c.LOGITS_BYTES] = LOGIT * work.projections[-1].columns
    matrices = [[e.layers, TOKENS.index(e.tokens), e.rows, e.columns, e.weight_bytes] for e in work.projections]
    mixers = [
        [x.layers, x.window, x.heads, x.kv_heads, x.flops_per_pair, x.decode_flops_per_pair, x.expand_flops_per_key,
         x.flops_per_token, x.kv_bytes_per_token, x.state_bytes]
        for x in work.mixings
    ]  # fmt: skip
    passes = _passes(work)
    p[c.MATRICES], p[c.MIXERS], p[c.PASSES] = len(matrices), len(mixers), len(passes)
    return np.concatenate([p, *(np.array(row, np.float64) for row in (*matrices, *mixers, *passes))])


@dataclass(frozen=True)
class Sheet:
    """What a data sheet says of a unit and its near tier.

    Attributes:
        bandwidth_bytes_per_s: of reads of the near tier.
        flops: FLOP/s of 16 bits.
        weight_flops: FLOP/s in which products with weights are computed.
    """

    bandwidth_bytes_per_s: float
    flops: float
    weight_flops: float

    @classmethod
    def of(cls, unit: Unit, near: Tier, formats: Formats) -> Sheet:
        """Return what a unit and its near tier state."""
        rates = {str(dtype): rate for dtype, rate in unit.flops.items()}
        wide = rates.get("bf16") or rates.get("fp16") or rates.get("fp32")
        if wide is None:
            raise ConfigError(f"the unit states no FLOP/s for bf16, fp16 or fp32, only for {', '.join(rates)}")
        return cls(near.read_bandwidth, wide, rates.get(formats.weights, wide))


def fill_unit(p: Floats, kernels: Any, sheet: Sheet, formats: Formats) -> None:
    """Write a unit's constants into an array.

    Args:
        p: float64[at least TABLES].
        kernels: ``machine.kernels.Kernels``, or something with the same fields; groups that are ``None`` are left out.
        sheet: what the constants are shares of.
        formats: which kernels are meant.
    """
    byte = SECOND / sheet.bandwidth_bytes_per_s
    p[c.L2] = kernels.l2_capacity or 0.0
    eight, kv_eight = formats.weights in EIGHT_BIT, formats.kv in EIGHT_BIT
    linear = kernels.linear_8bit if eight and kernels.linear_8bit else kernels.linear
    if linear:
        rates = byte / linear.bandwidth, byte / linear.wide_bandwidth, SECOND / (sheet.weight_flops * linear.flops)
        p[c.LINEAR : c.LINEAR + 7] = linear.overhead, *rates, linear.rows, linear.sharpness, linear.depth
    decode = kernels.decode_8bit if kv_eight and kernels.decode_8bit else kernels.decode
    if decode:
        near, close = byte / decode.bandwidth, byte / decode.l2_bandwidth
        rest = decode.l2_overhead, close, decode.sequence, decode.sharpness
        p[c.DECODE : c.DECODE + 6] = decode.overhead, near, *rest
    if kernels.prefill:
        own = kernels.prefill
        tiles = SECOND / (sheet.flops * own.flops), own.rows, own.block, own.lanes, own.sharpness
        p[c.PREFILL : c.PREFILL + 7] = own.overhead, *tiles, own.passes * byte
    if kernels.mixed:
        p[c.MIXED : c.MIXED + 3] = kernels.mixed.rows, kernels.mixed.empty, kernels.mixed.reuse
    if kernels.elementwise:
        own = kernels.elementwise
        p[c.ELEMENT : c.ELEMENT + 3] = own.overhead, byte / own.bandwidth, byte / own.l2_bandwidth
        p[c.WEIGHT_L2_BYTE] = byte / own.l2_bandwidth
    if kernels.sampling:
        p[c.SAMPLING : c.SAMPLING + 2] = kernels.sampling.overhead, kernels.sampling.passes


def _in_l2(size: float, l2: float) -> float:
    """Return the share of all weights that stays in the L2 from step to step."""
    return min(max(2.0 - size / l2, 0.0), 1.0) if l2 else 0.0


def _passes(work: Work) -> list[list[float]]:
    """Return the elementwise kernels of a step: how many, and bytes per token that each reads and writes.

    A norm adds to the residual stream too: it reads and writes both. Rotary positions turn queries and keys in place.
    """
    width = c.ACTIVATION * work.hidden
    found: list[list[float]] = [[2 * work.layers + 1, 2 * width, 2 * width], [1, width, width]]
    for mixing in work.mixings:
        if mixing.window:  # queries are a quarter of the FLOPs per pair, keys half of the keys and values
            turned = mixing.flops_per_pair / 4 * c.ACTIVATION + mixing.kv_bytes_per_token / 2
            found.append([mixing.layers, turned, turned])
    ups = [each for each in work.projections if each.name.removeprefix("expert_").removeprefix("shared_") in UPS]
    found += [[up.layers, *_activation(work, up)] for up in ups]
    return found


def _activation(work: Work, up: Projection) -> tuple[float, float]:
    """Return the bytes per token that the activation function after a matrix reads and writes."""
    times = work.experts_active if up.tokens == "expert" else 1
    gated = up.name.endswith("gate_up")
    return times * c.ACTIVATION * up.columns, times * c.ACTIVATION * up.columns / (2 if gated else 1)
