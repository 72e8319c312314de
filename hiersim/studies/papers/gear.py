"""Few bits, a low-rank residual and outliers: the bits of a number, and the peak memory that they can save."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiersim.machine.serving import KvCodec
from hiersim.models import find_model, work_of
from hiersim.studies.claim import Finding, Study, between
from hiersim.studies.serving import GB, card, decoded_per_s, requests_of, served

MODEL, PROMPT, OUTPUT = "llama-2-7b", 1000, 500
BITS, GROUP, RANK, OUTLIERS = 4, 64, 4, 0.02
"""Of the bulk and its groups; rank of the residual; share of outliers of 32 bits with their index, the one input."""


def codec(bits: int) -> KvCodec:
    """Return the recipe: the bulk with a scale and a zero point for a group, the residual of a prompt, outliers."""
    width = find_model(MODEL).head_dim
    low_rank = 16 * RANK * (PROMPT + width) / (PROMPT * width)
    return KvCodec(bits=bits + low_rank + 32 * OUTLIERS, group=GROUP, metadata_bits=32)


def peak(count: int, form: KvCodec | None) -> int:
    """Return the most bytes of weights and KV while so many requests run at once."""
    codecs = {"hbm": form} if form else {}
    rules: dict[str, Any] = {"max_sequences": 4096, "max_batched_tokens": 8192, "codecs": codecs}
    result = served(card(), MODEL, requests_of([PROMPT] * count, [OUTPUT] * count), **rules)
    return result.tiers["hbm"].peak_bytes + work_of(find_model(MODEL)).weight_bytes


def run() -> Sequence[Finding]:
    """Serve as many requests as fill the card in 16 bits, with both forms."""
    model = find_model(MODEL)
    weights = work_of(model).weight_bytes
    room = 0.87 * card().tiers["hbm"].capacity - weights
    count = int(room / ((PROMPT + OUTPUT) * model.kv_bytes_per_token()))
    plain, told = peak(count, None), {}
    for bits in (4, 2):
        told[bits] = plain / peak(count, codec(bits))
    ratio = told[4]
    words = ", ".join(
        f"{16 / size_of(bits):.3g} times smaller KV at {bits} bits: {gain:.3g}" for bits, gain in told.items()
    )
    note = (
        f"Peak of weights and KV of {count} requests of {PROMPT} tokens in and {OUTPUT} out on {MODEL}, which fill an "
        f"A100 with 80 GB in 16 bits ({plain / GB:.3g} GB), by that with the recipe ({words}). From nothing, where "
        f"there is little KV, to this. The share of outliers is {OUTLIERS:.0%}."
    )
    return [between("peak-memory", 2.29, 1.0, max(told.values()), note), _throughput(count, ratio)]


def size_of(bits: int) -> float:
    """Return the bits of a number, metadata and all."""
    form = codec(bits)
    return form.bits + form.metadata_bits / form.group


def _throughput(count: int, ratio: float) -> Finding:
    from fractions import Fraction

    share = Fraction(size_of(4) / 16).limit_denominator(1000)
    context = PROMPT + OUTPUT // 2
    plain = decoded_per_s(card(), MODEL, count, context)
    coded = decoded_per_s(card(), MODEL, round(count / float(share)), context, share)
    note = (
        f"Tokens per second of {count / float(share):.0f} requests with the recipe by those of {count} without, in "
        f"decoding: by kernels as measured for 16 bits {coded / plain:.3g}; at most as many more as there is more "
        f"room ({1 / float(share):.3g}), where steps take no longer. How fast the baseline was is not known here."
    )
    return between("throughput", 2.38, 1.0, 1 / float(share), note)


STUDY = Study(
    name="gear",
    title="GEAR: An Efficient KV Cache Compression Recipe for Near-Lossless Generative Inference of LLM",
    family="kv-quantization",
    grade="B",
    source="Kang, Zhang, Kundu, Jeong, Liu, Krishna, Zhao. 2024, arXiv 2403.05527",
    memory=(
        "KV in few bits, with a low-rank residual and sparse outliers beside it: a codec whose bits are the sum "
        "of the three."
    ),
    not_ours="The error; the baseline's kernels; what coding costs.",
    run=run,
)
