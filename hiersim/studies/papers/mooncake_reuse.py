"""Reuse of prefixes against the size of the pool, on the hour of chats that Mooncake published."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.traces.request import RequestTrace

VARIABLE = "HIERSIM_MOONCAKE"
"""Names the trace's file where it is not found by itself."""
FILES = ("conversation_trace.jsonl", "mooncake_conversation.jsonl")
TOKENS = (1, 3, 10, 20, 30, 50, 75, 100)
"""Sizes of the pool, millions of tokens."""
KNEE = 50
POLICIES = ("lru", "fifo", "opt")


def path() -> Path | None:
    """Return where the trace is: what the variable names, else a folder of traces here or beside this."""
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE])
    folders = (Path(), Path("traces"), Path("../shared/traces"))
    return next((folder / name for folder in folders for name in FILES if (folder / name).is_file()), None)


def missing() -> str:
    """Say what is missing, or nothing."""
    there = path()
    if there is not None and there.is_file():
        return ""
    return f"the trace of Mooncake, FAST25-release/traces/conversation_trace.jsonl, is not here; {VARIABLE}=PATH names it"


@cache
def trace() -> RequestTrace:
    """Open the trace."""
    from hiersim.api.sources import open

    found = open(str(path()), format="mooncake")
    assert isinstance(found, RequestTrace)
    return found


def reuse(policy: str, tokens: int | None) -> float:
    """Return the share of blocks that a pool of so many tokens serves behind all before them; without end for None."""
    from hiersim.api.replay import replay

    blocks = trace().blocks()
    capacity = blocks.objects if tokens is None else tokens // trace().block_tokens
    (found,) = replay(blocks, policy=policy, capacity=capacity, ignore_size=True)
    return found.usable / found.requests


def curve(policy: str) -> dict[int, float]:
    """Return the reuse by the size of the pool, millions of tokens."""
    return {millions: reuse(policy, millions * 10**6) for millions in TOKENS}


def run() -> Sequence[Finding]:
    """Replay the blocks of the hour through pools of growing size."""
    most = reuse("lru", None)
    curves = {policy: curve(policy) for policy in POLICIES}
    told = "; ".join(
        f"{policy} {', '.join(f'{millions}: {share:.1%}' for millions, share in found.items())}"
        for policy, found in curves.items()
    )
    words = f"Share of {trace().block_offsets[-1]:,} blocks of 512 tokens that are reused, by the pool's size in millions of tokens; without end {most:.1%}. {told}."
    gap = curves["opt"][10] - curves["lru"][10]
    return [
        figure("fifty-million-tokens", 1.0, curves["lru"][KNEE] / most, 0.05, f"Reuse with LRU at 50 million tokens by that without end; the paper says close. {words}"),
        seen("policies-differ-below", "LRU is close to the best", f"{gap:.1%} of blocks behind OPT at 10 million",
             curves["opt"][KNEE] - curves["lru"][KNEE] < 0.02 < gap,
             "At 50 million tokens LRU is within 2 points of the optimum, at 10 million it is not: which policy evicts matters in smaller pools alone."),
    ]  # fmt: skip


STUDY = Study(
    name="mooncake-reuse",
    title="Mooncake: Trading More Storage for Less Computation, a KVCache-centric Architecture for Serving LLM Chatbot",
    family="prefix/chunk reuse",
    grade="A",
    source="Qin et al. FAST 2025, arXiv 2407.00079",
    memory="A pool of prefix blocks over DRAM and flash of a cluster: how much of the prompts' blocks it serves, by its size.",
    not_ours="Nothing of this claim; it is counted on the published hour of 12,031 requests.",
    run=run,
    cheap=False,
    missing=missing,
)
