"""Untimed replay of a stream of keys through one cache: which accesses hit, and who is evicted.

    study(keys, None, "sieve", capacity=10_000)        objects that all count the same; the capacity is their number
    study(keys, sizes, "lru", capacity=2**30)          objects with sizes in bytes

The rules are libCacheSim's: a hit tells the policy; a miss evicts until there is room and then always inserts, unless
the object is larger than the cache (or than the policy takes), or the policy does not admit it: then it only counts as
a miss. For each policy the loop is compiled with the policy's functions inside; state carries over from one piece of a
trace to the next.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from hiersim import policies
from hiersim.drivers.cache_counts import counter
from hiersim.drivers.cache_failures import failed, not_here
from hiersim.drivers.cache_loop import (
    AT,
    BROKEN,
    BY_SURPLUS,
    BYTES,
    COUNTS,
    DENIED,
    EVICTIONS,
    MISSED_BYTES,
    MISSES,
    NAMED,
    REQUESTS,
    RESIDENT,
    loop,
    needs_future,
    next_uses,
)
from hiersim.drivers.cache_record import PACKED, HitMap, Intervals, check_outputs
from hiersim.drivers.cache_result import CacheResult, Series
from hiersim.errors import ConfigError, PolicyError, TraceError
from hiersim.policies import admission as admissions
from hiersim.policies import dice, memory
from hiersim.policies.contract import Setup, known
from hiersim.policies.loader import Policy

__all__ = ["CacheResult", "Series", "Study", "next_uses", "studies", "study"]


class Study:
    """One cache and its policy, fed with a trace piece by piece; the pieces give what the whole would."""

    def __init__(
        self,
        policy: str | Policy,
        capacity: int,
        objects: int,
        *,
        sizes: np.ndarray | None = None,
        accesses: int = 0,
        seed: int = 0,
        admission: str | Policy | None = None,
        victims: bool = False,
        hits: bool | str = False,
        interval: int | None = None,
        parents: np.ndarray | None = None,
        costs: np.ndarray | None = None,
        spent: bool = False,
        counts_only: bool = False,
    ) -> None:
        """Start with an empty cache.

        Args:
            policy: a name, a path, or what ``policies.find`` gave.
            capacity: in bytes; in objects if ``sizes`` is ``None``.
            objects: keys are 0 to ``objects`` - 1.
            sizes: int64[objects] in bytes; ``None`` if all count the same.
            accesses: length of the whole trace; only policies that need the future must know it.
            seed: of the random numbers of the policy and of the admission.
            admission: who may come in, a name, a path, or what ``admission.find`` gave; all if absent.
            victims: whether to keep the sequence of evicted keys.
            hits: whether to keep which access hits, as one bool each, or ``packed`` as one bit.
            interval: accesses per entry of a series of counts; ``None`` for no series.
            parents: int32[objects], the key that each one extends, -1 for none; ``None`` where keys have no such order.
            costs: float64[objects], what a miss of each costs; ``None`` if all cost 1.
            spent: whether to add up what the misses cost.
            counts_only: whether only counts are asked for, and not ``resident``: some policies are faster then.

        Raises:
            PolicyError: the capacity is below 1, or the policy needs parents.
            TraceError: a size is missing, or below 1 byte; parents or costs are wrong.
            ConfigError: ``hits`` or ``interval`` is impossible.
        """
        check_outputs(hits, interval)
        self.policy = policies.find(policy) if isinstance(policy, str) else policy
        self.admission = admissions.find(admission) if isinstance(admission, str) else admission
        if not (isinstance(capacity, int | np.integer) and capacity >= 1):
            raise PolicyError(f"capacity must be at least 1, got {capacity}")
        if sizes is not None and (len(sizes) < objects or (objects and sizes[:objects].min() < 1)):
            raise TraceError("sizes must give at least one byte for each object")
        self.capacity, self.objects = int(capacity), int(objects)
        self.sizes = np.ones(1, np.int64) if sizes is None else np.ascontiguousarray(sizes, np.int64)
        told = known(self.objects, parents, costs)
        self._costs = told.get("costs", np.ones(self.objects)) if spent else None
        self._asked, self._missed = (np.zeros(self.objects if spent else 0, np.int64) for _ in range(2))
        setup = Setup(self.capacity, self.objects, int(accesses), sizes is None, int(seed), **told)
        self.largest = self.policy.largest(setup)
        bare = counts_only and self.admission is None and not (victims or hits or spent)
        self._counter = counter(self.policy, setup) if bare else None
        self._state = self.policy.init(setup if self._counter is None else setup._replace(objects=0, accesses=0))
        apart = setup._replace(seed=dice.splitmix(setup.seed) >> 1)  # other random numbers than the policy's
        self._door = self.admission.init(apart) if self.admission else self._state
        self._here = np.zeros(self.objects, np.uint8)
        memory.spread((*self._state, self._here))
        self._counts = np.zeros(COUNTS, np.int64)
        self._seconds = 0.0
        self._victims: list[np.ndarray] | None = [] if victims else None
        self._hits = HitMap(packed=hits == PACKED) if hits else None
        self._notes = bool(hits) or self._costs is not None
        self._intervals = Intervals(interval) if interval else None
        self._loop = loop(self.policy, uniform=sizes is None, hits=self._notes, admission=self.admission)
        self._later = np.dtype(np.int32 if accesses < 2**31 else np.int64)
        self._run(np.zeros(0, np.int32), np.zeros(0, self._later))  # compiles

    def feed(self, keys: np.ndarray, next_use: np.ndarray | None = None) -> None:
        """Replay the next piece of the trace.

        Args:
            keys: int32, dense ids.
            next_use: for each access the number of the key's next access, counted over the whole trace, or -1.
        """
        keys = np.ascontiguousarray(keys, np.int32)
        if keys.size and (keys.min() < 0 or keys.max() >= self.objects):
            raise TraceError(f"keys must be 0 to {self.objects - 1}, got {keys.min()} to {keys.max()}")
        if next_use is None:
            if needs_future(self.policy, self.admission):
                who = self.policy if self.policy.needs_future or self.admission is None else self.admission
                raise PolicyError(
                    f"{who.family.kind} `{who.name}` needs `next_use`, the number of each key's next access"
                )
            next_use = np.zeros(0, self._later)
        elif len(next_use) != len(keys):
            raise TraceError(f"next_use has {len(next_use)} entries for {len(keys)} accesses")
        started = time.perf_counter()
        next_use = np.ascontiguousarray(next_use, self._later)
        if self._intervals is None:
            self._run(keys, next_use)
        else:
            for begin, end in self._intervals.cuts(int(self._counts[REQUESTS]), len(keys)):
                self._run(keys[begin:end], next_use[begin:end])
                self._intervals.note(self._counts)
        self._seconds += time.perf_counter() - started

    def _run(self, keys: np.ndarray, next_use: np.ndarray) -> None:
        if self._counter is not None:
            self._counter.run(keys, next_use, self._counts)
            return
        most = len(keys) + int(self._counts[RESIDENT]) if self._victims is not None else 0
        victims, before = np.zeros(most, np.int32), int(self._counts[EVICTIONS])
        hits = np.zeros(len(keys) if self._notes else 0, np.bool_)
        limits = np.array([self.capacity, self.largest], np.int64)
        try:
            self._loop(
                keys, next_use, self.sizes, self._state, self._door, self._here, self._counts, limits, victims, hits
            )
        except Exception as why:
            both = ((self.policy, self._state), (self.admission, self._door))
            users = tuple((each, state) for each, state in both if each is not None and not each.builtin)
            if not users:
                raise
            now = int(self._counts[AT])
            i = now - int(self._counts[REQUESTS])
            size, later = int(self.sizes[keys[i]]) if len(self.sizes) > 1 else 1, next_use[i] if len(next_use) else -1
            raise failed(why, users, (int(keys[i]), size, now, int(later)), self._here) from why
        if self._counts[BROKEN]:
            hook = "surplus" if self._counts[BROKEN] == BY_SURPLUS else "victim"
            raise not_here(self.policy, hook, int(self._counts[NAMED]), int(self._counts[REQUESTS]))
        if self._victims is not None:
            self._victims.append(victims[: int(self._counts[EVICTIONS]) - before].copy())
        if self._hits is not None:
            self._hits.add(hits)
        if self._costs is not None:
            np.add.at(self._asked, keys, 1)
            np.add.at(self._missed, keys[~hits], 1)

    def resident(self) -> np.ndarray:
        """Return the keys that are in the cache, in increasing order.

        Raises:
            ConfigError: only counts were to be asked for.
        """
        if self._counter is not None:
            raise ConfigError("a replay with counts_only does not know what is resident")
        return np.flatnonzero(self._here).astype(np.int32)

    def result(self) -> CacheResult:
        """Return what was counted so far."""
        counts = [int(count) for count in self._counts]
        victims = np.concatenate(self._victims) if self._victims is not None else None
        return CacheResult(
            self.policy.name,
            self.capacity,
            counts[REQUESTS],
            counts[MISSES],
            counts[EVICTIONS],
            counts[BYTES],
            counts[MISSED_BYTES],
            counts[RESIDENT],
            self._seconds,
            victims,
            self._hits.array() if self._hits is not None else None,
            self._intervals.series(self._counts) if self._intervals is not None else None,
            self.admission.name if self.admission else admissions.NONE,
            counts[DENIED],
            float(self._missed @ self._costs) if self._costs is not None else None,
            cost=float(self._asked @ self._costs) if self._costs is not None else None,
        )


def study(
    keys: np.ndarray,
    sizes: np.ndarray | None,
    policy: str | Policy,
    capacity: int,
    *,
    objects: int | None = None,
    next_use: np.ndarray | None = None,
    seed: int = 0,
    admission: str | Policy | None = None,
    victims: bool = False,
    hits: bool | str = False,
    interval: int | None = None,
    parents: np.ndarray | None = None,
    costs: np.ndarray | None = None,
) -> CacheResult:
    """Replay a whole trace through one cache.

    Args:
        keys: int32, dense ids from 0.
        sizes: int64[objects] in bytes; ``None`` if all count the same.
        policy: a name, a path, or what ``policies.find`` gave.
        capacity: in bytes; in objects if ``sizes`` is ``None``.
        objects: how many ids there are; by default one more than the largest key.
        next_use: as ``next_uses`` gives; computed here if the policy needs it.
        seed: of the random numbers of the policy and of the admission.
        admission: who may come in, a name, a path, or what ``admission.find`` gave; all if absent.
        victims: whether to return the sequence of evicted keys.
        hits: whether to return which access hits, as one bool each, or ``packed`` as one bit.
        interval: accesses per entry of a series of counts; ``None`` for no series.
        parents: int32[objects], the key that each one extends, -1 for none; ``None`` where keys have no such order.
        costs: float64[objects], what a miss of each costs; ``None`` if all cost 1.
    """
    policy = policies.find(policy) if isinstance(policy, str) else policy
    keys = np.ascontiguousarray(keys, np.int32)
    count = objects if objects is not None else (int(keys.max()) + 1 if len(keys) else 0)
    admission = admissions.find(admission) if isinstance(admission, str) else admission
    if needs_future(policy, admission) and next_use is None:
        next_use = next_uses(keys, count)
    options: dict[str, Any] = {"victims": victims, "hits": hits, "interval": interval, "admission": admission}
    options |= {"parents": parents, "costs": costs, "counts_only": True}
    one = Study(policy, capacity, count, sizes=sizes, accesses=len(keys), seed=seed, **options)
    one.feed(keys, next_use)
    return one.result()


def studies(
    keys: np.ndarray,
    sizes: np.ndarray | None,
    pairs: Sequence[tuple[str | Policy, int]],
    *,
    workers: int = 1,
    seed: int = 0,
    victims: bool = False,
) -> list[CacheResult]:
    """Replay a trace through one cache per (policy, capacity) pair, side by side; results in the order of ``pairs``.

    The number of ``workers`` (threads) changes nothing but the time.
    """
    keys = np.ascontiguousarray(keys, np.int32)
    objects = int(keys.max()) + 1 if len(keys) else 0
    found = [(policies.find(policy) if isinstance(policy, str) else policy, capacity) for policy, capacity in pairs]
    future = next_uses(keys, objects) if any(policy.needs_future for policy, _ in found) else None

    def one(pair: tuple[Policy, int]) -> CacheResult:
        policy, capacity = pair
        future_of = future if policy.needs_future else None
        return study(keys, sizes, policy, capacity, objects=objects, next_use=future_of, seed=seed, victims=victims)

    for policy, _ in found:  # compiling is not for several threads at once
        loop(policy, uniform=sizes is None)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        return list(pool.map(one, found))
