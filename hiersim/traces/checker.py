"""What every source of accesses must keep to, checked run by run: times in order, possible sizes, ids of one kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import TraceError
from hiersim.traces.access import MOST_BYTES
from hiersim.traces.options import ReadOptions

if TYPE_CHECKING:
    from hiersim.traces.records import Records

LONGEST_PS = np.iinfo(np.int64).max


class Clock:
    """Turns the times of successive chunks into picoseconds since the first; refuses times that go backwards."""

    def __init__(self) -> None:
        self._first: Any = None
        self._last: Any = None

    def picoseconds(self, time: NDArray[Any], tick_ps: int, where: Callable[[int], str]) -> NDArray[np.int64]:
        """Return int64 picoseconds since the first time ever given.

        Raises:
            TraceError: a time is not a number, is earlier than the one before it, or is out of range.
        """
        if not len(time):
            return np.empty(0, np.int64)
        if time.dtype.kind == "f" and not np.isfinite(time).all():
            raise TraceError(f"{where(int(np.argmin(np.isfinite(time))))}: time is not a finite number")
        if self._first is None:
            self._first = self._last = time[0]
        self._check_order(time, where)
        self._last = time[-1]
        span = float(time[-1]) - float(self._first)
        if span * tick_ps >= LONGEST_PS:
            days = span * tick_ps / 86_400e12
            raise TraceError(
                f"{where(len(time) - 1)}: {days:,.0f} days after the first record; int64 picoseconds reach 106: "
                "check time_unit, or set ignore_time"
            )
        since: NDArray[Any] = time - self._first
        if time.dtype.kind == "f":
            since, tick_ps = np.rint(since * tick_ps), 1
        return np.asarray(since.astype(np.int64) * np.int64(tick_ps))

    def _check_order(self, time: NDArray[Any], where: Callable[[int], str]) -> None:
        if time[0] < self._last:
            raise TraceError(f"{where(0)}: time goes backwards, from {self._last} to {time[0]}; sort the trace by time")
        back = time[1:] < time[:-1]
        if back.any():
            i = int(np.argmax(back)) + 1
            raise TraceError(
                f"{where(i)}: time goes backwards, from {time[i - 1]} to {time[i]}; sort the trace by time"
            )


class Checker:
    """Checks the records of one source, run after run."""

    def __init__(self, options: ReadOptions, source: str) -> None:
        self._options, self._source = options, source
        self._clock = Clock()
        self._below = self._above = False  # whether there were ids below 0, and ids of 2^63 and more

    def picoseconds(self, records: Records) -> NDArray[np.int64]:
        """Return int64 picoseconds since the first access; zeros where time is ignored, or not known.

        Raises:
            TraceError: a time goes backwards, or is out of range.
        """
        if records.time is None or self._options.ignore_time:
            return np.zeros(len(records.id), np.int64)
        return self._clock.picoseconds(records.time, records.tick_ps, records.where)

    def size(self, records: Records) -> NDArray[np.int64]:
        """Return int64 bytes of each access.

        Raises:
            TraceError: a size is impossible, or missing.
        """
        options = self._options
        if options.ignore_size or records.size is None:
            if options.fixed_size is None and options.block_bytes is None:
                raise TraceError(f"{self._source}: the trace has no sizes; set block_bytes, or ignore_size")
            return np.full(len(records.id), options.block_bytes or 1, np.int64)
        wrong = (records.size < 1) | (records.size > MOST_BYTES)
        if wrong.any():
            i = int(np.argmax(wrong))
            raise TraceError(
                f"{records.where(i)}: size {records.size[i]}; sizes are 1 to 2^56 bytes "
                "(ignore_size reads without them)"
            )
        return records.size

    def ids(self, ids: NDArray[Any]) -> None:
        """Check that equal bits mean equal ids.

        Raises:
            TraceError: there were ids below 0, and ids of 2^63 and more.
        """
        if len(ids) and ids.dtype.kind == "i" and not self._below:
            self._below = bool(ids.min() < 0)
        if len(ids) and ids.dtype == np.uint64 and not self._above:
            self._above = bool(ids.max() >= 2**63)
        if self._below and self._above:
            raise TraceError(f"{self._source}: ids below 0 and ids of 2^63 and more; text_ids reads them as words")
