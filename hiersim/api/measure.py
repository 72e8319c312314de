"""Measuring a part alone, as a microbenchmark does: size x queue depth x share of reads, and latency under load.

    from hiersim.api.measure import measure
    found = measure("980-pro-1t", depths=(1, 16))
    found.rows()

What runs is the simulator itself: the same code that moves a scenario's bytes. The same part gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hiersim.api.measure_load import Filling, Loaded, filling, loaded
from hiersim.api.measure_part import Subject, subject
from hiersim.api.measure_rig import ROOM, Rig, energy_pj_per_bit, rig_of, steady
from hiersim.errors import ConfigError, Mistake
from hiersim.machine import Link, Tier

SIZES = tuple(4**power for power in range(6, 13))
"""Bytes of an access: 4 KiB to 16 MiB."""
SMALL = tuple(4**power for power in range(3, 6))
"""Further ones of memory and links: 64 B to 1 KiB."""
DEPTHS = (1, 4, 16, 64, 256)
"""Accesses outstanding."""
SHARES = (1.0, 2 / 3, 1 / 2, 0.0)
"""Shares of reads (of a link: of forward transfers)."""
BLOCKS = ("flash", "remote")
"""Kinds of tiers that are not accessed in less than 4 KiB."""
MOST_SIZE, MOST_DEPTH = 2**40, 4096
"""The largest access and queue depth that are measured."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Point:
    """One point of the grid.

    Attributes:
        size_bytes: of an access.
        queue_depth: accesses outstanding.
        share: of reads; of a link, of forward transfers.
        bandwidth_bytes_per_s: payload, in both directions together.
        latency_ps: the mean; ``latency_p50_ps`` and ``latency_p99_ps`` are quantiles.
        bound: what the accesses waited for most.
        energy_pj_per_bit: of payload, what the part draws at all times included; ``None`` where it states no energy.
    """

    size_bytes: int
    queue_depth: int
    share: float
    bandwidth_bytes_per_s: float
    latency_ps: float
    latency_p50_ps: int
    latency_p99_ps: int
    bound: str
    energy_pj_per_bit: float | None


@dataclass(frozen=True)
class Measurement:
    """What was measured of a part.

    Attributes:
        subject: the part.
        points: by share, size and queue depth, in the order in which they were asked for.
        loaded: latency under load; empty for parts whose latency does not depend on it.
        filling: bandwidth while a write cache fills; empty for parts without one.
    """

    subject: Subject
    points: tuple[Point, ...]
    loaded: tuple[Loaded, ...] = ()
    filling: tuple[Filling, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def share_name(self) -> str:
        """What the shares are of: ``read_share``, or ``forward_share`` of a link."""
        return "forward_share" if isinstance(self.subject.part, Link) else "read_share"

    @property
    def direction(self) -> str:
        """What the shares are of, in words."""
        return "forward transfers" if isinstance(self.subject.part, Link) else "reads"

    def rows(self) -> list[dict[str, Any]]:
        """Return one mapping per point with the columns that ``hiersim calibrate device`` reads; times in seconds."""
        loads = [
            {
                "size_bytes": each.size_bytes,
                "queue_depth": 1,
                self.share_name: 1.0,
                "bandwidth_bytes_per_s": each.size_bytes / each.latency_ps * 1e12,
                "latency_s": each.latency_ps / 1e12,
                "background_bytes_per_s": each.background_bytes_per_s,
                "background_read_share": each.share,
            }
            for each in self.loaded
        ]
        return [self._row(point) for point in self.points] + loads

    def _row(self, point: Point) -> dict[str, Any]:
        return {
            "size_bytes": point.size_bytes,
            "queue_depth": point.queue_depth,
            self.share_name: point.share,
            "bandwidth_bytes_per_s": point.bandwidth_bytes_per_s,
            "latency_s": point.latency_ps / 1e12,
            "latency_p50_s": point.latency_p50_ps / 1e12,
            "latency_p99_s": point.latency_p99_ps / 1e12,
            "bound": point.bound,
            "energy_pj_per_bit": point.energy_pj_per_bit,
            "background_bytes_per_s": 0.0,
            "background_read_share": None,
        }


def measure(
    part: str | Tier | Link,
    *,
    sizes: Sequence[int] | None = None,
    depths: Sequence[int] | None = None,
    shares: Sequence[float] | None = None,
    load: bool = True,
    given: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Measurement:
    """Measure a part alone.

    Args:
        part: its name (see ``measure_part.subject``), or the record of a tier or link.
        sizes: bytes of an access; ``SIZES`` when absent, of memory and links ``SMALL`` too, up to the capacity.
        depths: accesses outstanding; ``DEPTHS`` as far as the part goes when absent.
        shares: of reads, 0 to 1 (of a link: of forward transfers); ``SHARES`` when absent.
        load: measure latency under load and the filling of a write cache too, where the part has them.
        given: figures that the part does not state or that are to be others, such as ``read_latency: 90 us``.
        progress: called with the points that are done, and their number in all.

    Raises:
        ConfigError: there is no such part, it lacks a figure that is needed, or a size, depth or share is impossible.
    """
    about = subject(part, given)
    sizes, depths, shares = _grid(about, sizes, depths, shares)
    rig = rig_of(about.part)
    told = progress or (lambda done, total: None)
    total = len(sizes) * len(depths) * len(shares)
    points: list[Point] = []
    for share in shares:
        for size in sizes:
            moving = energy_pj_per_bit(rig, size, share)
            for depth in depths:
                points.append(_point(rig, size, depth, share, moving))
                told(len(points), total)
    under_load = loaded(about.part, about.reads_only) if load else ()
    fills = filling(about.part) if load and not about.reads_only else ()
    return Measurement(about, tuple(points), under_load, fills, about.notes)


def _point(rig: Rig, size: int, depth: int, share: float, moving: float | None) -> Point:
    found = steady(rig, size, depth, share)
    energy = moving
    if moving is not None:
        watts = rig.part.background_power or 0.0
        energy = moving + watts / (found.bandwidth_bytes_per_s * 8.0) * 1e12
    return Point(
        size,
        depth,
        share,
        found.bandwidth_bytes_per_s,
        found.latency_ps,
        found.latency_p50_ps,
        found.latency_p99_ps,
        found.bound,
        energy,
    )


def _grid(
    about: Subject, sizes: Sequence[int] | None, depths: Sequence[int] | None, shares: Sequence[float] | None
) -> tuple[Sequence[int], Sequence[int], Sequence[float]]:
    """Return what is asked for, checked, or what suits the part."""
    part = about.part
    capacity = part.capacity if isinstance(part, Tier) and not about.unlimited else ROOM
    most = min(MOST_DEPTH, (part.queue_depth if isinstance(part, Tier) else part.engines) or MOST_DEPTH)
    wrong: list[Mistake] = []
    for size in sizes or ():
        if not 1 <= size <= min(MOST_SIZE, capacity):
            wrong.append(Mistake("size", f"`{size}` bytes: 1 to {min(MOST_SIZE, capacity):,} bytes can be measured"))
    for depth in depths or ():
        if not 1 <= depth <= most:
            wrong.append(Mistake("depth", f"`{depth}`: the part has 1 to {most:,} accesses outstanding"))
    for share in shares or ():
        if not 0.0 <= share <= 1.0:
            wrong.append(Mistake("share", f"`{share:g}` is not a share of 1"))
        elif share < 1.0 and about.reads_only:
            wrong.append(Mistake("share", f"`{share:g}` has writes, but {about.notes[-1]}"))
    if wrong:
        raise ConfigError(wrong)
    blocks = isinstance(part, Tier) and part.kind in BLOCKS
    usual = [size for size in (SIZES if blocks else SMALL + SIZES) if size <= capacity] or [capacity]
    deep = sorted({min(depth, most) for depth in DEPTHS})
    return sizes or usual, depths or deep, shares or (SHARES[:1] if about.reads_only else SHARES)
