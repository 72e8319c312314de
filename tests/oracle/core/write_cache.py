"""Section 4: the two-rate write cache of a flash tier: how full it is, and when it will be full."""

from __future__ import annotations

import math
from typing import Any


class WriteCache:
    """Bytes in the cache: ``level`` at ``anchor``, changing by ``slope`` bytes per picosecond."""

    def __init__(self, tier: Any) -> None:
        slc = tier.slc_cache
        self.capacity = slc.capacity
        self.drain = slc.bandwidth if slc.drain is None else slc.drain
        self.cost = 1e12 / (slc.bandwidth * tier.efficiency)
        self.budget_with_room = 2.0 * (tier.write_bandwidth / slc.bandwidth)
        self.level = 0.0
        self.slope = 0.0
        self.anchor = 0

    @property
    def full(self) -> bool:
        return self.level >= self.capacity - 1.0

    @property
    def budget(self) -> float:
        return 1.0 if self.full else self.budget_with_room

    def advance(self, now: int) -> None:
        """Before rates are set."""
        self.level = min(self.capacity, max(0.0, self.level + self.slope * (now - self.anchor)))
        self.anchor = now

    def follow(self, residual: float) -> int | None:
        """After rates are set: how fast it fills now, or empties; and when that makes it full, if it does."""
        used = self.budget - residual
        if used > 0:
            self.slope = 0.0 if self.full else used / self.cost
        else:
            self.slope = -self.drain / 1e12
        if self.slope <= 0:
            return None
        return self.anchor + max(1, math.ceil((self.capacity - self.level) / self.slope))
