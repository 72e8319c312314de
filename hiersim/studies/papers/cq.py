"""Coupled quantisation: channels that share a code, and the tables of codes that must lie near."""

from __future__ import annotations

from collections.abc import Sequence

from hiersim.machine.catalogue.kernels import kernels_of
from hiersim.machine.serving import KvCodec
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, at_most, figure
from hiersim.studies.serving import card, requests_of, served

MODEL, TOKENS = "llama-2-7b", 2048
CHANNELS, CODE_BITS = 8, 8


def peak(codec: KvCodec | None) -> int:
    """Return the bytes of KV of a prompt."""
    codecs = {"hbm": codec} if codec else {}
    return served(card(), MODEL, requests_of([TOKENS], [1]), codecs=codecs, page_tokens=1).tiers["hbm"].peak_bytes


def run() -> Sequence[Finding]:
    """Serve a prompt with both forms, and add up the tables."""
    bits = CODE_BITS / CHANNELS
    ratio = peak(None) / peak(KvCodec(bits=bits))
    model, machine = find_model(MODEL), card()
    table = 2**CODE_BITS * CHANNELS * 2
    groups = 2 * model.kv_heads * model.head_dim // CHANNELS
    cache = kernels_of(machine.units["gpu0"], machine.tiers["hbm"]).kernels.l2_capacity or 0
    of_head = groups // model.kv_heads * table
    layer = groups * table
    note = (
        f"Bytes of KV of {TOKENS:,} tokens of {MODEL} in 16 bits by those of {CHANNELS} channels in a code of "
        f"{CODE_BITS} bits."
    )
    tables = (
        f"{groups} tables of {table:,} bytes in a layer, keys and values: {layer / 2**20:.3g} MiB, of the "
        f"{cache / 2**20:.3g} MiB of the L2 of an A100; of one head {of_head / 1024:.3g} KiB, of the 192 KiB of "
        "shared memory of a processor. Codes are looked up there, so the HBM reads the indices alone."
    )
    return [
        figure("one-bit-per-channel", 16.0, ratio, 0.001, note),
        figure("bytes-of-a-table", 4096, table, 0.0, "256 codes of 8 channels in 16 bits; a count is exact."),
        at_most("tables-fit-the-l2", cache, layer, tables),
        at_most("tables-of-a-head-fit-shared-memory", 192 * 1024, of_head, tables),
    ]  # fmt: skip


STUDY = Study(
    name="coupled-quantization",
    title="KV Cache is 1 Bit Per Channel: Efficient Large Language Model Inference with Coupled Quantization",
    family="kv-quantization",
    grade="A",
    source="Zhang, Yi, Xu, Shrivastava. NeurIPS 2024, arXiv 2405.03917",
    memory="Several channels are one index into a table: the near tier streams indices, the tables lie in SRAM.",
    not_ours="Quality.",
    run=run,
)
