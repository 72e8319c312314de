"""Arbitrary precision on tensor cores: planes of bits are multiplied, and their products added where they are made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from hiersim.studies.claim import Finding, Study, between, figure, seen
from hiersim.studies.executed import executed, plain_machine, plain_tier, seconds
from hiersim.traces.operation_builder import OperationBuilder

BANDWIDTH, FLOPS = 936e9, 142e12
"""NVIDIA RTX 3090, data sheet: bytes per second of its GDDR6X, FLOPs per second of its tensor cores in fp16."""
SIDE = 4096
SUM = 4
"""Bytes of a partial sum."""


@cache
def product(rows: int, weight_bits: float, bits: float = 16, recovery: str = "inside") -> float:
    """Return the seconds of a product of ``rows`` activations with a square matrix.

    Args:
        rows: tokens.
        weight_bits: stored bits of a weight.
        bits: those of an activation.
        recovery: ``inside``, partial products of planes are added on the chip; ``memory``, each is written and read.
    """
    builder = OperationBuilder("planes")
    weights = builder.object(round(SIDE * SIDE * weight_bits / 8), "weight", home="gddr")
    partial = weight_bits * bits * rows * SIDE * SUM if recovery == "memory" else 0
    near: dict[str, Any] = {
        "near_read": round(rows * SIDE * bits / 8 + partial),
        "near_written": round(rows * SIDE * SUM + partial),
    }
    builder.add("product", unit="gpu0", reads=[weights], near_class="activation", **near)
    return seconds(executed(plain_machine({"gddr": plain_tier("gddr", BANDWIDTH, 24e9)}, FLOPS), builder))


def run() -> Sequence[Finding]:
    """Multiply one token, and a prompt."""
    half, four = product(1, 16), product(1, 4, 4)
    lost = product(1024, 2, 2, "memory") / product(1024, 2, 2)
    bytes_alone = (
        "Time of one token's product, which reads the matrix; arithmetic is left out, so that bytes alone count."
    )
    return [
        figure("bytes-scale-with-bits", 16 / 2, half / product(1, 2, 2), 0.02, bytes_alone),
        between(
            "whole-model",
            6.7,
            half / four,
            half / product(1, 2, 2),
            "From 4 to 2 bits of weights over 16; the claim is for the fewest bits, less what is not a product.",
        ),
        between(
            "over-cutlass",
            2.4,
            1.0,
            four / product(1, 1, 1),
            "CUTLASS has 4 bits and 1 bit at the least: by bytes alone from no gain, at its own width, to that "
            "of one bit; the rest is rates of tensor cores.",
        ),
        seen(
            "added-inside",
            "adding partial products on the chip saves their bytes",
            f"{lost:.1f} times slower through memory",
            lost > 2,
            "A prompt of 1024 tokens, two planes each: four partial products of 32 bits written and read, over "
            "none; memory's part alone.",
        ),
    ]


STUDY = Study(
    name="apt-llm",
    title="Efficient Arbitrary Precision Acceleration for Large Language Models on GPU Tensor Cores",
    family="weight-offload",
    grade="B",
    source="Ma, Fang, Shao, Wang. ASP-DAC 2025, arXiv 2409.17870",
    memory=(
        "Weights and activations of any number of bits lie as planes of one bit; products of planes are added in "
        "shared memory, so that they do not pass through the GPU's memory. A matrix of 4096 x 4096 on a plain RTX "
        "3090. The assumption: how many bits the claimed factors are for."
    ),
    not_ours="The rate of tensor cores at one bit, which is what a prompt's time is.",
    run=run,
)
