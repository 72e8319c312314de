"""Consistency, smoothness and robustness of policies with predictions: faults from perfect predictions to the worst.

rows = robustness(trace, ["predicted-opt", "predictive-marker"], capacity=1000)
hiersim.report.robustness.robustness(rows)                       # the picture
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hiersim import policies
from hiersim.drivers.cache_study import study
from hiersim.drivers.predictions import Errors, Predictor, absolute_error, wrong_bits
from hiersim.errors import ConfigError, Mistake
from hiersim.traces.access import AccessTrace

STEPS = {
    "next_use": ("perfect", *(f"noisy:sigma={sigma:g}" for sigma in (0.25, 0.5, 1, 2, 4)), "adversarial"),
    "bits": ("perfect", *(f"flip:p={p:g}" for p in (0.01, 0.03, 0.1, 0.3, 0.5)), "adversarial"),
}
"""Errors in the order of their size, for predictions of next uses and of bits."""
FOLLOWERS = ("predicted-opt", "predictive-marker")
BITS = ("discard-flush", "mark-discard", "mark-predict")


def robustness(
    trace: AccessTrace,
    names: Sequence[str] = (*FOLLOWERS, *BITS),
    capacity: int = 1000,
    *,
    draws: int = 3,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Replay a trace with ever worse predictions; all objects count the same.

    Args:
        trace: of accesses.
        names: policies that take predictions.
        capacity: of the cache, in objects.
        draws: runs with other random numbers of policies and errors, whose mean is taken.
        seed: of the first run.

    Returns:
        One row per policy and size of errors, in the order of ``STEPS``: ``policy``, ``predicts``, ``predictions``,
        ``step`` from 0, ``error`` (accesses that next uses are off, or wrong bits, by access), ``misses``, and
        ``to_opt`` and ``to_lru``, the misses by those of the optimum and of LRU.

    Raises:
        ConfigError: a policy takes no predictions.
        PolicyError: there is no such policy.
    """
    found = [policies.find(name) for name in names]
    wrong = [each.name for each in found if not each.predicts]
    if wrong:
        raise ConfigError(
            [Mistake("policy", f"`{wrong[0]}` takes no predictions; {', '.join((*FOLLOWERS, *BITS))} do")]
        )
    keys, objects = trace.object, trace.objects
    least, plain = (study(keys, None, name, capacity, objects=objects).misses for name in ("opt", "lru"))
    predictor = Predictor(keys, objects)
    rows = []
    for policy in found:
        truth = predictor.truth(policy.predicts, capacity)
        for step, errors in enumerate(STEPS["next_use" if policy.predicts == "next_use" else "bits"]):
            predictor.given = Errors.of(errors)
            misses, off = [], []
            for draw in range(draws):
                predictor.seed = seed + draw
                said = predictor.predictions(policy, capacity)
                off.append(_error(policy.predicts, said, truth))
                run = study(keys, None, policy, capacity, objects=objects, next_use=said, seed=seed + draw)
                misses.append(run.misses)
            mean = float(np.mean(misses))
            row = {"policy": policy.name, "predicts": policy.predicts, "predictions": errors, "step": step}
            rows.append(row | {"error": float(np.mean(off)) / len(keys), "misses": mean,
                               "to_opt": mean / least, "to_lru": mean / plain})  # fmt: skip
    return rows


def _error(predicts: str, said: np.ndarray, truth: np.ndarray) -> int:
    return absolute_error(said, truth) if predicts == "next_use" else sum(wrong_bits(said, truth))
