"""One bit for the KV of images: what metadata leaves of sixteen times, on an image and on a whole prompt."""

from __future__ import annotations

from collections.abc import Sequence

from hiersim.machine.serving import KvCodec
from hiersim.studies.claim import Finding, Study, between, figure, seen
from hiersim.studies.serving import card, requests_of, served

MODEL, IMAGE, TEXT = "llama-2-7b", 576, 64
"""A model of the size of LLaVA-1.5's, whose images are 576 tokens, and a question."""
GROUP = 128
"""Numbers that share metadata of 32 bits: the one input."""


def peak(tokens: int, codec: KvCodec | None) -> int:
    """Return the bytes of KV of one prompt."""
    codecs = {"hbm": codec} if codec else {}
    return served(card(), MODEL, requests_of([tokens], [1]), codecs=codecs, page_tokens=1).tiers["hbm"].peak_bytes


def run() -> Sequence[Finding]:
    """Serve an image alone and with a question, in 16 bits and in one."""
    ratios = {
        group: peak(IMAGE, None) / peak(IMAGE, KvCodec(bits=1, group=group, metadata_bits=32))
        for group in (32, 64, 128)
    }
    free = peak(IMAGE, None) / peak(IMAGE, KvCodec(bits=1))
    share = TEXT / (IMAGE + TEXT)
    whole = peak(IMAGE + TEXT, None) / peak(
        IMAGE + TEXT, KvCodec(bits=1, group=GROUP, metadata_bits=32, full_share=share)
    )
    told = ", ".join(f"{group}: {ratio:.3g}" for group, ratio in ratios.items())
    return [
        figure("image-with-metadata", 12.8, ratios[GROUP], 0.01,
               f"Bytes of KV of an image of {IMAGE} tokens in 16 bits by those in 1 bit and 32 bits of metadata for "
               f"{GROUP} numbers."),
        between("16-bit-to-1-bit", 16.0, min(ratios.values()), free,
                f"The same by the size of a group ({told}); 16 is what it comes to without any metadata."),
        seen(
            "whole-prompt",
            "the image is compressed",
            f"{whole:.3g} times",
            whole < ratios[GROUP],
            f"Bytes of KV of the image and {TEXT} tokens of text that stay in 16 bits: the ratio above holds on the "
            "image alone.",
        ),
    ]  # fmt: skip


STUDY = Study(
    name="visual-kv-1bit",
    title="From 16-Bit to 1-Bit: Visual KV Cache Quantization for Memory-Efficient Multimodal Large Language Models",
    family="kv-quantization",
    grade="B",
    source="2025, arXiv 2502.14882",
    memory=(
        "KV of image tokens in one bit with levels per group, nothing dropped: a codec with the text's share in full."
    ),
    not_ours="Accuracy; how large the groups must be for it: an input.",
    run=run,
)
