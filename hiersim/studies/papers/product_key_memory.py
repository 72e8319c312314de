"""Product keys: halves of keys are scanned in place of all keys, and twelve layers with a memory do for twenty-four."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiersim.machine import Machine
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.executed import executed, plain_machine, plain_tier, seconds
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.workloads import generate

SIDE, KEY, HEADS, CHOSEN, HIDDEN = 512, 512, 4, 32, 1024
"""Half keys of each codebook, width of a key, heads, values that each reads, width of a value."""
BANDWIDTH, FLOPS = 900e9, 125e12
"""NVIDIA V100, data sheet: bytes per second of its HBM2, FLOPs per second of its tensor cores."""
HALF_BYTES, FLAT_BYTES = HEADS * 2 * SIDE * KEY // 2 * 2, HEADS * SIDE**2 * KEY * 2
BATCHES = (1, 64, 1024)
MODELS = ((24, False), (12, True))
"""Layers, and whether one has a memory in place of its feed-forward block."""


def gpu() -> Machine:
    """Return the GPU alone."""
    return plain_machine({"hbm": plain_tier("hbm", BANDWIDTH, 32e9)}, FLOPS)


def memory(batch: int, flat: bool) -> Any:
    """Run one memory layer for a batch of tokens, with all keys scanned or two halves."""
    keys = FLAT_BYTES if flat else HALF_BYTES
    params: dict[str, Any] = {
        "rows": SIDE**2,
        "row": 2 * HIDDEN,
        "lookups": HEADS * CHOSEN,
        "batch": batch,
        "steps": 2,
        "sector": 32,
    }
    tiers: dict[str, Any] = {"near": "hbm", "home": "hbm", "keys": keys, "key_flops": keys}
    return executed(gpu(), generate("table_lookup", **params, **tiers)).operations


def layers(count: int, batch: int, less: int) -> float:
    """Return the seconds of a transformer's matrices for a batch of tokens, without the blocks of ``less`` layers."""
    builder = OperationBuilder("layers")
    for layer in range(count):
        numbers = (4 if layer < less else 12) * HIDDEN**2
        weights = builder.object(2 * numbers, "weight", home="hbm")
        builder.add("layer", unit="gpu0", reads=[weights], flops=2 * numbers * batch)
    return seconds(executed(gpu(), builder))


def run() -> Sequence[Finding]:
    """Scan keys both ways, and compare a model that has a memory with one of twice the layers."""
    product, flat = memory(1, False), memory(1, True)
    found = []
    for batch in BATCHES:
        (many, _), (few, _) = MODELS
        step = memory(batch, False).makespan_ps / 2e12
        ratio = layers(many, batch, 0) / (layers(few, batch, 1) + step)
        note = f"Time of 24 layers over that of 12 with one memory, {batch} tokens at once; attention is left out."
        found.append(figure(f"twice-as-fast-{batch}", 2.0, ratio, 0.1, note))
    return [
        figure(
            "half-keys",
            262144 / 1024 * 2,
            flat.kinds["keys"].read_bytes / product.kinds["keys"].read_bytes,
            0.001,
            "Bytes of all keys over those of 1,024 halves, each half as wide.",
        ),
        figure(
            "values",
            HEADS * CHOSEN * 2 * HIDDEN,
            product.kinds["sum"].read_bytes / 2,
            0.01,
            "Bytes of values that a token reads; a row that two heads choose is read once.",
        ),
        seen(
            "flat-cannot",
            "scanning all keys takes all the time",
            f"{flat.makespan_ps / product.makespan_ps:.0f} times",
            flat.makespan_ps > 100 * product.makespan_ps,
            "Time of a memory layer, one token.",
        ),
        *found,
    ]


STUDY = Study(
    name="product-key-memory",
    title="Large Memory Layers with Product Keys",
    family="moe-offload",
    grade="A",
    source="Lample, Sablayrolles, Ranzato, Denoyer, Jegou. NeurIPS 2019, arXiv 1907.05242",
    memory=(
        "A table of 512 x 512 values is read at the places whose two half keys fit best: 1,024 halves are scanned, "
        "four heads read 32 values each. A model of width 1024 on a plain V100."
    ),
    not_ours="Perplexity, by which twelve layers are as good as twenty-four.",
    run=run,
)
