"""Chunks of retrieved documents reused at any place, a part computed again, beside prefix caching and nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hiersim.engine.result import Result
from hiersim.machine import TierRules
from hiersim.studies.claim import Finding, Study, between, figure
from hiersim.studies.serving import SECOND, card, served
from hiersim.traces.generators import generate
from hiersim.traces.request import RequestTrace

MODEL, REQUESTS, SHARE = "llama-3-8b", 400, 0.2
"""The share of a reused chunk that is computed again: a fifth of its tokens, as the paper fixes few."""
DOCUMENTS = 20
"""Documents of four chunks that are asked for: the one calibrated input, so that chunks save 75% of the work."""


@dataclass(frozen=True)
class Kind:
    """A way to reuse: what blocks stand for, and the settings of ``serve``."""

    blocks: str
    rules: dict[str, Any]


KINDS = {
    "nothing": Kind("prefix", {}),
    "prefix": Kind("prefix", {}),
    "chunk": Kind("chunk", {"reuse": "anywhere", "recomputed_share": SHARE}),
}


def prompts(kind: str, rate: float | None = None) -> RequestTrace:
    """Return prompts of five chunks and a question, there at once or at ``rate`` a second."""
    made = generate(
        "rag", seed=7, requests=REQUESTS, documents=DOCUMENTS, document_chunks=4, chunks=5, order="sorted",
        chunk_tokens=512, system_tokens=128, output_tokens=40, blocks=KINDS[kind].blocks,
    )  # fmt: skip
    assert isinstance(made, RequestTrace)
    none = np.zeros(0, np.int32)
    if kind == "nothing":
        made = replace(made, block_offsets=np.zeros(REQUESTS + 1, np.int64), block_ids=none,
                       original_block_id=none.astype(np.int64), block_tokens=0)  # fmt: skip
    if rate is None:
        return replace(made, time_ps=np.zeros(REQUESTS, np.int64))
    gaps = np.random.default_rng(7).exponential(1 / rate, REQUESTS)
    return replace(made, time_ps=np.rint(np.cumsum(gaps) * SECOND).astype(np.int64))


def reuse(kind: str, rate: float | None = None) -> Result:
    """Serve the prompts on an A100, chunks going on to DRAM."""
    tiers = {"hbm": TierRules(write="through"), "dram": TierRules(inclusion="inclusive", capacity=200 << 30)}
    rules: dict[str, Any] = {"max_batched_tokens": 8192, "fetch": "layered", **KINDS[kind].rules}
    return served(card(), MODEL, prompts(kind, rate), tiers, **rules)


def work(result: Result, again: float = 0.0) -> float:
    """Return the tokens of prompts that were computed, those of reused chunks that are computed again included."""
    assert result.requests is not None
    found = result.requests
    return float(found.computed_tokens.sum() - found.output_total + found.count + again * found.reused_tokens.sum())


def run() -> Sequence[Finding]:
    """Serve the same prompts with each way of reuse, there at once and under load."""
    results = {kind: reuse(kind) for kind in KINDS}
    works = {kind: work(result, SHARE if kind == "chunk" else 0.0) for kind, result in results.items()}
    return [*_saved(works), *_faster(results)]


def _saved(works: dict[str, float]) -> Iterator[Finding]:
    told = ", ".join(f"{kind} {tokens:,.0f}" for kind, tokens in works.items())
    note = (
        f"Tokens of prompts computed by {REQUESTS} requests of five chunks of 512 tokens of {MODEL} ({told}); a fifth "
        f"of a reused chunk is computed again. That {DOCUMENTS} documents of 4 chunks are asked for (popularity Zipf "
        "with 0.9) is calibrated on this figure, to the next ten."
    )
    yield figure("work-against-nothing", 0.75, 1 - works["chunk"] / works["nothing"], 0.05, note)
    note = (
        "The same against prefix caching, which shares chunks only behind the same chunks; not calibrated. "
        "Prompts have chunks in sorted order, which helps prefixes most."
    )
    yield figure("work-against-prefix", 0.51, 1 - works["chunk"] / works["prefix"], 0.25, note)


def _faster(results: dict[str, Result]) -> Iterator[Finding]:
    spans = {kind: result.elapsed_ps / SECOND for kind, result in results.items()}
    gain = spans["prefix"] / spans["chunk"]
    told = ", ".join(f"{kind} {REQUESTS / span:.3g}" for kind, span in spans.items())
    note = f"Requests per second on an A100, all there at once ({told}); answers of 40 tokens in the median."
    yield figure("throughput", 1.6, gain, 0.25, note)
    ratios = {}
    for load in (0.3, 0.9):
        means = []
        for kind in ("prefix", "chunk"):
            found = reuse(kind, rate=load * REQUESTS / spans["prefix"]).requests
            assert found is not None
            means.append(float(found.latency_ps.mean()))
        ratios[load] = means[0] / means[1]
    told = ", ".join(f"{load:.0%}: {ratio:.3g}" for load, ratio in ratios.items())
    note = (
        "Mean latency with prefix caching by that with chunks, by the share of the load that prefix caching "
        f"sustains ({told}). At which load the paper's figure was taken is not in the abstract."
    )
    yield between("latency", 2.0, ratios[0.3], ratios[0.9], note)


STUDY = Study(
    name="cache-craft",
    title="Cache-Craft: Managing Chunk-Caches for Efficient Retrieval-Augmented Generation",
    family="prefix/chunk reuse",
    grade="B",
    source="Agarwal et al. SIGMOD 2025, arXiv 2502.15734",
    memory=(
        "KV of document chunks is reused wherever they stand in a prompt, after a share of their tokens is computed "
        "again; `reuse: anywhere` with `recomputed_share`, chunks in HBM and DRAM."
    ),
    not_ours="Which tokens must be computed again, and quality; popularity in production, an input.",
    run=run,
)
