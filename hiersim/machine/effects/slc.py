"""A two-rate write cache: flash that takes writes as SLC until its cache is full."""

from __future__ import annotations

from hiersim.machine.record import Sourced
from hiersim.units import BytesPerSecond, PositiveBytes


class SlcCache(Sourced):
    """Writes go at the tier's ``write_bandwidth`` until the cache is full, then at ``bandwidth``.

    It empties while nothing is written.
    """

    capacity: PositiveBytes
    """Bytes that it takes before it is full."""
    bandwidth: BytesPerSecond
    """Write bandwidth while it is full, in bytes/s."""
    drain: BytesPerSecond | None = None
    """How fast it empties while nothing is written, in bytes/s; as ``bandwidth`` when absent."""
