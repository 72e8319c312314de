"""MARLIN: a matrix in four bits times batches of every size, from where memory binds to where arithmetic does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.executed import executed, plain_machine, plain_tier, seconds
from hiersim.traces.operation_builder import OperationBuilder

BANDWIDTH, FLOPS = 600e9, 125e12
"""NVIDIA A10, data sheet: bytes per second of its GDDR6, FLOPs per second of its tensor cores in fp16 without
sparsity."""
ROWS, COLUMNS = 18432, 73728
"""The large matrix of the paper's measurements, 18k x 72k."""
BITS = 4 + 16 / 128
"""Four bits and a scale of sixteen for each group of 128."""
BATCHES = (1, 16, 32, 52, 64, 128, 208)


def product(batch: int, bits: float) -> float:
    """Return the seconds that a product with a matrix in so many bits takes."""
    builder = OperationBuilder("marlin")
    weights = builder.object(round(ROWS * COLUMNS * bits / 8), "weight", home="gddr")
    activations: dict[str, Any] = {
        "near_read": 2 * batch * ROWS,
        "near_written": 2 * batch * COLUMNS,
        "near_class": "activation",
    }
    builder.add("product", unit="gpu0", reads=[weights], flops=2 * batch * ROWS * COLUMNS, **activations)
    return seconds(executed(plain_machine({"gddr": plain_tier("gddr", BANDWIDTH, 24e9)}, FLOPS), builder))


def expected(batch: int) -> float:
    """Return the ratio of two rooflines that count weights alone."""
    compute = 2 * batch / FLOPS
    return max(2 / BANDWIDTH, compute) / max(BITS / 8 / BANDWIDTH, compute)


def run() -> Sequence[Finding]:
    """Multiply with batches of all sizes in both formats."""
    curve = {batch: product(batch, 16) / product(batch, BITS) for batch in BATCHES}
    return [*_points(curve), _shape(curve)]


def _points(curve: dict[int, float]) -> Iterator[Finding]:
    yield figure(
        "ideal", 3.87, curve[1], 0.01, "The paper's ideal is 16 / 4.125 less what activations take; a batch of 1."
    )
    for batch in BATCHES[1:]:
        yield figure(
            f"batch-{batch}",
            expected(batch),
            curve[batch],
            0.03,
            "Against max(W16 / BW, F) / max(W4 / BW, F) with the sheet's ridge of 208 FLOPs per byte; activations, "
            "which that leaves out, are read and written, too.",
        )


def _shape(curve: dict[int, float]) -> Finding:
    told = ", ".join(f"{batch}: {ratio:.2f}" for batch, ratio in curve.items())
    holds = curve[32] > 3.7 and curve[32] > curve[64] > curve[128] > curve[208] * 1.5
    note = f"Ratio of times by batch: {told}."
    return seen(
        "shape", "close to 4 up to 16 to 32, less at 64 to 128", "so it is" if holds else "it is not", holds, note
    )


STUDY = Study(
    name="marlin",
    title="MARLIN: Mixed-Precision Auto-Regressive Parallel Inference on Large Language Models",
    family="weight-offload",
    grade="A",
    source="Frantar, Castro, Chen, Hoefler, Alistarh. PPoPP 2025, arXiv 2408.11743",
    memory=(
        "Weights in four bits are expanded in the kernel, so that a quarter of the bytes comes from memory and the "
        "same arithmetic is done: the gain is that of the bytes until arithmetic binds, which is at four times "
        "smaller batches. A plain A10: 600 GB/s, 125 TFLOP/s."
    ),
    not_ours="What a kernel loses to both rooflines; accuracy; the gain of whole models.",
    run=run,
)
