"""More tokens at lower precision: what as many bytes hold, and read, at 16, 8, 4 and 2 bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hiersim.engine.result import Result
from hiersim.machine.serving import KvCodec
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.serving import card, requests_of, served

MODEL, TOKENS, OUTPUT = "llama-3-8b", 4096, 32


def cached(tokens: int, codec: KvCodec | None) -> Result:
    """Serve one request of so many tokens."""
    codecs = {"hbm": codec} if codec else {}
    return served(
        card(), MODEL, requests_of([tokens], [OUTPUT]), codecs=codecs, max_batched_tokens=8192, max_tokens=1 << 20
    )


def run() -> Sequence[Finding]:
    """Serve a request of 4,096 tokens in 16 bits, and longer ones in fewer."""
    plain = cached(TOKENS, None).tiers["hbm"]
    return [*_equal(plain.peak_bytes), *_metadata(plain.peak_bytes)]


def _equal(peak: int) -> Iterator[Finding]:
    for bits in (8, 4, 2):
        times = 16 // bits
        tier = cached(times * TOKENS, KvCodec(bits=bits)).tiers["hbm"]
        note = (
            f"Peak bytes of KV of {times} x {TOKENS:,} tokens at {bits} bits by those of {TOKENS:,} at 16 (and "
            f"{OUTPUT} tokens of answer each): equal without metadata, but for the answer and the last page."
        )
        yield figure(f"{times}x-tokens-at-{bits}-bits", 1.0, tier.peak_bytes / peak, 0.01, note)


def _metadata(peak: int) -> Iterator[Finding]:
    told = {}
    for group in (32, 64, 128):
        told[group] = cached(4 * TOKENS, KvCodec(bits=4, group=group, metadata_bits=32)).tiers["hbm"].peak_bytes / peak
    words = ", ".join(f"{group}: {ratio:.3f}" for group, ratio in told.items())
    note = (
        f"What metadata leaves of the trade: bytes of 4 x {TOKENS:,} tokens at 4 bits by those of {TOKENS:,} at "
        "16, with a scale and a zero point in 16 bits for a group of so many numbers."
    )
    yield seen("4x-tokens-with-metadata", "equal up to metadata", words, max(told.values()) < 1.25, note)


STUDY = Study(
    name="more-tokens-lower-precision",
    title="More Tokens, Lower Precision: Towards the Optimal Token-Precision Trade-off in KV Cache Compression",
    family="kv-quantization",
    grade="A",
    source="Zhang et al. EMNLP 2025, arXiv 2412.12706",
    memory="As many bytes of KV hold n times more tokens at 1/n of the bits: a codec of the near tier.",
    not_ours="Which point of the trade is most accurate.",
    run=run,
)
