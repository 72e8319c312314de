"""Chooses points of a space with Optuna; the same seed and the same answers give the same points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hiersim.sweep.search_file import Dimension, Sampler


class Chooser:
    """Asks for points in batches, and is told what came out; what it learns from is in memory only.

    A search that was stopped starts anew and takes the same way, at once where its results are kept.
    """

    def __init__(self, space: Sequence[Dimension], objectives: Mapping[str, bool], sampler: Sampler, seed: int) -> None:
        """Make a chooser.

        Args:
            space: the directions of the space.
            objectives: number -> whether it is better the larger it is.
            sampler: ``tpe``, ``nsga2`` or ``random``.
            seed: of all random draws.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        samplers = optuna.samplers
        made = {"tpe": samplers.TPESampler, "nsga2": samplers.NSGAIISampler, "random": samplers.RandomSampler}
        directions = ["maximize" if large else "minimize" for large in objectives.values()]
        self._study = optuna.create_study(directions=directions, sampler=made[sampler](seed=seed))
        self._space = {dimension.path: dimension for dimension in space}
        self._asked: list[Any] = []

    def ask(self, count: int) -> list[dict[str, Any]]:
        """Return the settings of so many further points."""
        kinds = {path: _distribution(dimension) for path, dimension in self._space.items()}
        self._asked = [self._study.ask(kinds) for _ in range(count)]
        return [
            {path: _value(self._space[path], chosen) for path, chosen in trial.params.items()} for trial in self._asked
        ]

    def tell(self, i: int, values: Sequence[float | None], excess: Mapping[str, float]) -> None:
        """Tell what came out of a point.

        Args:
            i: its place in the last batch.
            values: its objectives; a point with one that is ``None`` failed.
            excess: by how much it is outside each limit; 0 or less is within.
        """
        from optuna.trial import TrialState

        trial = self._asked[i]
        for name, amount in excess.items():
            trial.set_constraint(name, amount)
        if any(value is None for value in values):
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, [float(value) for value in values if value is not None])


def _distribution(dimension: Dimension) -> Any:
    """Return what Optuna draws from: the place in a list, a place that has an order, or a number between two ends."""
    from optuna import distributions

    last, span = len(dimension.values) - 1, dimension.span
    if dimension.values and dimension.ordered:
        return distributions.IntDistribution(0, last)
    if dimension.values:
        return distributions.CategoricalDistribution(list(range(last + 1)))
    assert span is not None
    return distributions.FloatDistribution(float(span.low), float(span.high), log=span.log)


def _value(dimension: Dimension, chosen: Any) -> Any:
    span = dimension.span
    if dimension.values:
        return dimension.values[int(chosen)]
    assert span is not None
    return span.text(span.rounded(chosen))
