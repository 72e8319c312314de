"""An offline batch regrouped by its prefixes: what is computed twice, what room prefixes hold, how soon it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hiersim.engine.result import Result
from hiersim.studies.claim import Finding, Study, between, figure, seen
from hiersim.studies.serving import SECOND, card, requests_of, served
from hiersim.traces.request import RequestTrace

MODEL, BLOCK, GROUPS, EACH = "llama-3.1-8b", 128, 48, 12
OWN, OUTPUT = 100, 60
PREFIXES = (1024, 4096, 8192)
POOL = 10_000_000_000
"""Room for KV: of a few prefixes, not of all."""


def batch(prefix: int) -> RequestTrace:
    """Return requests that are all there at once, ``EACH`` of them behind each of ``GROUPS`` prefixes, shuffled."""
    group = np.random.default_rng(7).permutation(np.repeat(np.arange(GROUPS), EACH))
    blocks = prefix // BLOCK
    ids = (group[:, None] * blocks + np.arange(blocks)).astype(np.int32).ravel()
    count = len(group)
    return requests_of(
        [prefix + OWN] * count, [OUTPUT] * count, block_offsets=np.arange(count + 1, dtype=np.int64) * blocks,
        block_ids=ids, original_block_id=np.arange(GROUPS * blocks, dtype=np.int64), block_tokens=BLOCK,
    )  # fmt: skip


def ordered(prefix: int, order: str) -> Result:
    """Serve the batch in an order."""
    return served(card(), MODEL, batch(prefix), kv_pool=POOL, order=order, max_batched_tokens=8192, watermark=0.1)


def computed_per_prefix(result: Result, prefix: int) -> float:
    """Return how often each prefix was computed in the mean."""
    return result.created / (GROUPS * prefix // BLOCK)


def run() -> Sequence[Finding]:
    """Serve the batches as they come, and grouped."""
    results = {(prefix, order): ordered(prefix, order) for prefix in PREFIXES for order in ("fcfs", "grouped")}
    return [*_once(results), _room(results), *_throughput(results)]


def _once(results: dict[tuple[int, str], Result]) -> Iterator[Finding]:
    told = {prefix: computed_per_prefix(results[prefix, "fcfs"], prefix) for prefix in PREFIXES}
    worst = max(computed_per_prefix(results[prefix, "grouped"], prefix) for prefix in PREFIXES)
    words = ", ".join(f"{prefix:,} tokens: {times:.3g}" for prefix, times in told.items())
    note = (
        f"How often a prefix is computed, the most of three lengths; {GROUPS} prefixes of {EACH} requests each on "
        f"{MODEL}, room for {POOL / 131072:,.0f} tokens. A count is exact. As they come, with LRU: {words}."
    )
    yield figure("computed-once", 1.0, worst, 0.0, note)


def _room(results: dict[tuple[int, str], Result]) -> Finding:
    spent = {}
    for order in ("fcfs", "grouped"):
        result = results[PREFIXES[1], order]
        spent[order] = result.tiers["hbm"].mean_bytes * result.elapsed_ps / SECOND / 1e9
    note = (
        f"GB x s of KV that the near tier holds, prefixes of {PREFIXES[1]:,} tokens: {spent['fcfs']:,.0f} as they "
        f"come, {spent['grouped']:,.0f} grouped. Most of it is the pool that is full in both, for a shorter time."
    )
    told = f"{spent['grouped'] / spent['fcfs']:.2f} of it"
    shorter = spent["grouped"] < spent["fcfs"]
    return seen("prefixes-live-shorter", "a prefix lives while its group runs", told, shorter, note)


def _throughput(results: dict[tuple[int, str], Result]) -> Iterator[Finding]:
    gains = [results[prefix, "fcfs"].elapsed_ps / results[prefix, "grouped"].elapsed_ps for prefix in PREFIXES]
    told = ", ".join(f"{prefix:,} tokens: {gain:.3g}" for prefix, gain in zip(PREFIXES, gains, strict=True))
    note = (
        f"Time to serve the batch as it comes by that grouped, by the length of the prefixes ({told}); from 1, where "
        "nothing is shared. Kernels that read a shared prefix once are not among it, nor is the order of long "
        "answers."
    )
    for claimed in (1.1, 2.0):
        yield between(f"throughput-{claimed:g}", claimed, 1.0, max(gains), note)


STUDY = Study(
    name="batchllm",
    title=(
        "BatchLLM: Optimizing Large Batched LLM Inference with Global Prefix Sharing and Throughput-oriented "
        "Token Batching"
    ),
    family="prefix/chunk reuse",
    grade="A",
    source="Zheng et al. 2024, arXiv 2412.03594",
    memory=(
        "A batch that is all there is served group by group, so that a prefix is computed once and lives while its "
        "group runs: `serve.order: grouped`, beside first come first served with LRU."
    ),
    not_ours="Fused kernels; mixing long and short answers for full steps.",
    run=run,
)
