"""What the core's small integers are called in results."""

from __future__ import annotations

from hiersim.engine import columns as c

KINDS = ("room", "slot", "latency", "bandwidth", "joined")
TRAFFIC = ("demand", "write-back", "prefetch")
BOUNDS = ("bandwidth", "operations", "dies", "cache")
DETAILS = {
    c.S_ROOM: ("write-back", "arrivals"),
    c.S_SLOT: TRAFFIC,
    c.S_LATENCY: ("",),
    c.S_BANDWIDTH: BOUNDS,
    c.S_JOINED: TRAFFIC,
}
