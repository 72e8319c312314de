"""Block floating point for KV: exponents that a block shares, and a permutation that costs nothing at run time."""

from __future__ import annotations

from collections.abc import Sequence

from hiersim.machine.serving import KvCodec
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.serving import card, requests_of, served

MODEL, TOKENS, OUTPUT = "llama-2-7b", 2048, 64
EXPONENT = 8
BLOCKS = (16, 32, 64, 128)


def bytes_of(codec: KvCodec | None) -> tuple[int, int, int]:
    """Return the peak of KV, and the bytes of it that are read and written."""
    codecs = {"hbm": codec} if codec else {}
    tier = served(card(), MODEL, requests_of([TOKENS], [OUTPUT]), codecs=codecs, page_tokens=1).tiers["hbm"]
    return tier.peak_bytes, tier.read_bytes["kv"], tier.written_bytes["kv"]


def run() -> Sequence[Finding]:
    """Serve a request in 16 bits, and in mantissas of 8 with an exponent for a block."""
    plain = bytes_of(None)
    ratios = {block: plain[0] / bytes_of(KvCodec(bits=8, group=block, metadata_bits=EXPONENT))[0] for block in BLOCKS}
    told = ", ".join(f"{block}: {ratio:.4g}" for block, ratio in ratios.items())
    narrow = bytes_of(KvCodec(bits=8, group=128, metadata_bits=EXPONENT))
    same = abs(narrow[1] / plain[1] - narrow[0] / plain[0]) < 0.002
    note = (
        "Bytes of KV in 16 bits by those of 8-bit mantissas with an exponent of 8 bits for a block of 128 (by "
        f"block {told})."
    )
    words = (
        "Channels are permuted before the weights are used, so nothing is added to what is read or written: both "
        f"shrink as what is stored ({narrow[1] / plain[1]:.4f} of the reads, {narrow[2] / plain[2]:.4f} of the "
        "writes)."
    )
    return [
        figure("memory-saving", 2.0, ratios[128], 0.05, note),
        seen("no-bytes-for-the-permutation", "no effect on latency", "none", same, words),
    ]  # fmt: skip


STUDY = Study(
    name="outlier-bfp",
    title="Accurate Block Quantization in LLMs with Outliers",
    family="kv-quantization",
    grade="A",
    source="Trukhanov, Soloveychik. 2024, arXiv 2403.20137",
    memory="KV in narrow block floating point; channels are permuted at compile time so that outliers share blocks.",
    not_ours="Accuracy.",
    run=run,
)
