"""What a bound has left for the class whose rates are being set."""

from __future__ import annotations

from hiersim.engine.columns import THROTTLED
from hiersim.engine.world import World
from hiersim.jit import hot


@hot
def room_of(w: World, bound: int) -> float:
    """Return what is left of a bound's budget; where agents throttle classes, of the class's part of it."""
    return w.room[bound] if w.clock[THROTTLED] == 1 else w.residual[bound]
