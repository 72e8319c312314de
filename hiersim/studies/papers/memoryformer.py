"""MemoryFormer: a product with a matrix becomes a lookup in hashed tables; how much is read, and where that is fast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from hiersim.machine import Machine
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.executed import executed, plain_machine, plain_tier
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.workloads import generate

HIDDEN, BITS = 1024, 8
"""Width of the model, and numbers that are hashed together: one table of 2^8 rows for each eight (the calibrated
input)."""
TABLES, ROW = HIDDEN // BITS, 2 * HIDDEN
PAGE, READ_S = 4096, 80e-6
"""Bytes of a flash page, and the seconds of its read."""
STEPS = 2


def machine() -> Machine:
    """Return a GPU, a host, and a drive with 128 reads at once."""
    drive = plain_tier("flash", 7e9, 1e12, read_latency=round(READ_S * 1e12), queue_depth=128, granularity=PAGE)
    tiers = {"hbm": plain_tier("hbm", 2e12, 80e9), "dram": plain_tier("ddr", 200e9, 1e12), "flash": drive}
    return plain_machine(tiers, 300e12, 25e9)


@cache
def lookups(batch: int, home: str) -> Any:
    """Read the rows of one projection, from where the tables are."""
    params: dict[str, Any] = {
        "rows": TABLES << BITS,
        "row": ROW,
        "lookups": TABLES,
        "sector": 64,
        "near": "hbm",
        "home": home,
    }
    return executed(machine(), generate("table_lookup", batch=batch, steps=STEPS, **params))


@cache
def dense(batch: int, home: str) -> Any:
    """Multiply with the matrix, which comes for each step if it is not near."""
    builder = OperationBuilder("dense", ordered=False)
    matrix = builder.object(2 * HIDDEN**2, "weight", home=home)
    for _ in range(STEPS):
        builder.add("product", unit="gpu0", reads=[matrix], flops=2 * HIDDEN**2 * batch)
        if home != "hbm":
            builder.add("drop", unit="gpu0", action="drop", reads=[matrix])
    return executed(machine(), builder)


def ratio(batch: int, home: str) -> float:
    """Return the time of the matrix over that of the tables."""
    return float(dense(batch, home).operations.makespan_ps / lookups(batch, home).operations.makespan_ps)


def run() -> Sequence[Finding]:
    """Read tables and matrices from every tier."""
    return [*_amounts(), *_tiers()]


def _amounts() -> Iterator[Finding]:
    read = {batch: lookups(batch, "hbm").operations.kinds["sum"].read_bytes for batch in (1, 64)}
    product = dense(1, "hbm").operations.kinds["product"]
    matrix = product.read_bytes
    note = "Bytes of a token's rows over those of the matrix, tables x d over d x d; few rows of a draw are the same."
    yield figure("bytes", 1 / BITS, read[1] / matrix, 0.01, note)
    stored = lookups(1, "dram").tiers["dram"].peak_bytes / dense(1, "dram").tiers["dram"].peak_bytes
    yield figure("stored", 2**BITS / BITS, stored, 0.001, "Bytes of the tables over those of the matrix.")
    note = (
        "FLOPs of adding rows over those of the product: d / 8 additions of d numbers over 2 d^2; hashing is left out."
    )
    flops = lookups(1, "hbm").operations.kinds["sum"].flops / product.flops
    yield figure("flops", 1 / (2 * BITS), flops, 0.05, note)
    told, note = (
        f"{read[64] / matrix:.1f} times the matrix's bytes at 64 tokens",
        f"At one token {read[1] / matrix:.3f} times.",
    )
    claimed = "a matrix is read once for a batch, rows for each token"
    yield seen("batches-read-more", claimed, told, read[64] > 4 * matrix, note)


def _tiers() -> Iterator[Finding]:
    flash = lookups(1, "flash").tiers["flash"]
    note = "Bytes read from flash in pages of 4 KiB over those of rows of 2 KiB."
    yield figure("pages", PAGE / ROW, flash.read_wire_bytes / flash.read_total, 0.001, note)
    gains = {home: ratio(1, home) for home in ("hbm", "dram", "flash")}
    told = "times faster than the matrix, by tier: " + ", ".join(f"{home} {gain:.2f}" for home, gain in gains.items())
    holds = gains["hbm"] > 4 and gains["flash"] < gains["hbm"] / 2
    note = "One token, tables or matrix in that tier."
    yield seen("the-tier-decides", "random rows cost what the tier makes of them", told, holds, note)


STUDY = Study(
    name="memoryformer",
    title="MemoryFormer: Minimize Transformer Computation by Removing Fully-Connected Layers",
    family="moe-offload",
    grade="B",
    source="Ding, Tang, Qin, Zhou, Xu, Zhang, Han, Liao, Wang. NeurIPS 2024, arXiv 2411.12992",
    memory=(
        "Each eight numbers of a vector are hashed to a row of a table, and the rows are added: an eighth of the "
        "matrix's bytes for a token, thirty-two times as many to hold. Width 1024 and eight bits are the "
        "calibrated input."
    ),
    not_ours="Quality; the time of hashing.",
    run=run,
)
