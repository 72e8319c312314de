"""Section 6: requests for room, and who must leave for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oracle.core.calendar import Calendar
from oracle.core.stores import PREFETCH, Job, Req, Store

if TYPE_CHECKING:
    from oracle.core.transits import Transits


class Rooms:
    """The room of all managed tiers."""

    def __init__(self, stores: list[Store], sizes: list[int], calendar: Calendar) -> None:
        self.stores = stores
        self.sizes = sizes
        self.calendar = calendar
        self.transits: Transits
        self.on_evict = lambda obj, store, stream: None
        calendar.settle = self.settle

    def request(self, store: Store, job: Job) -> None:
        store.line.append(job)
        if not job.promised:
            store.queued += job.req.size
        self.make_room(store)
        self.serve(store)

    def is_short(self, store: Store) -> bool:
        return store.used - store.leaving + store.queued > store.capacity

    def withdraw(self, store: Store, job: Job) -> bool:
        """Take a request that can have no room out of the line; tell whether it was so."""
        if job in store.line and self.is_short(store):
            store.line.remove(job)
            store.queued -= job.req.size
            return True
        return False

    def make_room(self, store: Store) -> None:
        if store.refuses:
            return
        while self.is_short(store):
            victim = self.pick(store)
            if victim is None:
                break
            self.evict(store, victim)

    def serve(self, store: Store) -> None:
        while store.line and store.used + store.line[0].req.size <= store.capacity:
            job = store.line.popleft()
            store.queued -= job.req.size
            store.take_room(job.req.key, job.req.size)
            self.calendar.ready.append(job.granted)

    def pick(self, store: Store, req: Req | None = None) -> int | None:
        req = req or store.line[0].req
        chosen, aside = None, []
        while len(store.policy) and chosen is None:
            victim = store.policy.victim(req)
            if victim not in self.transits.current and not store.pins[victim]:
                chosen = victim
            else:
                store.policy.on_remove(victim)
                aside.append(victim)
        for passed in aside:
            store.policy.on_insert(passed, req._replace(key=passed, size=self.sizes[passed]))
        store.counters["passed_over"] += len(aside)
        return chosen

    def evict(self, store: Store, victim: int, cause: Job | None = None) -> Any:
        """Evict for the head of the line, or for another; the transit that this begins, if any."""
        head = cause or store.line[0]  # whose stream it carries (the specification names no other)
        store.policy.on_remove(victim)
        store.counters["evictions"] += 1
        if cause is None and store.line[-1].transit.traffic_class == PREFETCH:
            self.displace(store, victim)
        self.on_evict(victim, store, head.stream)
        how = self._how_dropped(store, victim)
        if how is None:
            store.log.append((self.calendar.now, victim, "move"))
            store.counters["written_back"] += 1
            return self.transits.evict(store, victim, head)
        store.log.append((self.calendar.now, victim, how))
        store.counters["dropped"] += 1
        store.counters["refused"] += how == "refused"
        store.counters["lost"] += victim in store.dirty and how != "drop"
        self.drop(store, victim)
        return None

    def displace(self, store: Store, victim: int) -> None:
        """The victim goes for a prefetch."""
        if store.marks.get(victim) != "early":
            store.marks[victim] = "displaced"

    def drop(self, store: Store, obj: int) -> None:
        """The object is absent at once and its room is free."""
        store.give_up(obj, self.sizes[obj])
        self.calendar.unsettled = True

    def settle(self) -> None:
        for store in self.stores:
            if store.line:
                self.make_room(store)
                self.serve(store)

    def _renewed(self, store: Store, victim: int) -> bool:
        """Whether it is made again when it is needed: an older copy further out must not stand for it."""
        while store.further is not None:
            store = store.further
            if victim in store.state:
                return False
        return self.transits.objects.renewable(victim)

    def _how_dropped(self, store: Store, victim: int) -> str | None:
        """The first rule by which it is dropped; none if it moves on."""
        further, dirty = store.further, victim in store.dirty
        if dirty and store.rules.on_evict == "recompute" and self._renewed(store, victim):
            return "drop"
        if further is None:
            return "lost" if dirty else "drop"
        if not dirty and (store.rules.on_evict != "demote" or victim in further.state):
            return "drop"
        if victim not in further.state and further.turns_away(self.sizes[victim]):
            return "refused"
        if self.transits.accesses.gates.turned_away(further, victim, dirty):
            return "denied"
        return None
