"""What a replay keeps besides its totals while it runs, piece by piece: hits, victims, counts per interval."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hiersim.drivers.cache_loop import BYTES, EVICTIONS, MISSED_BYTES, MISSES, REQUESTS
from hiersim.drivers.cache_result import Series
from hiersim.errors import ConfigError, Mistake, nearest

COLUMNS = {
    "requests": REQUESTS,
    "misses": MISSES,
    "bytes": BYTES,
    "missed_bytes": MISSED_BYTES,
    "evictions": EVICTIONS,
}
PACKED = "packed"


class HitMap:
    """One bool per access, or one bit."""

    def __init__(self, packed: bool) -> None:
        self._packed = packed
        self._parts: list[np.ndarray] = []
        self._rest = np.zeros(0, np.bool_)  # hits that do not fill a byte yet

    def add(self, hits: np.ndarray) -> None:
        """Take the hits of the next accesses, bool."""
        if not self._packed:
            self._parts.append(hits)
            return
        hits = np.concatenate([self._rest, hits])
        whole = len(hits) // 8 * 8
        self._parts.append(np.packbits(hits[:whole]))
        self._rest = hits[whole:]

    def array(self) -> np.ndarray:
        """Return bool[accesses], or uint8[ceil(accesses / 8)] whose last byte is filled up with zeros."""
        if self._packed:
            return np.concatenate([np.zeros(0, np.uint8), *self._parts, np.packbits(self._rest)])
        return np.concatenate([np.zeros(0, np.bool_), *self._parts])


class Intervals:
    """Cuts pieces of a trace where intervals end, and keeps the counts there."""

    def __init__(self, every: int) -> None:
        self.every = every
        self._at: list[np.ndarray] = [np.zeros(len(COLUMNS), np.int64)]

    def cuts(self, done: int, accesses: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of a piece, begin and end, that lie within one interval; ``done`` accesses came before."""
        begin = 0
        while begin < accesses:
            end = min(accesses, begin + self.every - (done + begin) % self.every)
            yield begin, end
            begin = end

    def note(self, counts: np.ndarray) -> None:
        """Keep the counts if an interval ends here."""
        if counts[REQUESTS] % self.every == 0:
            self._at.append(counts[list(COLUMNS.values())])

    def series(self, counts: np.ndarray) -> Series:
        """Return the intervals so far, the last one perhaps cut short."""
        now = counts[list(COLUMNS.values())]
        at = [*self._at, now] if now[0] > self._at[-1][0] else self._at
        return Series(self.every, *np.diff(np.array(at), axis=0).T)


def check_outputs(hits: bool | str, interval: int | None) -> None:
    """Refuse what cannot be asked for.

    Raises:
        ConfigError: ``hits`` is neither a bool nor ``packed``, or ``interval`` is below 1.
    """
    wrong = []
    if not isinstance(hits, bool) and hits != PACKED:
        wrong.append(Mistake("hits", f"must be True, False or `{PACKED}`, got `{hits}`{nearest(str(hits), [PACKED])}"))
    if interval is not None and (isinstance(interval, bool) or int(interval) != interval or interval < 1):
        wrong.append(Mistake("interval", f"must be a number of accesses, at least 1, got {interval}"))
    if wrong:
        raise ConfigError(wrong)
