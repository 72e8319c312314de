"""Paging with succinct predictions: faults against the optimum from perfect bits to adversarial ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hiersim import policies
from hiersim.drivers.cache_study import study
from hiersim.drivers.predictions import Errors, Predictor, wrong_bits
from hiersim.studies.claim import Finding, Study, at_most, figure, seen
from hiersim.traces.access import AccessTrace
from hiersim.traces.generators import generate

ERRORS = ("perfect", "flip:p=0.01", "flip:p=0.03", "flip:p=0.1", "flip:p=0.3", "adversarial")
DRAWS = 4
ROOM = 100
"""Pages that the cache holds."""


def harmonic(k: int) -> float:
    """Return 1 + 1/2 + ... + 1/k."""
    return float((1.0 / np.arange(1, k + 1)).sum())


BOUNDS = {
    "discard-flush": (1.0, ROOM - 1.0, 1.0),
    "mark-discard": (1.0, 2.0 * harmonic(ROOM), 1.0),
    "mark-predict": (2.0, harmonic(ROOM), 1.0),
}
"""Faults at most so many times the optimum's, the bits wrongly to keep, and the bits wrongly to discard."""


def streams() -> dict[str, np.ndarray]:
    """Return int32 page requests by name: skewed, changing, looping, and the worst case of all without predictions."""
    found = {}
    kinds: dict[str, dict[str, Any]] = {
        "zipf": {"objects": 1000, "alpha": 0.9},
        "phase_change": {"objects": 300, "phases": 6},
        "loop": {"objects": ROOM + ROOM // 4},
    }
    for name, options in kinds.items():
        trace = generate(name, seed=1, accesses=12_000, **options)
        assert isinstance(trace, AccessTrace)
        found[name] = trace.object
    found["one too many"] = np.random.default_rng(2).integers(0, ROOM + 1, 12_000).astype(np.int32)
    return found


def faults(policy: str, keys: np.ndarray, said: np.ndarray) -> float:
    """Return the faults of a policy, in the mean where it draws random numbers."""
    draws = 1 if policy == "discard-flush" else DRAWS
    return float(np.mean([study(keys, None, policy, ROOM, next_use=said, seed=seed).misses for seed in range(draws)]))


def run() -> Sequence[Finding]:
    """Simulate every policy on every stream with every error."""
    ratios: dict[str, dict[str, list[float]]] = {name: {error: [] for error in ERRORS} for name in BOUNDS}
    used: dict[str, float] = dict.fromkeys(BOUNDS, 0.0)
    for keys in streams().values():
        least = study(keys, None, "opt", ROOM).misses
        truths = Predictor(keys, int(keys.max()) + 1)
        for name, triple in BOUNDS.items():
            policy = policies.find(name)
            truth = truths.truth(policy.predicts, ROOM)
            for error in ERRORS:
                truths.given = Errors.of(error)
                said = truths.predictions(policy, ROOM)
                real = faults(name, keys, said)
                ratios[name][error].append(real / least)
                used[name] = max(used[name], real / float(np.dot(triple, (least, *wrong_bits(said, truth)))))
    return [*_consistent(ratios), *_bounded(used), _smooth(ratios), _robust(ratios)]


def _consistent(ratios: dict[str, dict[str, list[float]]]) -> Iterator[Finding]:
    note = "Faults over the optimum's with perfect bits, the worst of four streams of requests"
    for name in ("discard-flush", "mark-discard"):
        worst = max(ratios[name]["perfect"])
        yield figure(f"{name}-consistent", 1.0, worst, 0.0, f"{note}; a count is exact.")
    yield at_most("mark-predict-consistent", 2.0, max(ratios["mark-predict"]["perfect"]), f"{note}; proved to be 2.")


def _bounded(used: dict[str, float]) -> Iterator[Finding]:
    for name, (best, keep, discard) in BOUNDS.items():
        note = (
            f"Faults over {best:g} OPT + {keep:.3g} x wrong bits to keep + {discard:g} x wrong bits to discard, the "
            f"worst of four streams and {len(ERRORS)} errors; a cache of {ROOM} pages."
        )
        yield at_most(f"{name}-smooth", 1.0, used[name], note)


def _smooth(ratios: dict[str, dict[str, list[float]]]) -> Finding:
    means = {name: [float(np.mean(each[error])) for error in ERRORS] for name, each in ratios.items()}
    rising = all(np.diff(each).min() > -0.02 for each in means.values())
    told = "; ".join(f"{name} {', '.join(f'{mean:.2f}' for mean in each)}" for name, each in means.items())
    note = f"Mean faults over the optimum's for {', '.join(ERRORS)}: {told}."
    return seen("degrades-gracefully", "faults grow smoothly with errors", "they do", rising, note)


def _robust(ratios: dict[str, dict[str, list[float]]]) -> Finding:
    note = (
        f"Faults over the optimum's with every bit wrong, the worst of four streams; the paper says O(log k). Here 4 "
        f"H_k with k = {ROOM}: each of a phase's new pages costs at most H_k among the pages to discard and H_k among "
        "the others, and the optimum pays for half of the new pages."
    )
    return at_most("mark-predict-robust", 4.0 * harmonic(ROOM), max(ratios["mark-predict"]["adversarial"]), note)


STUDY = Study(
    name="succinct-paging",
    title="Paging with Succinct Predictions",
    family="caching-theory",
    grade="A",
    source="Antoniadis, Boyar, Elias, Favrholdt, Hoeksma, Larsen, Polak, Simon. ICML 2023, arXiv 2210.02775",
    memory=(
        "One predicted bit per request steers eviction: safe to discard, or not used in the next phase. Policies "
        "`discard-flush`, `mark-discard` (MARK0) and `mark-predict` (MARK&PREDICT)."
    ),
    not_ours="Nothing of the claims; where a predictor comes from, and how wrong it is, is an input.",
    run=run,
)
