"""InstInfer: decode attention inside of computational SSDs, against KV that is read over PCIe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiersim.engine.result import Result
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, between, figure
from hiersim.studies.operated import binding, machine, operations, run

TOKENS, BATCH, KEPT = 1024, 4, 8
"""Context, requests, and of how many tokens its sparse attention reads one, as its accuracy study has it (recalled)."""
ELEMENT = 2
CHANNELS, CHANNEL = 8, 1.4e9
"""Of a drive, and bytes/s of a channel: ONFI 4.1 at 1,400 MT/s; the paper's own board was not looked up."""


def drive(inside: str, kept: int = 1) -> Result:
    """Return a run of a decoding step with attention in the drive, or on the GPU; one of ``kept`` tokens is read."""
    flash = {
        "kind": "flash", "capacity": "4 TB", "read_bandwidth": f"{CHANNELS * CHANNEL:.0f} B/s",
        "write_bandwidth": "2 GB/s", "read_latency": "60 us", "write_latency": "20 us", "granularity": "16 KiB",
    }  # fmt: skip
    on = machine(
        tiers={"vram": {"part": "a6000-gddr6", "read_latency": "300 ns", "write_latency": "300 ns"}, "flash": flash},
        links={"pcie": {"part": "nvme3-x4", "between": ["vram", "flash"]}},
        units={
            "gpu0": {"kind": "gpu", "tier": "vram", "flops": {"fp16": "155 TFLOP/s"}, "efficiency": 0.6},
            "csd0": {"kind": "near-memory", "tier": "flash", "flops": {"fp16": "1 TFLOP/s"}},
        },
    )
    case: dict[str, Any] = {"requests": BATCH, "context": TOKENS, "layer_weights": 0, "inside": inside, "kept": kept}
    return run(on, operations("in_storage_attention", **case), ahead=2)


def run_study() -> Sequence[Finding]:
    """Simulate the step on the GPU, in the drive, and in the drive with sparse attention."""
    model = find_model("opt-13b")
    gpu, dense, sparse = drive("no"), drive("yes"), drive("yes", KEPT)
    link = dense.links["pcie"]
    vectors = model.layers * BATCH * 4 * model.hidden * ELEMENT
    ratios = [gpu.elapsed_ps / each.elapsed_ps for each in (dense, sparse)]
    return [
        figure("kv-over-pcie", BATCH * TOKENS * 800 * 1024, gpu.links["pcie"].backward_total, 0.0, KV),
        figure("vectors-over-pcie", vectors, link.forward_total + link.backward_total, 0.0, VECTORS),
        figure("dense-gain", _bandwidths(), ratios[0], 0.05, f"{GAIN} {binding(dense)} binds."),
        between("throughput", 11.1, ratios[0], ratios[1], f"{CLAIM} {ratios[0]:.3g} and {ratios[1]:.3g}."),
    ]


def _bandwidths() -> float:
    """Return the drive's bandwidth inside over that of its link, payload of PCIe 3.0 x4."""
    return CHANNELS * CHANNEL / 3.295e9


KV = f"Bytes of a step over PCIe, batch {BATCH}, {TOKENS:,} tokens, OPT-13B: 800 KiB for each token; exact."
VECTORS = "Bytes of the step in the drive: query, key and value in, an output back, 4 d x 2 B a layer; exact."
GAIN = (
    "Time of a step, KV over PCIe 3.0 x4 over attention in the drive, against the ratio of 8 channels of 1.4 GB/s to "
    "what PCIe carries; vectors and latencies take 5% at most."
)
CLAIM = (
    f"11.1 times FlexGen's throughput is more than the bandwidths give. The paper adds sparse attention, which reads "
    f"1 of {KEPT} tokens, and its baseline goes through the host's file system. Dense and sparse, by bytes alone:"
)

STUDY = Study(
    name="instinfer",
    title="InstInfer: In-Storage Attention Offloading for Cost-Effective Long-Context LLM Inference",
    family="near-memory compute",
    grade="A",
    source="Pan, Li, Li, Liang, Shan, Zhou, Luo, Wang, Zhang. arXiv 2409.04992",
    memory=(
        "Decode attention runs in computational SSDs that hold the KV: vectors cross PCIe, KV only the drive's "
        "channels. Generator `in_storage_attention`."
    ),
    not_ours="The engine in the drive, what sparse attention loses, and how far the baseline is from its link's rate.",
    run=run_study,
)
