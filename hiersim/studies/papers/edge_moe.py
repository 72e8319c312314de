"""Edge-MoE: patches regrouped by expert, so that each expert's weights come once; attention at a fixed bandwidth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from hiersim.engine.result import Result
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.operated import chip, machine, run
from hiersim.traces.operation_builder import OperationBuilder

PATCHES, EXPERTS, ACTIVE, WIDTH, HIDDEN = 128, 16, 4, 192, 768
"""Of M3ViT's smallest model, which the paper runs (recalled): patches, experts, those of a patch, and their widths."""
WEIGHTS = 2 * WIDTH * HIDDEN * 2
"""Bytes of an expert at 16 bits."""
DDR = {"kind": "ddr", "capacity": "4 GiB", "read_bandwidth": "19.2 GB/s", "write_bandwidth": "19.2 GB/s",
       "read_latency": "100 ns", "write_latency": "100 ns"}  # fmt: skip
PAD = {
    "kind": "sram",
    "read_bandwidth": "400 GB/s",
    "write_bandwidth": "400 GB/s",
    "read_latency": "5 ns",
    "write_latency": "5 ns",
}
CYCLE = 3333
"""Picoseconds: 300 MHz."""


@cache
def routing() -> Any:
    """Return the experts of each patch, int [patches, active], drawn with a skew of popularity."""
    rng = np.random.default_rng(3)
    popular = 1.0 / np.arange(1, EXPERTS + 1)
    return np.array([rng.choice(EXPERTS, ACTIVE, False, popular / popular.sum()) for _ in range(PATCHES)])


@cache
def layer(grouped: bool) -> Result:
    """Return a run of a layer of experts, patch by patch or expert by expert, with room for one expert's weights."""
    pairs = [(int(expert), patch) for patch, row in enumerate(routing()) for expert in row]
    build = OperationBuilder("experts")
    weights = [build.object(WEIGHTS, "expert", home="hbm") for _ in range(EXPERTS)]
    for expert, _ in sorted(pairs) if grouped else pairs:
        build.add("expert", unit="gpu0", reads=[weights[expert]], flops=WEIGHTS)
    pad = {**PAD, "capacity": f"{WEIGHTS} B"}
    return run(chip(pad, DDR, {"kind": "npu", "flops": {"fp16": "200 GFLOP/s"}}), build.build())


def attention(parallel: int, shared: bool) -> float:
    """Return the bytes per cycle that attention reads with so many multipliers' worth of queries or keys at once.

    Args:
        parallel: dot products in a cycle.
        shared: whether they are of one key with several queries, which stay; else of one query with several keys.
    """
    build, key = OperationBuilder("attention"), WIDTH * 2
    for _ in range(PATCHES * PATCHES // parallel):
        build.add(
            "dot products", unit="gpu0", near_read=key if shared else key * parallel, near_class="kv", duration_ps=CYCLE
        )
    on = machine(
        tiers={"sram": {**PAD, "capacity": "1 MiB", "read_bandwidth": "100 TB/s"}},
        units={"gpu0": {"kind": "npu", "tier": "sram", "flops": {"fp16": "1 TFLOP/s"}}},
    )
    result = run(on, build.build())
    return result.tiers["sram"].read_total / (result.elapsed_ps / CYCLE)


def run_study() -> Sequence[Finding]:
    """Simulate both orders of experts, and both orders of attention."""
    flat = [int(expert) for row in routing() for expert in row]
    switches = 1 + sum(a != b for a, b in pairwise(flat))
    loads = {grouped: layer(grouped).tiers["hbm"].read_total / WEIGHTS for grouped in (False, True)}
    speed = layer(False).elapsed_ps / layer(True).elapsed_ps
    shared, own = ([attention(p, together) for p in (1, 2, 4, 8)] for together in (True, False))
    told = ", ".join(f"{x:.4g}" for x in shared)
    return [
        figure("loads-by-patch", switches, loads[False], 0.0, f"{LOADS}: one for each switch of experts; exact."),
        figure("loads-by-expert", len(set(flat)), loads[True], 0.0, f"{LOADS}: one for each that is active; exact."),
        seen("faster-by-expert", "less waiting for weights", f"{speed:.3g} times", speed > 1.0, FASTER),
        figure(
            "bandwidth-by-key",
            own[0] * 8,
            own[3],
            0.0,
            "Bytes a cycle with 8 keys at once, against 8 times one; exact.",
        ),
        figure(
            "bandwidth-by-query",
            shared[0],
            shared[3],
            0.0,
            f"Bytes a cycle, 1, 2, 4, 8 queries at once: {told}; exact.",
        ),
    ]


LOADS = f"Weights read from DRAM in units of an expert, {PATCHES} patches, {ACTIVE} of {EXPERTS} experts, room for one"
FASTER = "Times of a layer of experts, patch by patch over expert by expert, at 19.2 GB/s and 200 GFLOP/s."

STUDY = Study(
    name="edge-moe",
    title=(
        "Edge-MoE: Memory-Efficient Multi-Task Vision Transformer Architecture with Task-level Sparsity via "
        "Mixture-of-Experts"
    ),
    family="on-chip/scratchpad",
    grade="A",
    source="Sarkar, Liang, Fan, Wang, Hao. ICCAD 2023, arXiv 2305.18691",
    memory=(
        "Patches are regrouped by expert, so that each expert's weights come once; several queries share each key that "
        "attention reads, so that its bandwidth does not grow with the parallelism."
    ),
    not_ours=(
        "Energy of 2.24 and 4.90 times less than a GPU and a CPU: powers of three chips, of which no figure is at hand."
    ),
    run=run_study,
)
