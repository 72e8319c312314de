"""Lamina: attention and KV on memory-optimised devices, everything else on compute GPUs, vectors over the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiersim.engine.result import Result
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, between, figure, seen
from hiersim.studies.operated import machine, operations, run

CONTEXT = 8192
GPUS, POOL = 2, 4
"""H100s for the model, H20s for attention; all together as one unit each."""
ALONE = (2, 4)
"""Sizes of the designs without a pool."""
CONTEXTS, CARDS = (2048, 8192, 32768), (8, 16, 32)
"""Tokens of a request, and consumer cards of a pool, of the first version's designs."""
H20: dict[str, Any] = {"bandwidth": 4.0e12, "capacity": 96e9, "flops": 148e12, "price": 4.63}
"""Data sheet figures, recalled: 4.0 TB/s, 96 GB, 148 TFLOP/s dense at 16 bits; $/h recalled from a list."""
H100: dict[str, Any] = {"bandwidth": 3.35e12, "capacity": 80e9, "flops": 989e12, "price": 11.06}
"""$/h recalled from the same list; the ratio is what matters."""
RENTED: dict[str, dict[str, Any]] = {
    "H100": H100 | {"price": 4.29},
    "RTX 3090": {"bandwidth": 936e9, "capacity": 24e9, "flops": 71e12, "price": 0.44},
    "RTX 4090": {"bandwidth": 1008e9, "capacity": 24e9, "flops": 165.2e12, "price": 0.74},
}
"""Figures as of the catalogue's parts; $/h of one list, RunPod's (github kyledinh/gpt-prive docs/guides/gpu.md)."""


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


def batch_of(gpus: int, pool: int, card: dict[str, Any] = H20, context: int = CONTEXT) -> int:
    """Return the requests whose KV fits beside the weights, or in the pool."""
    model = find_model("llama-3-70b")
    room = pool * card["capacity"] if pool else gpus * H100["capacity"] - model.weight_bytes("fp16")
    return int(room // model.kv_bytes(context, "fp16"))


def simulated(gpus: int, pool: int, batch: int, card: dict[str, Any] = H20, context: int = CONTEXT) -> Result:
    """Return a run of a decoding step; with a pool two halves of the batch in turn so that both sides have work."""
    tiers = {"hbm": memory(H100, gpus), "pool": memory(card, max(1, pool))}
    net = {"kind": "network", "between": ["hbm", "pool"], "bandwidth": "50 GB/s", "latency": "5 us"}
    units = {"gpu0": unit(H100, gpus, "hbm"), "mem0": unit(card, max(1, pool), "pool")}
    case: dict[str, Any] = {"requests": batch, "context": context, "away": "yes" if pool else "no"}
    return run(machine(tiers=tiers, links={"net": net}, units=units), operations("attention_pool", **case))


def per_dollar(gpus: int, pool: int, card: dict[str, Any], price: float, context: int = CONTEXT) -> float:
    """Return the tokens/s per $/h of a design with as large a batch as its memory allows; ``price`` is an H100's."""
    batch = batch_of(gpus, pool, card, context)
    rate = 1e12 * batch / simulated(gpus, pool, batch, card, context).elapsed_ps
    return float(rate / (gpus * price + pool * card["price"]))


def consumer_gains() -> dict[tuple[str, int, int, int], float]:
    """Return the gain of 2 H100 with consumer cards over H100 alone, by card, their number, H100 alone, and context."""
    price = RENTED["H100"]["price"]
    alone = {(g, c): per_dollar(g, 0, H20, price, c) for g in ALONE for c in CONTEXTS}
    return {
        (name, pool, g, c): per_dollar(GPUS, pool, card, price, c) / alone[g, c]
        for name, card in RENTED.items() if name != "H100" for pool in CARDS for g, c in alone
    }  # fmt: skip


def run_study() -> Sequence[Finding]:
    """Simulate traffic for a token, and designs with pools of several sizes against GPUs that do all."""
    model = find_model("llama-3-70b")
    batch = batch_of(GPUS, POOL)
    away = simulated(GPUS, POOL, batch)
    link = away.links["net"]
    token = (link.forward_total + link.backward_total) / batch
    kv = away.tiers["pool"].read_bytes["kv"] / batch
    gains = consumer_gains()
    low, high = min(gains.values()), max(gains.values())
    card, pool, alone, context = max(gains, key=lambda case: gains[case])
    told = f"{pool} {card} beside {GPUS} H100, over {alone} H100, at {context:,} tokens"
    alike = per_dollar(GPUS, POOL, H20, H100["price"]) / per_dollar(4, 0, H20, H100["price"])
    return [
        figure("network-bytes-a-token", (2 * 8192 + 2 * 8 * 128) * 2 * 80, token, 0.0, NETWORK),
        figure("kv-over-network", 910.0, kv / token, 0.001, OVER.format(gb=kv / 1e9)),
        figure("kv-bytes", model.kv_bytes(CONTEXT, "fp16"), kv, 0.0, "KV that a token's attention reads; exact."),
        between("per-dollar-least", 1.48, low, high, COST),
        between("per-dollar-most", 12.1, low, high, MOST.format(told=told)),
        seen("second-version", "1.161 to 1.901 times at similar cost", f"{alike:.3g}", 1.161 <= alike <= 1.901, SECOND),
    ]


OVER = f"KV read of {CONTEXT:,} tokens, {{gb:.3g}} GB, over the bytes on the network."
NETWORK = (
    "Bytes over the network for a token of Llama-3 70B: (2 d + 2 KV heads x head size) x 2 B in each of 80 layers."
)
COST = (
    "Tokens/s per $/h over those of H100 that do all, Llama-3 70B, each with the batch that its memory allows. The "
    f"first version attends on consumer GPUs: {', '.join(map(str, CARDS))} RTX 3090 or 4090 beside {GPUS} H100, two "
    f"halves of the batch in turn, a network of 50 GB/s, against {' and '.join(map(str, ALONE))} H100; prices of one "
    "provider's list, 4.29, 0.44 and 0.74 $/h. Models, context and numbers of cards are not in the abstract: "
    f"{', '.join(f'{context:,}' for context in CONTEXTS)} tokens here, at the last of which {GPUS} H100 alone have "
    "room for one request, so that the claim's ends are held against a range."
)
MOST = (
    "The other end of the claim, against the same range. Most is gained by {told}: beside the weights 160 GB have room "
    "for few requests, and what a pool gives is batch."
)
SECOND = (
    f"The second version of the paper replaces the claim by 16.1 to 90.1% more throughput at similar cost: {GPUS} H100 "
    f"with {POOL} H20 against 4 H100, per $/h, at {CONTEXT:,} tokens. The prices, 11.06 and 4.63 $/h, are recalled."
)

STUDY = Study(
    name="lamina",
    title="Efficient and Economic Large Language Model Inference with Attention Offloading",
    family="near-memory compute",
    grade="A",
    source="Chen, Lin, Zhang, Zheng, Chen, Wu and others. arXiv 2405.01814, versions 1 and 2",
    memory=(
        "KV and its attention on devices with much memory for their price, weights on compute GPUs; queries, keys, "
        "values and outputs cross the network in every layer. Generator `attention_pool`."
    ),
    not_ours="Prices, which are an input, and which batch a service reaches.",
    run=run_study,
)
