"""Packets: headers beside the payload, and read requests that take the other direction of a link."""

from __future__ import annotations

from hiersim.engine.columns import H_GRAIN, H_PAYLOAD, H_REQUEST, PK_ASK, PK_HEADER
from hiersim.engine.world import World
from hiersim.jit import hot


@hot
def on_wire(w: World, hop: int, direction: int, amount: int) -> int:
    """Return the bytes that a transfer of ``amount`` bytes puts on a hop in its own direction."""
    grain, payload = w.hops[hop, H_GRAIN], w.hops[hop, H_PAYLOAD]
    wire = amount if grain == 1 else (amount + grain - 1) // grain * grain
    if payload > 0:
        wire += (amount + payload - 1) // payload * w.packet[hop, PK_HEADER + direction]
    return wire


@hot
def asked(w: World, hop: int, direction: int, amount: int) -> int:
    """Return the bytes of read requests that a transfer puts on a link in the other direction."""
    header = w.packet[hop, PK_ASK + direction]
    if header == 0:
        return 0
    request = w.hops[hop, H_REQUEST]
    return (amount + request - 1) // request * header
