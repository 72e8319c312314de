"""Turnaround of a half-duplex medium: the direction with fewer bytes pays for the turns, R + W + t min(R, W) <= 1.

Two accounts stand for that, R + (1 + t) W and (1 + t) R + W; one of them must hold.
"""

from __future__ import annotations

from hiersim.engine.effects.room import room_of
from hiersim.engine.world import World
from hiersim.jit import hot


@hot
def level(w: World, bound: int) -> float:
    """Return how far the open groups may rise; ``bound`` is the first of the two accounts."""
    one = room_of(w, bound) / w.load[bound]
    other = room_of(w, bound + 1) / w.load[bound + 1]
    return max(0.0, max(one, other))
