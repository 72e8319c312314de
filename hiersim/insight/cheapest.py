"""The cheapest way to save a share of the time: more of what has a price, tried from the cheapest combination up."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hiersim.config import Scenario
from hiersim.errors import HiersimError
from hiersim.insight.effect import Effect
from hiersim.insight.knobs import Knob, applied
from hiersim.insight.prices import HOUR, Prices
from hiersim.insight.study import Study, doubled
from hiersim.report.format import percent

LADDER = (1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""How much of each resource is tried, as a multiple of what there is."""
FINE = 6
"""Halvings of the step between two rungs, so that the factor is found within 1/64 of it."""
LITTLE = 0.001
"""A resource whose eightfold saves less than this share of the time is not bought."""
BATCH, MOST = 8, 400
"""Combinations that are run before the next look at them, and in all."""
Rungs = tuple[int, ...]
"""Position on the ladder of each resource."""


@dataclass(frozen=True)
class Way:
    """What is bought, and what that brings.

    Attributes:
        factors: resource -> how many times as much of it.
        saves: share of the time.
        once: money paid once.
        per_hour: money per hour of use.
        cost: money per run afterwards, over what it was before.
    """

    factors: tuple[tuple[Knob, float], ...]
    saves: float
    once: float
    per_hour: float
    cost: float


@dataclass(frozen=True)
class Cheapest:
    """What was found.

    Attributes:
        goal: the share of the time that was to be saved.
        currency: of all money.
        priced: the resources that have a price.
        way: the cheapest; ``None`` where even eight times all of them save less than the goal.
        reach: the share that eight times all of them save.
        complete: every cheaper combination of the ladder is known to save less, as far as more never slows a run.
    """

    goal: float
    currency: str
    priced: tuple[str, ...]
    way: Way | None
    reach: float
    complete: bool = True

    def sentences(self) -> list[str]:
        """Return what was found in words."""
        from hiersim.insight.whatif_table import valued
        from hiersim.insight.whatif_words import listed

        if not self.priced:
            return ["Nothing of this machine that more could be bought of has a price in the list."]
        limit = f"even {LADDER[-1]:g} times all that has a price ({listed(self.priced)})"
        if self.way is None:
            return [f"No money saves {percent(self.goal)} of the time: {limit} saves {percent(max(0.0, self.reach))}."]
        bought = listed(
            [f"{knob.name} of {valued(knob, by)} instead of {valued(knob)}" for knob, by in self.way.factors]
        )
        found = "" if self.complete else ", of those tried,"
        return [
            f"The cheapest way{found} to save {percent(self.goal)} of the time: {bought}, for {self._price(self.way)}.",
            f"That saves {percent(self.way.saves)}, and a run then costs {_change(self.way.cost)}.",
        ]

    def _price(self, way: Way) -> str:
        told = [f"{way.once:.4g} {self.currency} once"] if way.once else []
        told += [f"{way.per_hour:.4g} {self.currency} an hour"] if way.per_hour else []
        return " and ".join(told) or "nothing"


def _change(cost: float) -> str:
    """Return in words what a run costs, over what it cost before."""
    if abs(cost - 1) < LITTLE / 2:
        return "the same"
    return f"{percent(abs(cost - 1))} {'more' if cost > 1 else 'less'}"


def cheapest(study: Study, effects: Sequence[Effect]) -> Cheapest:
    """Return the cheapest combination of resources that saves ``study.asked.save`` of the time."""
    prices, scenario = study.asked.prices, study.simulation.scenario
    assert prices is not None
    priced = prices.priced(scenario)
    names = tuple(knob.name for knob in priced)
    reach = study.saves([doubled(priced, LADDER[-1])])[0] if priced else 0.0
    if reach < study.asked.save:
        return Cheapest(study.asked.save, prices.currency, names, None, reach)
    search = _Search(study, prices, _useful(study, priced, reach))
    factors, complete = search.run()
    way = search.way(search.finer(factors))
    return Cheapest(study.asked.save, prices.currency, names, way, reach, complete)


def _useful(study: Study, priced: Sequence[Knob], reach: float) -> list[Knob]:
    """Return the resources that save something by themselves, or without which all others save less."""
    alone = study.saves([doubled([knob], LADDER[-1]) for knob in priced])
    rest = [[other for other in priced if other is not knob] for knob in priced]
    without = study.saves([doubled(others, LADDER[-1]) for others in rest])
    found = zip(priced, alone, without, strict=True)
    return [knob for knob, save, left in found if save >= LITTLE or left <= reach - LITTLE]


class _Search:
    """Goes through the combinations of a ladder from the cheapest up, past those that cannot be enough."""

    def __init__(self, study: Study, prices: Prices, knobs: Sequence[Knob]) -> None:
        self.study, self.prices, self.knobs = study, prices, knobs
        self.scenario = study.simulation.scenario
        self.short: list[Rungs] = []
        self.tried = 0

    def run(self) -> tuple[list[float], bool]:
        """Return the factor of each resource, and whether nothing cheaper was left out."""
        top = len(LADDER) - 1
        few = range(1, min(3, len(self.knobs)))
        for count in few:  # what even all of one or two cannot do needs no closer look
            sets = itertools.combinations(range(len(self.knobs)), count)
            self._enough([tuple(top if i in some else 0 for i in range(len(self.knobs))) for some in sets])
        waiting = self._unknown(sorted(self._grid(), key=lambda rungs: (self._rate(self._factors(rungs)), rungs)))
        while batch := list(itertools.islice(waiting, BATCH)):
            if enough := self._enough(batch):
                return self._factors(min(enough, key=batch.index)), True
            if self.tried > MOST:
                break
        return self._factors(tuple([top] * len(self.knobs))), False

    def _grid(self) -> Iterator[Rungs]:
        return itertools.product(range(len(LADDER)), repeat=len(self.knobs))

    def _unknown(self, ordered: Sequence[Rungs]) -> Iterator[Rungs]:
        """Yield the combinations that are not known to be too little; what is known grows meanwhile."""
        for rungs in ordered:
            if any(rungs) and not any(all(a <= b for a, b in zip(rungs, less, strict=True)) for less in self.short):
                yield rungs

    def _enough(self, batch: Sequence[Rungs]) -> list[Rungs]:
        """Run combinations; return those that save enough, and keep in mind those that do not."""
        saved = self.study.saves([self._figures(self._factors(rungs)) for rungs in batch])
        self.tried += len(batch)
        self.short += [rungs for rungs, share in zip(batch, saved, strict=True) if share < self.study.asked.save]
        return [rungs for rungs, share in zip(batch, saved, strict=True) if share >= self.study.asked.save]

    def _factors(self, rungs: Rungs) -> list[float]:
        return [LADDER[rung] for rung in rungs]

    def _figures(self, factors: Sequence[float]) -> dict[str, float]:
        pairs = zip(self.knobs, factors, strict=True)
        return {path: value for knob, by in pairs if by != 1 for path, value in knob.turned(by).items()}

    def _changed(self, factors: Sequence[float]) -> Scenario:
        return applied(self.scenario, self._figures(factors))

    def _rate(self, factors: Sequence[float]) -> float:
        return sum(amount for _, amount in self._amounts(factors))

    def _amounts(self, factors: Sequence[float]) -> Iterator[tuple[str, float]]:
        """Yield what each resource costs more: how it is paid, and money per second of use."""
        for knob, by in zip(self.knobs, factors, strict=True):
            found = self.prices.price(knob, self.scenario)
            if found is not None and by != 1:
                more = max(knob.turned(by).values()) - knob.value
                yield found[1].every, self.prices.per_second(found[1], found[0] * more)

    def finer(self, factors: list[float]) -> list[float]:
        """Return factors between their rungs and the ones below that just save enough, one resource after the other."""
        for i, factor in enumerate(factors):
            if factor == 1:
                continue
            low, high = LADDER[LADDER.index(factor) - 1], factor
            for _ in range(FINE):
                middle = (low + high) / 2
                (share,) = self.study.saves([self._figures([*factors[:i], middle, *factors[i + 1 :]])])
                low, high = (low, middle) if share >= self.study.asked.save else (middle, high)
            factors = [*factors[:i], high, *factors[i + 1 :]]
        return factors

    def way(self, factors: Sequence[float]) -> Way:
        """Return what factors bring and cost."""
        (found,) = self.study.all([self._figures(factors)])
        assert not isinstance(found, HiersimError)  # it has been run before
        amounts = list(self._amounts(factors))
        lifetime = (self.prices.file.years or 1.0) * 365 * 24 * HOUR
        once = sum(amount * lifetime for every, amount in amounts if every == "once")
        hourly = sum(amount * HOUR for every, amount in amounts if every != "once")
        bought = tuple((knob, by) for knob, by in zip(self.knobs, factors, strict=True) if by != 1)
        before = self.study.base["cost"]
        return Way(bought, self.study.share(found), once, hourly, found["cost"] / before if before else 1.0)
