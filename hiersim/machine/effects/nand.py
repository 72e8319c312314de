"""NAND behind the bus of a flash drive: dies that read and program pages, and what garbage collection adds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from hiersim.machine.record import Sourced, problems_error
from hiersim.units import Picoseconds, PositiveBytes


class Nand(Sourced):
    """Flash dies: a closed network of ``dies`` servers before the drive's bus.

    A read that meets others waits for its die (balanced closed network), all reads and programs together are bounded
    by the dies' rates, and writes are amplified by garbage collection (see ``amplification``).
    """

    dies: Annotated[int, Field(ge=1, le=1_000_000)]
    """Dies (or planes) that work at once."""
    page: PositiveBytes
    """Bytes that a die reads or programs at once."""
    read: Annotated[Picoseconds, Field(gt=0)]
    """Time of a page read (tR), in picoseconds."""
    program: Annotated[Picoseconds, Field(gt=0)] | None = None
    """Time of a page program (tPROG), in picoseconds; without it the dies do not bound writes."""
    unit: PositiveBytes = 4096
    """Mapping unit (indirection unit) in bytes: what a write replaces is rounded up to it."""
    alignment: PositiveBytes | None = None
    """Writes begin at multiples of this many bytes; a whole mapping unit when absent."""
    over_provisioning: Annotated[float, Field(le=10)] | None = None
    """Spare bytes as a share of the bytes that the host sees; absent: writes are sequential and nothing is moved."""
    erase_block: PositiveBytes | None = None
    """Bytes erased together (a superblock); absent: as if it held very many writes."""

    @field_validator("over_provisioning")
    @classmethod
    def _some_spare(cls, share: float | None) -> float | None:
        if share is not None and share <= 0:
            raise ValueError(
                "random writes need spare blocks: with 0 their amplification is unbounded; give a share such as 0.07,"
                " or leave it out for sequential writes"
            )
        return share

    @model_validator(mode="after")
    def _fit_together(self) -> Nand:
        if self.alignment is not None and self.unit % self.alignment:
            raise problems_error([(("alignment",), f"must divide the mapping unit of {self.unit:,} bytes")])
        if self.erase_block is not None and self.erase_block < self.unit:
            raise problems_error([(("erase_block",), f"must hold at least one mapping unit of {self.unit:,} bytes")])
        return self
