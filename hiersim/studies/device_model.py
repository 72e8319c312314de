"""The parameters of a device that measurements can determine, and what the simulator makes of them.

Values are kept by name in a mapping: times in picoseconds, rates in bytes/s and operations/s, the rest plain numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hiersim.api.measure_load import most_traffic, with_background
from hiersim.api.measure_rig import rig_of, steady
from hiersim.machine import Link, Tier
from hiersim.machine.effects import LoadedLatency, Nand
from hiersim.studies.device_data import Row

Values = Mapping[str, float]

TIERS = ("sram", "l2", "hbm", "gddr", "lpddr", "ddr", "cxl", "pmem", "flash", "remote")
LINKS = {"link": "bus", "cxl-link": "cxl"} | {
    kind: kind for kind in ("pcie", "nvlink", "c2c", "nvme", "network", "bus")
}
"""What may be calibrated: kinds of tiers, and of links (``cxl`` is the tier)."""
DEEP = ("flash", "pmem", "remote")
"""Tiers whose operations are capped, and whose bounds bind together; of them flash has dies."""
SHARPNESS = {"flash": 3, "pmem": 3, "remote": 6, "link": 6}
"""How sharply bounds bind together: 3 fits drives, 6 fits networks (see docs/model.md)."""
GRANULARITY = {"flash": 4096, "pmem": 256, "remote": 1}
"""Bytes that a transfer is rounded up to, of kinds that are not memory; less where smaller accesses were measured."""
LINE = 64
"""The same of memory."""
NO_LIMIT = 1e15
"""Bytes/s that stand for a bandwidth that the data do not show."""
FINE = 1000
"""Dies of the model while it is fitted, so that their number can vary smoothly; only read time over dies matters."""
CLOSEST = 0.999
"""Background traffic that is more than the model moves is taken as this share of it."""


@dataclass(frozen=True)
class Device:
    """What is fixed while parameters vary.

    Attributes:
        kind: of ``TIERS``, or of ``LINKS``.
        granularity: bytes that a transfer is rounded up to.
        page: bytes that a flash die reads at once.
        full: whether each direction has its own bandwidth.
    """

    kind: str
    granularity: int
    page: int = 16384
    full: bool = False

    @property
    def link(self) -> bool:
        """Whether it is a link."""
        return self.kind in LINKS

    @property
    def sharpness(self) -> int:
        """How sharply its bounds bind together."""
        return SHARPNESS["link" if self.link else self.kind]

    @property
    def latency(self) -> str:
        """The name of the latency of its reads (of a link: both ways)."""
        return "latency" if self.link else "read_latency"

    @property
    def bandwidth(self) -> str:
        """The name of the bandwidth of its reads (of a link: forward)."""
        return "bandwidth" if self.link else "read_bandwidth"

    def part(self, values: Values) -> Tier | Link:
        """Return the part that has these values; what is missing among them does not bind."""
        return self._link(values) if self.link else self._tier(values)

    def _tier(self, values: Values) -> Tier:
        latency = round(values.get("read_latency", 0))
        capped = {
            key: values[key] for key in ("read_ops", "write_ops", "turnaround", "media_bandwidth") if key in values
        }
        nand = None
        if "dies" in values:
            nand = Nand(dies=FINE, page=self.page, read=max(1, round(latency * FINE / values["dies"])))
        bound_together = nand is not None or "read_ops" in values or "write_ops" in values
        return Tier(
            kind=self.kind,  # type: ignore[arg-type]
            capacity=2**50,
            duplex="full" if self.full else "half",
            granularity=self.granularity,
            read_bandwidth=values.get("read_bandwidth", NO_LIMIT),
            write_bandwidth=values.get("write_bandwidth", values.get("read_bandwidth", NO_LIMIT)),
            read_latency=latency,
            write_latency=round(values.get("write_latency", latency)),
            nand=nand,
            sharpness=self.sharpness if bound_together else None,
            loaded_latency=_loaded(values),
            **capped,  # type: ignore[arg-type]
        )

    def _link(self, values: Values) -> Link:
        forward = values.get("bandwidth", NO_LIMIT)
        return Link(
            between=("first", "second"),
            kind=LINKS[self.kind],  # type: ignore[arg-type]
            duplex="full" if self.full else "half",
            granularity=self.granularity,
            bandwidth=forward,
            backward_bandwidth=values.get("backward_bandwidth", forward),
            latency=round(values.get("latency", 0)),
            ops=values.get("ops"),
            sharpness=self.sharpness if "ops" in values else None,
            loaded_latency=_loaded(values),
        )


def _loaded(values: Values) -> LoadedLatency | None:
    if "rise" not in values or "asymptote" not in values:
        return None
    mixed = round(values.get("mixed_rise", 0))
    return LoadedLatency(rise=round(values["rise"]), mixed_rise=mixed, asymptote=values["asymptote"])


def granularity_of(kind: str, rows: tuple[Row, ...]) -> int:
    """Return the usual granularity of a kind, or less where smaller accesses were measured; 1 for links."""
    usual = 1 if kind in LINKS else GRANULARITY.get(kind, LINE)
    smallest = min(row.size_bytes for row in rows)
    return usual if smallest >= usual else 1 << (smallest.bit_length() - 1)


def predict(part: Tier | Link, row: Row) -> tuple[float, float]:
    """Run a part as a row was measured; return bandwidth in bytes/s and mean latency in picoseconds."""
    if row.background_bytes_per_s:
        traffic = min(row.background_bytes_per_s, CLOSEST * most_traffic(part, row.background_share))
        part = with_background(part, traffic, row.background_share)
    found = steady(rig_of(part), row.size_bytes, row.queue_depth, row.share)
    return found.bandwidth_bytes_per_s, found.latency_ps
