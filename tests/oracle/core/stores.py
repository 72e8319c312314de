"""Section 5: which objects are in which tier, and in what state."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

DEMAND, WRITE_BACK, PREFETCH = 0, 1, 2
ARRIVING, RESIDENT, LEAVING = "arriving", "resident", "leaving"


class Req(NamedTuple):
    """What a policy is told of the access that it is asked about."""

    key: int
    size: int
    now: int  # index of the access in the trace; -1 for an agent's transfer


@dataclass(eq=False)
class Job:
    """A request for room."""

    req: Req
    stream: int
    granted: Callable[[], None]
    promised: bool = False  # whether its room is in `queued` already
    transit: Any = None


@dataclass(eq=False)
class Store:
    """A managed tier: its objects, its room, its line of requests, its counters."""

    name: str
    number: int
    capacity: int
    rules: Any
    policy: Any
    further: Store | None = None  # next(t)
    state: dict[int, str] = field(default_factory=dict)  # absent objects are not in it
    has_room: set[int] = field(default_factory=set)  # objects whose bytes are in `used`
    dirty: set[int] = field(default_factory=set)
    pins: Counter = field(default_factory=Counter)
    hits_of: Counter = field(default_factory=Counter)  # hits of each object since it came
    line: deque[Job] = field(default_factory=deque)
    used: int = 0
    queued: int = 0
    leaving: int = 0
    peak: int = 0
    byte_time: int = 0
    levels: list[tuple[int, int]] = field(default_factory=list)  # (time, used) since when
    counters: Counter = field(default_factory=Counter)
    log: list[tuple[int, int, str]] = field(default_factory=list)
    looked_up: int = 0
    marks: dict[int, str] = field(default_factory=dict)  # "early" or "displaced" (section 12)
    prefetches: Counter = field(default_factory=Counter)

    @property
    def refuses(self) -> bool:
        return self.rules.when_full == "refuse"

    @property
    def exclusive(self) -> bool:
        return self.rules.inclusion == "exclusive"

    def resident(self, obj: int) -> bool:
        return self.state.get(obj) == RESIDENT

    def turns_away(self, size: int) -> bool:
        return self.refuses and self.used + self.queued + size > self.capacity

    def take_room(self, obj: int, size: int) -> None:
        self.has_room.add(obj)
        self.used += size
        self.peak = max(self.peak, self.used)

    def give_up(self, obj: int, size: int) -> None:
        """The object is absent from here on."""
        del self.state[obj]
        self.has_room.remove(obj)
        self.dirty.discard(obj)
        self.used -= size
        self.counters["removed_bytes"] += size
        if self.marks.get(obj) == "early":
            del self.marks[obj]
            self.prefetches["unused"] += 1

    def count_use(self, obj: int) -> bool:
        """A first look-up finds the object here: is it the first use of a prefetch?"""
        early = self.marks.get(obj) == "early"
        if early:
            del self.marks[obj]
            self.prefetches["in_time" if self.resident(obj) else "late"] += 1
        return early

    def count_pollution(self, obj: int) -> None:
        """A first look-up misses the object here: did it have to leave for a prefetch?"""
        if self.marks.get(obj) == "displaced":
            del self.marks[obj]
            self.prefetches["pollution"] += 1
