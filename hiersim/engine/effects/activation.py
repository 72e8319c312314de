"""Row activations of DRAM: scattered bytes open a row each visit, streams one per row and bank."""

from __future__ import annotations

from hiersim.engine.columns import H_BANKS, H_ROW, H_VISIT
from hiersim.engine.world import World
from hiersim.jit import hot


@hot
def opened(w: World, hop: int, amount: int) -> int:
    """Return the rows that a transfer of ``amount`` bytes opens."""
    visit, banks = w.hops[hop, H_VISIT], w.hops[hop, H_BANKS]
    if visit == 0:
        return 0
    together = w.hops[hop, H_ROW] * banks
    return min((amount + visit - 1) // visit, banks * ((amount + together - 1) // together))
