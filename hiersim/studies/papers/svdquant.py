"""SVDQuant: a diffusion model in four bits with a small branch of sixteen, on a laptop's GPU of 16 GB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hiersim.engine.result import Result
from hiersim.errors import HiersimError
from hiersim.studies.claim import Finding, Study, between, figure, seen
from hiersim.studies.executed import executed, plain_machine, plain_tier, seconds
from hiersim.traces.operation_builder import OperationBuilder

WEIGHTS, HIDDEN, RANK, TOKENS, BLOCKS = 12e9, 3072, 32, 4608, 57
"""FLUX.1: parameters, width, the branch's rank, tokens of a picture of 1024 x 1024 with its text, blocks."""
BANDWIDTH, FLOPS, LINK = 576e9, 171e12, 25e9
"""RTX 4090 laptop: bytes per second of its GDDR6, FLOPs per second in fp16 (a quarter of the 686 T of four bits that
its maker states, recalled, unverified), bytes per second of its PCIe 4."""
GROUP = 64
LOW = 4 + 16 / GROUP
"""Four bits and a scale of sixteen for each group."""
BRANCH = 16 * RANK * 2 * HIDDEN / HIDDEN**2
"""Bits of a weight that the branch takes."""
FASTER = 4
"""Times that products of four bits are faster than of sixteen."""


def step(bits: float, branch: str = "none", quantised: bool = False, room: float = 48e9, home: str = "gddr") -> Result:
    """Run one step of the model.

    Args:
        bits: of a weight.
        branch: ``none``, ``fused``, which reads activations once, or ``apart``, which reads and writes them once more.
        quantised: products are of four bits, else of sixteen.
        room: bytes of the GPU's memory.
        home: of the weights: ``gddr``, or ``dram``, from where each block comes while the one before is computed.
    """
    builder, products = OperationBuilder("flux", ordered=False), WEIGHTS / HIDDEN**2 / BLOCKS
    blocks = [builder.object(round(WEIGHTS * bits / 8 / BLOCKS), "weight", home=home) for _ in range(BLOCKS)]
    whole = 2 * TOKENS * WEIGHTS / BLOCKS
    flops = whole / FASTER if quantised else whole
    flops += 0 if branch == "none" else whole * 2 * RANK / HIDDEN
    once = 2 * TOKENS * HIDDEN * products
    reads, writes = once, once
    if branch == "apart":
        reads, writes = 3 * once, 2 * once  # the branch reads what goes in, and what comes out is read to be added to
    gone: tuple[int, ...] = ()
    for block in blocks:
        if home != "gddr":
            builder.add("load", unit="gpu0", stream="copies", action="fetch", reads=[block], after=gone)
        place = builder.add(
            "block",
            unit="gpu0",
            flops=round(flops),
            reads=[block],
            near_read=round(reads),
            near_written=round(writes),
            near_class="activation",
        )
        gone = (place,)
        if home != "gddr":
            builder.add("free", unit="gpu0", action="drop", reads=[block])
    tiers = {"gddr": plain_tier("gddr", BANDWIDTH, room), "dram": plain_tier("ddr", 60e9, 64e9)}
    return executed(plain_machine(tiers, FLOPS, LINK), builder)


def run() -> Sequence[Finding]:
    """Run a step in each format."""
    fused = step(LOW + BRANCH, "fused", quantised=True)
    return [*_formats(fused), *_fitting(fused)]


def _formats(fused: Result) -> Iterator[Finding]:
    half, low, apart = step(16), step(LOW), step(LOW + BRANCH, "apart", quantised=True)
    note = (
        f"Bytes of the weights: 16 over 4 + 16/{GROUP} + 16 x {RANK} x 2 / {HIDDEN} = {LOW + BRANCH:.2f} bits; "
        "activations "
        "and the encoder are left out."
    )
    yield figure("memory", 3.5, half.tiers["gddr"].peak_bytes / fused.tiers["gddr"].peak_bytes, 0.01, note)
    note = (
        "Over four bits of weights alone, whose products are of sixteen: with a branch that is apart, and with "
        "one that is "
        "fused."
    )
    yield between("over-weights-alone", 3.0, seconds(low) / seconds(apart), seconds(low) / seconds(fused), note)
    slower, note = seconds(apart) / seconds(fused), "Time of a step over that with the fused branch."
    claimed = "a branch that is apart reads and writes activations once more"
    yield seen("fusing", claimed, f"{slower:.2f} times the time", slower > 1.2, note)


def _fitting(fused: Result) -> Iterator[Finding]:
    what, note = _refused(), "What a run says whose weights are all to be near."
    yield seen("does-not-fit", "in sixteen bits it does not fit in 16 GB", what, bool(what), note)
    slower = seconds(step(16, room=16e9, home="dram")) / seconds(fused)
    note = "Sixteen bits streamed over PCIe, a block ahead, over four bits with the branch."
    yield seen("without-offload", "what fits need not be streamed", f"{slower:.1f} times the time", slower > 3, note)


def _refused() -> str:
    try:
        step(16, room=16e9)
    except HiersimError as why:
        return str(why)
    return ""


STUDY = Study(
    name="svdquant",
    title="SVDQuant: Absorbing Outliers by Low-Rank Components for 4-Bit Diffusion Models",
    family="weight-offload",
    grade="A",
    source="Li, Lin, Zhang, Cai, Li, Guo, Xie, Meng, Zhu, Han. ICLR 2025, arXiv 2411.05007",
    memory=(
        "Weights and activations in four bits, and a branch of rank 32 in sixteen, whose reads and writes are "
        "those of the main product if it is fused. FLUX.1 of 12B parameters, all products as if square, on a plain "
        "laptop GPU."
    ),
    not_ours="Pictures; what a kernel loses to its rooflines.",
    run=run,
)
