"""MEMO: activations of a million tokens leave the GPU layer by layer, and buffers that are planned do not fragment."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from hiersim.engine.result import Result
from hiersim.machine.catalogue import machine_data
from hiersim.scratchpad.allocate import Allocation, Block, allocate, placed
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.operated import machine, run
from hiersim.traces.operation_builder import OperationBuilder

TOKENS, GPUS, WIDTH, LAYERS = 2**20, 8, 4096, 32
VALUES = 16
"""Values that a token leaves behind in a layer for its gradient, in widths of the model; an estimate."""
ACTIVATIONS = TOKENS // GPUS * VALUES * WIDTH * 2
"""Bytes of a layer on a GPU at 16 bits."""
SIMULATED = 4
"""Layers that are run: the first few show what all do."""


def layer_flops() -> int:
    """Return the FLOPs of a layer's forward pass on one GPU: matrices, and causal attention to all tokens."""
    own = TOKENS // GPUS
    return 24 * own * WIDTH**2 + 2 * own * TOKENS * WIDTH


@cache
def forward() -> Result:
    """Return a run of the forward pass of some layers whose activations leave over PCIe while the next one computes."""
    data: dict[str, Any] = machine_data("a100-80g")
    data["tiers"]["dram"]["capacity"] = "4 TiB"
    on = machine(**{group: data[group] for group in ("tiers", "links", "units")})
    build, gone = OperationBuilder("forward"), list[int]()
    for _ in range(SIMULATED):
        saved = build.object(ACTIVATIONS, "activation", kept=True)
        after = gone[-2:-1]
        done = build.add("layer", unit="gpu0", writes=[saved], after=after, flops=layer_flops(), dtype="bf16")
        gone.append(build.add("offload", unit="gpu0", stream="out", action="offload", reads=[saved], after=[done]))
    return run(on, build.build())


def lifetimes_of_a_layer() -> list[Block]:
    """Return the tensors of a layer's forward pass for two layers: those that leave, and those that only pass through.

    Sizes are in widths of the model for a token; names are those of a transformer's layer with a gated feed-forward
    block 8/3 as wide.
    """
    one = [("norm", 3, 0, 1), ("qkv", 9, 1, 3), ("attention", 3, 2, 4), ("add", 3, 3, 8), ("norm 2", 3, 4, 5),
           ("gate", 8, 5, 6), ("up", 8, 5, 6), ("product", 8, 6, 7), ("down", 3, 7, 8)]  # fmt: skip
    blocks: list[Block] = []
    for layer in range(2):
        blocks += [
            Block(len(blocks) + i, size, 8 * layer + first, 8 * layer + last)
            for i, (_, size, first, last) in enumerate(one)
        ]
    return blocks


def run_study() -> Sequence[Finding]:
    """Simulate the offload, and place the buffers of a layer in two ways."""
    result = forward()
    link = result.links["pcie"]
    crossed = max(link.forward_total, link.backward_total)
    moving = max(link.forward_utilisation, link.backward_utilisation) * result.elapsed_ps / 1e12 / SIMULATED
    computing = result.units["gpu0"].busy_ps / 1e12 / SIMULATED
    blocks = lifetimes_of_a_layer()
    online = placed(blocks, sorted(range(len(blocks)), key=lambda i: (blocks[i].first, i)))
    best = allocate(blocks, "optimum")
    stall = result.units["gpu0"].stalled_ps / result.elapsed_ps
    told = f"{moving:.2g} s behind {computing:.3g} s"
    return [
        figure(
            "bytes-of-a-layer",
            17.2e9,
            crossed / SIMULATED,
            0.005,
            "Bytes that leave a GPU for a layer, eighth of 2^20 tokens.",
        ),
        figure("bytes-of-a-gpu", 0.55e12, crossed / SIMULATED * LAYERS, 0.005, "The same of 32 layers."),
        seen("hidden", "0.5 s of PCIe behind about 7 s of compute", told, moving < computing and stall == 0.0, HIDDEN),
        figure(
            "fragmentation-planned",
            0.0,
            best.fragmentation,
            0.0,
            "Share of the arena beyond what lives at once, planned.",
        ),
        seen(
            "fragmentation-online",
            "reallocations for want of one piece",
            _share(online),
            online.fragmentation > 0,
            ONLINE,
        ),
    ]


def _share(allocation: Allocation) -> str:
    return f"{100 * allocation.fragmentation:.3g}% of the arena"


HIDDEN = (
    "Seconds of a layer's activations on PCIe, and of its forward pass on an A100. Seen when the one hides behind the "
    "other and the GPU never waits."
)
ONLINE = (
    "Buffers of a layer, in an order of use: each tensor placed when it is made, into the smallest gap, as a caching "
    "allocator does. The planned arena has no such loss."
)

STUDY = Study(
    name="memo",
    title="Efficiently Training 7B LLM with 1 Million Sequence Length on 8 GPUs",
    family="activation-memory",
    grade="A",
    source="Zhao, Zhang, Fu, Jiang, Cui and others. arXiv 2407.12117",
    memory=(
        "A layer's activations leave for host memory while the next one computes, some tokens are computed again, "
        "and an integer programme plans the buffers."
    ),
    not_ours="MFU (52.30%, and 2.42 and 2.26 times the baselines'): kernels, and the baselines' parallel plans.",
    run=run_study,
)
