"""FlashAttention: HBM traffic of GPT-2 medium's attention, forward and backward, standard and in tiles."""

from __future__ import annotations

from collections.abc import Sequence

from hiersim.studies.claim import Finding, Study, between, figure
from hiersim.studies.operated import binding, chip, moved, operations, run

SHAPE = {"tokens": 1024, "head_dim": 64}
HEADS, BATCH = 16, 64
SRAM = 192 * 1024
"""On-chip memory of an A100's multiprocessor, as the paper has it; there are 108."""


def run_study() -> Sequence[Finding]:
    """Simulate the traffic of one sequence, and the time of as many heads as there are multiprocessors."""
    on = chip("a100-smem", "a100-40g-hbm2", "a100-sxm-gpu")
    kernels = {"mask": "yes", "dropout": "yes", "backward": "yes"}
    whole = {"sram": SRAM, "heads": HEADS, **SHAPE}
    standard = moved(run(on, operations("standard_attention", **whole, **kernels))) * BATCH
    flash = moved(run(on, operations("flash_attention", **whole, backward="yes"))) * BATCH
    pure = moved(run(on, operations("standard_attention", **whole, backward="yes"))) * BATCH
    return [_standard(standard, pure), _flash(flash), _ratio(standard / flash), _speedup()]


def _standard(simulated: int, pure: int) -> Finding:
    note = (
        "GB of HBM traffic, forward and backward, N = 1,024, d = 64, 16 heads, batch 64, fp16, kernel by kernel: the "
        "16-bit scores pass 17 times, and a byte for each that says what dropout kept, twice; that is 18 times 2.15 "
        f"GB, and 12 times 134 MB of vectors. Without the kernels of mask and dropout it is {pure / 1e9:.3g} GB. A "
        "framework that also masks the scores' gradient passes twice more (+11%); 15% is allowed for what fuses."
    )
    return figure("standard", 40.3, simulated / 1e9, 0.15, note)


def _flash(simulated: int) -> Finding:
    note = (
        "GB of HBM traffic of Algorithms 1 and 4 with 192 KiB on chip, so tiles of 64 queries and 384 keys. The "
        "paper's kernel has tiles of 128 or 256 keys and keeps some of what the algorithms store; 15% is allowed."
    )
    return figure("flash", 4.4, simulated / 1e9, 0.15, note)


def _ratio(simulated: float) -> Finding:
    return figure("ratio", 40.3 / 4.4, simulated, 0.2, "How many times less; the two tolerances above, added up.")


def _speedup() -> Finding:
    """Simulate the time of 108 heads at once; the other layers of a model only dilute it."""
    near = {"part": "a100-smem", "capacity": "60.25 MiB"}
    on = chip(near, "a100-40g-hbm2", "a100-sxm-gpu")
    shape = {**SHAPE, "heads": 108, "streams": 108, "sram": SRAM, "backward": "yes"}
    standard = run(on, operations("standard_attention", mask="yes", dropout="yes", **shape), ahead=2)
    flash = run(on, operations("flash_attention", **shape), ahead=2)
    note = (
        "How many times faster: GPT-2 with 1,024 tokens trains, the paper says, 3 times as fast as with a "
        "framework's attention. Attention alone, 108 heads at once on an A100 with its L2 as part of the on-chip "
        f"memory, is faster by so much; {binding(standard)} binds the one and {binding(flash)} "
        "the other. Layers that are the same in both lie between, and kernels' efficiency is not modelled: a range "
        "up to it."
    )
    return between("gpt-2-training", 3.0, 1.0, standard.elapsed_ps / flash.elapsed_ps, note)


STUDY = Study(
    name="flash-attention",
    title="FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness",
    family="attention-dataflow",
    grade="A",
    source="Dao, Fu, Ermon, Rudra, Re. NeurIPS 2022, arXiv 2205.14135; traffic from its Figure 2",
    memory=(
        "Tiles of queries, keys and values stay on chip with an online softmax, so that scores never reach HBM; the "
        "backward pass computes them again. Generators `standard_attention` and `flash_attention`."
    ),
    not_ours=(
        "Training time end to end (3x GPT-2, 15% BERT, 2.4x long-range arena) and perplexity: other layers, kernels."
    ),
    run=run_study,
)
