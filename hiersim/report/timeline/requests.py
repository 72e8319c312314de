"""The timeline of a serving run: what each request did, and how many run and wait and hold how much KV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from hiersim.engine.requests import WAITS, RequestsResult
from hiersim.engine.result import Result
from hiersim.report.files import Content
from hiersim.report.load_over_time import over_all
from hiersim.report.timeline.lanes import I64, MOST, PARTS, folded, lanes
from hiersim.report.timeline.packets import Argument, Packets

PHASES = ("waiting", "prompt", "answer")
"""What a request does: until it first runs, until its first token, until its last; preemptions are in the last two."""
COUNTERS = (("running", "running", "requests"), ("waiting", "queued", "requests"), ("KV held", "held_bytes", "bytes"))
"""Name, column of the samples and unit of what is counted over time."""


@dataclass(frozen=True)
class Phases:
    """Phases of requests, in order of their starts.

    Attributes:
        request: whose each is.
        phase: which of ``PHASES`` it is.
        start_ps, end_ps: when it is, picoseconds.
        lane: in which row of the track it is drawn.
    """

    request: I64
    phase: I64
    start_ps: I64
    end_ps: I64
    lane: I64


def content(result: Result, shortest_ps: int | None = None, window_ps: tuple[int, int] | None = None) -> Content:
    """Return the timeline of a run that served requests as a file to write.

    Args:
        result: the run.
        shortest_ps: phases shorter than this, in picoseconds, are folded into others, with their sums; when absent as
            many as it takes to leave about ``lanes.MOST``.
        window_ps: only requests that are there between these times are drawn, whole; all when absent.
    """
    requests = result.requests
    assert requests is not None

    def write(file: BinaryIO) -> None:
        packets = Packets(file)
        found = phases(requests, window_ps or (0, result.elapsed_ps + 1))
        _draw(packets, requests, found, _shortest(found) if shortest_ps is None else shortest_ps)
        _count(packets, requests)
        packets.close()

    return write


def phases(requests: RequestsResult, window_ps: tuple[int, int]) -> Phases:
    """Return the phases that take time of the requests that are done and that are there in a window."""
    there = requests.done & (requests.arrived_ps < window_ps[1]) & (requests.last_ps >= window_ps[0])
    rows = np.flatnonzero(there)
    rows = rows[np.argsort(requests.arrived_ps[rows], kind="stable")]
    times = np.column_stack([requests.arrived_ps, requests.started_ps, requests.first_ps, requests.last_ps])[rows]
    lane = np.array(lanes(times[:, 0].tolist(), times[:, 3].tolist()), np.int64)
    start, end = times[:, :3].ravel(), times[:, 1:].ravel()
    order = np.flatnonzero(end > start)
    order = order[np.argsort(start[order], kind="stable")]
    each = order // len(PHASES)
    return Phases(rows[each], order % len(PHASES), start[order], end[order], lane[each])


def _shortest(found: Phases) -> int:
    """Return the picoseconds below which phases are folded, so that at most about ``MOST`` are left; 0 for none."""
    lengths = found.end_ps - found.start_ps
    return 0 if len(lengths) <= MOST else int(np.partition(lengths, len(lengths) - MOST)[len(lengths) - MOST]) + 1


def _draw(packets: Packets, requests: RequestsResult, found: Phases, shortest_ps: int) -> None:
    """Draw a row for as many requests as there were at once; short phases are summed up on a track of their own."""
    group = packets.track("requests", text="What each request does: waiting for a turn, its prompt, its answer")
    short = (found.end_ps - found.start_ps) < shortest_ps
    rows = [packets.track("request", group) for _ in range(int(found.lane.max(initial=-1)) + 1)]
    for i in np.flatnonzero(~short).tolist():
        when = int(found.start_ps[i]), int(found.end_ps[i])
        about = dict(_about(requests, int(found.request[i]), int(found.phase[i])))
        what = "requests", PHASES[found.phase[i]]
        packets.slice(rows[found.lane[i]], what, when, about | {"ps": when[1] - when[0], "start_ps": when[0]}, ())
    if short.any():
        _fold(packets, packets.track("short phases", group), found, np.flatnonzero(short))


def _about(requests: RequestsResult, request: int, phase: int) -> Iterator[tuple[str, Argument]]:
    """Yield what there is to know of a phase of a request."""
    yield "request", request
    if PHASES[phase] == "prompt":
        yield "prompt_tokens", int(requests.prompt_tokens[request])
        yield "reused_tokens", int(requests.reused_tokens[request].sum())
    if PHASES[phase] == "answer":
        yield "output_tokens", int(requests.output_tokens[request])
        yield "preemptions", int(requests.preemptions[request])
        for name, ps in zip(WAITS, requests.waits_ps[request].tolist(), strict=True):
            yield f"ps of {name}", ps


def _fold(packets: Packets, track: int, found: Phases, rows: I64) -> None:
    """Draw the short phases of each part of the time as one slice with their sums."""
    start, last = int(found.start_ps[rows[0]]), int(found.end_ps[rows].max())
    part = (found.start_ps[rows] - start) // max(1, -(-(last - start) // PARTS))
    for chosen in folded(np.ones(len(rows), np.bool_), part, together=True):
        mine = rows[chosen]
        begin = int(found.start_ps[mine[0]])
        sums: dict[str, Argument] = {"count": len(mine), "start_ps": begin}
        for phase in np.unique(found.phase[mine]).tolist():
            these = mine[found.phase[mine] == phase]
            sums[f"ps of {PHASES[phase]}"] = int((found.end_ps[these] - found.start_ps[these]).sum())
        packets.slice(track, ("folded", "short phases"), (begin, int(found.start_ps[mine[-1]])), sums, ())


def _count(packets: Packets, requests: RequestsResult) -> None:
    """Draw what is counted at the beginning of steps, over all units that serve."""
    if not len(requests.samples.get("time_ps", ())):
        return
    group = packets.track("load", text="At the beginning of steps, over all units that serve")
    for name, column, unit in COUNTERS:
        track, before = packets.counter(name, group, unit), None
        times, values = over_all(requests, column)
        for time, value in zip(times.tolist(), values.tolist(), strict=True):
            if value != before:
                packets.count(track, time, value)
            before = value
