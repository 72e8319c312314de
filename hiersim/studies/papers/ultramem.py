"""UltraMem: a few rows of a very large table for each token, beside the experts of a mixture, as batches grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from hiersim.machine import Machine
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, at_most, figure, seen
from hiersim.studies.executed import executed, plain_machine, plain_tier
from hiersim.workloads import generate

ROWS, ROW, LOOKUPS = 20_000_000, 1024, 512
"""Slots, bytes of a value (512 numbers in sixteen bits), and values that a token reads, over all tables: the last
two are the calibrated input (values of half the width of the model, some hundreds of them; recalled, unverified)."""
MODEL = "mixtral-8x7b"
BATCHES = (1, 4, 16, 64)
LINK = 25e9
"""Bytes per second of PCIe 4, by which rows and experts come from the host."""


def machine() -> Machine:
    """Return a GPU, and a host that holds the table or the experts."""
    tiers = {"hbm": plain_tier("hbm", 2e12, 400e9), "dram": plain_tier("ddr", 200e9, 1e12)}
    return plain_machine(tiers, 300e12, LINK)


@cache
def table(batch: int) -> Any:
    """Read rows for a batch, one step."""
    params: dict[str, Any] = {"rows": ROWS, "row": ROW, "lookups": LOOKUPS, "near": "hbm"}
    return executed(machine(), generate("table_lookup", batch=batch, steps=1, **params))


@cache
def experts(batch: int) -> Any:
    """Read the experts that a batch chooses, one step."""
    work = generate("expert_offload", model=MODEL, batch=batch, tokens=1, near="hbm", imbalance=0.0)
    return executed(machine(), work)


def moved(result: Any) -> int:
    """Return the bytes that came from the host."""
    return sum(result.tiers["dram"].read_bytes.values())


def run() -> Sequence[Finding]:
    """Read for batches of every size."""
    of_rows, of_experts = ({batch: moved(read(batch)) for batch in BATCHES} for read in (table, experts))
    return [*_one_token(of_rows, of_experts), *_batches(of_rows, of_experts)]


def _sizes() -> tuple[int, int]:
    """Return the bytes of an expert, and of all of them."""
    model = find_model(MODEL)
    size = 3 * model.hidden * model.expert_intermediate * 2
    return size, model.experts * model.layers * size


def _one_token(of_rows: dict[int, int], of_experts: dict[int, int]) -> Iterator[Finding]:
    model, (size, _) = find_model(MODEL), _sizes()
    note = f"Rows of {ROW} bytes in the host's memory."
    yield figure("slots", 20e6, table(1).tiers["dram"].peak_bytes / ROW, 0.001, note)
    note = "Bytes that a token reads of the table: values x width x bytes."
    yield figure("row-bytes", LOOKUPS * ROW, of_rows[1], 0.001, note)
    note = f"Bytes that a token reads of {MODEL}'s experts."
    yield figure("expert-bytes", model.experts_active * model.layers * size, of_experts[1], 0.001, note)
    told = ", ".join(f"{batch}: {of_rows[batch] / 1e6:.3g} and {of_experts[batch] / 1e6:.0f} MB" for batch in BATCHES)
    less, note = of_experts[1] / of_rows[1], f"Bytes by batch, rows and experts: {told}."
    yield seen("tiny-beside-experts", "a token reads little beside experts", f"{less:.0f} times less", less > 10, note)


def _batches(of_rows: dict[int, int], of_experts: dict[int, int]) -> Iterator[Finding]:
    model, (_, every), last = find_model(MODEL), _sizes(), BATCHES[-1]
    expected = 1 - (1 - model.experts_active / model.experts) ** 4
    note = "Share of all experts that four tokens read, chosen alike: 1 - (1 - active / all)^4."
    yield figure("experts-touched-by-4", expected, of_experts[4] / every, 0.05, note)
    note = f"Bytes of experts that {last} tokens read: all of them."
    yield at_most("experts-saturate", every, of_experts[last], note)
    note = f"Times the bytes of rows of {last} tokens over one; few rows are read twice."
    yield figure("rows-grow", last, of_rows[last] / of_rows[1], 0.01, note)
    crossing, note = every / (LOOKUPS * ROW), "Where rows take the bytes of all experts, by the sums above."
    claimed = "the table reads less until batches are large"
    yield seen("crossing", claimed, f"a batch of {crossing:,.0f}", crossing > last, note)


STUDY = Study(
    name="ultramem",
    title="Ultra-Sparse Memory Network",
    family="moe-offload",
    grade="B",
    source="Huang, Min, Huang, Zhu, Zeng, Guo, Zhou. ICLR 2025, arXiv 2411.12364",
    memory=(
        "20 million values lie in memory, of which a token reads some hundreds; a mixture's token reads whole "
        "experts. As the batch grows all experts are read, and no more than that; rows go on growing. The "
        "calibrated input: 512 values of 1 KiB for each token."
    ),
    not_ours="Quality by size; how values are chosen.",
    run=run,
)
