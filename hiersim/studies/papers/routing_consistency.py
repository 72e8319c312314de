"""Local routing consistency: segments of tokens and their experts, on generated routing of a chosen locality.

SRP, segment routing best performance: the best F1 between what the router chose for the tokens of a segment and one
group of experts for all of them, those chosen at least so many times in the segment, over all thresholds. SCH, segment
cache best hit rate: the share of choices that the best cache contents of a segment, so many experts, would serve.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hiersim.drivers.cache_study import study
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.traces.access import AccessTrace
from hiersim.traces.generators import generate

SHAPES = {"Mixtral-8x7B": (8, 2), "Phi-3.5-MoE": (16, 2), "OLMoE": (64, 8), "Qwen3-30B-A3B": (128, 8)}
"""Experts of a layer, and how many of them a token uses, by the models' configurations."""
LOCALITIES = (0.3, 0.5, 0.7, 0.9)
UNEVEN = (1.0, 2.0)  # imbalances that are tried beside none: what experts always have, by what changes
TOKENS, SPAN, SEGMENT = 1500, 32.0, 16


def chosen(experts: int, active: int, locality: float, imbalance: float = 0.0) -> np.ndarray:
    """Return the experts of each token, int32[tokens, active], of one layer."""
    options = {"layers": 1, "experts": experts, "active": active, "locality": locality, "span": SPAN}
    trace = generate("moe_routing", seed=0, tokens=TOKENS, imbalance=imbalance, **options)
    assert isinstance(trace, AccessTrace)
    return np.asarray(trace.original_id[trace.object].reshape(TOKENS, active), np.int32)


def counted(routing: np.ndarray, experts: int, segment: int) -> np.ndarray:
    """Return how often each expert was chosen in each segment of consecutive tokens, int64[segments, experts]."""
    whole = len(routing) // segment
    counts = np.zeros((whole, experts), np.int64)
    np.add.at(counts, (np.repeat(np.arange(whole), segment * routing.shape[1]), routing[: whole * segment].ravel()), 1)
    return counts


def srp(counts: np.ndarray, segment: int) -> float:
    """Return the segment routing best performance, an F1, 0 to 1."""
    best, total = 0.0, counts.sum()
    for least in range(1, segment + 1):
        kept = counts >= least
        best = max(best, float(2 * counts[kept].sum() / (segment * kept.sum() + total)))
    return best


def sch(counts: np.ndarray) -> np.ndarray:
    """Return the segment cache best hit rate by experts in the cache, float64[experts]."""
    falling = -np.sort(-counts, axis=1)
    return np.asarray(falling.sum(axis=0).cumsum() / counts.sum())


def knee(hits: np.ndarray, active: int) -> float:
    """Return the cache size, in active experts, at which the curve is farthest above its chord.

    Args:
        hits: hit rate by experts in the cache, from 1 to all; the curve begins at ``active``, as no token needs less.
        active: experts that a token uses.
    """
    sizes, curve = np.arange(active, len(hits) + 1), hits[active - 1 :]
    chord = curve[0] + (curve[-1] - curve[0]) * (sizes - sizes[0]) / max(1, sizes[-1] - sizes[0])
    return float(sizes[np.argmax(curve - chord)] / active)


def hit_rate(routing: np.ndarray, policy: str, experts: int, capacity: int) -> float:
    """Return the share of choices that a cache of ``capacity`` experts serves."""
    found = study(routing.ravel(), None, policy, capacity, objects=experts)
    return 1.0 - found.miss_ratio


def run() -> Sequence[Finding]:
    """Simulate the knee, the two measures over localities, and the caches that they stand for."""
    knees: dict[tuple[str, float], float] = {}
    measures: dict[tuple[str, float], tuple[float, float]] = {}
    caches: dict[str, list[float]] = {"lru": [], "lfu": [], "opt": [], "lfuda": []}
    for name, (experts, active) in SHAPES.items():
        for locality in LOCALITIES:
            routing = chosen(experts, active, locality)
            counts = counted(routing, experts, SEGMENT)
            hits = sch(counts)
            knees[name, locality] = knee(hits, active)
            measures[name, locality] = srp(counts, SEGMENT), float(hits[2 * active - 1])
            for policy, rates in caches.items():
                rates.append(hit_rate(routing, policy, experts, 2 * active))
    return [_knee(knees), _rises(measures), _stands_for(measures, caches)]


def _uneven(imbalance: float) -> float:
    """Return the median knee where experts differ for good."""
    routed = (
        (chosen(experts, active, locality, imbalance), experts, active)
        for experts, active in SHAPES.values()
        for locality in LOCALITIES
    )
    return float(np.median([knee(sch(counted(one, experts, SEGMENT)), active) for one, experts, active in routed]))


def _knee(knees: dict[tuple[str, float], float]) -> Finding:
    told = "; ".join(
        f"{name} {', '.join(f'{knees[name, locality]:.3g}' for locality in LOCALITIES)}" for name in SHAPES
    )
    note = (
        f"Median over the shapes of four models at localities {', '.join(map(str, LOCALITIES))} ({told}), segments of "
        f"{SEGMENT} tokens. The knee is where the curve of SCH over cache size is farthest above its chord, which "
        "moves out where few of many experts are active; at high locality it comes near to 2. The paper says "
        "approximately, so half a group of active experts either way is allowed. Locality is generated, not "
        "measured on the models, and in the long run all experts are used alike. Where they differ for good, by "
        f"{' or '.join(f'{each:g}' for each in UNEVEN)} times the deviation of the rest, the median is "
        f"{' or '.join(f'{_uneven(each):.3g}' for each in UNEVEN)}: the knee comes to 2 where routing is so uneven "
        "over a whole text."
    )
    return figure("knee-at-twice-the-active", 2.0, float(np.median(list(knees.values()))), 0.25, note)


def _rises(measures: dict[tuple[str, float], tuple[float, float]]) -> Finding:
    rising = all(
        np.diff([measures[name, locality][i] for locality in LOCALITIES]).min() > 0 for name in SHAPES for i in (0, 1)
    )
    told = "; ".join(
        f"{name} {measures[name, LOCALITIES[0]][0]:.2f} to {measures[name, LOCALITIES[-1]][0]:.2f} and "
        f"{measures[name, LOCALITIES[0]][1]:.2f} to {measures[name, LOCALITIES[-1]][1]:.2f}"
        for name in SHAPES
    )
    note = f"SRP, and SCH with twice the active experts, from locality {LOCALITIES[0]} to {LOCALITIES[-1]}: {told}."
    return seen("both-measure-locality", "SRP and SCH measure locality", "both rise with it", rising, note)


def _stands_for(measures: dict[tuple[str, float], tuple[float, float]], caches: dict[str, list[float]]) -> Finding:
    best = [hit for _, hit in measures.values()]
    fits = {policy: float(np.corrcoef(best, rates)[0, 1]) for policy, rates in caches.items()}
    told = ", ".join(f"{policy} {fit:.3f}" for policy, fit in fits.items())
    note = (
        "Correlation, over shapes and localities, of SCH with the hit rates of caches of twice the active experts that "
        f"are fed expert by expert: {told}. Seen when those of LRU and LFU are above 0.9, as the paper reports of real "
        "routing; on generated routing no expert stays popular for long, which LFU counts on: with counts that age "
        "(LFUDA) SCH ranks it as it does the others."
    )
    holds = min(fits["lru"], fits["lfu"]) > 0.9
    return seen("stands-for-real-caches", "SCH ranks models as caches do", told, holds, note)


STUDY = Study(
    name="routing-consistency",
    title="Not All Models Suit Expert Offloading: On Local Routing Consistency of Mixture-of-Expert Models",
    family="moe-offload",
    grade="A",
    source="Liang, Wang, Tian, Li, Tang, Wei. ICLR 2026, arXiv 2505.16056",
    memory=(
        "Experts lie in slow memory, a cache in fast memory holds some of each layer. How well it does depends on how "
        "alike the experts of consecutive tokens are. What misses is moved: misses x bytes of an expert."
    ),
    not_ours="Which models are local and why (domains, shared experts): the locality of the routing is an input here.",
    run=run,
)
