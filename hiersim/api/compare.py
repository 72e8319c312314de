"""Policies over a trace beside the optimum: how far each is on the way to it, and whether the trace can tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hiersim.api.capacity import measure_of
from hiersim.api.choices import Trace, open_accesses, policy_names
from hiersim.api.replay import Replays, replay
from hiersim.drivers.bounds import Bounds, bounds
from hiersim.drivers.flow_bound import flow_bounds
from hiersim.drivers.prefetch_bound import Prefetched, prefetched
from hiersim.drivers.prefix import Prefixes
from hiersim.errors import ConfigError, Mistake

OPTIMUM, REFERENCE = "opt", "lru"
"""The policy that is the optimum for objects of one size, and the one that the others are held against."""
REPLAYING = ("workers", "seed", "victims", "hits", "interval", "predictions", "costs", "memory", "stream")
"""Options of a replay; any other is how to read a file."""
TURNOVERS = 3.0
"""Under fewer turnovers of a cache a trace does not rank policies that learn slowly: Mooncake's hour turns SIEVE's hand
less than once and ranks it below LRU."""


@dataclass(frozen=True)
class Optimum:
    """The optimum of one capacity, or between what it lies.

    Attributes:
        capacity: bytes, or objects where all count the same.
        least: accesses that miss under any policy, at the least.
        reached: accesses that a known schedule misses; ``least`` where all objects count the same.
        least_bytes: the same of bytes.
        reached_bytes: the same of bytes, by a schedule of its own.
    """

    capacity: int
    least: float
    reached: float
    least_bytes: float
    reached_bytes: float


class Comparison(Replays):
    """The results of a comparison, in the order of policies and, within each, of capacities.

    Attributes:
        optima: of each capacity.
        foreseen: of each capacity what prefetching with a view of the future reaches; empty unless asked for.
    """

    def __init__(
        self, results: Replays, optima: dict[int, Optimum], foreseen: dict[int, Prefetched] | None = None
    ) -> None:
        super().__init__(results, results.unit, results.trace, results.footprint)
        self.optima, self.foreseen = optima, foreseen or {}

    def rows(self) -> list[dict[str, Any]]:
        """Return plain numbers, one mapping per result.

        Besides what a replay's have: ``competitive_ratio`` (misses over the optimum's), ``regret`` (misses more than
        it), ``least_misses`` (no policy misses less), ``to_optimum`` (share of the way from LRU to the optimum;
        ``None`` where LRU is the optimum) and ``turnovers`` (evictions over the objects that stay). With ``fetch``
        also ``demand_time`` and ``prefetched_time``, in accesses: every miss waits for a fetch, or as many as possible
        were fetched before.
        """
        lru = {each.capacity: each.misses for each in self if each.policy == REFERENCE}
        return [row | self._beside(result, lru) for row, result in zip(super().rows(), self, strict=True)]

    def _beside(self, result: Any, lru: dict[int, int]) -> dict[str, Any]:
        best = self.optima[result.capacity]
        way = lru[result.capacity] - best.reached
        ahead = self.foreseen.get(result.capacity)
        times = {} if ahead is None else {
            "demand_time": result.requests + ahead.fetch * result.misses,
            "prefetched_time": ahead.elapsed,
        }  # fmt: skip
        return times | {
            "competitive_ratio": result.misses / best.reached if best.reached else 1.0,
            "regret": result.misses - best.reached,
            "least_misses": best.least,
            "to_optimum": (lru[result.capacity] - result.misses) / way if way > 0 else None,
            "turnovers": result.evictions / result.resident if result.resident else 0.0,
        }

    def offline(self) -> list[dict[str, Any]]:
        """Return rows for the best schedule known and the bound below it; empty where ``opt`` is the optimum."""
        if self.unit == "objects":
            return []
        requests, size = self[0].requests, self[0].bytes
        found = []
        for name, pick in (("offline", ("reached", "reached_bytes")), ("bound", ("least", "least_bytes"))):
            for best in self.optima.values():
                misses, missed = (float(getattr(best, each)) for each in pick)
                ratios = {"miss_ratio": misses / requests, "byte_miss_ratio": missed / size}
                found.append(
                    {"policy": name, "capacity": best.capacity, "requests": requests, "misses": misses} | ratios
                )
        return found

    def short(self) -> list[int]:
        """Return the capacities that LRU's cache turns over fewer than ``TURNOVERS`` times, though it evicts."""
        return [
            row["capacity"] for row in self.rows() if row["policy"] == REFERENCE and 0 < row["turnovers"] < TURNOVERS
        ]


def compare(
    trace: Trace,
    policy: str | Sequence[str] = "all",
    capacity: int | str | Sequence[int | str] = "10%",
    *,
    ignore_size: bool = False,
    limit: int | None = None,
    order: str = "head",
    flow: bool = False,
    fetch: int | None = None,
    lookahead: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Comparison:
    """Replay a trace through one cache per policy and capacity, beside LRU and the optimum.

    Args:
        trace: a file, or an opened trace; of requests their prefix blocks are replayed.
        policy: names or paths of policies, or ``"all"``; ``lru`` and ``opt`` are added.
        capacity: in bytes or objects, as `hiersim.replay` takes it.
        ignore_size: every object counts the same.
        limit: accesses to replay at most; of a file of requests, requests to read at most.
        order: in which a request touches its prefix blocks: ``head`` or ``tail`` first.
        flow: of objects of many sizes, whether to bound the optimum by flows, too: tighter, but a minute per capacity
            for every 100,000 accesses.
        fetch: time of a fetch in accesses: also find what prefetching could hide, where all objects count the same.
        lookahead: accesses that it has in view, beginning with the next; all of them when absent.
        progress: called now and then with the accesses done and their number in all.
        options: further arguments of `hiersim.replay`, but ``admission``; of a file, how to read it.

    Raises:
        HiersimError: the trace, a policy or a capacity is wrong.
    """
    reading = {key: options.pop(key) for key in [*options] if key not in REPLAYING}
    accesses = open_accesses(trace, ignore_size, limit, reading)
    _check_view(fetch, lookahead, measure_of(accesses, ignore_size).unit)
    names = [*policy_names(policy, accesses), REFERENCE, OPTIMUM]
    found = replay(accesses, names, capacity, ignore_size=ignore_size, order=order, progress=progress, **options)
    sizes = accesses.size if found.unit == "bytes" else None
    keys = Prefixes(accesses, order, False).ordered(accesses.object)
    optima = {}
    for size in dict.fromkeys(each.capacity for each in found):
        best = next(each for each in found if each.policy == OPTIMUM and each.capacity == size)
        optima[size] = _of_one_size(size, best.misses) if sizes is None else _of_sizes(keys, sizes, size, flow)
    views = {} if fetch is None else {each: prefetched(keys, each, fetch=fetch, lookahead=lookahead) for each in optima}
    return Comparison(found, optima, views)


def _check_view(fetch: int | None, lookahead: int | None, unit: str) -> None:
    """Refuse a view of the future that cannot be, before anything is replayed."""
    wrong = []
    for name, value in (("fetch", fetch), ("lookahead", lookahead)):
        if value is not None and not (isinstance(value, int | np.integer) and 1 <= value < 2**62):
            wrong.append(Mistake(name, f"must be a number of accesses, at least 1, got {value}"))
    if fetch is None and lookahead is not None:
        wrong.append(Mistake("lookahead", "says how far a view reaches; give the time of a fetch, too"))
    if fetch is not None and unit != "objects":
        wrong.append(Mistake("fetch", "is of objects that all count the same; ignore their sizes"))
    if wrong:
        raise ConfigError(wrong)


def _of_one_size(capacity: int, misses: int) -> Optimum:
    return Optimum(capacity, misses, misses, misses, misses)


def _of_sizes(keys: np.ndarray, sizes: np.ndarray, capacity: int, flow: bool) -> Optimum:
    find = flow_bounds if flow else bounds
    misses: Bounds = find(keys, sizes, capacity)
    missed = find(keys, sizes, capacity, worth=sizes.astype(np.float64))
    return Optimum(capacity, misses.least, misses.reached, missed.least, missed.reached)
