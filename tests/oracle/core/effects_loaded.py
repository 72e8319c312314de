"""Section 4: how much longer latencies are under load."""

from __future__ import annotations

from collections.abc import Callable

from oracle.core.hops import Bound, Hop


def added(hop: Hop, used: Callable[[Bound], float]) -> int:
    """Picoseconds that the load of a hop adds to its latency; ``used`` tells the used share of a bound's hop."""
    if hop.loaded is None:
        return 0
    u, w = load(hop, used)
    rho = u / hop.loaded.asymptote
    return int((hop.loaded.rise + hop.loaded.mixed_rise * w) * (rho / (1.0 - rho)))


def load(hop: Hop, used: Callable[[Bound], float]) -> tuple[float, float]:
    """The load of a hop, from 0 to 1, and the share in it of the direction with fewer bytes."""
    u, w, t = used(hop.bound("bandwidth")), 0.0, hop.turnaround
    if t is not None:
        u1, u2 = u, used(hop.bound("turnaround"))
        both = (u1 + u2) / (2.0 + t)
        apart = abs(u1 - u2) / t if t else 0.0
        u = min(u1, u2)
        w = max(0.0, (both - apart) / 2.0) / both if both > 0 else 0.0
    return min(1.0, max(0.0, u)), w
