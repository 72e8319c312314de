"""What an agent may see and do: the ``core`` that ``agent(env, core)`` is given.

An agent is a generator function that yields SimPy events of ``env`` (timeouts, or what ``core.watch`` returns). At a
time that it chose it acts before everything else of that instant. Each action runs the ready line before it returns.
Its transfers carry the number after the last stream. A run does not wait for agents: it is over when every access is
done and no transfer is in flight.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import simpy

if TYPE_CHECKING:
    from oracle.core.accesses import Access
    from oracle.core.stores import Store
    from oracle.core.twin import Twin


class Record(NamedTuple):
    """Something that was watched for; ``tier`` of a ``done`` is the one that the first look-up found, or none."""

    time_ps: int
    object: int
    tier: str | None
    stream: int


class Watch(NamedTuple):
    """Gathers the records of a kind until its event fires, which the n-th of them brings about."""

    kind: str
    tier: str | None
    every: int
    records: list[Record]
    event: simpy.Event

    def hear(self, kind: str, record: Record) -> None:
        if kind != self.kind or self.tier not in (None, record.tier):
            return
        self.records.append(record)
        if len(self.records) == self.every:
            self.event.succeed(self.records)  # SimPy takes it after this handler, before the core's next event


class AgentCore:
    """The running core as agents see it."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self._watches: list[Watch] = []
        twin.accesses.notify = self._heard
        twin.rooms.on_evict = lambda obj, store, stream: self._record("evict", obj, store.name, stream)

    @property
    def now(self) -> int:
        """The time in picoseconds."""
        return self._twin.calendar.now

    def resident(self, tier: str) -> int:
        """Bytes used in a tier: resident, arriving with room granted, and leaving."""
        return self._twin.store(tier).used

    def where(self, obj: int) -> str | None:
        """The nearest tier where an object is resident."""
        return next((store.name for store in self._twin.stores if store.resident(obj)), None)

    def prefetch(self, obj: int, tier: str) -> bool:
        """Bring an object into a tier from further out; False if there is nothing to do."""
        return self._act(self._twin.prefetchers.attempt, obj, self._twin.store(tier), inf)

    def prefetching(self, tier: str) -> int:
        """How many prefetches are on their way into a tier."""
        return len(self._twin.prefetchers.on_their_way(self._twin.store(tier)))

    def migrate(self, obj: int, source: str, target: str) -> bool:
        """Move an object from a tier to another, with write-backs' class; False if there is nothing to do."""
        return self._act(self._migrate, obj, self._twin.store(source), self._twin.store(target))

    def pin(self, obj: int, tier: str) -> None:
        """Keep an object from being evicted from a tier, as often as it is not unpinned."""
        self._twin.store(tier).pins[obj] += 1

    def unpin(self, obj: int, tier: str) -> None:
        """Take one pin off."""
        self._act(self._unpin, obj, self._twin.store(tier))

    def throttle(self, hop: str, traffic_class: int, share: float) -> None:
        """Leave a class at most a share of a hop."""
        for bound in self._twin.topology.bounds:
            if bound.hop.name == hop:
                self._twin.rates.set_limit(bound, traffic_class, share)

    def weight(self, traffic_class: int, weight: float) -> None:
        """Give all flows of a class a weight."""
        self._twin.rates.set_weight(traffic_class, weight)

    def watch(self, kind: str, tier: str | None = None, every: int = 1) -> simpy.Event:
        """Return an event that fires with the records since now when the n-th occurrence has happened.

        Kinds: ``done`` (an access finished), ``hit`` and ``miss`` (first look-ups that a tier counted), ``evict``.
        """
        watch = Watch(kind, tier, every, [], self._twin.calendar.env.event())
        self._watches.append(watch)
        return watch.event

    def _migrate(self, obj: int, source: Store, target: Store) -> bool:
        if obj in self._twin.transits.current or not source.resident(obj) or obj in target.state:
            return False
        if target.turns_away(self._twin.objects.size[obj]):
            return False
        self._twin.transits.migrate(obj, source, target, self._twin.replay.streams)
        return True

    def _unpin(self, obj: int, store: Store) -> None:
        store.pins[obj] -= 1
        self._twin.calendar.unsettled = True

    def _act(self, action: Any, *args: Any) -> Any:
        result = []
        self._twin.calendar.handle(lambda: result.append(action(*args)))
        return result[0]

    def _heard(self, kind: str, access: Access, store: Store | None) -> None:
        self._record(kind, access.object, store.name if store else access.served, access.stream)

    def _record(self, kind: str, obj: int, tier: str | None, stream: int) -> None:
        self._watches = [watch for watch in self._watches if not watch.event.processed]
        for watch in self._watches:
            watch.hear(kind, Record(self.now, obj, tier, stream))
