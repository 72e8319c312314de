"""KV as a few entries of a shared dictionary: the bits of one vector, and what rebuilding it gathers."""

from __future__ import annotations

from collections.abc import Sequence

from hiersim.machine.catalogue.kernels import kernels_of
from hiersim.machine.serving import KvCodec
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.serving import card, requests_of, served

MODEL, TOKENS = "llama-3-8b", 4096
PAIRS, INDEX_BITS, WEIGHT_BITS = 6, 13, 8
"""Entries of a vector, bits of an index into 8,192 of them, and of a weight: the one input."""


def peak(codec: KvCodec | None) -> int:
    """Return the bytes of KV of a prompt."""
    codecs = {"hbm": codec} if codec else {}
    return served(card(), MODEL, requests_of([TOKENS], [1]), codecs=codecs, page_tokens=1).tiers["hbm"].peak_bytes


def run() -> Sequence[Finding]:
    """Serve a prompt with both forms, and add up what is gathered."""
    model, machine = find_model(MODEL), card()
    bits = PAIRS * (INDEX_BITS + WEIGHT_BITS) / model.head_dim
    ratio = peak(None) / peak(KvCodec(bits=bits))
    kernels = kernels_of(machine.units["gpu0"], machine.tiers["hbm"]).kernels
    faster = kernels.elementwise.l2_bandwidth if kernels.elementwise else 1.0
    gathered, plain = PAIRS * model.head_dim * 2, model.head_dim * 2
    slower = gathered / faster / plain
    dictionary = 2**INDEX_BITS * model.head_dim * 2
    note = (
        f"Bytes of KV of {TOKENS:,} tokens of {MODEL} in 16 bits by those of {PAIRS} pairs of {INDEX_BITS} + "
        f"{WEIGHT_BITS} bits for a vector of {model.head_dim} numbers: {bits:.3g} bits each. The title says one bit."
    )
    gather = (
        f"A dictionary of {dictionary / 2**20:.3g} MiB fits the L2 of an A100, but a vector gathers {gathered:,} "
        f"bytes from it instead of {plain} from the HBM. At {faster:.3g} times the HBM's bandwidth, as measured for "
        f"activations in the L2, attention that rebuilds vectors one by one would read {slower:.2g} times as long as "
        "with 16 bits: products with the dictionary must be shared by all tokens that use an entry."
    )
    return [
        figure("one-bit-class", 16.0, ratio, 0.05, note),
        seen("gathering-binds", "rebuilt by gathering", f"{slower:.2g} times the time", slower > 1.0, gather),
    ]  # fmt: skip


STUDY = Study(
    name="csr-sparse-kv",
    title="CSR: Achieving 1 Bit Key-Value Cache via Sparse Representation",
    family="kv-quantization",
    grade="B",
    source="Zhang et al. AAAI 2025, arXiv 2412.11741",
    memory=(
        "A vector of KV is a few weighted entries of a dictionary that lies on chip: small to store, gathered to read."
    ),
    not_ours="Quality; how many entries it needs is an input.",
    run=run,
)
