"""Latency of a probe while others use the part, and bandwidth of writes while a write cache fills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.api.measure_rig import rig_of, steady, writes
from hiersim.machine import Link, Tier
from hiersim.traces.access import AccessTrace

LOADS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Background traffic as a share of what the part moves at most."""
PROBE = 64
"""Bytes of a probe, or the part's granularity if that is more."""
PIECES = 64
"""Writes that fill a write cache; as many again follow."""


@dataclass(frozen=True)
class Loaded:
    """Latency at one level of background traffic.

    Attributes:
        size_bytes: of the probe, which is alone (queue depth 1) beside the background.
        load: the background as a share of what the part moves at most.
        share: of reads in the background; of a link, of forward traffic.
        background_bytes_per_s: the background.
        latency_ps: the mean latency of the probe.
    """

    size_bytes: int
    load: float
    share: float
    background_bytes_per_s: float
    latency_ps: float


@dataclass(frozen=True)
class Filling:
    """Write bandwidth in bytes/s between two amounts written since the cache was empty, in bytes."""

    from_bytes: int
    to_bytes: int
    bandwidth_bytes_per_s: float


def loaded(part: Tier | Link, reads_only: bool = False) -> tuple[Loaded, ...]:
    """Measure the latency under load; nothing for a part whose latency does not depend on it."""
    if part.loaded_latency is None:
        return ()
    mixed = isinstance(part, Tier) and part.duplex == "half" and not reads_only
    size = max(PROBE, part.granularity)
    return tuple(under(part, size, load, share) for share in ((1.0, 0.5) if mixed else (1.0,)) for load in LOADS)


def under(part: Tier | Link, size: int, load: float, share: float) -> Loaded:
    """Measure the latency of reads (of a link: of forward transfers) of ``size`` bytes beside a background."""
    traffic = load * most_traffic(part, share)
    found = steady(rig_of(with_background(part, traffic, share)), size, 1, 1.0)
    return Loaded(size, load, share, traffic, found.latency_ps)


def with_background(part: Tier | Link, traffic: float, share: float) -> Tier | Link:
    """Return the part with so many bytes/s of others, a share of them reads (of a link: forward)."""
    names = ("background_read", "background_write") if isinstance(part, Tier) else ("background", "backward_background")
    return part.model_copy(update={names[0]: traffic * share, names[1]: traffic * (1.0 - share)})


def most_traffic(part: Tier | Link, share: float) -> float:
    """Return the bytes/s that a part moves at most when a share of them are reads (of a link: forward)."""
    if isinstance(part, Tier):
        rates = (part.read_bandwidth * part.efficiency, part.write_bandwidth * part.efficiency)
        turn, behind = part.turnaround or 0.0, part.media_bandwidth
    else:
        rates = (part.bandwidth_of(True) * part.efficiency, part.bandwidth_of(False) * part.efficiency)
        turn, behind = 0.0, None
    first, second = share / rates[0], (1.0 - share) / rates[1]
    if part.duplex == "half":
        return 1.0 / (first + second + turn * min(first, second))
    media = (1.0 + turn * min(share, 1.0 - share)) / behind if behind else 0.0
    return 1.0 / max(first, second, media)


def filling(part: Tier | Link) -> tuple[Filling, ...]:
    """Measure writes into an empty write cache until it has been full for as long; nothing for a part without one."""
    if isinstance(part, Link) or part.slc_cache is None:
        return ()
    size = max(1, part.slc_cache.capacity // PIECES)
    accesses = 2 * PIECES
    columns = {"write": writes(part, accesses, 0.0)}
    result = rig_of(part).run(AccessTrace.build(np.zeros(accesses, np.int32), [size], columns), 1)
    assert result.timeline is not None
    done = np.concatenate([[0], np.sort(result.timeline.done_ps)]).astype(np.float64)
    took = np.diff(done)
    return tuple(Filling(i * size, (i + 1) * size, size / took[i] * 1e12) for i in range(accesses))
