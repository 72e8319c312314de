"""Arrival processes: times between arrivals by Poisson, Gamma, Weibull or a clock, and traces that arrive by them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import lgamma, log
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import ConfigError, nearest
from hiersim.traces.options import TIME_UNITS

if TYPE_CHECKING:
    from hiersim.traces.request import RequestTrace

PROCESSES = ("poisson", "gamma", "weibull", "constant")
RATES = (1e-6, 1e9)
SPREADS = (0.01, 10.0)
LONGEST_PS = float(np.iinfo(np.int64).max)
SHAPES = (0.05, 200.0)  # of a Weibull distribution: its coefficient of variation is from 0.006 to above 1e4


@dataclass(frozen=True)
class ArrivalProcess:
    """How requests arrive.

    Attributes:
        process: ``poisson``, ``gamma``, ``weibull`` or ``constant``.
        rate: mean arrivals a second.
        cv: standard deviation of the times between arrivals by their mean, of ``gamma`` and ``weibull``.
    """

    process: str
    rate: float
    cv: float = 1.0

    def __post_init__(self) -> None:
        if self.process not in PROCESSES:
            hint = nearest(self.process, PROCESSES)
            raise ConfigError(f"unknown arrival process `{self.process}`{hint} (one of {', '.join(PROCESSES)})")
        for key, (low, high) in (("rate", RATES), ("cv", SPREADS)):
            if not low <= getattr(self, key) <= high:
                raise ConfigError(f"arrivals: {key} must be {low:g} to {high:g}, got {getattr(self, key):g}")

    @classmethod
    def parse(cls, text: str) -> ArrivalProcess:
        """Return the process that a text such as ``gamma:rate=4,cv=2`` means.

        Raises:
            ConfigError: no such process, no rate, an unknown or impossible number.
        """
        process, _, rest = text.strip().partition(":")
        values: dict[str, float] = {}
        for part in filter(None, rest.split(",")):
            name, _, value = (word.strip() for word in part.partition("="))
            if name not in ("rate", "cv"):
                raise ConfigError(f"arrivals `{text}`: unknown number `{name}` (rate, and cv of gamma and weibull)")
            try:
                values[name] = float(value)
            except ValueError:
                raise ConfigError(f"arrivals `{text}`: {name} must be a number, got `{value}`") from None
        if process in PROCESSES and "rate" not in values:
            raise ConfigError(f"arrivals `{text}`: needs a rate, as in {process}:rate=4 for 4 a second")
        return cls(process.strip(), values.get("rate", 1.0), values.get("cv", 1.0))

    def gaps_ps(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Return int64 [count] times between arrivals, picoseconds."""
        return draw_gaps(rng, self.process, TIME_UNITS["s"] / self.rate, self.cv, count)


def draw_gaps(rng: np.random.Generator, process: str, mean_ps: float, cv: float, count: int) -> NDArray[np.int64]:
    """Return independent times between arrivals, picoseconds.

    Args:
        rng: draws them.
        process: one of ``PROCESSES``.
        mean_ps: their mean, picoseconds.
        cv: their standard deviation by their mean, of ``gamma`` and ``weibull``.
        count: how many.
    """
    if process == "poisson":
        gaps = rng.exponential(mean_ps, count)
    elif process == "gamma":
        gaps = rng.gamma(cv**-2, mean_ps * cv**2, count)
    elif process == "weibull":
        shape = weibull_shape(cv)
        gaps = rng.weibull(shape, count) * (mean_ps / np.exp(lgamma(1 + 1 / shape)))
    else:
        gaps = np.full(count, mean_ps)
    return np.rint(np.minimum(gaps, LONGEST_PS / 2)).astype(np.int64)


def arrival_times(gaps_ps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return arrivals after times between them, the first after the first of them; picoseconds.

    Raises:
        ConfigError: they reach beyond int64 picoseconds.
    """
    check_span(float(gaps_ps.sum(dtype=np.float64)))
    return np.cumsum(gaps_ps)


def check_span(span_ps: float) -> None:
    """Raise ConfigError for a time that int64 picoseconds do not hold."""
    if span_ps >= LONGEST_PS:
        days = span_ps / 86_400e12
        raise ConfigError(f"the trace lasts {days:,.0f} days; int64 picoseconds reach 106: fewer or faster arrivals")


def weibull_shape(cv: float) -> float:
    """Return the shape of the Weibull distribution with this coefficient of variation.

    Its square plus 1 is Gamma(1 + 2/k) / Gamma(1 + 1/k)^2, which falls in k: found by halving an interval.
    """
    low, high = SHAPES
    for _ in range(100):
        middle = (low + high) / 2
        if lgamma(1 + 2 / middle) - 2 * lgamma(1 + 1 / middle) > log(1 + cv * cv):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def arriving(trace: RequestTrace, arrivals: str | ArrivalProcess, seed: int = 0) -> RequestTrace:
    """Return a trace whose arrivals are drawn anew; ``RequestTrace.arriving`` documents the arguments."""
    process = ArrivalProcess.parse(arrivals) if isinstance(arrivals, str) else arrivals
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"seed must be a whole number from 0, got `{seed}`")
    waits = trace.after >= 0
    first, root = np.flatnonzero(~waits), roots(trace.after)
    gaps = process.gaps_ps(np.random.default_rng([seed, 0xA221]), len(first))
    time = np.empty(len(trace), np.int64)
    time[first] = arrival_times(gaps) - gaps[:1].sum()
    time[waits] = time[root[waits]] + trace.time_ps[waits] - trace.time_ps[root[waits]]
    check_span(float(time.max(initial=0)) if time.min(initial=0) >= 0 else LONGEST_PS)
    order = np.argsort(time, kind="stable")
    note = f"arrivals drawn anew: {process.process}, {process.rate:g} a second" + (
        f", cv {process.cv:g}" if process.process in ("gamma", "weibull") else ""
    )
    return reordered(trace, order, time[order]).with_about(notes=(*trace.notes, note))


def roots(after: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return for each request the one that begins its chain of waits, itself where it waits for none."""
    root = np.arange(len(after), dtype=np.int32)
    np.copyto(root, after, where=after >= 0)
    while True:  # each pass doubles how far a request has looked back
        further = root[root]
        if np.array_equal(further, root):
            return root
        root = further


def reordered(trace: RequestTrace, order: NDArray[np.int64], time_ps: NDArray[np.int64]) -> RequestTrace:
    """Return the requests in another order, with their new times.

    Args:
        trace: the requests.
        order: int64 [requests], which request comes where; none before the one that it waits for.
        time_ps: int64 [requests], arrivals in the new order, picoseconds.
    """
    lengths = np.diff(trace.block_offsets)[order]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    source = np.repeat(trace.block_offsets[:-1][order] - offsets[:-1], lengths) + np.arange(offsets[-1])
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    after = np.where(trace.after >= 0, place[trace.after], np.int32(-1))[order]
    columns = {key: getattr(trace, key)[order] for key in ("prompt_tokens", "output_tokens", "session", "think_ps")}
    blocks = trace.block_ids[source]
    return replace(trace, time_ps=time_ps, after=after, block_offsets=offsets, block_ids=blocks, **columns).compact()
