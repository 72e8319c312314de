"""Section 3: a limited number of slots on each hop, and the lines of those who wait for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracle.core.calendar import Calendar
from oracle.core.hops import Hop

if TYPE_CHECKING:
    from oracle.core.transfers import Transfer


class Slots:
    """The slots of one hop that has a limited number of them."""

    def __init__(self, hop: Hop, calendar: Calendar) -> None:
        self.hop = hop
        self.calendar = calendar
        self.holders: list[Transfer] = []
        self.line: list[Transfer] = []  # in the order in which they joined
        self._given = 0
        self._last_given: dict[int, int] = {}  # by stream; in order of giving, for several may be given at one time

    def take_or_wait(self, transfer: Transfer) -> bool:
        if len(self.holders) < self.hop.slots:
            self._give(transfer)
            return True
        self.line.append(transfer)
        return False

    def give_back(self, transfer: Transfer) -> None:
        self.holders.remove(transfer)
        if self.line:
            waiter = self._next()
            self.line.remove(waiter)
            self._give(waiter)
            self.calendar.ready.append(waiter.go_on)

    def class_that_holds_most(self) -> int:
        held = [sum(transfer.traffic_class == c for transfer in self.holders) for c in (0, 1, 2)]
        return held.index(max(held))

    def _give(self, transfer: Transfer) -> None:
        self.holders.append(transfer)
        transfer.to_take.pop(0)
        self._given += 1
        self._last_given[transfer.stream] = self._given

    def _next(self) -> Transfer:
        # min takes the first of equals, so who joined first decides last
        if self.hop.waiting == "priority":
            return min(self.line, key=lambda transfer: transfer.traffic_class)
        if self.hop.waiting == "fair":
            return min(self.line, key=lambda transfer: (self._last_given.get(transfer.stream, 0), transfer.stream))
        return self.line[0]
