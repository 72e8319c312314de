"""The tracks of units: computing, on the near tier, stalled for a cause; idle time is left empty."""

from __future__ import annotations

import numpy as np

from hiersim.engine.result import Result, Stall
from hiersim.engine.timeline import Cause, Spans, Timeline
from hiersim.report.timeline.arrows import Causes
from hiersim.report.timeline.drawing import Drawing
from hiersim.report.timeline.lanes import I64, folded, part_of
from hiersim.report.timeline.packets import Argument


def draw(result: Result, timeline: Timeline, drawing: Drawing) -> None:
    """Draw a track for each unit, with arrows to what its stalls waited for."""
    if not result.units:
        return
    group = drawing.packets.track("units", text="What each unit did: computing, on its near tier, stalled")
    causes = Causes(timeline)
    for number, name in enumerate(timeline.spans.units):
        if name in result.units:
            track = drawing.packets.track(name, group, f"{result.units[name].kind} near {result.units[name].near}")
            _Unit(timeline, drawing, causes, result.units[name].near).draw(track, number)


class _Unit:
    """Draws the spans of one unit."""

    def __init__(self, timeline: Timeline, drawing: Drawing, causes: Causes, near: str) -> None:
        self._line, self._drawing, self._causes, self._near = timeline, drawing, causes, near

    def draw(self, track: int, number: int) -> None:
        spans = self._line.spans
        rows = np.flatnonzero(spans.unit == number)
        short = (spans.end_ps[rows] - spans.start_ps[rows]) < self._drawing.shortest_ps
        for chosen in folded(short, part_of(self._line, spans.start_ps[rows]), together=True):
            self._slice(track, rows[chosen])

    def _slice(self, track: int, rows: I64) -> None:
        spans = self._line.spans
        start, end = int(spans.start_ps[rows[0]]), int(spans.end_ps[rows[-1]])
        if len(rows) > 1:
            self._drawing.packets.slice(track, ("folded", "short spans"), (start, end), self._sums(rows), ())
            return
        cause = spans.causes[spans.cause[rows[0]]]
        if cause.state == "idle":
            return
        awaited = self._causes.of(int(rows[0]))
        if awaited and self._line.done_ps[awaited[0]] - self._line.flow_ps[awaited[0]] < self._drawing.shortest_ps:
            awaited = None  # it may be folded, and arrows do not lead to what is
        arrows = self._drawing.arrow(awaited)
        about = {"ps": end - start, "start_ps": start} | self._about(int(rows[0]), cause)
        self._drawing.packets.slice(track, (cause.state, label(cause, self._near)), (start, end), about, arrows)

    def _about(self, row: int, cause: Cause) -> dict[str, Argument]:
        if cause.state != "stall":
            return {}
        spans: Spans = self._line.spans
        return {
            "object_class": cause.object_class,
            "object": int(spans.object[row]),
            "access": int(spans.access[row]),
        }

    def _sums(self, rows: I64) -> dict[str, Argument]:
        """Return how many spans are folded, and the time of each cause among them."""
        spans = self._line.spans
        length = spans.end_ps[rows] - spans.start_ps[rows]
        found: dict[str, Argument] = {"count": len(rows), "start_ps": int(spans.start_ps[rows[0]])}
        for number in np.unique(spans.cause[rows]):
            cause = spans.causes[number]
            key = f"ps of {cause.state}: {label(cause, self._near)}"
            found[key] = int(length[spans.cause[rows] == number].sum()) + int(found.get(key, 0))
        return found


def label(cause: Cause, near: str) -> str:
    """Return the state of a unit in words: ``compute``, ``on hbm``, ``flash latency``, ``idle``."""
    if cause.state == "stall":
        return Stall(cause.kind, cause.place, cause.detail, cause.object_class, 0).cause
    return f"on {near}" if cause.state == "near" else cause.state
