"""Conversations whose KV stays, near and in DRAM: what is not computed again, what fetching takes, what is gained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from hiersim.drivers.serve.alone import Alone
from hiersim.drivers.serve.run import serve
from hiersim.engine.requests import RequestsResult
from hiersim.machine import TierRules
from hiersim.machine.serving import Serving
from hiersim.models import Model, find_model
from hiersim.studies.claim import Finding, Study, between, figure, seen
from hiersim.studies.serving import SECOND, card, without_blocks
from hiersim.traces.generators import generate
from hiersim.traces.request import RequestTrace

MODEL, BLOCK = "llama-2-13b", 32
FORMS = (("llama-2-13b", 40, 1), ("llama-2-13b", 10, 1), ("llama-2-70b", 8, 4))
"""Models with their KV heads (10 are groups of four) and ranks; sizes as of the paper, recalled, not checked."""
THINK = 10
"""Seconds between an answer and the next message, in the mean, where rates are compared."""
LIMIT = 0.12
"""Seconds per token of the answer, waiting included, that 90% of the requests stay below where rates are compared."""
SPAN = 500
"""Seconds in which conversations begin; the first 40% are not looked at."""
POOL = 40_000_000_000
DRAM = 400 << 30


def model(name: str, heads: int) -> Model:
    """Return a model with so many KV heads and a longer context."""
    return replace(find_model(name), kv_heads=heads, attention="mha" if heads == 40 else "gqa", context=16_384,
                   published=())  # fmt: skip


def talks(rate: float, think: int, kept: bool, span: int = SPAN) -> RequestTrace:
    """Return conversations as of ShareGPT, about five turns and answers of 200 tokens; if KV is not kept, no blocks."""
    made = generate(
        "chat", seed=7, sessions=int(span * rate), session_interval=int(SECOND / rate), turns=5.0,
        think_time=think * SECOND, system_tokens=0, prompt_tokens=60, output_tokens=160, output_spread=0.7,
        context=16_384, block_tokens=BLOCK,
    )  # fmt: skip
    assert isinstance(made, RequestTrace)
    return made if kept else without_blocks(made)


def chat(trace: RequestTrace, form: tuple[str, int, int] = FORMS[0], dram: int = DRAM) -> RequestsResult:
    """Serve conversations with a form of the model; ``dram`` in bytes."""
    name, heads, ranks = form
    tiers = {"hbm": TierRules(), "dram": TierRules(capacity=dram)}
    rules = Serving(kv_pool=POOL, max_batched_tokens=2048, fetch="blocking", ranks=ranks, rank_link="pcie")
    found = serve(card(), tiers, rules, model(name, heads), trace).requests
    assert found is not None
    return found


def sustained(form: tuple[str, int, int], kept: bool) -> float:
    """Return the most requests per second within the limit: the rate of conversations is halved into, to 6%."""
    low, high, served = 0.3, 2.5, 0.0
    for _ in range(5):
        middle = (low * high) ** 0.5
        found = chat(talks(middle, THINK, kept), form)
        looked = (found.arrived_ps > 0.4 * SPAN * SECOND) & (found.arrived_ps < SPAN * SECOND)
        per_token = (found.last_ps - found.arrived_ps)[looked] / np.maximum(found.output_tokens[looked], 1)
        if np.percentile(per_token, 90) > LIMIT * SECOND:
            high = middle
        else:
            low, served = middle, looked.sum() / (0.6 * SPAN)
    return float(served)


def run() -> Sequence[Finding]:
    """Serve conversations with and without their KV kept."""
    return [*_exact(), _thinking(), *_gains()]


def _exact() -> Iterator[Finding]:
    kept, lost = (chat(talks(0.05, 60, which, 6000)) for which in (True, False))
    spared, reused = int(lost.computed_tokens.sum() - kept.computed_tokens.sum()), int(kept.reused_tokens.sum())
    note = (
        f"Tokens not computed by those whose KV was there, over {kept.count} requests at a low rate; a count is exact."
    )
    yield figure("avoided-work", 1.0, spared / reused, 0.0, note)
    context, rules = 2048, Serving(model=MODEL, kv_pool=POOL)
    tiers = {"hbm": TierRules(), "dram": TierRules(capacity=DRAM)}
    alone = Alone(card(), tiers, rules, find_model(MODEL), "bf16", BLOCK)
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


def _thinking() -> Finding:
    """Sweep the time between turns, with little room to keep KV in."""
    shares = {}
    for think in (10, 60, 300):
        found = chat(talks(0.4, think, True, 500), dram=8 << 30)
        shares[think] = float(found.reused_tokens.sum() / found.prompt_tokens.sum())
    told = ", ".join(f"{think} s: {share:.0%}" for think, share in shares.items())
    falling = list(shares.values())
    note = (
        "Share of the prompts' tokens that need not be computed, by the time between turns, with 37 GiB near and 8 "
        "GiB of DRAM: who thinks longer finds the oldest of it dropped."
    )
    return seen("think-time", "oldest chunks go first", told, falling == sorted(falling, reverse=True), note)


def _gains() -> Iterator[Finding]:
    gains, told = [], []
    for form in FORMS:
        with_kv, without = sustained(form, True), sustained(form, False)
        gains.append(with_kv / without)
        told.append(f"{form[0]} with {form[1]} KV heads on {form[2]}: {with_kv:.3g} and {without:.3g}")
    note = (
        "Requests per second of which 90% take at most 0.12 s for a token of their answer, with KV kept in HBM and "
        f"DRAM, and without ({'; '.join(told)}): A100s with 40 GB for KV each, {THINK} s between turns. Lengths are "
        "drawn as of ShareGPT. Later versions of the paper say 1.14 to 3.0 for other models and baselines."
    )
    for claimed in (1.51, 1.95):
        yield between(f"throughput-{claimed}", claimed, min(gains), max(gains), note)


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
    not_ours="Kernels over scattered pages; how the baselines schedule.",
    run=run,
)
