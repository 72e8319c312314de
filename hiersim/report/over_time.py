"""What a timeline says of a stretch of time: bytes a second over a hop, bytes held in a tier."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hiersim.engine.timeline import Timeline

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


def edges(timeline: Timeline, bins: int) -> I64:
    """Return the borders of equal parts of the timeline's window, in picoseconds; at most one part a picosecond."""
    start, end = timeline.window_ps
    return np.unique(np.linspace(start, end, bins + 1).astype(np.int64))


def bandwidth(timeline: Timeline, hop: str, at: I64) -> F64:
    """Return the bytes/s over a hop, such as ``pcie.forward``, between one of the times ``at`` and the next.

    Each transfer's bytes are spread evenly over the time in which it flowed.
    """
    rows = timeline.on(hop)
    start, end = timeline.flow_ps[rows], timeline.done_ps[rows]
    rate = timeline.carried(hop) / np.maximum(end - start, 1)
    times = np.concatenate([start, end])
    order = np.argsort(times, kind="stable")
    times = times[order]
    slope = np.cumsum(np.concatenate([rate, -rate])[order])
    carried = np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(times))]) if len(times) else np.zeros(0)
    done = np.interp(at, times, carried) if len(times) else np.zeros(len(at))
    return np.asarray(np.maximum(0.0, np.diff(done)) / np.maximum(np.diff(at), 1) * 1e12)


def occupancy(timeline: Timeline, tier: str) -> tuple[I64, I64]:
    """Return when the bytes held in a tier changed, in picoseconds, and what they were from then on."""
    levels = timeline.levels
    mine = levels.tier == levels.tiers.index(tier)
    return levels.time_ps[mine], levels.used_bytes[mine]


def busy_ps(timeline: Timeline, hop: str) -> int:
    """Return the picoseconds in which something flowed over a hop."""
    rows = timeline.on(hop)
    order = rows[np.argsort(timeline.flow_ps[rows], kind="stable")]
    if not len(order):
        return 0
    start = timeline.flow_ps[order]
    until = np.maximum.accumulate(timeline.done_ps[order])
    before = np.concatenate([start[:1], until[:-1]])
    return int(np.maximum(0, until - np.maximum(start, before)).sum())
