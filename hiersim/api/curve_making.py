"""How the curves of a trace are made: which method for which policy, at which capacities, with which samples."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.api.capacity import capacities, measure_of
from hiersim.api.choices import Trace, check_numbers, find_policies, open_accesses, policy_names
from hiersim.api.curve_gains import Gain, gains, steps
from hiersim.api.curve_points import Addition, Place, additions, fine_grid, grid, places_of
from hiersim.api.replay import Replays, replay
from hiersim.drivers.curves.curve import MOST_SEEDS, Curve, whole
from hiersim.drivers.curves.lru import LruCurve
from hiersim.drivers.curves.miniature import miniature
from hiersim.drivers.curves.sampling import check_rate
from hiersim.drivers.curves.shards import shards
from hiersim.errors import HiersimError, Mistake
from hiersim.policies.loader import Policy
from hiersim.units import show

LARGE = 300_000_000  # accesses replayed for one curve, beyond which samples are taken
SAMPLE = 20_000  # objects that such a sample has at least


@dataclass
class Sampling:
    """Whether and how samples are taken.

    Attributes:
        rate: share of the objects; ``None`` to choose.
        most: objects in a sample at most, for LRU; ``None`` to go by the rate.
        seeds: how many samples.
        checks: at how many capacities a sampled curve is compared with a replay of everything.
        seed: of the first sample.
        wrong: where mistakes go.
    """

    rate: float | None
    most: int | None
    seeds: int
    checks: int
    seed: int
    wrong: list[Mistake]

    def __post_init__(self) -> None:
        if self.rate is not None:
            try:
                self.rate = check_rate(self.rate)
            except HiersimError as why:
                self.wrong.append(Mistake("rate", str(why)))
        limits = (("sample_objects", self.most, 1, 2**31 - 1), ("seeds", self.seeds, 2, MOST_SEEDS))
        for name, value, low, high in (*limits, ("checks", self.checks, 0, 1000), ("seed", self.seed, 0, 2**63 - 1)):
            if value is not None and not (isinstance(value, int | np.integer) and low <= value <= high):
                self.wrong.append(Mistake(name, f"must be {low:,} to {high:,}, got {value}"))
        if self.rate is not None and self.most is not None:
            self.wrong.append(Mistake("rate", "sets the size of a sample, and so does sample_objects; give one"))


class Making:
    """One trace, and what was asked about it."""

    def __init__(
        self,
        trace: Trace,
        ignore_size: bool,
        limit: int | None,
        options: dict[str, Any],
        sampling: Sampling,
        workers: int | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        check_numbers(workers, 0)
        self._trace = open_accesses(trace, ignore_size, limit, options)
        self._measure = measure_of(self._trace, ignore_size)
        self._sizes = self._trace.size if self._measure.unit == "bytes" else None
        self._ignore_size, self._sampling, self._progress = ignore_size, sampling, progress
        self._workers = workers or os.cpu_count() or 1
        self.accesses, self.footprint, self.least = len(self._trace), self._measure.footprint, self._measure.least
        self.places: list[Place] = []
        self.adds: list[Addition] = []
        self._found: list[Policy] = []
        self._asked: list[int] | None = None

    def ask(
        self,
        policy: str | Sequence[str],
        capacity: int | str | Sequence[int | str] | None,
        machine: str | None,
        tiers: Mapping[str, str | int],
        add: Sequence[str | int],
        wrong: list[Mistake],
    ) -> None:
        """Take down what is asked, capacities in bytes or objects; add to ``wrong`` what is not right."""
        self._found = find_policies(policy_names(policy, self._trace), wrong)
        if capacity is not None:
            self._asked = capacities(capacity, self._measure, wrong)
        before = len(wrong)
        self.places = places_of(machine, tiers, self._measure, wrong)
        if add and machine is None and self._asked is not None:
            self.places = [Place(self._words(size), size, size) for size in self._asked]
        if add and len(wrong) == before:
            self.adds = additions(add, self.places, self._measure, wrong)

    def _words(self, size: int) -> str:
        each = self._measure.each if self._measure.unit == "objects" else 1
        known = self._measure.unit == "bytes" or each > 1
        return show(size * each, "bytes", binary=True) if known else f"{size:,}"

    def about(self) -> dict[str, Any]:
        """Return what is known of the trace, as ``Curves`` has it."""
        return {
            "trace": self._trace.name,
            "unit": self._measure.unit,
            "each": self._measure.each if self._measure.unit == "objects" else 1,
            "accesses": self.accesses,
            "objects": self._trace.objects,
            "footprint": self.footprint,
            "first_uses": len(np.unique(self._trace.object)) / self.accesses,
        }

    def curves(self) -> list[Curve]:
        """Return one curve per policy."""
        return [self._lru(each) if each.name == "lru" else self._other(each) for each in self._found]

    def gains(self, curve: Curve) -> list[Gain]:
        """Return what doubling each place, or adding to it, would buy by a curve."""
        return gains(curve, self.places, self.adds, self.accesses, self.least, self.footprint)

    def _points(self) -> NDArray[np.int64]:
        """Return the capacities that every curve has: the grid or what was asked, the places, what they would be."""
        wanted = grid(self._measure).tolist() if self._asked is None else list(self._asked)
        wanted += [min(size, self.footprint) for place, more in steps(self.places, self.adds)
                   for size in (place.upto, place.upto + more)]  # fmt: skip
        return np.unique(np.array([size for size in wanted if size >= self.least], np.int64))

    def _lru(self, policy: Policy) -> Curve:
        points, chosen = self._points(), self._sampling
        if chosen.most is not None or (chosen.rate is not None and chosen.rate < 1):
            keys, objects = self._trace.object, self._trace.objects
            rates: dict[str, Any] = {"rate": chosen.rate, "most": chosen.most, "seeds": chosen.seeds}
            found = shards(keys, objects, self._sizes, points, **rates, seed=chosen.seed, workers=self._workers)
            return self._checked(found, policy)
        small = points[:0]
        if self._sizes is not None:  # below the largest object the stack does not say what a cache does
            small = points[points < self._trace.size.max()]
        fine = fine_grid(self._measure) if self._asked is None else points
        large = np.unique(np.concatenate([points, fine]))
        large = large[large >= (1 if self._sizes is None else self._trace.size.max())]
        replayed = self._replay("lru", small)
        ratio, byte_ratio = _ratios(replayed)
        if len(large):
            curve = LruCurve(self._sizes, large.tolist())
            curve.feed(self._trace.object)
            ratio = np.concatenate([ratio, curve.misses(large) / self.accesses])
            byte_ratio = np.concatenate([byte_ratio, curve.missed_bytes(large) / curve.bytes])
        return whole("lru", "exact", np.concatenate([small, large]), ratio, byte_ratio)

    def _other(self, policy: Policy) -> Curve:
        points, rate = self._points(), self._sampling.rate
        if rate is None:
            rate = 1.0 if policy.needs_parents else self._rate(len(points))
        if rate == 1:
            replayed = self._replay(policy.name, points)
            return whole(policy.name, "replayed", points, *_ratios(replayed))
        found = miniature(
            self._trace.object, self._trace.objects, self._sizes, policy, points,
            rate=rate, costs=self._trace.costs, seeds=self._sampling.seeds, seed=self._sampling.seed,
            workers=self._workers, progress=self._progress,
        )  # fmt: skip
        return self._checked(found, policy)

    def _rate(self, points: int) -> float:
        """Return 1 if all capacities can be replayed in a few seconds, else a rate at which samples can."""
        work = self.accesses * points
        if work <= LARGE:
            return 1.0
        return min(1.0, max(LARGE / (work * self._sampling.seeds), SAMPLE / self._trace.objects))

    def _checked(self, curve: Curve, policy: Policy) -> Curve:
        """Return a sampled curve with what a replay of the whole trace misses at some of its capacities."""
        inner = curve.capacity[curve.capacity < self.footprint]
        count = min(self._sampling.checks, len(inner))
        if not count:
            return curve
        chosen = inner[np.unique(np.linspace(0, len(inner) - 1, count + 2).round().astype(int)[1:-1])]
        ratios, _ = _ratios(self._replay(policy.name, chosen))
        return replace(curve, checked=tuple(zip(chosen.tolist(), ratios.tolist(), strict=True)))

    def _replay(self, policy: str, sizes: NDArray[np.int64]) -> Replays:
        if not len(sizes):
            return Replays()
        options: dict[str, Any] = {"ignore_size": self._ignore_size, "seed": self._sampling.seed}
        return replay(self._trace, policy, sizes.tolist(), **options, workers=self._workers, progress=self._progress)


def _ratios(results: Replays) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the miss ratios and byte miss ratios of replays."""
    return np.array([each.miss_ratio for each in results]), np.array([each.byte_miss_ratio for each in results])
