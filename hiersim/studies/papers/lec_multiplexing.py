"""Least expected cost with a model multiplexer: the paper's tables made again from popularity and costs alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hiersim.drivers.cache_study import study
from hiersim.studies.claim import Finding, Study, between, figure

QUERIES, ROOM, REQUESTS, DRAWS = 20, 10, 10_000, 20
"""Distinct queries, how many of them the cache holds, requests of a run, and runs."""
SKEWS = (0.2, 0.5, 0.8, 0.9)
"""Exponents of the queries' popularity."""


def replayed(keys: np.ndarray, cost: np.ndarray, by: np.ndarray | None, room: int) -> float:
    """Return what the misses cost, in the unit of ``cost``, where the cache weighs by frequency x ``by``."""
    found = study(keys, None, "lec", room, objects=len(cost), hits=True, admission="expected-cost", costs=by)
    assert found.hit_map is not None
    return float(cost[keys[~found.hit_map]].sum())


def synthetic(skew: float, ratio: float, seed: int) -> float:
    """Return baseline over multiplexer: two models, each of which has cost 1 or ``ratio`` for a query, evenly."""
    rng = np.random.default_rng([seed, 11])
    costs = np.where(rng.random((2, QUERIES)) < 0.5, 1.0, ratio)
    keys = popular(rng, skew)
    return replayed(keys, costs[0], None, ROOM) / replayed(keys, costs.min(axis=0), costs.min(axis=0), ROOM)


def cascade(skew: float, ratio: float, easy: float, room: int, seed: int) -> float:
    """Return baseline over multiplexer: all queries to the dear model, or the ``easy`` share of them to the other."""
    rng = np.random.default_rng([seed, 12])
    best = np.where(rng.permutation(QUERIES) < easy * QUERIES, 1.0, ratio)
    keys = popular(rng, skew)
    large = np.full(QUERIES, ratio)
    return replayed(keys, large, None, room) / replayed(keys, best, best, room)


def popular(rng: np.random.Generator, skew: float) -> np.ndarray:
    """Return int32 queries, drawn by a power law."""
    weight = np.arange(1, QUERIES + 1) ** -skew
    return rng.choice(QUERIES, REQUESTS, p=weight / weight.sum()).astype(np.int32)


def _ratio_100() -> Finding:
    means = [float(np.mean([synthetic(skew, 100.0, seed) for seed in range(DRAWS)])) for skew in SKEWS]
    told = ", ".join(f"{mean:.3g} at {skew}" for skew, mean in zip(SKEWS, means, strict=True))
    note = (
        f"Mean of {DRAWS} runs of {REQUESTS} requests by skew of popularity: {told}. {QUERIES} queries, a cache of "
        f"{ROOM}, two models that each cost 1 or 100 for a query with equal chance; baseline: least frequently used "
        "and always the first model. The figure is the best of the skews, as the paper says up to; the numbers of "
        "queries and their costs are recalled from the paper, not in its abstract, so 25% is allowed."
    )
    return figure("cost-ratio-100", 50.0, max(means), 0.25, note)


def _range(name: str, claimed: float, ratio: float, what: str) -> Finding:
    means: dict[tuple[float, float], float] = {}
    for easy in (0.0, 0.5, 0.75, 0.9, 1.0):
        for skew in (0.2, 0.8):
            runs = [cascade(skew, ratio, easy, room, seed) for room in (4, 8) for seed in range(4)]
            means[easy, skew] = float(np.mean(runs))
    told = ", ".join(
        f"{easy:.0%}: {means[easy, 0.2]:.3g} to {means[easy, 0.8]:.3g}" for easy in (0.0, 0.5, 0.75, 0.9, 1.0)
    )
    note = (
        f"Gain in {what} by the share of queries that the small model can answer, at skews 0.2 and 0.8 ({told}); a "
        f"cache of a fifth and two fifths of the queries, costs 1 and {ratio:g}, a selector that is always right. The "
        "share is a property of models and data, so this is a range, not a figure."
    )
    return between(name, claimed, min(means.values()), max(means.values()), note)


def run() -> Sequence[Finding]:
    """Simulate the three cases of the abstract."""
    return [
        _ratio_100(),
        _range("flops-ratio-10", 4.3, 10.0, "FLOPs"),
        _range("latency-ratio-1.85", 1.8, 1.85, "latency"),
    ]


STUDY = Study(
    name="lec-multiplexing",
    title="On Optimal Caching and Model Multiplexing for Large Model Inference",
    family="caching-theory",
    grade="A",
    source="Zhu, Sheng, Zheng, Barrett, Jordan, Jiao. NeurIPS 2023, arXiv 2306.02003",
    memory=(
        "A cache of answers keeps the queries of highest frequency x cost; what misses goes to the cheaper of two "
        "models that can answer it. Replacement `lec` with admission `expected-cost`; the baseline is the same cache "
        "with all costs equal, which is least frequently used, and one model for all."
    ),
    not_ours="Which model can answer a query, and how well a selector guesses it: shares and costs are inputs here.",
    run=run,
)
