"""A result's timeline as a file that opens in Perfetto."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from hiersim.engine.result import Result
from hiersim.engine.timeline import Timeline
from hiersim.errors import OutputError
from hiersim.report.files import Content, write_files
from hiersim.report.timeline import hops, units
from hiersim.report.timeline.drawing import Drawing
from hiersim.report.timeline.lanes import shortest
from hiersim.report.timeline.packets import Packets

FILE = "timeline.perfetto-trace"
TRACKS: tuple[Callable[[Result, Timeline, Drawing], None], ...] = (units.draw, hops.draw)
"""What draws tracks, in the order in which they are shown; what begins arrows comes before where they end."""


def write_timeline(result: Result, path: Path | str, shortest_ps: int | None = None) -> Path:
    """Write a result's timeline for Perfetto, whole or not at all, and return the path.

    Args:
        result: a run that kept its timeline.
        path: where to.
        shortest_ps: slices shorter than this, in picoseconds, are folded into others, with their sums; when absent
            as many as it takes to leave about ``lanes.MOST``.

    Raises:
        OutputError: it cannot be written, or the run kept no timeline.
    """
    path = Path(path)
    if result.timeline is None:
        raise OutputError(f"cannot write {path}: the run kept no timeline; ask for it with outputs.timeline")
    return write_files(path.parent, {path.name: content(result, shortest_ps)})[0]


def content(result: Result, shortest_ps: int | None = None) -> Content:
    """Return the timeline of a result that has one as a file to write; arguments as ``write_timeline``."""

    def write(file: BinaryIO) -> None:
        timeline = result.timeline
        assert timeline is not None
        packets = Packets(file)
        drawing = Drawing(packets, shortest(timeline) if shortest_ps is None else shortest_ps)
        for draw in TRACKS:
            draw(result, timeline, drawing)
        packets.close()

    return write
