"""Local routing consistency: segments of tokens and their experts, on routing that is fitted to the measured models.

SRP, segment routing best performance: the best F1 between what the router chose for the tokens of a segment and one
group of experts for all of them, those chosen at least so many times in the segment, over all thresholds. SCH, segment
cache best hit rate: the share of choices that the best cache contents of a segment, so many experts, would serve.

The authors publish the SCH of 19 decoders with twice the active experts, over segments of 4, 16, 64 and 256 tokens. The
generator's locality, span and imbalance are fitted to three of the four; that of 64 tokens is held out, and so is SRP.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

from hiersim.drivers.cache_study import study
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.knees import AXIS, by_other_rules, knee
from hiersim.traces.access import AccessTrace
from hiersim.traces.generators import generate


class Model(NamedTuple):
    """A model of the paper: experts of a layer, how many a token uses, what was measured, and the routing fitted to it.

    Attributes:
        measured: SCH of segments of ``LENGTHS`` tokens, with twice the active experts.
        locality, imbalance, span: of the generator.
    """

    experts: int
    active: int
    measured: tuple[float, ...]
    locality: float
    imbalance: float
    span: float


LENGTHS = (4, 16, 64, 256)
MODELS = {
    "PowerMoE-3B": Model(40, 8, (0.926, 0.796, 0.738, 0.711), 0.3, 0.5, 64),
    "LLaMA-MoE-v1": Model(16, 4, (0.809, 0.670, 0.601, 0.568), 0, 0, 1),
    "OLMoE": Model(64, 8, (0.888, 0.722, 0.644, 0.602), 0.4, 0.5, 16),
    "LLaMA-MoE-v2": Model(8, 2, (1.000, 0.990, 0.982, 0.977), 0.5, 2, 4),
    "JetMoE-8B": Model(8, 2, (0.858, 0.708, 0.629, 0.589), 0.1, 0, 64),
    "MiniCPM-MoE": Model(8, 2, (0.883, 0.733, 0.650, 0.608), 0.2, 0, 16),
    "Qwen1.5-MoE": Model(60, 4, (0.696, 0.456, 0.335, 0.275), 0.3, 0.25, 4),
    "DeepSeek-V2-Lite": Model(64, 6, (0.779, 0.566, 0.455, 0.398), 0.3, 0.25, 16),
    "DeepSeekMoE": Model(64, 6, (0.770, 0.551, 0.437, 0.378), 0.5, 0.25, 4),
    "XVERSE-MoE": Model(64, 6, (0.778, 0.568, 0.456, 0.402), 0.3, 0.25, 16),
    "Qwen3-30B-A3B": Model(128, 8, (0.931, 0.775, 0.694, 0.644), 0.5, 1, 16),
    "Yuan2.0-M32": Model(32, 2, (0.950, 0.824, 0.786, 0.769), 0.6, 2, 4),
    "Phi-3.5-MoE": Model(16, 2, (0.893, 0.741, 0.668, 0.630), 0.4, 0.75, 16),
    "GRIN-MoE": Model(16, 2, (0.883, 0.729, 0.655, 0.616), 0.5, 0.75, 4),
    "Mixtral-8x7B": Model(8, 2, (0.882, 0.738, 0.660, 0.619), 0.8, 0.25, 1),
    "Jamba-Mini": Model(16, 2, (0.778, 0.568, 0.461, 0.407), 0.3, 0.25, 4),
    "Qwen2-57B-A14B": Model(64, 8, (0.756, 0.551, 0.453, 0.409), 0.2, 0.25, 4),
    "OpenMoE-8B": Model(32, 2, (0.650, 0.419, 0.320, 0.274), 0.1, 0.25, 64),
    "NLLB-MoE decoder": Model(128, 2, (0.651, 0.445, 0.373, 0.315), 0.2, 0.75, 64),
}
"""The decoders whose four figures are published, by the middle of their intervals: github ljcleo/moe-lrc at 67eaaf6,
src/43_sch_plot.ipynb, caches of the whole model; and what ``fitted`` finds."""
PUBLISHED = {
    "LLaMA-MoE-v2": 0.7816, "Yuan2.0-M32": 0.6348, "PowerMoE-3B": 0.5517, "Qwen3-30B-A3B": 0.5414,
    "Phi-3.5-MoE": 0.5198, "OLMoE": 0.5091, "GRIN-MoE": 0.5039, "Mixtral-8x7B": 0.4936, "MiniCPM-MoE": 0.4885,
    "JetMoE-8B": 0.4745, "LLaMA-MoE-v1": 0.4529, "XVERSE-MoE": 0.3858, "Jamba-Mini": 0.3808, "DeepSeek-V2-Lite": 0.3792,
    "DeepSeekMoE": 0.3694, "Qwen2-57B-A14B": 0.3674, "NLLB-MoE decoder": 0.3135, "Qwen1.5-MoE": 0.3071,
    "OpenMoE-8B": 0.2877,
}  # fmt: skip
"""SRP of segments of 16 tokens, the paper's Table 1; nothing is fitted to it."""
LOCAL = tuple(name for name, share in PUBLISHED.items() if share > 0.5)
"""The paper's first group, of which alone it says that the curves of SCH have a turning point."""
GRID = tuple(product([i / 10 for i in range(10)], (0.0, 0.25, 0.5, 0.75, 1.0, 2.0, 3.0), (1.0, 4.0, 16.0, 64.0)))
"""Localities, imbalances and spans that are tried."""
LOCALITIES = (0.3, 0.5, 0.7, 0.9)
SHOWN = ("Mixtral-8x7B", "Phi-3.5-MoE", "OLMoE", "Qwen3-30B-A3B")
TEXTS, TOKENS, SPAN, SEGMENT = 4, 512, 32.0, 16
"""Texts of each model and their tokens, as many as the authors' have; a cache begins each text empty, as theirs do."""


def chosen(model: Model, first: int = 0) -> np.ndarray:
    """Return the experts of each token, int32[texts, tokens, active], of one layer; ``first``: seed of text 0."""
    options: dict[str, float] = {"locality": model.locality, "span": model.span, "imbalance": model.imbalance}
    texts, shape = [], {"layers": 1, "experts": model.experts, "active": model.active, "tokens": TOKENS}
    for seed in range(first, first + TEXTS):
        trace = generate("moe_routing", seed=seed, **shape, **options)
        assert isinstance(trace, AccessTrace)
        texts.append(trace.original_id[trace.object].reshape(TOKENS, model.active))
    return np.asarray(texts, np.int32)


@cache
def served(experts: int, active: int, locality: float, imbalance: float, span: float) -> np.ndarray:
    """Return the SCH of segments of each of ``LENGTHS``, with twice the active experts in the cache."""
    texts = chosen(Model(experts, active, (), locality, imbalance, span))
    return np.array([sch(counted(texts, experts, length))[2 * active - 1] for length in LENGTHS])


def fitted(model: Model) -> Model:
    """Return a model with the routing whose SCH of 4, 16 and 256 tokens is nearest, by least squares; seconds each."""
    fits = np.array([0, 1, 3])

    def off(routing: tuple[float, float, float]) -> float:
        return float(((served(model.experts, model.active, *routing) - model.measured)[fits] ** 2).sum())

    locality, imbalance, span = min(GRID, key=off)
    return model._replace(locality=locality, imbalance=imbalance, span=span)


def counted(texts: np.ndarray, experts: int, segment: int) -> np.ndarray:
    """Return how often each expert was chosen in each segment of consecutive tokens, int64[segments, experts]."""
    routing = texts.reshape(-1, segment * texts.shape[2])
    counts = np.zeros((len(routing), experts), np.int64)
    np.add.at(counts, (np.arange(len(routing))[:, None], routing), 1)
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


def hit_rate(texts: np.ndarray, policy: str, experts: int, capacity: int) -> float:
    """Return the share of choices that a cache of ``capacity`` experts serves, each text from the start."""
    ratios = [study(text.ravel(), None, policy, capacity, objects=experts).miss_ratio for text in texts]
    return 1.0 - float(np.mean(ratios))


def run() -> Sequence[Finding]:
    """Simulate the routing of the models: what was held out, the knee, and the caches that SCH stands for."""
    held: dict[str, float] = {}
    shares: dict[str, float] = {}
    curves: dict[str, np.ndarray] = {}
    rates: dict[str, list[float]] = {"sch": [], "lru": [], "lfu": [], "opt": []}
    for name, model in MODELS.items():
        texts = chosen(model, first=TEXTS)
        counts = counted(texts, model.experts, SEGMENT)
        hits = curves[name] = sch(counts)
        shares[name] = srp(counts, SEGMENT)
        held[name] = float(sch(counted(texts, model.experts, 64))[2 * model.active - 1])
        rates["sch"].append(float(hits[2 * model.active - 1]))
        for policy in ("lru", "lfu", "opt"):
            rates[policy].append(hit_rate(texts, policy, model.experts, 2 * model.active))
    return [_held_out(held), _held_out_srp(shares), _knee(curves), _turns(curves), _rises(), _stands_for(rates)]


def _held_out(held: dict[str, float]) -> Finding:
    off = {name: held[name] - model.measured[LENGTHS.index(64)] for name, model in MODELS.items()}
    worst = max(off, key=lambda name: abs(off[name]))
    measured = float(np.mean([model.measured[LENGTHS.index(64)] for model in MODELS.values()]))
    note = (
        f"Mean SCH of segments of 64 tokens over {len(MODELS)} decoders, twice the active experts in the cache: as "
        "measured, and of the routing whose locality, span and imbalance are fitted to the three other lengths; this "
        f"one is held out, and the texts are drawn anew. The farthest is {worst}, by {off[worst]:+.3f}. Layers of the "
        "generator are alike, and one is drawn."
    )
    return figure("held-out-segments", measured, float(np.mean(list(held.values()))), 0.05, note)


def _held_out_srp(shares: dict[str, float]) -> Finding:
    off = {name: share - PUBLISHED[name] for name, share in shares.items()}
    worst = max(off, key=lambda name: abs(off[name]))
    note = (
        f"Mean SRP of segments of {SEGMENT} tokens over the same decoders: the paper's Table 1, and the routing that "
        f"is fitted to SCH alone. The farthest is {worst}, by {off[worst]:+.3f}."
    )
    means = [float(np.mean(list(each.values()))) for each in (PUBLISHED, shares)]
    return figure("held-out-srp", means[0], means[1], 0.05, note)


def _knee(curves: dict[str, np.ndarray]) -> Finding:
    knees = {name: knee(hits, MODELS[name].active) for name, hits in curves.items()}
    told = ", ".join(f"{name} {size:.3g}" for name, size in knees.items())
    near = sum(size <= 2.5 for size in knees.values())
    every, local = (_rules({name: curves[name] for name in names}) for names in (tuple(curves), LOCAL))
    note = (
        f"Median over the decoders ({told}), segments of {SEGMENT} tokens. The knee is where the curve of SCH over the "
        f"cache's size, from an empty cache to all experts, is farthest above its chord: at most 2.5 for {near} of "
        f"{len(knees)}, those with few experts for each active one. With many the chord is lower, and the knee moves "
        "out. The paper has no rule: it sees turning points near 2 in curves that end at 4 (section 5.1). Other rules, "
        f"as medians over all and over the {len(LOCAL)} with an SRP above 0.5: over the paper's axis "
        f"{every['figure']:.3g} and {local['figure']:.3g}; over the logarithm of the size {every['log']:.3g} and "
        f"{local['log']:.3g}; as long as a group more adds half of what the first did {every['half']:.3g} and "
        f"{local['half']:.3g}. Most is gained per expert by the first group, always. Median SCH with 1 to 4 groups: "
        f"{_at_groups(curves, tuple(curves))}; of those above 0.5 {_at_groups(curves, LOCAL)}. Which size balances "
        "depends on the rule; this one was fixed before. Half a group of active experts either way is allowed."
    )
    return figure("knee-at-twice-the-active", 2.0, float(np.median(list(knees.values()))), 0.25, note)


def _rules(curves: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the medians of `by_other_rules` over some models."""
    found = [by_other_rules(hits, MODELS[name].active) for name, hits in curves.items()]
    return {rule: float(np.median([each[rule] for each in found])) for rule in found[0]}


def _at_groups(curves: dict[str, np.ndarray], names: Sequence[str]) -> str:
    """Spell the median SCH with one to four times the active experts."""
    return ", ".join(
        f"{np.median([curves[name][groups * MODELS[name].active - 1] for name in names]):.2f}"
        for groups in range(1, AXIS + 1)
    )


def _turns(curves: dict[str, np.ndarray]) -> Finding:
    bends = {name: by_other_rules(hits, MODELS[name].active)["bend"] for name, hits in curves.items()}
    least = min(LOCAL, key=lambda name: bends[name])
    most = max(set(bends) - set(LOCAL), key=lambda name: bends[name])
    note = (
        f"How far the curve of SCH up to {AXIS} times the active experts is above its chord, as a share of its end: "
        "least among the models with a published SRP above 0.5, and most among the others, whose curves the paper "
        "calls nearly linear where SRP is low. Seen if the first is larger."
    )
    told = f"{least} {bends[least]:.3f}, {most} {bends[most]:.3f}"
    holds = bends[least] > bends[most]
    return seen("turning-points", "only models with an SRP above 0.5 have turning points", told, holds, note)


def _rises() -> Finding:
    pairs: dict[str, list[tuple[float, float]]] = {}
    for name in SHOWN:
        for locality in LOCALITIES:
            model = MODELS[name]._replace(locality=locality, imbalance=0.0, span=SPAN)
            counts = counted(chosen(model), model.experts, SEGMENT)
            both = srp(counts, SEGMENT), float(sch(counts)[2 * model.active - 1])
            pairs.setdefault(name, []).append(both)
    rising = all(np.diff(each, axis=0).min() > 0 for each in pairs.values())
    told = "; ".join(
        f"{name} {each[0][0]:.2f} to {each[-1][0]:.2f} and {each[0][1]:.2f} to {each[-1][1]:.2f}"
        for name, each in pairs.items()
    )
    note = (
        f"SRP, and SCH with twice the active experts, from locality {LOCALITIES[0]} to {LOCALITIES[-1]}, all experts "
        f"alike in the long run: {told}."
    )
    return seen("both-measure-locality", "SRP and SCH measure locality", "both rise with it", rising, note)


def _stands_for(rates: dict[str, list[float]]) -> Finding:
    fits = {policy: float(np.corrcoef(rates["sch"], each)[0, 1]) for policy, each in rates.items() if policy != "sch"}
    told = ", ".join(f"{policy} {fit:.3f}" for policy, fit in fits.items())
    note = (
        "Correlation, over the decoders, of SCH with the hit rates of caches of twice the active experts that are fed "
        f"expert by expert, each text of {TOKENS} tokens from an empty cache: {told}. Seen when those of LRU and LFU "
        "are above 0.9; the paper reports 0.904 and 0.887 of real routing (Table 3, over 16 tokens). Their LFU "
        "remembers what it evicted; this one does not."
    )
    return seen(
        "stands-for-real-caches", "SCH ranks models as caches do", told, min(fits["lru"], fits["lfu"]) > 0.9, note
    )


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
    not_ours="Which models are local and why (domains, shared experts): the routing is fitted to what was measured.",
    run=run,
)
