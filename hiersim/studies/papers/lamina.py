"""Lamina: attention and KV on memory-optimised devices, everything else on compute GPUs, vectors over the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiersim.engine.result import Result
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.operated import machine, run
from hiersim.traces.operation import OperationTrace
from hiersim.traces.operation_builder import OperationBuilder

CONTEXT, ELEMENT = 8192, 2
GPUS, POOL = 2, 4
"""H100s for the model, H20s for attention; all together as one unit each."""
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
    """Return a run of a decoding step, two halves of the batch in turn so that both sides have work."""
    tiers = {"hbm": memory(H100, gpus), "pool": memory(H20, max(1, pool))}
    net = {"kind": "network", "between": ["hbm", "pool"], "bandwidth": "50 GB/s", "latency": "5 us"}
    units = {"gpu0": unit(H100, gpus, "hbm"), "mem0": unit(H20, max(1, pool), "pool")}
    return run(machine(tiers=tiers, links={"net": net}, units=units), step(batch, pool > 0))


def step(batch: int, away: bool) -> OperationTrace:
    """Return a decoding step of Llama-3 70B: projections, attention here or away, output and feed-forward."""
    model, build = find_model("llama-3-70b"), OperationBuilder("decode step")
    vector, wide = model.hidden * ELEMENT, model.kv_values_per_layer * ELEMENT
    weights, halves = model.weight_bytes("fp16") // model.layers, (batch - batch // 2, batch // 2) if away else (batch,)
    last: list[int] = [-1] * len(halves)
    for _ in range(model.layers):
        for half, count in enumerate(halves):
            after = [last[half]] if last[half] >= 0 else []
            read = weights // len(halves) if away else weights  # a half reads its weights at its own time
            dense = {"unit": "gpu0", "near_read": read, "flops": 2 * count * weights // ELEMENT, "near_class": "weight"}
            kv = {"near_read": count * CONTEXT * wide, "flops": 4 * count * CONTEXT * model.hidden, "near_class": "kv"}
            if not away:
                build.add("model", after=after, **dense)
                last[half] = build.add("attention", unit="gpu0", **kv)
                continue
            done = build.add("model", after=after, **dense)
            carry = {"unit": "mem0", "action": "carry", "near_class": "activation"}
            sent = build.add("query, key, value", stream="there", source="hbm", target="pool", after=[done],
                             near_read=count * (vector + wide), **carry)  # fmt: skip
            done = build.add("attention", unit="mem0", after=[sent], **kv)
            last[half] = build.add("output", stream="back", source="pool", target="hbm", after=[done],
                                   near_read=count * vector, **carry)  # fmt: skip
    return build.build()


def run_study() -> Sequence[Finding]:
    """Simulate traffic for a token, and both designs at about equal price."""
    model = find_model("llama-3-70b")
    batch = batch_of(GPUS, POOL)
    away = simulated(GPUS, POOL, batch)
    link = away.links["net"]
    token = (link.forward_total + link.backward_total) / batch
    kv = away.tiers["pool"].read_bytes["kv"] / batch
    alone = batch_of(4, 0)
    here = simulated(4, 0, alone)
    rates = [1e12 * b / r.elapsed_ps / cost for b, r, cost in (
        (batch, away, GPUS * PRICES["H100"] + POOL * PRICES["H20"]), (alone, here, 4 * PRICES["H100"]))]  # fmt: skip
    gain = rates[0] / rates[1]
    told = COST.format(batch=batch, alone=alone, gpus=GPUS, pool=POOL)
    return [
        figure("network-bytes-a-token", (2 * 8192 + 2 * 8 * 128) * 2 * 80, token, 0.0, NETWORK),
        figure("kv-over-network", 910.0, kv / token, 0.001, f"KV read of {CONTEXT:,} tokens over it, {kv / 1e9:.3g} GB."),
        seen("throughput-per-dollar", "1.48 to 12.1 times", f"{gain:.3g} times", 1.48 <= gain <= 12.1, told),
        figure("kv-bytes", model.kv_bytes(CONTEXT, "fp16"), kv, 0.0, "KV that a token's attention reads; exact."),
    ]


NETWORK = "Bytes over the network for a token of Llama-3 70B: (2 d + 2 KV heads x head size) x 2 B in each of 80 layers."
COST = (
    "Tokens/s per $/h over those of 4 H100 that do all, Llama-3 70B at 8,192 tokens, batches {batch} and {alone} as memory "
    "allows; {gpus} H100 and {pool} H20, two halves of the batch in turn, a network of 50 GB/s. H100 at 11.06 and H20 at "
    "4.63 $/h are inputs, recalled list prices. Seen when the gain lies in the paper's range, whose ends are those of "
    "its models and traces."
)

STUDY = Study(
    name="lamina",
    title="Efficient and Economic Large Language Model Inference with Attention Offloading",
    family="near-memory compute",
    grade="A",
    source="Chen, Lin, Zhang, Zheng, Chen, Wu and others. arXiv 2405.01814",
    memory=(
        "KV and its attention on devices with much memory for their price, weights on compute GPUs; queries, keys, values "
        "and outputs cross the network in every layer."
    ),
    not_ours="Prices, which are an input, and which batch a service reaches.",
    run=run_study,
)
