"""What the generators of accesses share: how many, how large, how often, and the draws from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.traces.access import MOST_BYTES, AccessTrace
from hiersim.traces.generators.generator import LARGEST, SECOND, parameter


@dataclass(frozen=True)
class AccessParameters:
    """Parameters of every generator of accesses."""

    accesses: int = parameter(1_000_000, "accesses", low=1, high=2**31 - 1)
    sizes: str = parameter("fixed", "how object sizes are drawn", one_of=("fixed", "uniform", "lognormal"))
    size: int = parameter(4096, "bytes of an object; the mean if uniform, the median if lognormal",
                          low=1, high=2**50, unit="bytes")  # fmt: skip
    size_spread: float = parameter(1.0, "uniform: half width by mean, to 1; lognormal: sigma of the logarithm", high=10)
    interval: int = parameter(1_000_000, "mean time between accesses, picoseconds (Poisson); 0 for all at once",
                              high=SECOND * 1000, unit="time")  # fmt: skip
    write_share: float = parameter(0.0, "share of accesses that write", high=1)


def draw_zipf(rng: np.random.Generator, objects: int, alpha: float, accesses: int) -> NDArray[np.int32]:
    """Return independent draws of 0 to objects - 1, number k in proportion to 1 / (k + 1)^alpha.

    How often each number comes is drawn first, then their order: the same distribution, and much faster.
    """
    weight = np.arange(1, objects + 1, dtype=np.float64) ** -alpha
    counts = rng.multinomial(accesses, weight / weight.sum())
    draws = np.repeat(np.arange(objects, dtype=np.int32), counts)
    rng.shuffle(draws)
    return draws


def draw_sizes(rng: np.random.Generator, p: AccessParameters, objects: int) -> NDArray[np.int64]:
    """Return the bytes of each object, at least 1."""
    if p.sizes == "fixed":
        return np.full(objects, p.size, np.int64)
    if p.sizes == "uniform":
        half = int(p.size * min(p.size_spread, 1.0))
        drawn = rng.integers(p.size - half, p.size + half, objects, endpoint=True)
    else:
        drawn = np.minimum(p.size * rng.lognormal(0.0, p.size_spread, objects), MOST_BYTES).astype(np.int64)
    return np.clip(drawn, 1, MOST_BYTES)


LENGTHS = ("lognormal", "exponential", "uniform", "fixed")


def draw_lengths(
    rng: np.random.Generator, law: str, tokens: int, spread: float, count: int, least: int = 1
) -> NDArray[np.int64]:
    """Return independent lengths in tokens.

    Args:
        rng: draws them.
        law: one of ``LENGTHS``.
        tokens: the median if lognormal, else the mean.
        spread: lognormal: sigma of the logarithm; uniform: half width by mean, to 1; of no meaning for the others.
        count: how many.
        least: no length is below.
    """
    if law == "lognormal":
        drawn = tokens * rng.lognormal(0.0, spread, count)
    elif law == "exponential":
        drawn = rng.exponential(tokens, count)
    elif law == "uniform":
        drawn = tokens * (1 + min(spread, 1.0) * rng.uniform(-1, 1, count))
    else:
        drawn = np.full(count, float(tokens))
    return np.maximum(np.rint(np.minimum(drawn, LARGEST)).astype(np.int64), least)


def accesses_of(rng: np.random.Generator, p: AccessParameters, ids: NDArray[np.int32], objects: int) -> AccessTrace:
    """Return a trace of these object ids: sizes, times and writes are drawn, objects numbered by first appearance."""
    columns: dict[str, Any] = {"original_id": np.arange(objects)}
    sizes = draw_sizes(rng, p, objects)
    if p.interval:
        gaps = rng.exponential(p.interval, len(ids))
        gaps[0] = 0
        columns["time_ps"] = np.cumsum(np.rint(gaps).astype(np.int64))
    if p.write_share:
        columns["write"] = rng.random(len(ids)) < p.write_share
    return AccessTrace.build(ids, sizes, columns).compact()
