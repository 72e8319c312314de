"""KV in mixed precision: what an evictor would drop stays at few bits, what matters at many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiersim.machine.serving import KvCodec
from hiersim.models.codec import Codec
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.serving import card, requests_of, served

MODEL = "llama-2-7b"
KEPT = 0.2
"""Share of the tokens that stay at 16 bits: the one input."""
POOL = 4 << 30


def running(codec: KvCodec | None) -> int:
    """Return how many of many equal requests run at once in a pool of 4 GiB."""
    requests = requests_of([500] * 200, [12] * 200)
    rules: dict[str, Any] = {"kv_pool": POOL, "max_sequences": 4096, "max_batched_tokens": 1 << 20, "page_tokens": 16}
    found = served(card(), MODEL, requests, codecs={"hbm": codec} if codec else {}, **rules).requests
    assert found is not None
    return int(found.samples["running"].max())


def run() -> Sequence[Finding]:
    """Compare what a pool holds with both forms."""
    plain = running(None)
    mixed = running(KvCodec(bits=2, full_share=KEPT))
    ratio = 1 / float(Codec(2, full_share=KEPT).ratio())
    heavy = Codec(2, group=32, metadata_bits=32, full_share=KEPT)
    note = (
        f"Requests of 512 tokens that run at once on {MODEL} in a pool of 4 GiB: {plain} in 16 bits, {mixed} with "
        f"{KEPT:.0%} of the tokens in 16 bits and the others in 2: 4.8 bits a number, 3.33 times fewer; whole "
        "requests round it."
    )
    told = f"{heavy.bits_per_number():.3g} bits a number, {16 / heavy.bits_per_number():.3g} times fewer"
    return [
        figure("mixed-16-and-2", ratio, mixed / plain, 0.05, note),
        seen("metadata-costs", "nothing is dropped", told, heavy.bits_per_number() < 16 / 2.5,
             "With a scale and a zero point in 16 bits for 32 numbers of the low part."),
    ]  # fmt: skip


STUDY = Study(
    name="mikv",
    title="No Token Left Behind: Reliable KV Cache Compression via Importance-Aware Mixed Precision Quantization",
    family="kv-quantization",
    grade="B",
    source="Yang, Kim, Bae, Kwon, Park, Yang, Kwon, Lee. 2024, arXiv 2402.18096",
    memory=(
        "Tokens that an evictor would drop stay in the near tier at few bits, important ones at many: a codec with a "
        "share in full. The abstract states no figure; the check is the mean of bits."
    ),
    not_ours="What dropping tokens does to safety and hallucination, and which tokens matter: their share is an input.",
    run=run,
)
