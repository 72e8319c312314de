"""Miniature simulation: any policy's miss-ratio curve from a sample of the objects in caches scaled down as much.

A cache of C objects and the whole trace miss about as often as one of C x rate objects and the accesses to a share of
that rate of the objects. The expected number of sampled accesses is taken for the actual one, as in `shards`. Where C x
rate would be a handful of objects, in which a policy's queues have no room, the capacity gets a sample of a higher rate
of its own: that is our addition to the paper.

Source: Waldspurger, Saemundsson, Ahmad and Park, "Cache modeling and optimization using miniature simulations",
USENIX ATC 2017.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.drivers.cache_study import Study
from hiersim.drivers.curves.curve import Curve, mean_and_error
from hiersim.drivers.curves.sampling import Sample, check_rate, draw
from hiersim.drivers.predictions import Predictor
from hiersim.errors import ConfigError
from hiersim.policies.loader import Policy

LEAST = 100  # objects that a small cache has room for, at the least
Progress = Callable[[int, int], None]


def miniature(
    keys: NDArray[np.int32],
    objects: int,
    sizes: NDArray[np.int64] | None,
    policy: Policy,
    capacities: NDArray[np.int64],
    *,
    rate: float,
    costs: NDArray[np.float64] | None = None,
    seeds: int = 5,
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> Curve:
    """Estimate the miss-ratio curve of a policy.

    Args:
        keys: int32 [accesses], dense numbers of objects.
        objects: how many objects there are.
        sizes: int64 [objects] in bytes; ``None`` if all count the same.
        policy: what ``policies.find`` gave.
        capacities: increasing; in bytes, or objects without sizes.
        rate: share of the objects in a sample, more than 0 and at most 1; small caches get more.
        costs: float64 [objects], what a miss of each costs; ``None`` if all cost 1.
        seeds: how many samples are taken.
        seed: of the first sample, and of a policy that draws random numbers.
        workers: threads; they change only the time.
        progress: called with the replays done and their number in all.

    Raises:
        ConfigError: the rate is none, or the policy needs to know which object each one extends: a sample of objects
            breaks the chains.
    """
    if policy.needs_parents:
        raise ConfigError(
            f"`{policy.name}` goes by whole chains of objects, of which no sample can be taken; use rate 1"
        )
    rates = rates_of(check_rate(rate), capacities, 1.0 if sizes is None else float(sizes.mean()))
    total = float(len(keys)), float(len(keys) if sizes is None else sizes[keys].sum())
    ratios = np.empty((2, seeds, len(capacities)))
    groups = [(each, share) for share in np.unique(rates).tolist() for each in range(seeds if share < 1 else 1)]
    replays = sum(int((rates == share).sum()) for _, share in groups)
    _compile(policy, sizes is None)
    stop, lock, done = threading.Event(), threading.Lock(), 0

    def run(each: int, share: float) -> None:
        nonlocal done
        sample = draw(keys, objects, share, seed + each)
        told = {n: None if of is None else of[sample.chosen] for n, of in (("sizes", sizes), ("costs", costs))}
        scaled = {int(point): max(1, round(int(capacities[point]) * share)) for point in np.flatnonzero(rates == share)}
        for point, misses, missed in _replays(sample, policy, scaled, told, seed, stop):
            seen = slice(each, each + 1) if share < 1 else slice(None)  # of everything there is but one sample
            ratios[0, seen, point], ratios[1, seen, point] = misses / (total[0] * share), missed / (total[1] * share)
            with lock:
                done += 1
                if progress:
                    progress(done, replays)

    with ThreadPoolExecutor(max(1, workers)) as pool:
        jobs = [pool.submit(run, *group) for group in groups]
        try:
            for job in as_completed(jobs):
                job.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    (ratio, error), (byte_ratio, byte_error) = (mean_and_error(np.clip(each, 0.0, 1.0)) for each in ratios)
    return Curve(policy.name, "miniature", capacities, ratio, byte_ratio, error, byte_error, rates, seeds)


def rates_of(rate: float, capacities: NDArray[np.int64], size: float) -> NDArray[np.float64]:
    """Return the rate of each capacity: ``rate``, or a power of two above it at which ``LEAST`` objects have room.

    Args:
        rate: the least rate.
        capacities: in bytes or objects.
        size: the mean size of an object, in the same unit.
    """
    needed = LEAST * size / np.asarray(capacities, float)
    steps = np.ceil(np.log2(np.maximum(needed / rate, 1.0)))
    return np.minimum(rate * 2.0**steps, 1.0)


def _compile(policy: Policy, uniform: bool) -> None:
    """Compile a policy's loop before threads need it."""
    Study(policy, 1, 0, sizes=None if uniform else np.zeros(0, np.int64), accesses=1, counts_only=True)


def _replays(
    sample: Sample,
    policy: Policy,
    scaled: dict[int, int],
    told: dict[str, Any],
    seed: int,
    stop: threading.Event,
) -> Iterator[tuple[int, int, int]]:
    """Yield (number of the point, misses, missed bytes) of a sample in each of the caches scaled down."""
    objects, accesses = len(sample.chosen), len(sample.keys)
    predictor = Predictor(sample.keys, objects, told["sizes"], seed=seed)
    for point, size in scaled.items():
        if stop.is_set():
            return
        cache = Study(policy, size, objects, accesses=accesses, seed=seed, counts_only=True, **told)
        cache.feed(sample.keys, predictor.predictions(policy, size) if policy.needs_future else None)
        found = cache.result()
        yield point, found.misses, found.missed_bytes
