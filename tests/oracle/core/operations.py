"""Section 13: operations of units, and objects that a driver wants near and held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from oracle.core.accesses import Access, Accesses, Computer
from oracle.core.hops import Hop, Leg
from oracle.core.rates import Costs
from oracle.core.stores import ARRIVING, Store
from oracle.core.transfers import Transfer
from oracle.core.transits import WRITE_BACK


class Own(tuple):
    """A route that equals no other, so that its flow is a group of its own."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


@dataclass(eq=False)
class Work(Transfer):
    """An operation of a unit, as a transfer: picoseconds of work."""

    flops: int = 0
    read: dict[str, int] = field(default_factory=dict)  # bytes by class
    written: dict[str, int] = field(default_factory=dict)
    by_memory: bool = False

    def moved(self, leg: Leg) -> dict[str, int]:
        return self.read if leg.direction == "read" else self.written

    def carried(self, leg: Leg) -> dict[str, int]:
        return {self.object_class: self.flops} if leg.direction == "compute" else self.moved(leg)

    def size_on(self, leg: Leg) -> int:
        return sum(self.moved(leg).values())

    @property
    def needs(self) -> set[Hop]:
        return {leg.hop for leg in self.route[:1] if leg.hop.slots is not None}

    @property
    def costs(self) -> Costs:
        unit, *near = self.route
        costs = [(bound, 1.0) for bound in unit.hop.bounds]
        for leg in near:
            size = self.size_on(leg)
            costs += [(bound, (cost * size) / self.amount) for bound, cost in leg.costs(size)]
        return tuple(costs)

    def go_on(self) -> None:
        while self.to_take:
            if not self.transfers.slots[self.to_take[0]].take_or_wait(self):
                return
        self.slots_taken = self.transfers.calendar.now
        self.latencies = [0 for _ in self.route]
        self.transfers._flow(self)


def begin(work: Work) -> None:
    """Begin it; it needs a slot of its unit alone."""
    transfers = work.transfers
    work.number = transfers.calendar.number()
    work.created = transfers.calendar.now
    work.to_take = list(work.needs)
    transfers.in_flight.append(work)
    work.go_on()


@dataclass(eq=False)
class Wanted(Access):
    """An object that is asked for near a unit."""

    heard: Callable[[Wanted], None] = lambda wanted: None
    lacks: bool = False


class Holding(Accesses):
    """Acquire and claim: an access that is done holds its object near, and the driver hears of it."""

    def ask(self, wanted: Wanted) -> None:
        wanted.number = self.calendar.number()
        wanted.issued = self.calendar.now
        wanted.looked_up = wanted.write  # what is overwritten counts as no look-up
        self.gates.issued += 1
        self.outstanding.append(wanted)
        self.calendar.ready.append(lambda: self.look_up(wanted))

    def take(self, unit: Computer, obj: int, counted: bool) -> None:
        """What is resident near is held at once."""
        near, access = unit.near, Access(-1, obj, False, 0, unit, self.objects.size[obj])
        self.gates.issued += 1
        if counted:
            near.looked_up += 1
            near.counters["hits"] += 1
            self.gates.asked_for(near, obj)
            near.count_use(obj)
        self.hit(access, near)
        near.pins[obj] += 1

    def look_up(self, access: Access) -> None:
        found = self.found(access)
        if not access.looked_up:
            access.looked_up = True
            self._count(access, found)
        if access.write:
            self._overwrite(access, found)
        else:
            self._bring(access, found)

    def _bring(self, access: Access, found: Store | None) -> None:
        transit = self.transits.current.get(access.object)
        if found is not None and found.state[access.object] == ARRIVING:
            self.join(access, transit)
            return
        if found is not None:
            self.hit(access, found)
        if found is None and transit is None:
            found = next((store for store in self.rooms.stores if store.resident(access.object)), None)
        if found is access.near:
            self.done(access)
        elif transit:
            self.join(access, transit)
        elif found is None:
            access.lacks = True
            self.done(access)
        else:
            self.transits.fetch(access, found)

    def _overwrite(self, access: Access, found: Store | None) -> None:
        transit = self.transits.current.get(access.object)
        if found is not None and found.state[access.object] == ARRIVING:
            self.join(access, transit)
        elif found is access.near:
            self.hit(access, found)
            self.done(access)
        elif transit:
            self.join(access, transit)
        else:
            self.transits.claim(access)

    def resume(self, access: Access, arrived: Store) -> None:
        access.joined = None
        if access.write or arrived is not access.near or not access.near.resident(access.object):
            self.look_up(access)
            return
        self.hit(access, access.near)
        self.done(access)

    def done(self, access: Any) -> None:
        if not access.lacks:
            access.near.pins[access.object] += 1
        self.calendar.ready.append(lambda: access.heard(access))

    def forget(self, access: Access) -> None:
        access.transit = access.joined = access.transfer = None
        self.outstanding.remove(access)

    def written(self, unit: Computer, obj: int, stream: int) -> None:
        near = unit.near
        if not near.resident(obj):
            return
        near.dirty.add(obj)
        if obj in self.transits.current:
            return
        for store in self.rooms.stores:
            if store not in unit.chain and store.resident(obj):
                self.give_up(store, obj)
        if near.rules.write == "through":
            self.transits.start_copy(obj, near, WRITE_BACK, stream, -1)

    def give_up(self, store: Store, obj: int) -> None:
        """A resident copy is removed, unless it is at home or held."""
        if not self.objects.at_home(obj, store) and not store.pins[obj]:
            store.policy.on_remove(obj)
            self.rooms.drop(store, obj)
