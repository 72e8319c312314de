"""What became of the requests of a serving run: times, tokens, where reused tokens came from, what was waited for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

WAITS = ("queue", "fetch", "prefill", "decode", "preempted", "move")
"""What a request does from its arrival to its last token, in the order of the columns of ``waits_ps``."""


@dataclass(frozen=True)
class Promise:
    """What a request is promised, picoseconds; ``None`` where nothing is.

    Attributes:
        ttft_ps: most time to the first token.
        tpot_ps: most time per output token after the first.
        latency_ps: most time to the last token.
    """

    ttft_ps: int | None = None
    tpot_ps: int | None = None
    latency_ps: int | None = None


@dataclass(frozen=True)
class RequestsResult:
    """The requests of a serving run; arrays have one entry per request, in trace order.

    Attributes:
        arrived_ps: when each came; -1 where it never did, as its predecessor was rejected.
        started_ps: when it was first part of a step; -1 where it never was.
        first_ps, last_ps: when its first and its last token came; -1 of rejected ones.
        prompt_tokens, output_tokens: as the trace has them.
        computed_tokens: tokens computed for it, again after each preemption.
        reused_tokens: [requests, tiers + 1]: tokens whose KV was there, by the tier that had it; remembered ones last.
        preemptions: how often each was preempted.
        rejected: uint8, 1 where it could never be served.
        waits_ps: [requests, WAITS]: where its time went.
        steps: steps of all units; ``step_tokens`` tokens computed in them.
        held_share: share of the bytes held by requests that had tokens in them, mean over steps; the rest is internal
            fragmentation.
        apart_share: share of the free bytes of the pool that are not in its largest hole, over all steps: external
            fragmentation; 0 where pages are interchangeable.
        samples: by name, rows over time: time_ps, running, queued, used_bytes, held_bytes.
        promise: what a request was promised.
        machine_per_hour, energy_per_kwh: prices that were given.
        kv_bytes_per_token: of one unit.
        pool_bytes: room for KV in the near tier.
    """

    arrived_ps: Ints
    started_ps: Ints
    first_ps: Ints
    last_ps: Ints
    prompt_tokens: Ints
    output_tokens: Ints
    computed_tokens: Ints
    reused_tokens: Ints
    preemptions: Ints
    rejected: NDArray[np.uint8]
    waits_ps: Ints
    steps: int
    step_tokens: int
    held_share: float
    apart_share: float
    samples: dict[str, Ints]
    promise: Promise
    machine_per_hour: float
    energy_per_kwh: float
    kv_bytes_per_token: int
    pool_bytes: int

    @property
    def spent_ps(self) -> dict[str, float]:
        """Picoseconds of all requests together, by what they did: a name of ``WAITS``."""
        return dict(zip(WAITS, self.waits_ps.sum(axis=0, dtype="float64").tolist(), strict=True))

    @property
    def count(self) -> int:
        """Requests in all."""
        return len(self.arrived_ps)

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which requests got their last token."""
        return np.asarray(self.last_ps >= 0)

    @property
    def ttft_ps(self) -> Ints:
        """Time to the first token of each request that is done, picoseconds."""
        return (self.first_ps - self.arrived_ps)[self.done]

    @property
    def latency_ps(self) -> Ints:
        """Time to the last token of each request that is done, picoseconds."""
        return (self.last_ps - self.arrived_ps)[self.done]

    @property
    def tpot_ps(self) -> NDArray[np.float64]:
        """Time per output token after the first, of requests that are done and have more than one, picoseconds."""
        several = self.done & (self.output_tokens > 1)
        spans = (self.last_ps - self.first_ps)[several]
        return np.asarray(spans / (self.output_tokens[several] - 1))

    @property
    def output_total(self) -> int:
        """Output tokens of requests that are done."""
        return int(self.output_tokens[self.done].sum())

    @property
    def kept_promise(self) -> NDArray[np.bool_]:
        """Which of the requests that are done kept all that was promised."""
        ttft, latency = self.ttft_ps, self.latency_ps
        spans, tokens = (self.last_ps - self.first_ps)[self.done], self.output_tokens[self.done]
        tpot = np.where(tokens > 1, spans / np.maximum(tokens - 1, 1), 0.0)
        good = np.ones(len(ttft), np.bool_)
        limits = ((ttft, self.promise.ttft_ps), (tpot, self.promise.tpot_ps), (latency, self.promise.latency_ps))
        for values, limit in limits:
            if limit is not None:
                good &= values <= limit
        return good

    def reuse(self, tiers: tuple[str, ...]) -> dict[str, int]:
        """Return the reused tokens by tier name, and under ``remembered`` those of preempted requests themselves."""
        sums = self.reused_tokens.sum(axis=0)
        return {name: int(value) for name, value in zip((*tiers, "remembered"), sums, strict=True)}

    def summary(self, elapsed_ps: int, energy_j: float, tiers: tuple[str, ...]) -> dict[str, Any]:
        """Return the numbers that a reader asks for first.

        Args:
            elapsed_ps: simulated time of the run.
            energy_j: energy of the run, joules.
            tiers: names of the managed tiers.
        """
        seconds, good = elapsed_ps / 1e12, self.kept_promise
        reused = self.reuse(tiers)
        prompt = int(self.prompt_tokens[self.done].sum())
        cost = self.machine_per_hour * seconds / 3600 + self.energy_per_kwh * energy_j / 3.6e6
        per_second = 1.0 / seconds if seconds else 0.0
        return {
            "count": self.count,
            "done": int(self.done.sum()),
            "rejected": int(self.rejected.sum()),
            "preemptions": int(self.preemptions.sum()),
            "ttft_s": spread(self.ttft_ps),
            "tpot_s": spread(self.tpot_ps),
            "latency_s": spread(self.latency_ps),
            "prompt_tokens": prompt,
            "output_tokens": self.output_total,
            "computed_tokens": int(self.computed_tokens.sum()),
            "reused_tokens": reused,
            "reused_share": sum(reused.values()) / prompt if prompt else 0.0,
            "output_tokens_per_s": per_second * self.output_total,
            "requests_per_s": per_second * int(self.done.sum()),
            "good_share": float(good.mean()) if len(good) else 0.0,
            "goodput_per_s": per_second * int(good.sum()),
            "steps": self.steps,
            "tokens_per_step": self.step_tokens / self.steps if self.steps else 0.0,
            "internal_fragmentation": 1.0 - self.held_share,
            "external_fragmentation": self.apart_share,
            "waits_s": {
                name: float(value) for name, value in zip(WAITS, self.waits_ps.sum(axis=0) / 1e12, strict=True)
            },
            "energy_per_token_j": energy_j / self.output_total if self.output_total else 0.0,
            "cost": cost,
            "cost_per_million_tokens": 1e6 * cost / self.output_total if self.output_total else 0.0,
        }


def spread(times_ps: NDArray[Any]) -> dict[str, float]:
    """Return mean, p50, p90, p99 and maximum in seconds; zeros where there is nothing."""
    if not len(times_ps):
        return dict.fromkeys(("mean", "p50", "p90", "p99", "max"), 0.0)
    quantiles = np.quantile(times_ps, (0.5, 0.9, 0.99, 1.0), method="inverted_cdf") / 1e12
    found = zip(("p50", "p90", "p99", "max"), quantiles, strict=True)
    return {"mean": float(np.mean(times_ps)) / 1e12} | {name: float(value) for name, value in found}
