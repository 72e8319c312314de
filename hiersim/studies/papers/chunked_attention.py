"""Self-attention without O(n^2) memory: what a head in chunks needs beside its inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hiersim.studies.claim import Finding, Study, between, figure
from hiersim.studies.operated import machine, operations, run

TOKENS, HEAD_DIM, ELEMENT = 16384, 64, 4
MIB = 2**20


def overhead(tokens: int = TOKENS, head_dim: int = HEAD_DIM, backward: str = "no", **chunks: int) -> int:
    """Return the bytes beyond inputs and outputs that a run needs at once."""
    given: dict[str, Any] = {"tokens": tokens, "head_dim": head_dim, "backward": backward, **chunks}
    trace = operations("chunked_attention", **given)
    memory = {"part": "a100-80g-hbm2e"}
    on = machine(tiers={"hbm": memory}, units={"gpu0": {"part": "a100-sxm-gpu", "tier": "hbm"}})
    vectors = 4 if backward == "no" else 8
    return run(on, trace).tiers["hbm"].peak_bytes - vectors * tokens * head_dim * ELEMENT


def run_study() -> Sequence[Finding]:
    """Simulate the published case, and the growth with chunks of a square root."""
    whole: dict[str, Any] = {"query_chunk": 0, "key_chunk": 0}
    forward = overhead(**whole) / overhead()
    both = overhead(backward="yes", **whole) / overhead(backward="yes")
    sizes = [64, 256, 1024]
    roots = [overhead(n, 4, query_chunk=1, key_chunk=int(n**0.5)) + 4 * ELEMENT for n in sizes]
    growth = float(np.polyfit(np.log(sizes), np.log(roots), 1)[0])
    return [
        figure("inference", 59.0, forward, 0.08, INFERENCE),
        between("differentiation", 32.0, 1.0, both, DIFFERENTIATION),
        figure("square-root", 0.5, growth, 0.02, ROOT),
    ]


INFERENCE = (
    "How many times less memory beside inputs and outputs, n = 16,384, d = 64, fp32, chunks of 1,024 queries and 4,096 "
    "keys as in its published code: 1,024 MiB of scores against 16 MiB, and 1 MiB of partial results. The paper's "
    "compiler keeps a little more, such as a copy of a chunk of queries; 8% is allowed."
)
DIFFERENTIATION = (
    "The same with gradients. Partial results of all chunks are kept for it (16.5 MiB), and two matrices of scores "
    "live at once in a pair of chunks, as two do of all queries by all keys. What the paper's compiler keeps beyond "
    "that (copies of chunks as residuals of its loops) is not known: a range up to it."
)
ROOT = "Slope of the same over n = 64, 256, 1,024, both as logarithms, one query at a time and chunks of sqrt(n) keys."

STUDY = Study(
    name="chunked-attention",
    title="Self-attention Does Not Need O(n^2) Memory",
    family="attention-dataflow",
    grade="A",
    source="Rabe, Staats. arXiv 2112.05682",
    memory=(
        "Queries and keys in chunks, with partial values, maxima and sums that are combined; the backward pass "
        "computes a pair of chunks again. Generator `chunked_attention`."
    ),
    not_ours="A few per cent of time, which is how well small matrix products run.",
    run=run_study,
)
