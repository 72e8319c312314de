"""Section 1: headers of packets, and the read requests that travel the other way."""

from __future__ import annotations

from typing import Any


def towards_driver(packets: Any) -> str:
    """The direction towards the end that drives the link; forward is away from the first of its two tiers."""
    return "backward" if packets.driven_by == "first" else "forward"


def headers(packets: Any, direction: str, size: int) -> int:
    """Header bytes of a transfer of ``size``: of completions towards the driving end, else of posted writes."""
    header = packets.completion_header if direction == towards_driver(packets) else packets.write_header
    return -(-size // packets.max_payload) * header


def requests(packets: Any, size: int) -> int:
    """Bytes of the read requests for a transfer of ``size``."""
    return -(-size // packets.read_request) * packets.request_header
