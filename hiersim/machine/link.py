"""A link: what carries bytes between two tiers, in each of two directions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hiersim.machine.effects import LoadedLatency, Packets
from hiersim.machine.record import Name, Part, problems_error
from hiersim.machine.tier import Depth, Sharpness, Waiting
from hiersim.units import (
    BytesPerSecond,
    OpsPerSecond,
    PicojoulesPerBit,
    Picoseconds,
    PositiveBytes,
    PositiveShare,
    Quantity,
    Watts,
)

LinkKind = Literal["pcie", "nvlink", "c2c", "cxl", "nvme", "network", "bus"]
"""What a link is."""


class Link(Part):
    """What connects two tiers; *forward* is from the first of ``between`` to the second."""

    between: Annotated[tuple[Name, Name], Field(strict=False)]
    """The two tiers that it connects."""
    kind: LinkKind
    """What it is."""
    bandwidth: BytesPerSecond
    """Bytes/s in each direction, or forward only when ``backward_bandwidth`` is given."""
    backward_bandwidth: BytesPerSecond | None = None
    """Bytes/s from the second tier to the first; as forward when absent."""
    duplex: Literal["full", "half"] = "full"
    """full: two independent directions; half: both share one."""
    latency: Picoseconds
    """Time of flight of a transfer, in picoseconds."""
    overhead: Picoseconds = 0
    """Fixed cost of each transfer (driver, DMA set-up), in picoseconds."""
    efficiency: PositiveShare = 1.0
    """Share of the bandwidth that is payload."""
    ops: OpsPerSecond | None = None
    """Cap on transfers in each direction, in operations/s; none when absent."""
    granularity: PositiveBytes = 1
    """Transfers are rounded up to a multiple of this many bytes."""
    engines: Depth | None = None
    """Transfers outstanding per direction (DMA engines), shared if half duplex; unlimited when absent."""
    waiting: Waiting = "fifo"
    """Who goes first when all engines are taken."""
    energy: PicojoulesPerBit | None = None
    """Energy of a transfer, in pJ/bit; unknown when absent."""
    background_power: Watts | None = None
    """Power drawn at all times, in watts; unknown when absent."""
    packets: Packets | None = None
    """Headers and read requests; ``efficiency`` is then what is left beside them."""
    sharpness: Sharpness | None = None
    """Bandwidth and operation rate bind together, as a smooth minimum of this p; the lesser of them when absent."""
    loaded_latency: LoadedLatency | None = None
    """How the latency grows under load; constant when absent."""
    background: Annotated[float, Quantity("bytes/s")] = 0.0
    """Forward traffic of others that is always there, in bytes/s."""
    backward_background: Annotated[float, Quantity("bytes/s")] = 0.0
    """Backward traffic of others that is always there, in bytes/s."""

    def background_load(self, forward: bool) -> float:
        """Return the share of a direction's bandwidth that the traffic of others takes."""
        rate = self.background if forward else self.backward_background
        return rate / (self.bandwidth_of(forward) * self.efficiency)

    @model_validator(mode="after")
    def _effects_fit(self) -> Link:
        loads = self.background_load(True), self.background_load(False)
        if (sum(loads) if self.duplex == "half" else max(loads)) >= 1.0:
            raise problems_error([(("background",), "the traffic of others takes all of the bandwidth")])
        if self.loaded_latency is not None and self.loaded_latency.mixed_rise > 0:
            what = "a link's directions are not mixed; leave it out"
            raise problems_error([(("loaded_latency", "mixed_rise"), what)])
        return self

    def bandwidth_of(self, forward: bool) -> float:
        """Return the bandwidth of a direction in bytes/s, before efficiency."""
        return self.bandwidth if forward or self.backward_bandwidth is None else self.backward_bandwidth
