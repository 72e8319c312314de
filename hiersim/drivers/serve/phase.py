"""Where the time of a request goes: every picosecond from its arrival to its last token is of one kind."""

from __future__ import annotations

from hiersim.drivers.serve.columns import Q_SINCE, Q_WAITS
from hiersim.drivers.serve.state import Serve
from hiersim.jit import inner


@inner
def turn(s: Serve, r: int, kind: int, now: int) -> None:
    """Charge a request's time so far to what it did, and begin another kind."""
    s.waits[r, s.queries[r, Q_WAITS]] += now - s.queries[r, Q_SINCE]
    s.queries[r, Q_SINCE] = now
    s.queries[r, Q_WAITS] = kind
