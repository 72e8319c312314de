"""Conversations whose KV stays, near and in DRAM: what is not computed again, what fetching takes, what is gained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from hiersim.drivers.serve.alone import Alone
from hiersim.engine.requests import RequestsResult
from hiersim.machine import TierRules
from hiersim.machine.serving import Serving
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, between, figure
from hiersim.studies.serving import SECOND, card, served
from hiersim.traces.generators import generate
from hiersim.traces.request import RequestTrace

MODEL, SESSIONS, BLOCK = "llama-2-13b", 300, 32
THINKS = (5, 30, 60)
"""Seconds between an answer and the next message, in the mean."""
POOL = 40_000_000_000
TIERS = {"hbm": TierRules(), "dram": TierRules(capacity=400 << 30)}


def talks(think: int, kept: bool) -> RequestTrace:
    """Return conversations as of ShareGPT, about five turns and answers of 200 tokens; if KV is not kept, no blocks."""
    made = generate(
        "chat", seed=7, sessions=SESSIONS, session_interval=SECOND // 2, turns=5.0, think_time=think * SECOND,
        system_tokens=0, prompt_tokens=60, output_tokens=160, output_spread=0.7, context=4096, block_tokens=BLOCK,
    )  # fmt: skip
    assert isinstance(made, RequestTrace)
    if kept:
        return made
    none = np.zeros(0, np.int32)
    return replace(made, block_offsets=np.zeros(len(made) + 1, np.int64), block_ids=none,
                   original_block_id=none.astype(np.int64), block_tokens=0)  # fmt: skip


def chat(think: int, kept: bool, rate: float) -> RequestsResult:
    """Serve the conversations, ``rate`` times as many beginning in a second."""
    trace = talks(think, kept).scaled(rate=rate)
    found = served(card(), MODEL, trace, TIERS, kv_pool=POOL, max_batched_tokens=2048, fetch="blocking").requests
    assert found is not None
    return found


def served_per_s(think: int, kept: bool) -> float:
    """Return the requests per second of conversations that all begin at once, more than the card can keep up with."""
    found = chat(think, kept, 1000.0)
    return found.count * SECOND / float(found.last_ps.max())


def run() -> Sequence[Finding]:
    """Serve conversations with and without their KV kept."""
    return [*_exact(), *_gains()]


def _exact() -> Iterator[Finding]:
    kept, lost = (chat(60, which, 0.05) for which in (True, False))
    spared, reused = int(lost.computed_tokens.sum() - kept.computed_tokens.sum()), int(kept.reused_tokens.sum())
    note = (
        f"Tokens not computed by those whose KV was there, over {kept.count} requests at a low rate; a count is exact."
    )
    yield figure("avoided-work", 1.0, spared / reused, 0.0, note)
    context, rules = 2048, Serving(model=MODEL, kv_pool=POOL)
    alone = Alone(card(), TIERS, rules, find_model(MODEL), "bf16", BLOCK)
    waits = [alone.first(context, BLOCK, place).ttft_ps for place in ("hbm", "dram")]
    link = card().links["pcie"]
    size = context * find_model(MODEL).kv_bytes_per_token()
    wire = size * (1 + link.packets.write_header / link.packets.max_payload) if link.packets else size
    least = wire / (link.bandwidth * link.efficiency) * SECOND
    note = (
        f"Time that the first token comes later with {context:,} tokens of context in DRAM instead of near, by bytes "
        f"over the bandwidth of PCIe 4.0 x16 with its headers: {(waits[1] - waits[0]) / 1e9:.4g} and "
        f"{least / 1e9:.4g} ms. Latencies and read requests are beyond it."
    )
    yield figure("stall-is-bytes-by-bandwidth", 1.0, (waits[1] - waits[0]) / least, 0.05, note)


def _gains() -> Iterator[Finding]:
    gains, told = [], []
    for think in THINKS:
        with_kv, without = served_per_s(think, True), served_per_s(think, False)
        gains.append(with_kv / without)
        told.append(f"{think} s between turns: {with_kv:.3g} to {without:.3g}")
    note = (
        f"Requests per second with KV kept in HBM and DRAM, and without any ({', '.join(told)}): {SESSIONS} "
        f"conversations of about five turns that begin at once, on {MODEL} and an A100 with 40 GB for KV. From 1, for "
        "conversations of one turn. Lengths are drawn as of ShareGPT; the paper compares rates at equal latency."
    )
    for claimed in (1.51, 1.95):
        yield between(f"throughput-{claimed}", claimed, 1.0, max(gains), note)


STUDY = Study(
    name="pensieve",
    title="Stateful Large Language Model Serving with Pensieve",
    family="prefix/chunk reuse",
    grade="A",
    source="Yu, Lin, Li. EuroSys 2025, arXiv 2312.05516",
    memory=(
        "KV of conversations is kept between turns in HBM, goes on to DRAM, and is dropped and computed again last: "
        "two tiers of blocks under chats of several turns."
    ),
    not_ours="Kernels over scattered pages.",
    run=run,
)
