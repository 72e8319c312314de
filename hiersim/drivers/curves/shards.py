"""SHARDS: the miss-ratio curve of LRU from a sample of the objects, with the error that several samples show.

An object is in the sample if the hash of its number is small, and then with all its accesses; distances among the
sampled stand for distances longer by the rate. A sample has by chance too many or too few of the often used objects,
whose accesses are hits at all but the smallest capacities, so what is missing to the expected number of accesses counts
as hits (the paper's SHARDS-adj): the miss ratio is the sampled misses by the *expected* number of sampled accesses.
Below 1 / rate objects a sample says nothing; such capacities are left out of the curve.

Each seed gives an independent sample; the curve is their mean, and the error half the width of the 95% confidence
interval of that mean by Student's t.

Source: Waldspurger, Park, Garthwaite and Ahmad, "Efficient MRC construction with SHARDS", FAST 2015.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from hiersim.drivers.curves.curve import Curve, mean_and_error
from hiersim.drivers.curves.fixed_size import fixed_size
from hiersim.drivers.curves.lru import LruCurve
from hiersim.drivers.curves.sampling import check_rate, draw
from hiersim.errors import ConfigError

Floats = NDArray[np.float64]
Estimate = tuple[Floats, Floats, float]
"""Miss ratios, byte miss ratios, and the rate of the sample."""


def shards(
    keys: NDArray[np.int32],
    objects: int,
    sizes: NDArray[np.int64] | None,
    capacities: NDArray[np.int64],
    *,
    rate: float | None = None,
    most: int | None = None,
    seeds: int = 5,
    seed: int = 0,
    workers: int = 1,
) -> Curve:
    """Estimate the miss-ratio curve of LRU.

    Args:
        keys: int32 [accesses], dense numbers of objects.
        objects: how many objects there are.
        sizes: int64 [objects] in bytes; ``None`` if all count the same.
        capacities: increasing; in bytes, or objects without sizes.
        rate: share of the objects in the sample, more than 0 and at most 1; instead of ``most``.
        most: how many objects the sample has at most; the rate falls as the trace shows more.
        seeds: how many samples are taken.
        seed: of the first sample.
        workers: threads; they change only the time.

    Raises:
        ConfigError: the rate is none, or no capacity is large enough for it.
    """
    one: Callable[[int], Estimate]
    if most is None:
        share = check_rate(1.0 if rate is None else rate)

        def one(each: int) -> Estimate:
            return _fixed_rate(keys, objects, sizes, capacities, share, each)
    else:

        def one(each: int) -> Estimate:
            return _fixed_size(keys, objects, sizes, capacities, most, each)

    first = one(seed)  # compiling is not for several threads at once
    with ThreadPoolExecutor(max(1, workers)) as pool:
        found = [first, *pool.map(one, range(seed + 1, seed + seeds))]
    ratio, error = mean_and_error(np.stack([each[0] for each in found]))
    byte_ratio, byte_error = mean_and_error(np.stack([each[1] for each in found]))
    rate_found = float(np.mean([each[2] for each in found]))
    least = (1.0 if sizes is None else float(sizes.mean())) / rate_found
    seen = capacities >= least
    if not seen.any():
        raise ConfigError(
            f"a sample of {rate_found:.3g} of the objects resolves no capacity below {math.ceil(least):,}, "
            f"and the largest is {int(capacities.max(initial=0)):,}"
        )
    return Curve(
        "lru",
        "shards",
        capacities[seen],
        ratio[seen],
        byte_ratio[seen],
        error[seen],
        byte_error[seen],
        np.full(int(seen.sum()), rate_found),
        seeds,
    )


def _fixed_rate(
    keys: NDArray[np.int32],
    objects: int,
    sizes: NDArray[np.int64] | None,
    capacities: NDArray[np.int64],
    rate: float,
    seed: int,
) -> Estimate:
    sample = draw(keys, objects, rate, seed)
    chosen = None if sizes is None else sizes[sample.chosen]
    counted = LruCurve(chosen, [] if sizes is None else capacities.tolist(), inflate=1 / rate)
    counted.feed(sample.keys)
    ratio = _share(counted.misses(capacities), len(keys) * rate)
    if sizes is None:
        return ratio, ratio, rate
    return ratio, _share(counted.missed_bytes(capacities), float(sizes[keys].sum()) * rate), rate


def _fixed_size(
    keys: NDArray[np.int32],
    objects: int,
    sizes: NDArray[np.int64] | None,
    capacities: NDArray[np.int64],
    most: int,
    seed: int,
) -> Estimate:
    size_of = np.ones(objects, np.int64) if sizes is None else sizes
    weighed, rate = fixed_size(keys, size_of, capacities, most, seed)
    ratio = _share(weighed.total[0] - np.cumsum(weighed.hits)[:-1], float(len(keys)))
    if sizes is None:
        return ratio, ratio, rate
    missed = weighed.total[1] - np.cumsum(weighed.hit_bytes)[:-1]
    return ratio, _share(missed, float(sizes[keys].sum())), rate


def _share(misses: NDArray[np.int64] | Floats, expected: float) -> Floats:
    """Return misses as shares of the expected accesses, 0 to 1; chance may put them beyond."""
    return np.clip(misses / expected, 0.0, 1.0) if expected else np.zeros(len(misses))
