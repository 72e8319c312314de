"""Packets of a link: headers, and the read requests that take the other direction."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from hiersim.machine.record import Sourced, problems_error
from hiersim.units import Bytes, PositiveBytes


class Packets(Sourced):
    """Payload in packets with headers, as PCIe transaction layer packets (pcie-bench, SIGCOMM 2018).

    One end drives the link (its DMA engine): bytes towards it complete its read requests, which themselves travel the
    other way; bytes away from it are posted writes.
    """

    max_payload: PositiveBytes
    """Payload of a packet (MPS), in bytes."""
    completion_header: Bytes
    """Header and framing of a packet that answers a read, in bytes."""
    write_header: Bytes
    """Header and framing of a packet that writes, in bytes."""
    read_request: PositiveBytes
    """Bytes that one read request asks for (MRRS)."""
    request_header: PositiveBytes
    """A read request on the wire, in bytes."""
    driven_by: Literal["first", "second"] = "first"
    """Which of the two tiers of ``between`` holds the DMA engine: ``first`` or ``second``."""

    @model_validator(mode="after")
    def _plausible(self) -> Packets:
        if self.read_request < self.max_payload:
            raise problems_error([(("read_request",), f"must be at least the payload of {self.max_payload:,} bytes")])
        return self
