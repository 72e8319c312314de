"""Bounds on what any policy can reach with the whole trace known, for objects of any size and worth.

Each gap between two accesses to an object is an interval: who keeps the object over it saves the second access's miss,
and fills ``size`` bytes of the cache at each access in between. The optimum is the most worthy set of intervals that
never fills more than the cache: a flow, too slow to solve exactly on a trace of millions.

- *From below* (of misses) the times are pooled: the intervals that are cheapest for their worth, until their bytes
  times accesses are those of the whole cache over the whole trace, the last one in part. No policy saves more. It is
  the practical lower bound PFOO-L of Berger, Beckmann, Harchol-Balter: Practical bounds on optimal caching with
  variable object sizes. POMACS 2(2), 2018.
- *From above* the intervals are packed in the same order, each where it fits at every access: a schedule that a cache
  which knows the future, and need not keep what it serves, could follow. `drivers.flow_bound` comes nearer, by
  flows, and takes minutes.

The optimum lies between; where they meet it is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hiersim import jit
from hiersim.drivers.cache_loop import next_uses
from hiersim.errors import TraceError


@dataclass(frozen=True)
class Bounds:
    """Between what and what the optimum of a trace and a capacity lies.

    Attributes:
        capacity: bytes; objects where all count the same.
        requests: accesses.
        least: no policy misses less; in the unit of the worth: accesses, bytes or costs.
        reached: a schedule that knows the future misses this.
        total: what all accesses would miss.
        kept: bool per access: that schedule keeps its object until its next access.
    """

    capacity: int
    requests: int
    least: float
    reached: float
    total: float
    kept: np.ndarray = field(repr=False, compare=False)


def bounds(
    keys: np.ndarray,
    sizes: np.ndarray | None,
    capacity: int,
    *,
    worth: np.ndarray | None = None,
    next_use: np.ndarray | None = None,
) -> Bounds:
    """Return bounds on what the optimum misses.

    Args:
        keys: int32, dense ids from 0.
        sizes: int64[objects] in bytes; ``None`` if all count the same.
        capacity: in bytes; in objects if ``sizes`` is ``None``.
        worth: float64[objects], at least 0: what a miss of each costs; 1 each when absent, bytes if it is ``sizes``.
        next_use: as ``next_uses`` gives; computed here when absent.

    Raises:
        TraceError: the capacity, a size or a worth is impossible.
    """
    keys = np.ascontiguousarray(keys, np.int32)
    objects = int(keys.max()) + 1 if len(keys) else 0
    sizes = np.ones(objects, np.int64) if sizes is None else np.ascontiguousarray(sizes, np.int64)
    worth = np.ones(objects) if worth is None else np.ascontiguousarray(worth, np.float64)
    _check(objects, sizes, worth, capacity)
    later = next_uses(keys, objects) if next_use is None else np.ascontiguousarray(next_use, np.int32)
    starts = np.flatnonzero((later >= 0) & (sizes[keys] <= capacity) & (worth[keys] > 0))
    filled = (later[starts] - starts) * sizes[keys[starts]]
    order = np.argsort(filled / worth[keys[starts]], kind="stable")
    starts, filled = starts[order], filled[order]
    saves = worth[keys[starts]]
    total = float(worth[keys].sum())
    kept = packed(starts, later[starts], sizes[keys[starts]], capacity, len(keys))
    return Bounds(
        int(capacity),
        len(keys),
        max(0.0, total - _pooled(filled, saves, capacity * len(keys))),
        total - float(saves[kept[starts]].sum()),
        total,
        kept,
    )


def _check(objects: int, sizes: np.ndarray, worth: np.ndarray, capacity: int) -> None:
    if not (isinstance(capacity, int | np.integer) and capacity >= 1):
        raise TraceError(f"capacity must be at least 1, got {capacity}")
    for name, given in (("sizes", sizes), ("worth", worth)):
        if len(given) < objects:
            raise TraceError(f"{name} has {len(given)} entries for {objects} objects")
    if objects and sizes[:objects].min() < 1:
        raise TraceError("sizes must give at least one byte for each object")
    if objects and not (np.isfinite(worth[:objects]).all() and worth[:objects].min() >= 0):
        raise TraceError("worth must be finite and at least 0 for each object")


def _pooled(filled: np.ndarray, saves: np.ndarray, room: int) -> float:
    """Return the most that can be saved within bytes times accesses of room, intervals in order, the last in part."""
    used = np.cumsum(filled)
    whole = int(np.searchsorted(used, room, side="right"))
    saved = float(saves[:whole].sum())
    if whole < len(filled):
        left = room - (int(used[whole - 1]) if whole else 0)
        saved += float(saves[whole]) * left / int(filled[whole])
    return saved


def packed(starts: np.ndarray, ends: np.ndarray, sizes: np.ndarray, capacity: int, accesses: int) -> np.ndarray:
    """Return bool[accesses], whether each access's object is kept, of intervals packed in turn where they fit.

    Args:
        starts: int64[intervals], the first access of each.
        ends: the last of each, over which it need not fit.
        sizes: int64[intervals], bytes.
        capacity: bytes.
        accesses: how many there are.
    """
    kept = np.zeros(accesses, np.bool_)
    _pack(starts, ends, sizes, capacity, *_empty(accesses), kept)
    return kept


def _empty(accesses: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a tree over the accesses: the most bytes below each node, and what was laid on all of it at once."""
    leaves = 1 << max(0, int(accesses - 1).bit_length())
    return np.zeros(2 * leaves, np.int64), np.zeros(2 * leaves, np.int64)


@jit.kernel
def _pack(
    starts: np.ndarray,
    ends: np.ndarray,
    sizes: np.ndarray,
    capacity: int,
    most: np.ndarray,
    laid: np.ndarray,
    kept: np.ndarray,
) -> None:
    """Keep each interval in turn that fits at all accesses from its first to the one before its last."""
    for i in range(starts.shape[0]):
        if highest(most, laid, starts[i], ends[i]) + sizes[i] <= capacity:
            lay(most, laid, starts[i], ends[i], sizes[i])
            kept[starts[i]] = True


@jit.inner
def highest(most: np.ndarray, laid: np.ndarray, start: int, end: int) -> int:
    """Return the most bytes at any access from ``start`` to before ``end``."""
    leaves = most.shape[0] >> 1
    left, right = start + leaves, end + leaves - 1
    on_left, on_right = most[left], most[right]
    while left >> 1 != right >> 1:
        if left & 1 == 0:
            on_left = max(on_left, most[left + 1])
        if right & 1 == 1:
            on_right = max(on_right, most[right - 1])
        left, right = left >> 1, right >> 1
        on_left += laid[left]
        on_right += laid[right]
    answer = max(on_left, on_right)
    left >>= 1
    while left > 0:
        answer += laid[left]
        left >>= 1
    return answer  # type: ignore[no-any-return]


@jit.inner
def lay(most: np.ndarray, laid: np.ndarray, start: int, end: int, size: int) -> None:
    """Add bytes at every access from ``start`` to before ``end``."""
    leaves = most.shape[0] >> 1
    left, right = start + leaves, end + leaves - 1
    add(most, laid, left, size, leaves)
    if left != right:
        add(most, laid, right, size, leaves)
    while left >> 1 != right >> 1:
        if left & 1 == 0:
            add(most, laid, left + 1, size, leaves)
        if right & 1 == 1:
            add(most, laid, right - 1, size, leaves)
        left, right = left >> 1, right >> 1
        most[left] = max(most[2 * left], most[2 * left + 1]) + laid[left]
        most[right] = max(most[2 * right], most[2 * right + 1]) + laid[right]
    left >>= 1
    while left > 0:
        most[left] = max(most[2 * left], most[2 * left + 1]) + laid[left]
        left >>= 1


@jit.hot
def add(most: np.ndarray, laid: np.ndarray, node: int, size: int, leaves: int) -> None:
    """Add bytes to all accesses below a node."""
    most[node] += size
    if node < leaves:
        laid[node] += size
