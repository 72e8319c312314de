"""A tier: a place that stores bytes, from on-chip SRAM to flash and remote memory."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from hiersim.machine.effects import Activation, LoadedLatency, Nand, SlcCache
from hiersim.machine.record import Part, Problem, problems_error
from hiersim.units import (
    Bytes,
    BytesPerSecond,
    OpsPerSecond,
    PicojoulesPerBit,
    Picoseconds,
    PositiveBytes,
    PositiveShare,
    Quantity,
    Watts,
)

TierKind = Literal["sram", "l2", "hbm", "gddr", "lpddr", "ddr", "cxl", "pmem", "flash", "remote"]
"""What a tier is made of."""

Waiting = Literal["fifo", "fair", "priority"]
"""Who goes first where requests queue: in order, in turn over the streams, or by priority class."""

Depth = Annotated[int, Field(ge=1, le=1_000_000)]
"""How many requests may be outstanding."""


Sharpness = Annotated[int, Field(ge=1, le=64)]
"""The p of a smooth minimum of bounds, (sum of bound^-p)^(-1/p): the larger, the closer to the least of them."""

Cost = Annotated[float, Field(ge=0, le=10)]
"""An added cost as a multiple."""


class Tier(Part):
    """A place that stores bytes: capacity, bandwidth, latency, operation rates, energy."""

    kind: TierKind
    """What it is made of."""
    capacity: PositiveBytes
    """Bytes that it holds."""
    read_bandwidth: BytesPerSecond
    """Peak, in bytes/s."""
    write_bandwidth: BytesPerSecond
    """Peak, in bytes/s."""
    duplex: Literal["half", "full"] = "half"
    """half: reads and writes share one medium; full: each direction has its own."""
    read_latency: Picoseconds
    """Idle latency of a read, in picoseconds."""
    write_latency: Picoseconds
    """Idle latency of a write, in picoseconds."""
    lookup_latency: Picoseconds = 0
    """Time to find out whether an object is resident, in picoseconds."""
    efficiency: PositiveShare = 1.0
    """Share of both bandwidths that is left after refresh, ECC and the like."""
    read_ops: OpsPerSecond | None = None
    """Cap on reads, in operations/s; none when absent."""
    write_ops: OpsPerSecond | None = None
    """Cap on writes, in operations/s; none when absent."""
    granularity: PositiveBytes = 1
    """Transfers are rounded up to a multiple of this many bytes."""
    queue_depth: Depth | None = None
    """Requests outstanding at once; unlimited when absent."""
    waiting: Waiting = "fifo"
    """Who goes first when the queue is full."""
    read_energy: PicojoulesPerBit | None = None
    """Energy of a read, in pJ/bit; unknown when absent."""
    write_energy: PicojoulesPerBit | None = None
    """Energy of a write, in pJ/bit; unknown when absent."""
    energy_basis: Literal["dynamic", "total"] = "dynamic"
    """dynamic: pJ/bit come on top of the background power; total: they include it."""
    background_power: Watts | None = None
    """Power drawn at all times, in watts; unknown when absent."""
    endurance: Bytes | None = None
    """Bytes that may be written in its lifetime; unlimited when absent."""
    turnaround: Cost | None = None
    """A byte of the direction with fewer bytes costs the medium 1 + this, because it has to turn around."""
    media_bandwidth: BytesPerSecond | None = None
    """Full duplex: what the medium behind both directions moves in all, in bytes/s; unlimited when absent."""
    sharpness: Sharpness | None = None
    """Bandwidth, operation rate and dies bind as a smooth minimum of this p; the least of them when absent."""
    loaded_latency: LoadedLatency | None = None
    """How the latency grows under load; constant when absent."""
    nand: Nand | None = None
    """The dies of a flash tier; none when absent."""
    slc_cache: SlcCache | None = None
    """A write cache of a second rate; none when absent."""
    activation: Activation | None = None
    """Energy of DRAM row activations; none when absent."""
    background_read: Annotated[float, Quantity("bytes/s")] = 0.0
    """Read traffic of others that is always there, in bytes/s."""
    background_write: Annotated[float, Quantity("bytes/s")] = 0.0
    """Write traffic of others that is always there, in bytes/s."""

    @field_validator("background_power")
    @classmethod
    def _energy_counted_once(cls, power: float | None, info: ValidationInfo) -> float | None:
        if power and info.data.get("energy_basis") == "total":
            raise ValueError("a total pJ/bit already includes it; drop it, or set `energy_basis: dynamic`")
        return power

    def background_load(self, direction: Literal["read", "write"]) -> float:
        """Return the share of a direction's bandwidth that the traffic of others takes."""
        read = direction == "read"
        rate = self.background_read if read else self.background_write
        return rate / ((self.read_bandwidth if read else self.write_bandwidth) * self.efficiency)

    @model_validator(mode="after")
    def _effects_fit(self) -> Tier:
        problems = [*self._duplex_problems(), *self._effect_problems(), *self._background_problems()]
        if problems:
            raise problems_error(problems)
        return self

    def _duplex_problems(self) -> list[Problem]:
        problems: list[Problem] = []
        if self.duplex == "full" and self.turnaround is not None and self.media_bandwidth is None:
            what = "directions of their own do not take turns; set `duplex: half`, or give `media_bandwidth`"
            problems.append((("turnaround",), what))
        if self.duplex == "half" and self.media_bandwidth is not None:
            problems.append((("media_bandwidth",), "a half-duplex tier is one medium already; set `duplex: full`"))
        return problems

    def _effect_problems(self) -> list[Problem]:
        problems: list[Problem] = []
        if self.turnaround is not None and self.sharpness is not None:
            problems.append((("sharpness",), "stands beside `turnaround`; a tier has the one or the other"))
        mixed = self.loaded_latency is not None and self.loaded_latency.mixed_rise > 0
        if mixed and not self.turnaround:
            problems.append((("loaded_latency", "mixed_rise"), "needs a `turnaround` of more than 0"))
        cache = self.slc_cache
        if cache is not None and cache.bandwidth > self.write_bandwidth:
            what = "is more than `write_bandwidth`, the rate while the cache has room"
            problems.append((("slc_cache", "bandwidth"), what))
        return problems

    def _background_problems(self) -> list[Problem]:
        read, write = self.background_load("read"), self.background_load("write")
        together = read + write + (self.turnaround or 0.0) * min(read, write)
        if (together if self.duplex == "half" else max(read, write)) >= 1.0:
            return [(("background_read",), "the traffic of others takes all of the bandwidth")]
        lesser = min(self.background_read, self.background_write)
        on_media = self.background_read + self.background_write + (self.turnaround or 0.0) * lesser
        if self.media_bandwidth and on_media >= self.media_bandwidth:
            return [(("background_read",), "the traffic of others takes all of `media_bandwidth`")]
        return []
