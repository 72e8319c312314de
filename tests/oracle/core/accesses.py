"""Section 8: the life of an access, from its issue to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oracle.core.calendar import ISSUED, LATENCY_OVER, Calendar
from oracle.core.objects import Objects
from oracle.core.rooms import Rooms
from oracle.core.stores import ARRIVING, RESIDENT, Req, Store
from oracle.core.topology import Route, Topology
from oracle.core.transfers import Path, Transfer, Transfers
from oracle.core.transits import DEMAND, PREFETCH, Transit, Transits


@dataclass(eq=False)
class Computer:
    """A unit: its name, its chain of tiers from near to far, and picoseconds per FLOP."""

    name: str
    chain: list[Store]
    byte_cost: float

    @property
    def near(self) -> Store:
        return self.chain[0]


@dataclass(eq=False)
class Access:
    """One access, and what it waits for."""

    index: int
    object: int
    write: bool
    stream: int
    unit: Computer
    size: int
    number: int = 0
    issued: int = -1
    done: int = -1
    served: str | None = None
    looked_up: bool = False
    counted_use: bool = False  # its first look-up was the first to find near what was prefetched
    transit: Transit | None = None  # its own, or the copy that it awaits
    joined: Transit | None = None
    transfer: Transfer | None = None  # its own where there is no transit

    @property
    def chain(self) -> list[Store]:
        return self.unit.chain

    @property
    def near(self) -> Store:
        return self.unit.near

    @property
    def req(self) -> Req:
        return Req(self.object, self.size, self.index)


class Accesses:
    """All accesses of a run: those to come by stream, and those outstanding in the order of their issue."""

    def __init__(
        self,
        topology: Topology,
        calendar: Calendar,
        rooms: Rooms,
        transfers: Transfers,
        transits: Transits,
        objects: Objects,
    ) -> None:
        self.topology = topology
        self.calendar = calendar
        self.rooms = rooms
        self.transfers = transfers
        self.transits = transits
        self.objects = objects
        self.outstanding: list[Access] = []
        self.all: list[Access] = []
        self.to_schedule: dict[int, list[Access]] = {}  # closed loop, by stream
        self.to_issue: dict[int, list[Access]] = {}
        self.think: int | None = None  # closed loop only
        self.notify: Callable[[str, Access, Store | None], None] = lambda kind, access, store: None
        self.prefetchers: Any = None
        transits.accesses = self

    # Issue

    def schedule(self, accesses: list[Access], times: list[int], replay: Any) -> None:
        self.all = accesses
        if replay.mode == "open":
            for access, time in zip(accesses, times, strict=True):
                self.calendar.at(time, (ISSUED, 0, 0, access.index), lambda access=access: self.issue(access))
            return
        self.think = replay.think
        for stream in range(replay.streams):
            self.to_schedule[stream] = [access for access in accesses if access.stream == stream]
            self.to_issue[stream] = list(self.to_schedule[stream])
            for _ in range(replay.outstanding):
                self._schedule_next(stream, 0)

    def _schedule_next(self, stream: int, time: int) -> None:
        if self.to_schedule[stream]:
            self.to_schedule[stream].pop(0)
            key = (ISSUED, 0, stream, self.calendar.number())
            self.calendar.at(time, key, lambda: self.issue(self.to_issue[stream].pop(0)))

    def issue(self, access: Access) -> None:
        access.number = self.calendar.number()
        access.issued = self.calendar.now
        self.gates.issued += 1
        self.outstanding.append(access)
        wait = self.look_up_time(access)
        if not wait:
            self.look_up(access)
            return
        key = (LATENCY_OVER, DEMAND, access.stream, access.number)
        self.calendar.at(self.calendar.now + wait, key, lambda: self.look_up(access))

    def look_up_time(self, access: Access) -> int:
        """The sum over the tiers that the look-up visits, as they are when the access is issued."""
        found = self.found(access)
        visited = access.chain if found is None else access.chain[: access.chain.index(found) + 1]
        return sum(self.topology.machine.tiers[store.name].lookup_latency for store in visited)

    def done(self, access: Access) -> None:
        access.done = self.calendar.now
        access.transit = access.joined = access.transfer = None
        self.outstanding.remove(access)
        if self.think is not None:
            self._schedule_next(access.stream, self.calendar.now + self.think)
        self.notify("done", access, None)
        self.prefetchers.hear(access)

    # Look up

    def found(self, access: Access) -> Store | None:
        for store in access.chain:
            if store.state.get(access.object) in (ARRIVING, RESIDENT):
                return store
        return None

    def look_up(self, access: Access) -> None:
        found = self.found(access)
        if not access.looked_up:
            access.looked_up = True
            self._count(access, found)
        if access.write:
            self.write(access, found)
        else:
            self.read(access, found)

    def _count(self, access: Access, found: Store | None) -> None:
        for store in access.chain:
            store.looked_up += 1
            self.gates.asked_for(store, access.object)
            if store is found:
                access.served = store.name
                hit = store.resident(access.object)
                access.counted_use = store.count_use(access.object) and store is access.near
                store.counters["hits" if hit else "merged"] += 1
                if hit:
                    self.notify("hit", access, store)
                return
            store.counters["misses"] += 1
            store.policy.on_miss(access.object, access.req)
            store.count_pollution(access.object)
            self.notify("miss", access, store)

    def join(self, access: Access, transit: Transit) -> None:
        access.joined = transit
        transit.joined.append(access)
        if transit.traffic_class == PREFETCH:
            self.transits.raise_to_demand(transit)

    def resume(self, access: Access, arrived: Store) -> None:
        """A joined access goes on; the object may have been evicted by now, and then the policy hears nothing."""
        access.joined = None
        if access.write or arrived is not access.near:
            self.look_up(access)
            return
        if access.near.resident(access.object):
            self.hit(access, access.near)
        self.done(access)

    def hit(self, access: Access, store: Store) -> None:
        store.hits_of[access.object] += 1
        if not self.objects.at_home(access.object, store):
            store.policy.on_hit(access.object, access.req)

    # Read

    def read(self, access: Access, found: Store | None) -> None:
        transit = self.transits.current.get(access.object)
        if found is None:
            # an object in transit to a tier that is not in this unit's chain: it has its one transit, so join that
            if transit:
                self.join(access, transit)
            else:
                self._create(access)
        elif found.state[access.object] == ARRIVING:
            self.join(access, transit)
        elif found is access.near:
            self.hit(access, found)
            self._start(access, self.topology.near(found.name, "read"), found.name, access.unit.name)
        else:
            self.hit(access, found)
            promotes = self._promotes(found, access.object)
            if promotes and transit:
                self.join(access, transit)
            elif promotes and self.gates.admits(access.near, access.object):
                self.transits.fetch(access, found)
            else:
                self._start(access, self.topology.stream(found.name, access.near.name), found.name, access.unit.name)

    def _create(self, access: Access) -> None:
        target = self.gates.first_that_admits(access)
        if target is not None:
            self.transits.create(access, target)
            return
        flops = self.objects.creation_flops(access.object, access.unit.byte_cost)
        unit = access.unit.name
        if flops:
            leg = self.topology.leg(unit, "compute")
            self._start(access, (leg,), unit, unit, lambda: self._end_unkept(access), flops)
        else:
            self._end_unkept(access)

    def _end_unkept(self, access: Access) -> None:
        self.transits.created.append(access.object)
        self.done(access)

    def _promotes(self, store: Store, obj: int) -> bool:
        n = store.rules.promotion.on_nth_hit  # 1 is always, 0 is never; from the n-th hit on
        return n > 0 and store.hits_of[obj] >= n

    # Write

    def write(self, access: Access, found: Store | None) -> None:
        near, transit = access.near, self.transits.current.get(access.object)
        if found is not None and found.state[access.object] == ARRIVING:
            self.join(access, transit)
        elif near.rules.write == "around" and near.further is not None:
            self._write_around(access, transit)
        elif near.resident(access.object):
            self._write_hit(access, transit)
        elif transit:
            self.join(access, transit)
        elif near.further and not near.further.refuses and not self.gates.admits(near, access.object):
            self._write_around(access, transit)
        else:
            self.transits.allocate_near(access)

    def _write_hit(self, access: Access, transit: Transit | None) -> None:
        near = access.near
        if near.rules.write == "through" and transit:
            self.join(access, transit)
            return
        self.hit(access, near)
        near.pins[access.object] += 1
        route = self.topology.near(near.name, "write")
        self._start(access, route, access.unit.name, near.name, lambda: self._end_write_hit(access))

    def _end_write_hit(self, access: Access) -> None:
        access.transfer = None
        self._written(access.object, access.near)
        self.transits.copy_and_done(access)

    def _written(self, obj: int, store: Store) -> None:
        """Unpin, and dirty; the object may have been given up meanwhile (a fetch or migration heeds no pins)."""
        store.pins[obj] -= 1
        self.calendar.unsettled = True
        if store.resident(obj):
            store.dirty.add(obj)

    def _write_around(self, access: Access, transit: Transit | None) -> None:
        obj, near = access.object, access.near
        if transit:
            self.join(access, transit)
            return
        if near.resident(obj) and not self.objects.at_home(obj, near):
            near.policy.on_remove(obj)
            self.rooms.drop(near, obj)
        store = next((store for store in access.chain[1:] if store.resident(obj)), None)
        if store is None:
            self.transits.allocate_further(access)
            return
        self.hit(access, store)
        store.pins[obj] += 1
        route = self.topology.direct_write(near.name, store.name)
        self._start(access, route, access.unit.name, store.name, lambda: self._end_direct_write(access, store))

    def _end_direct_write(self, access: Access, store: Store) -> None:
        self._written(access.object, store)
        self.done(access)

    def _start(
        self,
        access: Access,
        route: Route,
        source: str,
        target: str,
        then: Callable[[], None] | None = None,
        amount: int | None = None,
    ) -> None:
        about = {
            "object": access.object,
            "object_class": self.objects.class_name[access.object],
            "then": then or (lambda: self.done(access)),
            "access": access,
        }
        path = Path(route, source, target)
        access.transfer = self.transfers.start(path, DEMAND, access.stream, amount or access.size, **about)
