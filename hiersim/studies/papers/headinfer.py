"""HeadInfer: KV of a million tokens in host memory, two heads at a time on the GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiersim.engine.result import Result
from hiersim.machine.catalogue import machine_data
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, at_most, figure, seen
from hiersim.studies.operated import machine, operations, run

GIB = 2**30
MILLION = 2**20
"""Tokens of a million, as the model's context lengths count."""
CHUNK = 2**16
"""Tokens of the prompt at once, an assumption: larger chunks bring KV back less often and take more memory."""


def decoded(context: int = MILLION, **more: int) -> Result:
    """Return a run of one token of Llama-3 8B on an RTX 4090 whose host has room for the KV."""
    data: dict[str, Any] = machine_data("rtx-4090")
    data["tiers"]["dram"]["capacity"] = "1 TiB"
    on = machine(**{group: data[group] for group in ("tiers", "links", "units")})
    return run(on, operations("headwise_kv", context=context, **more))


def run_study() -> Sequence[Finding]:
    """Simulate a token behind a million, head by head and layer by layer, and one behind four million."""
    model = find_model("llama-3-8b")
    weights, kv = model.weight_bytes("fp16"), model.kv_bytes(MILLION, "fp16")
    one, layers, four = decoded(), decoded(group=8), decoded(4 * MILLION)
    prompt = decoded(chunk=CHUNK)
    busy = prompt.units["gpu0"].busy_ps / prompt.elapsed_ps
    link = one.links["pcie"]
    uploaded = link.forward_total if link.between[0] == "dram" else link.backward_total
    peak = one.tiers["gddr"].peak_bytes
    return [
        figure("kv-of-a-million", 128 * GIB, uploaded, 0.0, "KV bytes that cross to the GPU for a token; exact."),
        figure("kv-on-gpu", GIB, _kv(one), 0.0, ON_GPU.format(layers=_kv(layers) / GIB)),
        figure("total", 17e9, peak, 0.01, f"Peak of the GPU's memory, weights of {weights / 1e9:.4g} GB included."),
        figure("reduction", 0.92, 1 - peak / 207e9, 0.01, REDUCTION.format(both=(weights + kv) / 1e9)),
        at_most("four-million-in-24-gb", 24 * GIB, four.tiers["gddr"].peak_bytes, FOUR),
        seen("prompt-hides-uploads", "uploads overlap with compute", f"{busy:.2%} busy", busy > 0.99, PROMPT),
        at_most("prompt-in-24-gb", 24 * GIB, prompt.tiers["gddr"].peak_bytes, PEAK),
        figure("token-time", _pcie(one) / 1e12, one.elapsed_ps / 1e12, 0.02, TIME),
    ]


def _kv(result: Result) -> int:
    """Return the KV on the GPU at the peak: what is there beside the weights, which never leave."""
    return int(result.tiers["gddr"].peak_bytes - 32 * 501_891_328)


def _pcie(result: Result) -> int:
    """Return what PCIe needs for its bytes, packets included, in picoseconds."""
    assert result.operations is not None
    return max(ps for name, ps in result.operations.resources.items() if name.startswith("pcie."))


ON_GPU = (
    "KV on the GPU at the simulated peak: two buffers of one KV head of one layer, 2 x 2^20 tokens x 2 x 128 x 2 B; "
    "exact. Layer by layer it is {layers:.3g} GiB."
)
REDUCTION = (
    "Against the paper's 207 GB for the usual way, of which weights and KV are {both:.4g} GB and the rest activations "
    "of a prefill at once, which are not simulated."
)
FOUR = "Peak behind 4,194,304 tokens: two buffers of 2 GiB and the weights, below the card's memory."
PROMPT = (
    f"Share of the time that the GPU computes while it works through a prompt of 2^20 tokens in chunks of {CHUNK:,}, "
    "each with all KV before it coming back head by head, and a token behind it. Seen from 99%."
)
PEAK = "Peak of the same: weights, two buffers, and the KV of a chunk of one layer on its way out."
TIME = (
    "Seconds of a token. PCIe carries all KV for it, so it is these bytes and their packets at PCIe's rate; "
    "attention and matrices overlap with it, and latencies of 256 uploads and what goes back take 2% at most. The "
    "paper states no rate for it."
)

STUDY = Study(
    name="headinfer",
    title="HeadInfer: Memory-Efficient LLM Inference by Head-wise Offloading",
    family="kv-retrieval/offload",
    grade="A",
    source="Luo, Cai, Sun, Xiao, Yuan, Xiao, Hu, Zhao, Chen, Anandkumar. arXiv 2502.12574",
    memory=(
        "The KV of all heads is in host memory; while the GPU attends to one head's, the next one's is uploaded into "
        "the other of two buffers. Generator `headwise_kv`."
    ),
    not_ours="Activations of a prompt beside its KV.",
    run=run_study,
)
