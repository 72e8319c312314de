"""Answers' lengths guessed before they are there: what reserving a guess serves, beside the worst case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, between, figure, seen
from hiersim.studies.serving import GB, card, requests_of, served, tokens_per_s
from hiersim.traces.request import RequestTrace

MODEL, LONGEST = "gpt-j-6b", 2048
CAPACITY = 40 * GB
REQUESTS = 600
ERRORS = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Spread of guesses: a factor of 2 to the power of a normal number times this."""


def alpaca(seed: int = 7) -> RequestTrace:
    """Return lengths as of instructions: short prompts, answers of 65 tokens in the median."""
    rng = np.random.default_rng(seed)
    prompts = np.clip(rng.lognormal(np.log(20), 0.6, REQUESTS), 4, 512).astype(np.int64)
    outputs = np.clip(rng.lognormal(np.log(65), 0.9, REQUESTS), 1, LONGEST - 512).astype(np.int64)
    return requests_of(prompts, outputs)


def rate(**rules: Any) -> tuple[float, int, int]:
    """Return output tokens per second, preemptions, and the most that run at once, of all requests there at once."""
    result = served(
        card(capacity=CAPACITY), MODEL, alpaca(), max_tokens=LONGEST, allocation="reserved", max_sequences=1024, **rules
    )
    assert result.requests is not None
    return tokens_per_s(result), int(result.requests.preemptions.sum()), int(result.requests.samples["running"].max())


def run() -> Sequence[Finding]:
    """Reserve the longest answer, and guesses of growing error."""
    worst, _, few = rate(guess_tokens=LONGEST)
    guessed = {error: rate(guess_error=error) for error in ERRORS}
    gains = {error: tokens / worst for error, (tokens, *_) in guessed.items()}
    mean = float((alpaca().prompt_tokens + alpaca().output_tokens).mean())
    told = ", ".join(f"{error:g}: {gains[error]:.3g} with {guessed[error][1]} preemptions" for error in ERRORS)
    note = (
        f"Output tokens per second by those of reserving {LONGEST:,} tokens, by the error of guesses ({told}); "
        f"{REQUESTS} requests there at once, {mean:.0f} tokens long in the mean, on {MODEL} with 40 GB. Who needs "
        "more than was guessed takes pages, or makes another start over. Memory alone would allow "
        f"{LONGEST / mean:.3g} times as many at once; steps of so many take longer."
    )
    bound = LONGEST / mean
    falls = [gains[error] for error in ERRORS]
    most = guessed[0.0][2]
    return [
        figure("batch-ratio", bound, most / few, 0.1,
               f"Requests that run at once, {most} by {few}, where each one's own length is reserved and where "
               f"{LONGEST:,} tokens are; the closed form is the longest by the mean."),
        between("throughput", 6.49, min(falls), bound, note),
        seen("errors-cost", "recovers from wrong guesses", f"{falls[0]:.3g} to {falls[-1]:.3g}", falls[0] >= falls[-1],
             "From guesses that are right to those wrong by a factor of 4 in every third; memory of "
             f"{find_model(MODEL).kv_bytes_per_token():,} bytes a token."),
    ]  # fmt: skip


STUDY = Study(
    name="s3-lengths",
    title="S3: Increasing GPU Utilization during Generative Inference for Higher Throughput",
    family="serving-schedule/swap",
    grade="A",
    source="Jin, Wu, Brooks, Wei. NeurIPS 2023, arXiv 2306.06000",
    memory=(
        "Room for KV is reserved for a predicted length, not for the longest: `serve.allocation: reserved` with "
        "`guess_error`."
    ),
    not_ours="The predictor; the data set's lengths are an input.",
    run=run,
)
