"""What each stall waited for: the transfer, and the hop on whose track it is shown (docs/model.md, section 9)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hiersim.engine.timeline import KINDS, Cause, Timeline

I64 = NDArray[np.int64]
LEAVING = tuple(KINDS.index(kind) for kind in ("evict", "migrate"))

Awaited = tuple[int, str]
"""A transfer's row in the timeline, and a hop."""


class Causes:
    """Looks up what stalls waited for."""

    def __init__(self, timeline: Timeline) -> None:
        self._line = timeline
        self._ending: dict[tuple[str, str, str], I64] = {}

    def of(self, span: int) -> Awaited | None:
        """Return what a span waited for; nothing where it is no stall or that is not in the timeline."""
        spans = self._line.spans
        cause = spans.causes[spans.cause[span]]
        if cause.state != "stall":
            return None
        own = int(spans.transfer[span])
        if cause.kind in ("latency", "bandwidth") or (cause.kind == "joined" and own >= 0):
            return (own, self._hop(own, cause)) if own >= 0 else None
        rows = self._rows(cause)
        at = int(np.searchsorted(self._line.done_ps[rows], spans.end_ps[span]))
        return (int(rows[at]), self._hop(int(rows[at]), cause)) if at < len(rows) else None

    def _rows(self, cause: Cause) -> I64:
        """Return the transfers whose end may have ended a stall, in order of their ends."""
        key = (cause.kind, cause.place, cause.detail)
        if key not in self._ending:
            line = self._line
            if cause.kind == "slot":  # one that held a slot of the hop
                passing = [any(is_hop(hop, cause.place) for hop in route) for route in line.routes]
                chosen = np.array(passing, bool)[line.route]
            elif cause.detail == "write-back":  # one that left the tier
                chosen = (line.source == line.places.index(cause.place)) & np.isin(line.kind, LEAVING)
            else:  # one that arrived there
                chosen = line.target == line.places.index(cause.place)
            self._ending[key] = np.flatnonzero(chosen)
        return self._ending[key]

    def _hop(self, row: int, cause: Cause) -> str:
        """Return the hop of a transfer's route where it is shown: the place of the stall, if it passes that."""
        route: tuple[str, ...] = self._line.routes[self._line.route[row]]
        return next((hop for hop in route if is_hop(hop, cause.place) or is_part(hop, cause.place)), route[0])


def is_hop(hop: str, place: str) -> bool:
    """Say whether a hop with its direction is the hop of a stall, which has none where both directions share it."""
    return place in (hop, hop.rpartition(".")[0])


def is_part(hop: str, place: str) -> bool:
    """Say whether a hop belongs to the part of a stall's place."""
    return hop.partition(".")[0] == place.partition(".")[0]
