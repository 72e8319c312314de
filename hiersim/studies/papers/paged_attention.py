"""Pages for KV: what of a request is empty, and how much more a card serves than with room for the longest answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hiersim.engine.requests import RequestsResult
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, at_most, figure, seen
from hiersim.studies.serving import GB, card, requests_of, served, tokens_per_s
from hiersim.traces.request import RequestTrace

MODEL, LONGEST = "opt-13b", 2048
POOL = 12 * GB
"""Room for KV on an A100 with 40 GB beside 26 GB of weights, as the paper has it."""
REQUESTS = 400


def chat(seed: int = 7) -> RequestTrace:
    """Return lengths as of ShareGPT: 161 tokens in and 338 out in the mean, lognormal, at most 2,048 together."""
    rng = np.random.default_rng(seed)
    sigma = 1.0
    prompts = np.clip(rng.lognormal(np.log(161) - sigma**2 / 2, sigma, REQUESTS), 4, 1024).astype(np.int64)
    outputs = np.clip(rng.lognormal(np.log(338) - sigma**2 / 2, sigma, REQUESTS), 1, 1023).astype(np.int64)
    return requests_of(prompts, outputs)


def all_at_once(**rules: Any) -> tuple[float, RequestsResult]:
    """Serve all requests, there at once; return tokens per second and what became of them."""
    result = served(card(), MODEL, chat(), kv_pool=POOL, max_tokens=LONGEST, **rules)
    assert result.requests is not None
    return tokens_per_s(result), result.requests


def run() -> Sequence[Finding]:
    """Serve with pages, with what an oracle would reserve, and with room for the longest answer."""
    paged, found = all_at_once()
    oracle, _ = all_at_once(allocation="reserved")
    longest, reserved = all_at_once(allocation="reserved", guess_tokens=LONGEST)
    return [*_waste(found, reserved), _holes(found), *_more(paged, oracle, longest)]


def _waste(found: RequestsResult, reserved: RequestsResult) -> Iterator[Finding]:
    kv = find_model(MODEL).kv_bytes_per_token()
    rows = found.samples
    empty = (rows["held_bytes"] - rows["needed_bytes"]) / np.maximum(rows["running"], 1)
    note = (
        "MiB of a request that hold no token, the most of any step in the mean over those that run; a page of 16 "
        f"tokens of {MODEL} has {16 * kv / 2**20:.4g} MiB. {1 - found.held_share:.1%} of all that is held is empty in "
        "the mean."
    )
    yield at_most("waste-of-a-page", 16 * kv / 2**20, float(empty.max()) / 2**20, note)
    room = LONGEST * kv / GB
    rows = reserved.samples
    held = float((rows["held_bytes"] / np.maximum(rows["running"], 1)).max()) / GB
    note = (
        f"GB that a request holds at most, in the mean over those that run, where room for {LONGEST:,} tokens is "
        f"reserved ({room:.4g} GB of {MODEL}); {1 - reserved.held_share:.0%} of it is empty in the mean."
    )
    yield figure("reserved-for-the-longest", room, held, 0.02, note)


def _holes(paged: RequestsResult) -> Finding:
    """Give each request one piece of its own length, as an oracle would, and see what is left between the pieces."""
    rate, found = all_at_once(allocation="contiguous")
    told = f"{found.apart_share:.0%} of what is free, {paged.apart_share:.0%} with pages"
    note = (
        "Share of the free bytes that are not in the largest hole, where each request's own length is reserved in one "
        f"piece, first fit ({rate:,.0f} output tokens per second); pages are interchangeable, so that none is lost."
    )
    return seen(
        "holes-between-pieces", "no external fragmentation", told, found.apart_share > 0.0 == paged.apart_share, note
    )


def _more(paged: float, oracle: float, longest: float) -> Iterator[Finding]:
    note = (
        f"Output tokens per second of {REQUESTS} requests that are there at once, with lengths as of ShareGPT "
        f"(lognormal, means 161 and 338): {paged:,.0f} with pages, {oracle:,.0f} if each request's own length is "
        f"reserved, {longest:,.0f} if {LONGEST:,} tokens are. The paper says 2 to 4 times at equal latency over "
        "systems that reserve; the tolerance is that range. Lengths are drawn, not measured; kernels are the same "
        "for all."
    )
    yield figure("throughput", 3.0, paged / longest, 1 / 3, note)


STUDY = Study(
    name="paged-attention",
    title="Efficient Memory Management for Large Language Model Serving with PagedAttention",
    family="kv-paging/allocation",
    grade="A",
    source="Kwon, Li, Zhuang, Sheng, Zheng, Yu, Gonzalez, Zhang, Stoica. SOSP 2023, arXiv 2309.06180",
    memory=(
        "KV in pages of 16 tokens that are taken on demand, instead of room for the longest answer: `serve.allocation`."
    ),
    not_ours="What a kernel pays for looking pages up; the speed of the systems that it was compared with.",
    run=run,
)
