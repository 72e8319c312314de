"""Two-bit KV: what of a card's memory is left, how many sequences run at once, and what they decode together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiersim.machine.serving import KvCodec
from hiersim.models import find_model, work_of
from hiersim.models.codec import Codec
from hiersim.studies.claim import Finding, Study, at_most, between, figure
from hiersim.studies.serving import GB, card, decoded_per_s, requests_of, served

MODEL, PROMPT, OUTPUT = "llama-2-7b", 161, 338
GROUP, METADATA = 32, 32
"""Numbers that share a scale and a zero point, of 16 bits each."""
CONTEXTS = (1000, 4000, 16_000)


def peak_bytes(count: int, coded: bool) -> int:
    """Return the most bytes of weights and KV while so many requests run at once."""
    codecs = {"hbm": KvCodec(bits=2, group=GROUP, metadata_bits=METADATA)} if coded else {}
    rules: dict[str, Any] = {"max_sequences": 4096, "max_batched_tokens": 8192, "codecs": codecs}
    result = served(card(), MODEL, requests_of([PROMPT] * count, [OUTPUT] * count), **rules)
    assert result.requests is not None
    assert not result.requests.preemptions.any()
    return result.tiers["hbm"].peak_bytes + work_of(find_model(MODEL)).weight_bytes


def gain(context: int) -> tuple[float, float]:
    """Return how much more a full card decodes with the codec: by its kernels, and at most four times the batch."""
    ratio = Codec(2, GROUP, METADATA).ratio()
    model = find_model(MODEL)
    room = 0.9 * card().tiers["hbm"].capacity - work_of(model).weight_bytes
    batch = int(room / (context * model.kv_bytes_per_token()))
    plain = decoded_per_s(card(), MODEL, batch, context)
    same = decoded_per_s(card(), MODEL, batch, context, ratio) / plain
    return same, 4 * batch / batch * same_time(batch, context)


def same_time(batch: int, context: int) -> float:
    """Return the bytes that a step reads with 16 bits by those with the codec and four times the batch."""
    model = find_model(MODEL)
    weights, kv = work_of(model).weight_bytes, batch * context * model.kv_bytes_per_token()
    return (weights + kv) / (weights + 4 * kv * float(Codec(2, GROUP, METADATA).ratio()))


def run() -> Sequence[Finding]:
    """Serve the same requests with both forms of KV, and decode full cards."""
    ratio = Codec(2, GROUP, METADATA).ratio()
    count = round(3.12 * work_of(find_model(MODEL)).weight_bytes / ((PROMPT + OUTPUT) * 2**19))
    plain, coded = (peak_bytes(count, which) for which in (False, True))
    gains = [gain(context) for context in CONTEXTS]
    low, high = min(same for same, _ in gains), max(bound for _, bound in gains)
    note = (
        f"{count} requests of {PROMPT} tokens in and {OUTPUT} out on {MODEL}, all at once on an A100 with 80 GB: peak "
        f"of weights and KV {plain / GB:.1f} and {coded / GB:.1f} GB. The number of requests is the one input: it "
        "makes KV 3.12 times the weights, which the claim needs and the card holds."
    )
    return [
        figure("peak-memory", 2.6, plain / coded, 0.03, note),
        at_most("batch", 1 / float(ratio), 4.0,
                f"Four times the batch beside a codec of {float(16 * ratio):.3g} bits a number, metadata included."),
        *(
            between(f"throughput-{claimed}", claimed, low, high, _told(gains))
            for claimed in (2.35, 3.47)
        ),
    ]  # fmt: skip


def _told(gains: list[tuple[float, float]]) -> str:
    told = ", ".join(f"{n:,} tokens: {low:.2f} to {high:.2f}" for n, (low, high) in zip(CONTEXTS, gains, strict=True))
    return (
        f"Tokens per second of a full card, by context ({told}): from the same batch with the codec, by kernels that "
        "are measured for 16 bits, to four times the batch if a step's bytes were all. What decoding two bits costs, "
        "and how good the baseline's kernels were, is not known here."
    )


STUDY = Study(
    name="kivi",
    title="KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache",
    family="kv-quantization",
    grade="A",
    source="Liu, Yuan, Jin, Zhong, Xu, Braverman, Chen, Hu. ICML 2024, arXiv 2402.02750",
    memory=(
        "KV in 2 bits, keys grouped along channels and values along tokens, a scale and a zero point in 16 bits for "
        "32 numbers; a codec of the near tier: pages are smaller, attention reads less."
    ),
    not_ours="Accuracy; what decoding costs in a kernel; the speed of the baseline that was measured.",
    run=run,
)
