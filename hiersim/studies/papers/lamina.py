"""Lamina: attention and KV on memory-optimised devices, everything else on compute GPUs, vectors over the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiersim.engine.result import Result
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, between, figure
from hiersim.studies.operated import machine, operations, run

CONTEXT = 8192
GPUS, POOL = 2, 4
"""H100s for the model, H20s for attention; all together as one unit each."""
POOLS, ALONE = (4, 6, 8), (2, 4)
"""Sizes of the pool, and of the designs without one."""
PRICES = {"H100": 11.06, "H20": 4.63}
"""$/h, an input: list prices of clouds, recalled; the ratio is what matters."""
H20: dict[str, Any] = {"bandwidth": 4.0e12, "capacity": 96e9, "flops": 148e12}
"""Data sheet figures, recalled: 4.0 TB/s, 96 GB, 148 TFLOP/s dense at 16 bits."""
H100: dict[str, Any] = {"bandwidth": 3.35e12, "capacity": 80e9, "flops": 989e12}


def memory(kind: dict[str, Any], count: int) -> dict[str, Any]:
    """Return the memories of so many devices as one tier."""
    rate = f"{kind['bandwidth'] * count:.0f} B/s"
    capacity = f"{kind['capacity'] * count:.0f} B"
    return {"kind": "hbm", "capacity": capacity, "read_bandwidth": rate, "write_bandwidth": rate,
            "read_latency": "500 ns", "write_latency": "500 ns", "efficiency": 0.92}  # fmt: skip


def unit(kind: dict[str, Any], count: int, tier: str) -> dict[str, Any]:
    """Return the processors of so many devices as one unit."""
    rate = f"{kind['flops'] * count:.0f} FLOP/s"
    return {"kind": "gpu", "tier": tier, "flops": {"fp16": rate}, "efficiency": 0.6}


def batch_of(gpus: int, pool: int) -> int:
    """Return the requests whose KV fits beside the weights, or in the pool."""
    model = find_model("llama-3-70b")
    room = pool * H20["capacity"] if pool else gpus * H100["capacity"] - model.weight_bytes("fp16")
    return int(room // model.kv_bytes(CONTEXT, "fp16"))


def simulated(gpus: int, pool: int, batch: int) -> Result:
    """Return a run of a decoding step; with a pool two halves of the batch in turn so that both sides have work."""
    tiers = {"hbm": memory(H100, gpus), "pool": memory(H20, max(1, pool))}
    net = {"kind": "network", "between": ["hbm", "pool"], "bandwidth": "50 GB/s", "latency": "5 us"}
    units = {"gpu0": unit(H100, gpus, "hbm"), "mem0": unit(H20, max(1, pool), "pool")}
    case: dict[str, Any] = {"requests": batch, "context": CONTEXT, "away": "yes" if pool else "no"}
    return run(machine(tiers=tiers, links={"net": net}, units=units), operations("attention_pool", **case))


def per_dollar(gpus: int, pool: int) -> float:
    """Return the tokens/s per $/h of a design with as large a batch as its memory allows."""
    batch = batch_of(gpus, pool)
    rate = 1e12 * batch / simulated(gpus, pool, batch).elapsed_ps
    return rate / (gpus * PRICES["H100"] + pool * PRICES["H20"])


def run_study() -> Sequence[Finding]:
    """Simulate traffic for a token, and designs with pools of several sizes against GPUs that do all."""
    model = find_model("llama-3-70b")
    batch = batch_of(GPUS, POOL)
    away = simulated(GPUS, POOL, batch)
    link = away.links["net"]
    token = (link.forward_total + link.backward_total) / batch
    kv = away.tiers["pool"].read_bytes["kv"] / batch
    gains = {(g, p): per_dollar(GPUS, p) / per_dollar(g, 0) for g in ALONE for p in POOLS}
    low, high = min(gains.values()), max(gains.values())
    told = "; ".join(f"{p} H20 over {g} H100 {gain:.3g}" for (g, p), gain in gains.items())
    return [
        figure("network-bytes-a-token", (2 * 8192 + 2 * 8 * 128) * 2 * 80, token, 0.0, NETWORK),
        figure("kv-over-network", 910.0, kv / token, 0.001, OVER.format(gb=kv / 1e9)),
        figure("kv-bytes", model.kv_bytes(CONTEXT, "fp16"), kv, 0.0, "KV that a token's attention reads; exact."),
        between("per-dollar-least", 1.48, low, high, f"{COST} {told}."),
        between("per-dollar-most", 12.1, low, high, MOST),
    ]


OVER = f"KV read of {CONTEXT:,} tokens, {{gb:.3g}} GB, over the bytes on the network."
NETWORK = (
    "Bytes over the network for a token of Llama-3 70B: (2 d + 2 KV heads x head size) x 2 B in each of 80 layers."
)
MOST = (
    "The other end of the claim, against the same range. A baseline with less room for KV beside the weights, or a "
    "longer context, gains more; which one the paper has is not at hand."
)
COST = (
    "Tokens/s per $/h over those of H100 that do all, Llama-3 70B at 8,192 tokens, each with the batch that its "
    "memory allows; 2 H100 and a pool of H20, two halves of the batch in turn, a network of 50 GB/s. The prices, "
    "11.06 and 4.63 $/h, are inputs, recalled from lists. The paper's models and traces are others, so that its ends "
    "are held against the range of these designs:"
)

STUDY = Study(
    name="lamina",
    title="Efficient and Economic Large Language Model Inference with Attention Offloading",
    family="near-memory compute",
    grade="A",
    source="Chen, Lin, Zhang, Zheng, Chen, Wu and others. arXiv 2405.01814",
    memory=(
        "KV and its attention on devices with much memory for their price, weights on compute GPUs; queries, keys, "
        "values and outputs cross the network in every layer. Generator `attention_pool`."
    ),
    not_ours="Prices, which are an input, and which batch a service reaches.",
    run=run_study,
)
