"""KV predicted from the layer before: what residuals of 2 to 2.5 bits take, and what the predictors read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hiersim.machine.serving import KvCodec
from hiersim.models import find_model, work_of
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.serving import GB, card, requests_of, served

MODEL, TOKENS, RANKS = "llama-3.1-70b", 4096, 4
BITS = (2.0, 2.5)


def per_token(bits: float | None) -> float:
    """Return the bytes of KV per token of all ranks, from the peak of a request's."""
    codecs = {"hbm": KvCodec(bits=bits)} if bits else {}
    rules: dict[str, Any] = {"ranks": RANKS, "rank_link": "pcie", "page_tokens": 1, "codecs": codecs}
    return RANKS * served(card(), MODEL, requests_of([TOKENS], [1]), **rules).tiers["hbm"].peak_bytes / TOKENS


def predictor_bytes() -> int:
    """Return the bytes of linear predictors in 16 bits: keys from the keys before, values from both, of each layer."""
    model = find_model(MODEL)
    width = model.kv_heads * model.head_dim
    return (model.layers - 1) * (width * width + 2 * width * width) * 2


def run() -> Sequence[Finding]:
    """Serve a prompt with both numbers of bits."""
    plain = per_token(None)
    return [*_ratios(plain), _predictors(plain)]


def _ratios(plain: float) -> Iterator[Finding]:
    for bits, ratio, kib in zip(BITS, (8.0, 6.4), (40, 50), strict=True):
        small = per_token(bits)
        note = (
            f"Bytes of KV per token of {MODEL} over {RANKS} ranks, from the peak of a prompt of {TOKENS:,} tokens: "
            f"{plain / 1024:.4g} KiB in 16 bits, {small / 1024:.4g} KiB at {bits:g} bits a number, the paper's "
            f"{'lower' if bits == 2 else 'upper'} end."
        )
        yield figure(f"ratio-at-{bits:g}-bits", ratio, plain / small, 0.005, note)
        yield figure(f"kib-per-token-at-{bits:g}-bits", kib, small / 1024, 0.005, note)


def _predictors(plain: float) -> Finding:
    size, weights = predictor_bytes(), work_of(find_model(MODEL)).weight_bytes
    even = size / (plain * (1 - 2.5 / 16))
    note = (
        f"Linear predictors of {find_model(MODEL).layers - 1} layers are {size / GB:.2g} GB in 16 bits, "
        f"{size / weights:.1%} of the weights, and are read in every step: as much as the codec saves on {even:,.0f} "
        "tokens of context. Layers must be rebuilt one after the other."
    )
    return seen("predictors", "cheap", f"{even:,.0f} tokens", even < 16_384, note)


STUDY = Study(
    name="aqua-kv",
    title="Cache Me If You Must: Adaptive Key-Value Quantization for Large Language Models",
    family="kv-quantization",
    grade="A",
    source="Shutova et al. ICML 2025, arXiv 2501.19392",
    memory=(
        "Small predictors rebuild a layer's KV from the layer before, so that only a residual of 2 to 2.5 bits "
        "is stored."
    ),
    not_ours="Error rates; calibration time.",
    run=run,
)
