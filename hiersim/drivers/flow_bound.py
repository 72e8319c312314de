"""Tighter bounds on what any policy can reach, from flows: one for each stretch of the trace, joined by their prices.

Which intervals to keep (`drivers.bounds`) is a flow of minimum cost through the accesses: the cache flows from each to
the next, or past those over which an object is kept. It is FOO of Berger, Beckmann, Harchol-Balter: Practical bounds
on optimal caching with variable object sizes. POMACS 2(2), 2018. Their PFOO-U solves it piece by piece and keeps what
comes out whole. Here the trace is cut into stretches; an interval that crosses a cut is worth a part of itself in each,
split as its cost at the prices so far. A flow gives, beside what to keep, what a byte is worth at each access:

- *From below* any prices bound the optimum: no more can be saved than the whole cache is worth over the whole trace,
  and what each interval saves beyond its own cost. (At one price for all accesses this is PFOO-L.)
- *From above* what is kept whole in all its stretches fits, since each flow fits; the rest is packed after it, cheapest
  at the prices first.

Both hold whatever the solver gives, which only decides how near they come. The solver is HiGHS's dual simplex: on the
flow of 40,000 accesses it took three seconds, where the cost scaling of OR-Tools took over two minutes.

Huangfu, Hall: Parallelizing the dual revised simplex method. Mathematical Programming Computation 10(1), 2018.
"""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from hiersim.drivers import bounds as plain
from hiersim.drivers.bounds import Bounds
from hiersim.drivers.cache_loop import next_uses

EVEN = 0.05  # of the mean price, added to all where intervals are split: some cost nothing at the prices so far
WHOLE = 1 - 1e-6  # a share of an interval that counts as all of it
SCALES = np.linspace(0.9, 1.1, 21)  # of the prices: the best of them counts


class Gaps(NamedTuple):
    """The intervals that may be kept: first and last access, bytes, and what is saved."""

    start: np.ndarray  # int64[gaps]
    end: np.ndarray  # int64[gaps]
    size: np.ndarray  # int64[gaps]
    worth: np.ndarray  # float64[gaps]


def flow_bounds(
    keys: np.ndarray,
    sizes: np.ndarray | None,
    capacity: int,
    *,
    worth: np.ndarray | None = None,
    stretch: int = 5_000,
    passes: int = 2,
) -> Bounds:
    """Return bounds on what the optimum misses, each the tighter of `bounds` and of flows.

    Args:
        keys: int32, dense ids from 0.
        sizes: int64[objects] in bytes; ``None`` if all count the same.
        capacity: in bytes; in objects if ``sizes`` is ``None``.
        worth: float64[objects], at least 0: what a miss of each costs; 1 each when absent, bytes if it is ``sizes``.
        stretch: intervals that begin in one stretch; the time grows faster than this.
        passes: times that all flows are solved, the cuts elsewhere and the prices better each time.

    Raises:
        TraceError: the capacity, a size or a worth is impossible.
    """
    found = plain.bounds(keys, sizes, capacity, worth=worth)
    gaps = _gaps(np.ascontiguousarray(keys, np.int32), sizes, capacity, worth)
    if not len(gaps.start) or found.least == found.reached:
        return found
    paid = np.arange(len(keys) + 1, dtype=np.float64)
    for turn in range(passes):
        paid, shares = _solve(gaps, capacity, paid, _cuts(gaps.start, len(keys), stretch, turn / passes))
    kept = _packed(gaps, capacity, paid, shares, len(keys))
    reached = found.total - float(gaps.worth[kept[gaps.start]].sum())
    least = max(found.least, found.total - _most(gaps, capacity, paid))
    if reached < found.reached:
        return dataclasses.replace(found, least=min(least, reached), reached=reached, kept=kept)
    return dataclasses.replace(found, least=min(least, found.reached))


def _gaps(keys: np.ndarray, sizes: np.ndarray | None, capacity: int, worth: np.ndarray | None) -> Gaps:
    objects = int(keys.max()) + 1 if len(keys) else 0
    size = np.ones(objects, np.int64) if sizes is None else np.asarray(sizes, np.int64)
    value = np.ones(objects) if worth is None else np.asarray(worth, np.float64)
    later = next_uses(keys, objects)
    start = np.flatnonzero((later >= 0) & (size[keys] <= capacity) & (value[keys] > 0))
    return Gaps(start, later[start].astype(np.int64), size[keys[start]], value[keys[start]])


def _cuts(start: np.ndarray, accesses: int, stretch: int, shift: float) -> np.ndarray:
    """Return where stretches begin and the last one ends, int64; ``shift`` moves all cuts by so much of a stretch."""
    first = round(stretch * (1 - shift))
    return np.unique(np.concatenate([[0], start[first::stretch], [accesses]])).astype(np.int64)


def _solve(gaps: Gaps, capacity: int, paid: np.ndarray, cuts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve the flow of each stretch.

    Args:
        gaps: the intervals.
        capacity: bytes.
        paid: float64[accesses + 1]: the price of a byte from the first access to before each.
        cuts: where the stretches begin and the last one ends.

    Returns:
        Such prices anew, and the least share of each interval that is kept in any of its stretches.
    """
    price, shares = np.zeros(len(paid) - 1), np.ones(len(gaps.start))
    paid = paid + (EVEN * paid[-1] / len(price) or 1.0) * np.arange(len(paid))
    cost = paid[gaps.end] - paid[gaps.start]
    for low, high in pairwise(cuts):
        here = np.flatnonzero((gaps.start < high) & (gaps.end > low))
        start, end = np.maximum(gaps.start[here], low), np.minimum(gaps.end[here], high)
        part = (paid[end] - paid[start]) / cost[here]
        solved = _flow(Gaps(start, end, gaps.size[here], gaps.worth[here] * part), capacity)
        if solved is not None:
            nodes, between, kept = solved
            price[nodes[:-1]] = between
            shares[here] = np.minimum(shares[here], kept)
    return np.concatenate([[0.0], np.cumsum(price)]), shares


def _flow(gaps: Gaps, capacity: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return the accesses at which intervals begin and end, the price from each to the next, and what to keep.

    Edges: each interval from its first to its last access, as wide as its bytes; each access to the next, without end.
    ``None`` if no interval is worth anything, or if the solver fails.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csc_matrix

    if not gaps.worth.sum() > 0:
        return None
    nodes, place = np.unique(np.concatenate([gaps.start, gaps.end]), return_inverse=True)
    count, steps, unit = len(gaps.start), np.arange(len(nodes) - 1), float(gaps.size.mean())
    size, worth = gaps.size / unit, gaps.worth / gaps.worth.mean()
    row = np.concatenate([place, steps, steps + 1])
    column = np.concatenate([np.arange(count), np.arange(count), count + steps, count + steps])
    ones = np.ones(len(steps))
    edges = csc_matrix((np.concatenate([size, -size, ones, -ones]), (row, column)))
    supply = np.zeros(len(nodes))
    supply[0], supply[-1] = capacity / unit, -capacity / unit
    most = np.concatenate([np.ones(count), np.full(len(steps), np.inf)])
    saved = np.concatenate([-worth, np.zeros(len(steps))])
    answer = linprog(saved, A_eq=edges, b_eq=supply, bounds=np.stack([np.zeros(len(most)), most], 1), method="highs-ds")
    if not answer.success:
        return None
    between = np.maximum(np.diff(answer.eqlin.marginals), 0.0) * float(gaps.worth.mean()) / unit
    return nodes, between, answer.x[:count]


def _most(gaps: Gaps, capacity: int, paid: np.ndarray) -> float:
    """Return the most that can be saved, as the prices tell."""
    own = gaps.size * (paid[gaps.end] - paid[gaps.start])
    return min(float(capacity * scale * paid[-1] + np.maximum(gaps.worth - scale * own, 0.0).sum()) for scale in SCALES)


def _packed(gaps: Gaps, capacity: int, paid: np.ndarray, shares: np.ndarray, accesses: int) -> np.ndarray:
    """Return bool[accesses], whether each access's object is kept: what the flows keep whole, then what fits."""
    own = gaps.size * (paid[gaps.end] - paid[gaps.start]) / gaps.worth
    order = np.lexsort((own, shares < WHOLE))
    return plain.packed(gaps.start[order], gaps.end[order], gaps.size[order], capacity, accesses)
