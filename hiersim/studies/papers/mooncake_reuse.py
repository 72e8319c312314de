"""Reuse of prefixes against the size of the pool, on the hour of chats that Mooncake published."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.traces.request import RequestTrace

VARIABLE = "HIERSIM_MOONCAKE"
"""Names the trace's file where it is not found by itself."""
FILES = ("conversation_trace.jsonl", "mooncake_conversation.jsonl")
FOLDERS = (Path(), Path("traces"), Path("../shared/traces"))
"""Where it may lie; the last is where developers keep what is not part of the project."""
TOKENS = (1, 3, 10, 20, 30, 50, 75, 100)
"""Sizes of the pool, millions of tokens."""
KNEE = 50
POLICIES = ("lru", "fifo", "opt")
SAMPLE = {"sessions": 1500, "turns": 4.0, "think_time": 60 * 10**12, "prompt_tokens": 2000, "context": 60_000}
"""A sample of chats that stands in for the hour where that is not here; its shape is not fitted to it."""


def path() -> Path | None:
    """Return where the trace is: what the variable names, else a file in one of the folders."""
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE])
    return next((folder / name for folder in FOLDERS for name in FILES if (folder / name).is_file()), None)


def missing() -> str:
    """Say what is missing, or nothing."""
    there = path()
    if there is not None and there.is_file():
        return ""
    name = "FAST25-release/traces/conversation_trace.jsonl"
    return f"Mooncake's trace, {name}, is not here ({VARIABLE}=PATH names it); a generated sample stands in"


@cache
def hour() -> RequestTrace:
    """Open the trace."""
    from hiersim.api.sources import open

    found = open(str(path()), format="mooncake")
    assert isinstance(found, RequestTrace)
    return found


@cache
def sample() -> RequestTrace:
    """Return generated chats with blocks of the same size."""
    from hiersim.traces.generators import generate

    found = generate("chat", seed=7, block_tokens=512, **SAMPLE)
    assert isinstance(found, RequestTrace)
    return found


def reuse(trace: RequestTrace, policy: str, tokens: int | None) -> float:
    """Return the share of blocks that a pool of so many tokens serves behind all before them; without end for None."""
    from hiersim.api.replay import replay

    blocks = trace.blocks()
    capacity = blocks.objects if tokens is None else max(1, tokens // trace.block_tokens)
    (found,) = replay(blocks, policy=policy, capacity=capacity, ignore_size=True)
    assert found.usable is not None
    return found.usable / found.requests


def run() -> Sequence[Finding]:
    """Replay the blocks of the hour, if it is here, and of the sample through pools of growing size."""
    return [*([] if missing() else _hour()), _sample()]


def _hour() -> Iterator[Finding]:
    most = reuse(hour(), "lru", None)
    curves = {policy: {n: reuse(hour(), policy, n * 10**6) for n in TOKENS} for policy in POLICIES}
    told = "; ".join(
        f"{policy} {', '.join(f'{millions}: {share:.1%}' for millions, share in found.items())}"
        for policy, found in curves.items()
    )
    note = (
        "Reuse with LRU in a pool of 50 million tokens by that in one without end; the paper says close. Share of "
        f"{hour().block_offsets[-1]:,} blocks of 512 tokens that are reused, by the pool's size in millions of tokens; "
        f"without end {most:.1%}. {told}."
    )
    yield figure("fifty-million-tokens", 1.0, curves["lru"][KNEE] / most, 0.05, note)
    far, near = (curves["opt"][n] - curves["lru"][n] for n in (10, KNEE))
    note = (
        f"At 50 million tokens LRU is within {near:.1%} of all blocks of the optimum, at 10 million it is not: which "
        "policy evicts matters in smaller pools alone."
    )
    told = f"{far:.1%} of blocks behind OPT at 10 million"
    yield seen("policies-differ-below", "LRU is close to the best", told, near < 0.02 < far, note)


def _sample() -> Finding:
    distinct = sample().blocks().objects * 512
    most = reuse(sample(), "lru", None)
    shares = (0.02, 0.1, 0.5)
    curves = {policy: [reuse(sample(), policy, int(share * distinct)) for share in shares] for policy in POLICIES}
    told = "; ".join(f"{policy} {', '.join(f'{each:.1%}' for each in found)}" for policy, found in curves.items())
    note = (
        f"The same on {len(sample()):,} generated requests of chats with {distinct / 1e6:.3g} million distinct tokens, "
        f"in pools of 2, 10 and 50% of them ({told}); without end {most:.1%}. The sample is not fitted to the hour."
    )
    lru, opt = curves["lru"], curves["opt"]
    ordered = all(low <= high for low, high in zip(lru, opt, strict=True)) and lru == sorted(lru)
    close = f"{lru[-1] / most:.1%} of it in half the room"
    return seen("a-sample", "a large pool is close to one without end", close, ordered and lru[-1] > 0.95 * most, note)


STUDY = Study(
    name="mooncake-reuse",
    title="Mooncake: Trading More Storage for Less Computation, a KVCache-centric Architecture for Serving LLM Chatbot",
    family="prefix/chunk reuse",
    grade="A",
    source="Qin et al. FAST 2025, arXiv 2407.00079",
    memory=(
        "A pool of prefix blocks over DRAM and flash of a cluster: how much of the prompts' blocks it serves, by size."
    ),
    not_ours="Nothing of this claim; it is counted on the published hour of 12,031 requests.",
    run=run,
    missing=missing,
)
