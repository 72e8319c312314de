"""Section 8: fetch, creation, allocation, eviction, copy, prefetch and migration, from their start to their end.

At the end of a transit the order is the text's: what is true of the tiers, copies that start, the owner done (or
waiting for its copy), then the joined accesses on the ready line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oracle.core.calendar import Calendar
from oracle.core.rooms import Rooms
from oracle.core.stores import ARRIVING, DEMAND, LEAVING, PREFETCH, RESIDENT, WRITE_BACK, Job, Req, Store
from oracle.core.topology import Topology
from oracle.core.transfers import Path, Transfer, Transfers

if TYPE_CHECKING:
    from oracle.core.accesses import Access, Accesses
    from oracle.core.objects import Objects


@dataclass(eq=False)
class Transit:
    """An object's way into a tier."""

    kind: str
    object: int
    source: Store | None
    target: Store
    traffic_class: int
    stream: int
    index: int  # of the access that caused it; -1 for an agent
    access: Access | None = None  # whose phase it is
    transfer: Transfer | None = None
    joined: list[Access] = field(default_factory=list)
    then: Callable[[], None] | None = None  # what a driver does when it is over

    @property
    def waits_for_room(self) -> bool:
        return self.object not in self.target.has_room


class Transits:
    """The transit of each object that has one."""

    def __init__(self, topology: Topology, calendar: Calendar, rooms: Rooms, transfers: Transfers, objects: Objects):
        self.topology = topology
        self.calendar = calendar
        self.rooms = rooms
        self.transfers = transfers
        self.objects = objects
        self.current: dict[int, Transit] = {}
        self.created: list[int] = []
        self.accesses: Accesses
        rooms.transits = self

    # The steps that they share

    def _begin(
        self, kind: str, obj: int, source: Store | None, target: Store, traffic_class: int, **about: Any
    ) -> Transit:
        assert obj not in self.current, "an object has at most one transit"
        transit = Transit(kind, obj, source, target, traffic_class, **about)
        self.current[obj] = transit
        target.state[obj] = ARRIVING
        return transit

    def _begin_for(self, access: Access, kind: str, source: Store | None, target: Store) -> Transit:
        about = {"stream": access.stream, "index": access.index, "access": access}
        transit = self._begin(kind, access.object, source, target, DEMAND, **about)
        access.transit = transit
        return transit

    def _ask_for_room(self, transit: Transit, then: Callable[[], None], promised: bool = False) -> Job:
        job = Job(self._req(transit), transit.stream, then, promised, transit)
        self.rooms.request(transit.target, job)
        return job

    def _req(self, transit: Transit) -> Req:
        return Req(transit.object, self.objects.size[transit.object], transit.index)

    def _move(self, transit: Transit, then: Callable[[], None]) -> None:
        source, target = transit.source.name, transit.target.name
        self._transfer(transit, Path(self.topology.move(source, target), source, target), then)

    def _transfer(
        self, transit: Transit, path: Path, then: Callable[[], None], amount: int | None = None, **about: Any
    ):
        obj = transit.object
        amount = self.objects.size[obj] if amount is None else amount
        about |= {"object": obj, "object_class": self.objects.class_name[obj], "then": then}
        # `start` may come back with the transfer in a line, in its latency or flowing
        transit.transfer = self.transfers.start(path, transit.traffic_class, transit.stream, amount, **about)

    def _arrive(self, transit: Transit, dirty: bool, was_there: bool = False) -> None:
        """Resident in the target; an update of a resident copy keeps it dirty if it was."""
        obj, target = transit.object, transit.target
        target.state[obj] = RESIDENT
        if dirty:
            target.dirty.add(obj)
        if not was_there:
            target.hits_of[obj] = 0
            if target.marks.get(obj) == "displaced":
                del target.marks[obj]
            target.counters["placed_bytes"] += self.objects.size[obj]
            target.policy.on_insert(obj, self._req(transit))

    def _over(self, transit: Transit) -> None:
        del self.current[transit.object]
        self.calendar.unsettled = True

    def _resume_joined(self, transit: Transit) -> None:
        for access in transit.joined:
            self.calendar.ready.append(lambda access=access: self.accesses.resume(access, transit.target))
        if transit.then is not None:
            self.calendar.ready.append(transit.then)

    def _give_up_source(self, transit: Transit) -> bool:
        """Remove the copy that was read; tell whether it was dirty."""
        obj, source = transit.object, transit.source
        dirty = obj in source.dirty
        source.policy.on_remove(obj)
        self.rooms.drop(source, obj)
        return dirty

    # Fetch, prefetch, migration

    def fetch(self, access: Access, source: Store) -> None:
        transit = self._begin_for(access, "fetch", source, access.near)
        self._ask_for_room(transit, lambda: self._move(transit, lambda: self._end_fetch(transit)))

    def prefetch(self, obj: int, source: Store, target: Store, stream: int) -> bool:
        """Begin a prefetch; false if no room may be taken."""
        transit = self._begin("prefetch", obj, source, target, PREFETCH, stream=stream, index=-1)
        job = self._ask_for_room(transit, lambda: self._move(transit, lambda: self._end_fetch(transit)))
        if self.rooms.withdraw(target, job):
            del self.current[obj]
            del target.state[obj]
            return False
        return True

    def migrate(self, obj: int, source: Store, target: Store, stream: int) -> None:
        transit = self._begin("migration", obj, source, target, WRITE_BACK, stream=stream, index=-1)
        self._ask_for_room(transit, lambda: self._move(transit, lambda: self._end_fetch(transit)))

    def _end_fetch(self, transit: Transit) -> None:
        self._over(transit)
        self._arrive(transit, dirty=False)
        gives_up = transit.kind == "migration" or transit.source.exclusive
        if gives_up and not self.objects.at_home(transit.object, transit.source) and self._give_up_source(transit):
            transit.target.dirty.add(transit.object)
        if transit.access is not None:
            self.accesses.done(transit.access)
        self._resume_joined(transit)

    def raise_to_demand(self, transit: Transit) -> None:
        transit.traffic_class = DEMAND
        if transit.transfer is not None:
            self.transfers.raise_class(transit.transfer, DEMAND)

    # Creation and allocation

    def create(self, access: Access, target: Store) -> None:
        transit = self._begin_for(access, "creation", None, target)
        self._ask_for_room(transit, lambda: self._compute(transit))

    def _compute(self, transit: Transit) -> None:
        access = transit.access
        flops = self.objects.creation_flops(transit.object, access.unit.byte_cost)
        write = lambda: self._write_in(transit, lambda: self._end_creation(transit))  # noqa: E731
        if not flops:
            write()
            return
        unit = access.unit.name
        path = Path((self.topology.leg(unit, "compute"),), unit, unit)
        self._transfer(transit, path, write, amount=flops, access=access)

    def _write_in(self, transit: Transit, then: Callable[[], None]) -> None:
        near, target, unit = transit.access.near.name, transit.target.name, transit.access.unit.name
        route = self.topology.near(near, "write") if target == near else self.topology.direct_write(near, target)
        path = Path(route, unit, target)
        self._transfer(transit, path, then, access=transit.access)

    def _end_creation(self, transit: Transit) -> None:
        self.created.append(transit.object)
        self._over(transit)
        self._arrive(transit, dirty=False)
        self.accesses.done(transit.access)
        if transit.target.rules.write == "through":
            self.start_copy(transit.object, transit.target, WRITE_BACK, transit.stream, transit.index)
        self._resume_joined(transit)

    def allocate_near(self, access: Access) -> None:
        transit = self._begin_for(access, "allocation", None, access.near)
        self._ask_for_room(transit, lambda: self._write_in(transit, lambda: self._end_near_allocation(transit)))

    def _end_near_allocation(self, transit: Transit) -> None:
        self._written_near(transit)
        self.copy_and_done(transit.access)
        self._resume_joined(transit)

    def _written_near(self, transit: Transit) -> None:
        access = transit.access
        self._over(transit)
        self._arrive(transit, dirty=True)
        for store in access.chain[1:]:
            gives_up = store.exclusive and not self.objects.at_home(transit.object, store)
            if gives_up and store.resident(transit.object):
                store.policy.on_remove(transit.object)
                self.rooms.drop(store, transit.object)

    def claim(self, access: Access) -> None:
        """Room near for an object that an operation writes: its bytes are the operation's."""
        transit = self._begin_for(access, "allocation", None, access.near)
        self._ask_for_room(transit, lambda: self._end_claim(transit))

    def _end_claim(self, transit: Transit) -> None:
        self._written_near(transit)
        self.accesses.done(transit.access)
        self._resume_joined(transit)

    def allocate_further(self, access: Access) -> None:
        """Write around the near tier an object that is nowhere."""
        transit = self._begin_for(access, "allocation", None, access.near.further)
        near, target, unit = access.near.name, transit.target.name, access.unit.name
        path = Path(self.topology.direct_write(near, target), unit, target)
        self._ask_for_room(
            transit, lambda: self._transfer(transit, path, lambda: self._end_further_allocation(transit))
        )

    def _end_further_allocation(self, transit: Transit) -> None:
        self._over(transit)
        self._arrive(transit, dirty=True)
        self.accesses.done(transit.access)
        self._resume_joined(transit)

    # Eviction and copy

    def evict(self, source: Store, obj: int, cause: Job) -> Transit:
        target, size = source.further, self.objects.size[obj]
        update = obj in target.state
        transit = self._begin("eviction", obj, source, target, WRITE_BACK, stream=cause.stream, index=cause.req.now)
        source.state[obj] = LEAVING
        source.leaving += size
        move = lambda: self._move(transit, lambda: self._end_eviction(transit, update))  # noqa: E731
        self._move_out(transit, update, move)
        return transit

    def _move_out(self, transit: Transit, update: bool, move: Callable[[], None]) -> None:
        """An update of a resident copy needs no room and starts at once; else room is asked for by the ready line."""
        if update:
            move()
            return
        promised = transit.target.refuses
        if promised:  # counted at once, so that the room is promised to nobody else
            transit.target.queued += self.objects.size[transit.object]
        self.calendar.ready.append(lambda: self._ask_for_room(transit, move, promised))

    def _end_eviction(self, transit: Transit, update: bool) -> None:
        obj, source = transit.object, transit.source
        dirty, size = obj in source.dirty, self.objects.size[obj]
        self._over(transit)
        source.leaving -= size
        self.rooms.drop(source, obj)
        self._arrive(transit, dirty, was_there=update)
        self._resume_joined(transit)

    def copy_and_done(self, access: Access) -> None:
        """After a write to the near tier: a copy outwards if it writes through, and the access done in its time."""
        near, copy = access.near, None
        if near.rules.write == "through" and access.object not in self.current and near.resident(access.object):
            waits = near.rules.write_wait
            traffic_class = DEMAND if waits else WRITE_BACK
            copy = self.start_copy(access.object, near, traffic_class, access.stream, access.index)
            if copy and waits:
                access.transit = copy
                copy.access = access
                return
        self.accesses.done(access)

    def start_copy(self, obj: int, source: Store, traffic_class: int, stream: int, index: int) -> Transit | None:
        target = source.further
        if target is None or target.state.get(obj) == ARRIVING:
            return None
        if obj not in target.state and target.turns_away(self.objects.size[obj]):
            return None  # it stays dirty
        if self.accesses.gates.turned_away(target, obj, obj in source.dirty):
            return None
        update, dirty = obj in target.state, obj in source.dirty
        source.dirty.discard(obj)
        transit = self._begin("copy", obj, source, target, traffic_class, stream=stream, index=index)
        move = lambda: self._move(transit, lambda: self._end_copy(transit, update, dirty))  # noqa: E731
        self._move_out(transit, update, move)
        return transit

    def _end_copy(self, transit: Transit, update: bool, dirty: bool) -> None:
        self._over(transit)
        self._arrive(transit, dirty, was_there=update)
        if transit.target.rules.write == "through":
            self.start_copy(transit.object, transit.target, WRITE_BACK, transit.stream, transit.index)
        if transit.access is not None:
            self.accesses.done(transit.access)
        self._resume_joined(transit)
