"""BitStack: weights as stacks of one-bit blocks, of which as many are in memory as there is room for at the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hiersim.engine.result import Result
from hiersim.machine import Machine
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.executed import executed, plain_machine, plain_tier, seconds
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.workloads.transformer import EMBEDDING, HEAD, dense_parts

MODEL = "llama-2-7b"
SIDE, RANK = 4096, 16
"""Rows and columns of the matrix in the closed form; singular vectors that a block keeps beside its signs (the
paper's k)."""
BLOCKS = 8
BUDGETS = (8, 4, 5, 3, 6, 6, 2, 7)
"""Bits of each weight that there is room for, at one time after the other: memory that others take and give back."""
FLASH, MEMORY = 3e9, 60e9
"""Bytes per second of a laptop's drive and memory, of the class of NVMe Gen3 and two channels of DDR4."""


def block_bytes(rows: int, columns: int) -> int:
    """Return the bytes of one block: a sign for each weight, and vectors in 16 bits."""
    return rows * columns // 8 + 2 * RANK * (rows + columns)


def matrices() -> list[int]:
    """Return the bytes of a block of each matrix of the layers."""
    side = find_model(MODEL).hidden
    parts = [part for part in dense_parts(find_model(MODEL)) if part.kind not in (EMBEDDING, HEAD)]
    return [
        block_bytes(tensor.numbers // side, side) for part in parts for tensor in part.tensors if tensor.flops_per_token
    ]


def stacked() -> Result:
    """Follow the budgets: blocks that there is no more room for go, those that there is room for come."""
    builder, sizes, near = OperationBuilder("bitstack", ordered=False), matrices(), 0
    stacks = [[builder.object(size, "weight", home="flash") for size in sizes] for _ in range(BLOCKS)]
    for budget in BUDGETS:
        for level in range(near, budget):
            builder.add("load", unit="gpu0", action="fetch", reads=stacks[level])
        for level in range(budget, near):
            builder.add("drop", unit="gpu0", action="drop", reads=stacks[level])
        near = budget
    return executed(laptop(), builder)


def fixed() -> Result:
    """Follow them with a model of its own for each width: the one in memory goes, the other comes whole."""
    builder, sizes, near = OperationBuilder("fixed", ordered=False), matrices(), 0
    models = {bits: [builder.object(bits * size, "weight", home="flash") for size in sizes] for bits in set(BUDGETS)}
    for budget in BUDGETS:
        if budget != near:
            if near:
                builder.add("drop", unit="gpu0", action="drop", reads=models[near])
            builder.add("load", unit="gpu0", action="fetch", reads=models[budget])
        near = budget
    return executed(laptop(), builder)


def laptop() -> Machine:
    """Return memory and a drive."""
    tiers = {"dram": plain_tier("ddr", MEMORY, 16e9), "flash": plain_tier("flash", FLASH, 1e12)}
    return plain_machine(tiers, 1e12, 1e11)


def run() -> Sequence[Finding]:
    """Follow memory as it comes and goes."""
    return [*_blocks(), *_courses(stacked(), fixed())]


def _blocks() -> Iterator[Finding]:
    note = (
        f"Bits of a weight in a block of a matrix of {SIDE} x {SIDE}; the signs alone are 1, {RANK} vectors "
        "each side the rest."
    )
    yield figure("bits-of-a-block", 1.0, 8 * block_bytes(SIDE, SIDE) / SIDE**2, 0.15, note)
    step, whole = max(matrices()), BLOCKS * sum(matrices())
    note = "Bytes of the largest matrix's block, which is what one step adds; within half a percent of the whole stack."
    told = f"steps of at most {step / 1e6:.1f} MB"
    yield seen("steps", "sizes differ by megabytes", told, 1e6 < step < 0.005 * whole, note)


def _courses(ours: Result, theirs: Result) -> Iterator[Finding]:
    pairs = list(zip((0, *BUDGETS), BUDGETS, strict=False))
    changed, anew = sum(max(0, now - before) for before, now in pairs), sum(b for a, b in pairs if a != b)
    moved, again = (sum(result.tiers["flash"].read_bytes.values()) for result in (ours, theirs))
    note = (
        f"Bytes read over those of whole models for each width, as memory allows {', '.join(map(str, BUDGETS))} "
        "bits: the "
        "sum of what is added over the sum of what is loaded."
    )
    yield figure("changed-blocks-alone", changed / anew, moved / again, 0.01, note)
    told = f"{seconds(ours):.1f} s of reads against {seconds(theirs):.1f} s"
    faster = seconds(ours) < 0.7 * seconds(theirs)
    yield seen("faster", "a change of size need not load a model", told, faster, "Time of all loads.")
    more = theirs.tiers["flash"].peak_bytes / ours.tiers["flash"].peak_bytes
    note = "Bytes on the drive of a model for each width over those of one stack."
    told = f"{more:.2f} times the bytes on the drive without it"
    yield seen("one-store", "one store serves every size", told, more > 2, note)


STUDY = Study(
    name="bitstack",
    title="BitStack: Fine-Grained Size Control for Compressed Large Language Models in Variable Memory Environments",
    family="weight-offload",
    grade="A",
    source="Wang, Wang, Wang, Zhang, Zhou, Qiu. arXiv 2410.23918",
    memory=(
        "Each matrix is a stack of blocks of about a bit for each weight. When memory is freed the next blocks "
        "come from the drive, when it is needed the last ones go. Llama-2-7B, eight blocks, a drive of 3 GB/s, a "
        "made-up course of free memory."
    ),
    not_ours="How well a model of a size answers; in which order blocks are worth most.",
    run=run,
)
