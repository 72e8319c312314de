"""What an untimed replay gives back: totals, and on request the hits, the victims and a series of intervals."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Series:
    """Counts per interval of ``every`` accesses; the last one is shorter if the trace does not divide evenly.

    Attributes:
        every: accesses in an interval.
        requests: int64[intervals], accesses.
        misses: int64[intervals], those of them whose object was not there.
        bytes: int64[intervals], requested; equal to ``requests`` where all objects count the same.
        missed_bytes: int64[intervals], those of them that missed.
        evictions: int64[intervals], objects that left to make room.
    """

    every: int
    requests: np.ndarray
    misses: np.ndarray
    bytes: np.ndarray
    missed_bytes: np.ndarray
    evictions: np.ndarray

    def __len__(self) -> int:
        return len(self.requests)

    @property
    def miss_ratio(self) -> np.ndarray:
        """float64[intervals], the share of each interval's accesses that missed."""
        ratio: np.ndarray = self.misses / self.requests
        return ratio

    def table(self) -> pl.DataFrame:
        """Return a table with one row per interval: ``start``, the number of its first access, and the columns."""
        import polars as pl

        columns = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "every"}
        return pl.DataFrame({"start": np.arange(len(self), dtype=np.int64) * self.every} | columns)


@dataclass(frozen=True)
class CacheResult:
    """What a replay counted.

    Attributes:
        policy: its name with its parameters.
        capacity: of the cache: objects where all count the same, else bytes.
        requests: accesses replayed.
        misses: accesses whose object was not there.
        evictions: objects that left to make room.
        bytes: requested in all; equals ``requests`` where all objects count the same.
        missed_bytes: those of them that missed.
        resident: objects in the cache at the end.
        seconds: wall time of the replay alone, without compilation.
        victims: the evicted keys in order, int32; ``None`` unless asked for.
        hit_map: bool[requests], whether each access hit; as bits, uint8[ceil(requests / 8)] with the first access in
            the highest bit, if asked for so; ``None`` unless asked for.
        series: counts per interval; ``None`` unless asked for.
        admission: who was let in; ``none`` when everything was.
        denied: misses whose object was turned away.
        missed_cost: of all misses together, in the unit of the costs; ``None`` where none are known.
        cost: of all accesses, as if each missed; ``None`` where none are known.
        usable: hits on prefix blocks whose request had all blocks before them too; ``None`` for other traces.
    """

    policy: str
    capacity: int
    requests: int
    misses: int
    evictions: int
    bytes: int
    missed_bytes: int
    resident: int
    seconds: float
    victims: np.ndarray | None = field(default=None, repr=False, compare=False)
    hit_map: np.ndarray | None = field(default=None, repr=False, compare=False)
    series: Series | None = field(default=None, repr=False, compare=False)
    admission: str = "none"
    denied: int = 0
    missed_cost: float | None = None
    usable: int | None = None
    cost: float | None = None

    @property
    def hits(self) -> int:
        """Accesses whose object was there."""
        return self.requests - self.misses

    @property
    def orphans(self) -> int | None:
        """Hits that are of no use, since an earlier block of the same request missed; ``None`` for other traces."""
        return None if self.usable is None else self.hits - self.usable

    @property
    def miss_ratio(self) -> float:
        """Share of the accesses that missed; 0 for an empty trace."""
        return self.misses / self.requests if self.requests else 0.0

    @property
    def byte_miss_ratio(self) -> float:
        """Share of the requested bytes that missed; 0 for an empty trace."""
        return self.missed_bytes / self.bytes if self.bytes else 0.0

    @property
    def cost_miss_ratio(self) -> float | None:
        """Share of the cost of all accesses that the misses cost; ``None`` where no costs are known."""
        if self.missed_cost is None or self.cost is None:
            return None
        return self.missed_cost / self.cost if self.cost else 0.0
