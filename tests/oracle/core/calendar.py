"""Section 7: SimPy's queue as the calendar, the ready line, and what happens once per handler and once per instant.

SimPy orders equal times by an integer priority. Agents' own events have SimPy's 0 and 1; the core's events carry their
key (rank, class, stream, sequence number) packed into one large integer; rates come last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf

import simpy

FLOW_ENDS, LATENCY_OVER, ISSUED = 0, 1, 2
_FIRST = 2  # after SimPy's URGENT (0) and NORMAL (1)
_LAST = 1 << 200

Handler = Callable[[], None]


class StuckError(AssertionError):
    """Accesses are outstanding and nothing will ever happen again."""


class Entry:
    """An event in the calendar, which may be cancelled."""

    def __init__(self, time: int, handler: Handler, counts: bool = True) -> None:
        self.time = time
        self.handler = handler
        self.counts = counts  # the run waits for it
        self.cancelled = False


class Calendar:
    """What happens when, and in which order."""

    def __init__(self) -> None:
        self.env = simpy.Environment()
        self.ready: deque[Handler] = deque()
        self.heard: deque[Handler] = deque()  # what prefetchers are told, and what they named
        self.live = 0  # core events that are still to come
        self.events = 0  # core events that happened: flow ends, latencies and look-ups over, issues
        self.elapsed = 0
        self.unsettled = False  # room fell free, or something may have become evictable, in this handler
        self.settle: Handler = lambda: None
        self.settled = 0  # how often it has run
        self.step: Callable[[], bool] = lambda: False  # what a driver does when the ready line is empty, if anything
        self.after_handler: Handler = lambda: None
        self._numbers = 0
        self._closing = False

    @property
    def now(self) -> int:
        return self.env.now

    def number(self) -> int:
        """Give the next sequence number."""
        self._numbers += 1
        return self._numbers

    def at(self, time: int, key: tuple[int, int, int, int], handler: Handler) -> Entry:
        """Have the handler run at a time, among equal times by (rank, class, stream, sequence number)."""
        rank, traffic_class, stream, number = key
        priority = _FIRST + (((((rank << 2) | traffic_class) << 40) | stream) << 64 | number)
        return self._schedule(Entry(time, handler), priority, self._happen)

    def cancel(self, entry: Entry | None) -> None:
        if entry is not None and not entry.cancelled:
            entry.cancelled = True
            self.live -= entry.counts

    def after_instant(self, handler: Handler) -> None:
        """Have the handler run once, after the last event of this instant."""
        if not self._closing:
            self._closing = True
            self._schedule(Entry(self.now, handler), _LAST, self._close)

    def change_at(self, time: int, handler: Handler) -> Entry:
        """Have the handler run after all other events of a time; it is no event, and the run does not wait for it."""
        return self._schedule(Entry(time, handler, counts=False), _LAST, self._change)

    def handle(self, handler: Handler) -> None:
        """Run a handler, then the ready line until it is empty; settle at the end of each handler that asked for it.

        When the ready line is empty the heard line goes on by one entry; when that is empty, too, a driver by one step.
        """
        self.ready.append(handler)
        while True:
            if self.ready or self.heard:
                (self.ready or self.heard).popleft()()
            elif not self.step():
                break
            if self.unsettled:
                self.settled += 1
                self.settle()
                self.unsettled = False
        self.after_handler()

    def run(self, account: Callable[[int, int], None], finished: Callable[[], bool]) -> None:
        """Take event after event; tell ``account`` of each stretch of time in which nothing happens.

        It is over when no event of the core is to come and every access is done; agents that would go on by themselves
        do not keep it alive (the specification does not say; an agent may well be an endless loop).
        """
        while self.live or not finished() or self.env.peek() == self.now:
            time = self.env.peek()
            if time == inf:
                raise StuckError(f"accesses are outstanding at {self.now} ps and nothing is to come")
            if time > self.now:
                account(self.now, time)
            self.env.step()

    def _schedule(self, entry: Entry, priority: int, happen: Callable[[Entry], None]) -> Entry:
        event = simpy.Event(self.env)
        event._ok, event._value = True, None
        event.callbacks.append(lambda _: happen(entry))
        self.env.schedule(event, priority=priority, delay=entry.time - self.now)
        self.live += entry.counts
        return entry

    def _happen(self, entry: Entry) -> None:
        if entry.cancelled:
            return
        entry.cancelled = True
        self.live -= 1
        self.events += 1
        self.elapsed = self.now
        self.handle(entry.handler)

    def _change(self, entry: Entry) -> None:
        if not entry.cancelled:
            entry.cancelled = True
            entry.handler()

    def _close(self, entry: Entry) -> None:
        self.live -= 1
        self._closing = False
        entry.handler()
