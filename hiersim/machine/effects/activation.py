"""Row activations of DRAM: energy that small scattered accesses pay and streams do not."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hiersim.machine.record import Sourced
from hiersim.units import Picojoules, PositiveBytes


class Activation(Sourced):
    """A transfer opens one row per ``visit`` bytes, until every bank has its row open; then one per row and bank.

    S bytes open min(ceil(S / visit), banks x ceil(S / (row x banks))) rows.
    """

    energy: Picojoules
    """Energy of an activation with its precharge, over all chips of the rank, in picojoules."""
    visit: PositiveBytes
    """Consecutive bytes of an address range in one row before the address map goes to another bank."""
    row: PositiveBytes
    """Bytes of a row, over all chips of the rank."""
    banks: Annotated[int, Field(ge=1, le=1_000_000)]
    """Banks that the address map spreads consecutive addresses over."""
