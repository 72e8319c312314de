"""The tracks of tiers, links and compute: every transfer on each hop that it passes, while its bytes flow."""

from __future__ import annotations

import numpy as np

from hiersim.engine.result import Result
from hiersim.engine.timeline import KINDS, Timeline
from hiersim.report.over_time import F64, bandwidth, edges, occupancy
from hiersim.report.timeline.drawing import Drawing
from hiersim.report.timeline.lanes import I64, PARTS, folded, lanes, part_of
from hiersim.report.timeline.packets import Argument

TRAFFIC = ("demand", "write-back", "prefetch")


def draw(result: Result, timeline: Timeline, drawing: Drawing) -> None:
    """Draw the tracks of tiers, then those of links, then the computations of units."""
    groups = (
        ("tiers", tuple(result.tiers), "Transfers through each tier's ports, and the bytes that it holds"),
        ("links", tuple(result.links), "Transfers over each link, by direction"),
        ("computations", tuple(result.units), "Computations of each unit; their bytes are FLOPs"),
    )
    for group, names, text in groups:
        hops = [hop for name in names for hop in timeline.hops if hop.partition(".")[0] == name]
        used = [hop for hop in hops if len(timeline.on(hop))]
        levels = timeline.levels.tiers if group == "tiers" else ()
        if not used and not levels:
            continue
        parent = drawing.packets.track(group, text=text)
        for name in names:
            _Part(timeline, drawing, parent).draw(name, [hop for hop in used if hop.partition(".")[0] == name], levels)


class _Part:
    """Draws the tracks of one tier, link or unit."""

    def __init__(self, timeline: Timeline, drawing: Drawing, parent: int) -> None:
        self._line, self._drawing, self._parent = timeline, drawing, parent

    def draw(self, name: str, hops: list[str], levels: tuple[str, ...]) -> None:
        if name in levels:
            self._counter(f"{name} holds", "bytes", *occupancy(self._line, name))
        for hop in hops:
            at = edges(self._line, PARTS)
            rate = bandwidth(self._line, hop, at)
            unit = "FLOP/s" if hop.endswith(".compute") else "bytes/s"
            self._counter(f"{hop} rate", unit, at, np.append(rate, 0.0))
            self._flows(hop)

    def _counter(self, name: str, unit: str, times: I64, values: I64 | F64) -> None:
        track = self._drawing.packets.counter(name, self._parent, unit)
        before = None
        for time, value in zip(times.tolist(), values.tolist(), strict=True):
            if value != before:
                self._drawing.packets.count(track, time, value)
            before = value

    def _flows(self, hop: str) -> None:
        """Draw the transfers of one hop in as many lanes as it takes."""
        line = self._line
        rows = line.on(hop)
        rows = rows[np.argsort(line.flow_ps[rows], kind="stable")]
        short = (line.done_ps[rows] - line.flow_ps[rows]) < self._drawing.shortest_ps
        carried = np.zeros(len(line.done_ps), np.int64)
        carried[line.on(hop)] = line.carried(hop)
        slices = [rows[chosen] for chosen in folded(short, part_of(line, line.flow_ps[rows]), together=False)]
        start = [int(line.flow_ps[each[0]]) for each in slices]
        end = [int(line.done_ps[each].max()) for each in slices]
        tracks: list[int] = []
        for lane, each, *when in zip(lanes(start, end), slices, start, end, strict=True):
            if lane == len(tracks):
                tracks.append(self._drawing.packets.track(hop, self._parent))
            self._slice(tracks[lane], hop, each, (when[0], when[1]), int(carried[each].sum()))

    def _slice(self, track: int, hop: str, rows: I64, when: tuple[int, int], carried: int) -> None:
        line, row = self._line, int(rows[0])
        if len(rows) > 1:
            sums = {"count": len(rows), "bytes": carried, "start_ps": when[0]}
            sums["ps"] = int((line.done_ps[rows] - line.flow_ps[rows]).sum())
            self._drawing.packets.slice(track, ("folded", "short transfers"), when, sums, ())
            return
        about: dict[str, Argument] = {"bytes": carried, "ps": when[1] - when[0], "start_ps": when[0]}
        about |= {"object": int(line.object[row]), "transfer": row}
        if hop == line.routes[line.route[row]][0]:
            way = f"{line.places[line.source[row]]} to {line.places[line.target[row]]}"
            about |= {"way": way, "created_ps": int(line.created_ps[row]), "slots_ps": int(line.slots_ps[row])}
        what = (TRAFFIC[line.traffic[row]], KINDS[line.kind[row]])
        self._drawing.packets.slice(track, what, when, about, self._drawing.targets.get((row, hop), ()))
