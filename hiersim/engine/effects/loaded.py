"""Loaded latency: a hop answers later, the nearer its traffic and that of others come to its bandwidth."""

from __future__ import annotations

from hiersim.engine.columns import H_BOUND, L_ASYMPTOTE, L_MIXED, L_RISE, L_TURNAROUND
from hiersim.engine.world import World
from hiersim.jit import hot


@hot
def rise(w: World, hop: int) -> int:
    """Return what the load adds to the latency of a transfer that arrives now, in picoseconds.

    The load is that of the last setting of rates; what it left of the hop's two accounts tells its mix.
    """
    bound = w.hops[hop, H_BOUND]
    load = 1.0 - w.residual[bound]
    minority = 0.0
    turn = w.loaded[hop, L_TURNAROUND]
    if turn >= 0.0:
        other = 1.0 - w.residual[bound + 1]
        if w.loaded[hop, L_MIXED] > 0.0:
            both = (load + other) / (2.0 + turn)
            apart = abs(load - other) / turn if turn > 0.0 else 0.0
            if both > 0.0:
                minority = max(0.0, (both - apart) / 2.0) / both
        load = min(load, other)
    if load <= 0.0:
        return 0
    rho = min(1.0, load) / w.loaded[hop, L_ASYMPTOTE]
    return int((w.loaded[hop, L_RISE] + w.loaded[hop, L_MIXED] * minority) * (rho / (1.0 - rho)))
