"""How much of its objects a trace needs at a time (Denning's working set), and when it comes back to them.

The working set of a window of T accesses is what was touched in the last T. Its mean size over the trace follows from
the gaps between uses alone: an access keeps its object in the set until the next one, for T accesses at most (Denning
and Schwartz, "Properties of the working-set model", Communications of the ACM 15(3), 1972).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import ConfigError, Mistake
from hiersim.jit import hot, kernel
from hiersim.traces.access import AccessTrace
from hiersim.traces.request import RequestTrace
from hiersim.traces.stack import LruStack

MOST_PARTS = 10_000


@dataclass(frozen=True)
class Part:
    """A stretch of the trace.

    Attributes:
        start: number of its first access.
        start_ps: when that is, picoseconds.
        accesses: how many there are.
        objects: distinct ones among them.
        bytes: of the distinct ones.
        first_uses: accesses to objects that were never touched before.
    """

    start: int
    start_ps: int
    accesses: int
    objects: int
    bytes: int
    first_uses: int


@dataclass(frozen=True)
class Window:
    """The mean working set of a window.

    Attributes:
        accesses: how many the window holds.
        objects: distinct ones among them, mean over all windows of this length that end in the trace.
        bytes: of the distinct ones, mean.
    """

    accesses: int
    objects: float
    bytes: float


@dataclass(frozen=True)
class Bin:
    """Accesses whose reuse lies in a range.

    Attributes:
        low: the range begins here.
        high: the range ends before this.
        accesses: how many there are.
    """

    low: int
    high: int
    accesses: int


@dataclass(frozen=True)
class WorkingSet:
    """What a trace needs at a time, and when it comes back; ``as_dict`` gives plain numbers for JSON.

    Attributes:
        trace: its name.
        accesses: in all.
        first_uses: accesses to objects that were never touched before; they are in no bin.
        parts: equal stretches of the trace, by time if it has one, else by accesses.
        windows: the mean working set by window.
        distance: reuses by how many distinct other objects were touched since; ranges double.
        gap_ps: reuses by the time since the last use, picoseconds; ranges end at 1, 2 and 5 times a power of ten.
    """

    trace: str
    accesses: int
    first_uses: int
    parts: tuple[Part, ...]
    windows: tuple[Window, ...]
    distance: tuple[Bin, ...]
    gap_ps: tuple[Bin, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the same as nested dictionaries of plain numbers, text and lists."""
        return asdict(self)


def working_set(trace: AccessTrace | RequestTrace, parts: int = 12) -> WorkingSet:
    """Describe how much of its objects a trace needs at a time, and when it comes back to them.

    Args:
        trace: the accesses; of requests, those to their prefix blocks, of 1 byte each.
        parts: in how many stretches to divide the trace.

    Raises:
        ConfigError: ``parts`` is out of range.
    """
    if not 1 <= parts <= MOST_PARTS:
        raise ConfigError([Mistake("parts", f"must be 1 to {MOST_PARTS:,}, got {parts}")])
    trace = trace if isinstance(trace, AccessTrace) else trace.blocks()
    bounds = _bounds(trace, parts)
    counted = np.zeros((3, len(bounds) - 1), np.int64)
    lengths = np.unique(np.append(2 ** np.arange(max(1, len(trace)).bit_length(), dtype=np.int64), max(1, len(trace))))
    short, long = np.zeros((2, len(lengths) + 1)), np.zeros((2, len(lengths) + 1))
    times = np.array([step * 10**power for power in range(19) for step in (1, 2, 5)], np.int64)[:-1]
    gaps = np.zeros(len(times) + 1, np.int64)
    last = np.full(trace.objects, -1, np.int64)
    _walk(trace.object, trace.size, trace.time_ps, bounds, counted, last, lengths, short, long, times, gaps)
    distances = LruStack(trace.objects).feed(trace.object)
    doubling = np.concatenate([[0], 2 ** np.arange(max(1, trace.objects).bit_length() + 1, dtype=np.int64)])
    reuses, _ = np.histogram(distances[distances > 0] - 1, doubling)
    timed = trace.duration_ps > 0
    return WorkingSet(
        trace.name,
        len(trace),
        int(counted[2].sum()),
        tuple(_parts(trace, bounds, counted)),
        tuple(_windows(len(trace), lengths, short, long)),
        _bins(doubling, reuses),
        _bins(np.concatenate([[0], times]), gaps) if timed else (),
    )


def _bounds(trace: AccessTrace, parts: int) -> NDArray[np.int64]:
    """Return where each part begins, and the end."""
    if not trace.duration_ps:
        return np.unique(np.linspace(0, len(trace), parts + 1).astype(np.int64))
    begin, step = int(trace.time_ps[0]), -(-(trace.duration_ps + 1) // parts)
    inner = np.searchsorted(trace.time_ps, np.array([begin + i * step for i in range(1, parts)], np.int64))
    return np.concatenate([[0], inner, [len(trace)]]).astype(np.int64)


def _parts(trace: AccessTrace, bounds: NDArray[np.int64], counted: NDArray[np.int64]) -> list[Part]:
    starts = bounds[:-1].tolist()
    return [
        Part(start, int(trace.time_ps[min(start, len(trace) - 1)]), int(bounds[i + 1]) - start, *counted[:, i].tolist())
        for i, start in enumerate(starts)
    ]


def _windows(
    accesses: int, lengths: NDArray[np.int64], short: NDArray[np.float64], long: NDArray[np.float64]
) -> list[Window]:
    """Return the means: gaps up to the window in full, longer ones for the window's length."""
    if not accesses:
        return []
    within = np.cumsum(short, axis=1)[:, :-1]
    beyond = long.sum(axis=1, keepdims=True) - np.cumsum(long, axis=1)[:, :-1]
    objects, sizes = ((within + beyond * lengths) / accesses).tolist()
    return [Window(*each) for each in zip(lengths.tolist(), objects, sizes, strict=True)]


def _bins(edges: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[Bin, ...]:
    """Return the bins from the first to the last that is not empty."""
    filled = np.flatnonzero(counts)
    if not len(filled):
        return ()
    highs = [*edges[1:].tolist(), 2**63 - 1]
    return tuple(Bin(int(edges[i]), highs[i], int(counts[i])) for i in range(filled[0], filled[-1] + 1))


@kernel
def _walk(
    objects: Any,
    sizes: Any,
    times: Any,
    bounds: Any,
    counted: Any,
    last: Any,
    lengths: Any,
    short: Any,
    long: Any,
    edges: Any,
    gaps: Any,
) -> None:
    """Count by part, by gap and by time since the last use.

    ``counted`` is [objects, bytes, first uses] by part; ``last`` the last access of each object. ``short`` holds the
    sum of the gaps, ``long`` their number, alone and weighed with bytes, by the first length that is not below a gap.
    """
    part, n = 0, objects.shape[0]
    for i in range(n):
        while i >= bounds[part + 1]:
            part += 1
        key = objects[i]
        before = last[key]
        last[key] = i
        if before < bounds[part]:
            counted[0, part] += 1
            counted[1, part] += sizes[key]
        if before < 0:
            counted[2, part] += 1
            continue
        _add_gap(i - before, sizes[key], lengths, short, long)
        gaps[_first_above(edges, times[i] - times[before])] += 1
    for key in range(last.shape[0]):
        if last[key] >= 0:
            _add_gap(n - last[key], sizes[key], lengths, short, long)


@hot
def _add_gap(gap: Any, size: Any, lengths: Any, short: Any, long: Any) -> None:
    """Count a gap by the first length that is not below it."""
    place = _first_above(lengths, gap - 1)
    short[0, place] += gap
    short[1, place] += np.float64(gap) * size
    long[0, place] += 1.0
    long[1, place] += size


@hot
def _first_above(edges: Any, value: Any) -> Any:
    """Return the number of the first of the increasing edges that is larger than a value."""
    low, high = 0, edges.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if edges[middle] <= value:
            low = middle + 1
        else:
            high = middle
    return low
