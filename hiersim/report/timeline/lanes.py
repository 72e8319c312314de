"""Which slices are drawn, which are folded into others because they are short, and in which lane of a track each is."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from hiersim.engine.timeline import Timeline

I64 = NDArray[np.int64]

MOST = 100_000
"""Slices beyond which the shortest are folded, unless the user says how short."""
PARTS = 1000
"""Parts of the window: short slices of two parts are never folded into one."""


def shortest(timeline: Timeline, most: int = MOST) -> int:
    """Return the picoseconds below which slices are folded, so that at most about ``most`` are left; 0 for none."""
    passed = np.array([len(route) for route in timeline.routes], np.int64)
    spans = timeline.spans.end_ps - timeline.spans.start_ps
    flows = np.repeat(timeline.done_ps - timeline.flow_ps, passed[timeline.route] if len(passed) else 0)
    lengths = np.concatenate([spans, flows])
    if len(lengths) <= most:
        return 0
    return int(np.partition(lengths, len(lengths) - most)[len(lengths) - most]) + 1


def part_of(timeline: Timeline, time_ps: I64) -> I64:
    """Return the part of the window in which each time in picoseconds lies."""
    start, end = timeline.window_ps
    return np.asarray((time_ps - start) // max(1, -(-(end - start) // PARTS)), np.int64)


def folded(short: NDArray[np.bool_], part: I64, together: bool) -> list[I64]:
    """Return the rows of each slice: one row, or the short ones of one part.

    Args:
        short: for each row, in order of start, whether it is short.
        part: the part of the window in which it starts.
        together: short ones are folded only where they follow each other.
    """
    key = np.where(short, part, -1 - np.arange(len(short)))
    if together:
        first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))[: len(key)]
        return np.split(np.arange(len(short)), first[1:]) if len(key) else []
    order = np.argsort(key[short], kind="stable")
    rows = np.flatnonzero(short)[order]
    first = np.flatnonzero(np.append(True, np.diff(key[rows]) > 0))[: len(rows)]
    groups = np.split(rows, first[1:]) if len(rows) else []
    return sorted([*groups, *np.flatnonzero(~short)[:, None]], key=lambda rows: int(rows[0]))


def lanes(start: list[int], end: list[int]) -> list[int]:
    """Return for each slice, in order of start, the first lane that is free: those of a lane do not overlap."""
    free: list[int] = []
    busy: list[tuple[int, int]] = []
    made, found = 0, []
    for begins, ends in zip(start, end, strict=True):
        while busy and busy[0][0] <= begins:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else made
        made = max(made, lane + 1)
        heapq.heappush(busy, (ends, lane))
        found.append(lane)
    return found
