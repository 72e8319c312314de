"""What a trace is like: how much, how often again, how skewed, how far apart, how bursty."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.traces.access import AccessTrace
from hiersim.traces.request import RequestTrace

EXACT_ACCESSES = 20_000_000  # up to here reuse distances are counted in distinct objects, at some 20 million a second
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
RANKS = 65_536  # ranks whose weight is summed one by one when a Zipf exponent is fitted; beyond, an integral


@dataclass(frozen=True)
class Reuse:
    """How often objects are touched again.

    Attributes:
        accesses_per_object: mean.
        one_hit_share: share of objects that are touched once.
        first_use_share: share of accesses that are an object's first.
        distance_unit: what ``distance`` counts: ``distinct objects`` between two uses, or ``accesses`` in long traces.
        distance: quantile (such as ``p50``) -> distance between two uses of an object; empty without reuse.
    """

    accesses_per_object: float
    one_hit_share: float
    first_use_share: float
    distance_unit: str
    distance: dict[str, float]


@dataclass(frozen=True)
class Popularity:
    """How unevenly accesses fall on objects.

    Attributes:
        zipf_alpha: the exponent of the Zipf law that makes the trace most likely; ``None`` below two objects.
        top_1_percent: share of accesses that fall on the most popular hundredth of the objects.
        top_10_percent: share of accesses that fall on the most popular tenth.
    """

    zipf_alpha: float | None
    top_1_percent: float
    top_10_percent: float


@dataclass(frozen=True)
class Arrivals:
    """How accesses or requests follow each other.

    Attributes:
        mean_ps: mean time between arrivals, picoseconds.
        p50_ps: median.
        p99_ps: 99th percentile.
        burstiness_cv: standard deviation by mean; 1 for Poisson arrivals, 0 for a clock, ``None`` without time.
    """

    mean_ps: float
    p50_ps: float
    p99_ps: float
    burstiness_cv: float | None


@dataclass(frozen=True)
class TraceInfo:
    """What a trace is like; ``as_dict`` gives plain numbers for JSON.

    Attributes:
        name: the trace's name.
        kind: ``accesses`` or ``requests``.
        format: what it was read from.
        source: its path, or the generator.
        notes: what to know about it.
        records: accesses, or requests.
        accesses: accesses; of requests, those to prefix blocks.
        objects: distinct objects, or prefix blocks.
        footprint_bytes: bytes of all objects; ``None`` for requests, whose blocks have no size without a model.
        bytes_accessed: bytes of all accesses; ``None`` for requests.
        duration_ps: from first to last, picoseconds.
        reads: accesses that read.
        writes: accesses that write.
        streams: distinct streams, or sessions that are named.
        classes: class name -> (objects, bytes).
        sizes: ``min``, ``p50``, ``mean``, ``max`` of object sizes, bytes; empty for requests.
        reuse: how often objects are touched again.
        popularity: how unevenly.
        arrivals: how records follow each other.
        tokens: for requests, ``prompt`` and ``output`` -> mean, quantiles and total; empty for accesses.
        prefix_reuse_share: for requests, share of block accesses to blocks seen before; ``None`` for accesses.
        waiting: requests that wait for the answer to an earlier one.
        think_ps: ``mean``, quantiles and ``max`` of the time from that answer on, picoseconds; empty where none waits.
    """

    name: str
    kind: str
    format: str
    source: str
    notes: tuple[str, ...]
    records: int
    accesses: int
    objects: int
    footprint_bytes: int | None
    bytes_accessed: int | None
    duration_ps: int
    reads: int
    writes: int
    streams: int
    classes: dict[str, tuple[int, int]]
    sizes: dict[str, float]
    reuse: Reuse
    popularity: Popularity
    arrivals: Arrivals
    tokens: dict[str, dict[str, float]]
    prefix_reuse_share: float | None
    waiting: int = 0
    think_ps: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the same as nested dictionaries of plain numbers, text and lists."""
        return asdict(self)


def trace_info(trace: AccessTrace | RequestTrace) -> TraceInfo:
    """Describe a trace."""
    return _of_accesses(trace) if isinstance(trace, AccessTrace) else _of_requests(trace)


def _of_accesses(trace: AccessTrace) -> TraceInfo:
    writes, size = int(trace.write.sum()), trace.size
    of_class = [trace.object_class == code for code in range(len(trace.classes))]
    sizes = {"min": size.min(), "p50": np.median(size), "mean": size.mean(), "max": size.max()} if len(size) else {}
    return TraceInfo(
        **_about(trace),
        kind="accesses",
        accesses=len(trace),
        objects=trace.objects,
        footprint_bytes=trace.footprint,
        bytes_accessed=trace.bytes_accessed,
        reads=len(trace) - writes,
        writes=writes,
        streams=len(np.unique(trace.stream)),
        classes={n: (int(m.sum()), int(size[m].sum())) for n, m in zip(trace.classes, of_class, strict=True)},
        sizes={key: float(value) for key, value in sizes.items()},
        reuse=_reuse(trace.object, trace.objects),
        popularity=_popularity(_counts(trace.object, trace.objects)),
        tokens={},
        prefix_reuse_share=None,
    )


def _of_requests(trace: RequestTrace) -> TraceInfo:
    touched, distinct = len(trace.block_ids), trace.blocks_distinct
    return TraceInfo(
        **_about(trace),
        kind="requests",
        accesses=touched,
        objects=distinct,
        footprint_bytes=None,
        bytes_accessed=None,
        reads=touched,
        writes=0,
        streams=len(np.unique(trace.session[trace.session >= 0])),
        classes={"kv": (distinct, 0)} if distinct else {},
        sizes={},
        reuse=_reuse(trace.block_ids, distinct),
        popularity=_popularity(_counts(trace.block_ids, distinct)),
        tokens={"prompt": _tokens(trace.prompt_tokens), "output": _tokens(trace.output_tokens)},
        prefix_reuse_share=1 - distinct / touched if touched else 0.0,
        waiting=int((trace.after >= 0).sum()),
        think_ps=_think(trace),
    )


def _think(trace: RequestTrace) -> dict[str, float]:
    think = trace.think_ps[trace.after >= 0]
    return {"mean": float(think.mean()), **quantiles(think), "max": float(think.max())} if len(think) else {}


def _about(trace: AccessTrace | RequestTrace) -> dict[str, Any]:
    shared = {key: getattr(trace, key) for key in ("name", "format", "source", "notes", "duration_ps")}
    return {**shared, "records": len(trace), "arrivals": _arrivals(trace.time_ps)}


def _counts(objects: NDArray[np.int32], distinct: int) -> NDArray[np.int64]:
    """Return how often each object is touched, most popular first."""
    return np.sort(np.bincount(objects, minlength=distinct))[::-1]


def quantiles(values: NDArray[Any]) -> dict[str, float]:
    """Return ``p5`` to ``p99`` of an array; empty for an empty one."""
    if not len(values):
        return {}
    found = np.quantile(values, QUANTILES, method="lower")
    return {f"p{round(100 * q)}": float(value) for q, value in zip(QUANTILES, found, strict=True)}


def _tokens(values: NDArray[np.int64]) -> dict[str, float]:
    mean = {"mean": float(values.mean())} if len(values) else {}
    return {**mean, **quantiles(values), "max": float(values.max(initial=0)), "total": float(values.sum())}


def reuse_distances(objects: NDArray[np.int32], distinct: int, exact: bool = True) -> NDArray[np.int64]:
    """Return, for each access but an object's first, how much lies between it and the access before.

    Args:
        objects: dense object numbers.
        distinct: how many objects there are.
        exact: count distinct other objects, else accesses.
    """
    if exact:
        from hiersim.traces.stack import LruStack

        found = LruStack(distinct).feed(objects)
        return found[found > 0].astype(np.int64) - 1
    from hiersim.traces.kernels import reuse_gaps

    last, out = np.full(distinct, -1, np.int64), np.empty(len(objects), np.int64)
    return out[: reuse_gaps(objects, last, out)]


def _reuse(objects: NDArray[np.int32], distinct: int) -> Reuse:
    accesses, exact = len(objects), len(objects) <= EXACT_ACCESSES
    counts = np.bincount(objects, minlength=distinct)
    return Reuse(
        accesses_per_object=accesses / distinct if distinct else 0.0,
        one_hit_share=float((counts == 1).mean()) if distinct else 0.0,
        first_use_share=distinct / accesses if accesses else 0.0,
        distance_unit="distinct objects" if exact else "accesses",
        distance=quantiles(reuse_distances(objects, distinct, exact)),
    )


def _popularity(counts: NDArray[np.int64]) -> Popularity:
    total = int(counts.sum())
    if not total:
        return Popularity(None, 0.0, 0.0)
    top = [float(counts[: max(1, len(counts) // part)].sum() / total) for part in (100, 10)]
    return Popularity(zipf_exponent(counts), *top)


def _rank_sums(alpha: float, ranks: int) -> tuple[float, float]:
    """Return the sums of r^-alpha and of r^-alpha ln r over ranks 1 to ``ranks``."""
    near = np.arange(1, min(ranks, RANKS) + 1, dtype=np.float64)
    weight = near**-alpha
    plain, logs = float(weight.sum()), float((weight * np.log(near)).sum())
    if ranks > RANKS:  # in x = ln r the rest is smooth: Simpson's rule
        x = np.linspace(np.log(RANKS + 0.5), np.log(ranks + 0.5), 257)
        step = np.full(257, 2.0)
        step[1::2], step[0], step[-1] = 4.0, 1.0, 1.0
        weight = np.exp((1 - alpha) * x) * step * (x[1] - x[0]) / 3
        plain, logs = plain + float(weight.sum()), logs + float((weight * x).sum())
    return plain, logs


def zipf_exponent(counts: NDArray[np.int64]) -> float | None:
    """Return the exponent of the Zipf law under which these counts are most likely; ``None`` below two objects.

    Args:
        counts: accesses of each object, most popular first.
    """
    ranks, total = len(counts), float(counts.sum())
    if ranks < 2:
        return None
    mean_log = float((counts * np.log(np.arange(1, ranks + 1))).sum()) / total
    low, high = 0.0, 20.0
    for _ in range(60):  # the mean logarithm of the rank falls as the exponent grows
        middle = (low + high) / 2
        plain, logs = _rank_sums(middle, ranks)
        low, high = (middle, high) if logs / plain > mean_log else (low, middle)
    return round((low + high) / 2, 6)


def _arrivals(time_ps: NDArray[np.int64]) -> Arrivals:
    gaps = np.diff(time_ps)
    if not len(gaps) or not gaps.any():
        return Arrivals(0.0, 0.0, 0.0, None)
    mean = float(gaps.mean())
    p50, p99 = np.quantile(gaps, [0.5, 0.99], method="lower")
    return Arrivals(mean, float(p50), float(p99), float(gaps.std() / mean))
