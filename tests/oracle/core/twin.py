"""The twin: its parts put together, run, and read out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from oracle.core import laws
from oracle.core.accesses import Access, Accesses, Computer
from oracle.core.agents import AgentCore
from oracle.core.calendar import Calendar
from oracle.core.gates import Gates
from oracle.core.objects import Objects
from oracle.core.outcome import Evicted, HopOutcome, Moved, TierOutcome, TwinOutcome, UnitOutcome
from oracle.core.policies import make
from oracle.core.prefetchers import Prefetchers
from oracle.core.rates import Rates
from oracle.core.rooms import Rooms
from oracle.core.stalls import Stalls
from oracle.core.stores import RESIDENT, Store
from oracle.core.topology import Topology
from oracle.core.traffic import Traffic
from oracle.core.transfers import Transfers
from oracle.core.transits import Transits


class Twin:
    """One run of a trace on a machine.

    Args:
        machine: a ``Machine``.
        rules: ``TierRules`` by the names of the managed tiers, from near to far.
        classes: ``ClassRules`` by the names of object classes.
        replay: a ``Replay``; its ``unit`` (or ``units``) may also be a list of names, and then stream i belongs to unit
            i modulo its length.
        trace: columns object, time_ps, write, stream, group (by access) and size, object_class, flops (by object);
            the names ``classes``.
        policies: an object with the hooks of ``oracle.core.policies`` by tier name.
        agents: generator functions ``agent(env, core)`` that yield SimPy events.
    """

    def __init__(
        self,
        machine: Any,
        rules: dict[str, Any],
        classes: dict[str, Any],
        replay: Any,
        trace: Any,
        policies: dict[str, Any],
        agents: Sequence[Callable[[Any, AgentCore], Any]] = (),
    ) -> None:
        self.machine, self.replay, self.trace, self.agents = machine, replay, trace, agents
        self.calendar = Calendar()
        self.topology = Topology(machine, replay.dtype)
        self.objects = Objects(trace, classes)
        self.rates = Rates(self.topology, self.calendar)
        self.transfers = Transfers(self.topology, self.calendar, self.rates)
        self.stores = self._stores(rules, policies)
        self.rooms = Rooms(self.stores, self.objects.size, self.calendar)
        self.transits = Transits(self.topology, self.calendar, self.rooms, self.transfers, self.objects)
        self.accesses = Accesses(self.topology, self.calendar, self.rooms, self.transfers, self.transits, self.objects)
        self.units = {name: self._computer(name) for name in machine.units if machine.units[name].tier in rules}
        self.stalls = Stalls(list(self.units.values()), self.accesses, self.transfers)
        self.traffic = Traffic(self.topology, self.transfers)
        self.prefetchers = Prefetchers(self)
        self.gates = self.accesses.gates = Gates(self)
        self.agent_core = AgentCore(self)

    def run(self) -> TwinOutcome:
        self._place_at_home()
        accesses, times = self._deal()
        for agent in self.agents:
            self.calendar.env.process(agent(self.calendar.env, self.agent_core))
        self.accesses.schedule(accesses, times, self.replay)
        self.calendar.after_handler = lambda: laws.check_room(self.stores, self.objects.size)
        self.calendar.run(self._account, self._finished)
        laws.check_end(self)
        return self._outcome()

    def store(self, name: str) -> Store:
        return next(store for store in self.stores if store.name == name)

    # Before the run

    def _stores(self, rules: dict[str, Any], policies: dict[str, Any]) -> list[Store]:
        stores = []
        for number, (name, tier_rules) in enumerate(rules.items()):
            capacity = self.machine.tiers[name].capacity if tier_rules.capacity is None else tier_rules.capacity
            stores.append(Store(name, number, capacity, tier_rules, policies[name]))
        for store in stores:
            shared = [other for other in stores[store.number + 1 :] if not self._private(other.name)]
            store.further = shared[0] if shared else None
        return stores

    def _private(self, tier: str) -> bool:
        """The near tier of a unit of some kind, while another unit of that kind has another near tier."""
        units = self.machine.units.values()
        return any(a.tier == tier and a.kind == b.kind and b.tier != tier for a in units for b in units)

    def _computer(self, name: str) -> Computer:
        store: Store | None = self.store(self.machine.units[name].tier)
        chain = []
        while store is not None:
            chain.append(store)
            store = store.further
        return Computer(name, chain, self.topology.leg(name, "compute").byte_cost)

    def _place_at_home(self) -> None:
        for obj in range(len(self.objects)):
            for store in self.stores:
                if self.objects.at_home(obj, store):
                    store.state[obj] = RESIDENT
                    store.take_room(obj, self.objects.size[obj])
                    store.counters["placed_bytes"] += self.objects.size[obj]
        laws.check_room(self.stores, self.objects.size)

    def _deal(self) -> tuple[list[Access], list[int]]:
        """Deal the accesses to the streams, and the streams to the units."""
        trace, replay = self.trace, self.replay
        dealt_by = trace.stream if getattr(trace, "group", None) is None else trace.group
        named = getattr(replay, "units", None) or replay.unit or next(iter(self.machine.units))
        units = [named] if isinstance(named, str) else list(named)
        count = len(trace.object) if replay.limit is None else min(replay.limit, len(trace.object))
        accesses, times = [], []
        for index in range(count):
            stream, obj = int(dealt_by[index]) % replay.streams, int(trace.object[index])
            unit = self.units[units[stream % len(units)]]
            size = self.objects.size[obj]
            accesses.append(Access(index, obj, bool(trace.write[index]), stream, unit, size))
            time = int(trace.time_ps[index])
            times.append(time if replay.time_scale == 1 else round(time * replay.time_scale))
        return accesses, times

    # During the run

    def _account(self, start: int, end: int) -> None:
        self.stalls.account(start, end)
        self.traffic.account(start, end)
        for store in self.stores:
            store.byte_time += store.used * (end - start)
            if not store.levels or store.levels[-1][1] != store.used:
                store.levels.append((start, store.used))

    def _finished(self) -> bool:
        return all(access.done >= 0 for access in self.accesses.all) and not self.transits.current

    # After the run

    def _outcome(self) -> TwinOutcome:
        accesses, log = self.accesses.all, self.transfers.log
        created = self.transits.created
        return TwinOutcome(
            elapsed_ps=self.calendar.elapsed,
            events=self.calendar.events,
            created=len(created),
            created_bytes=sum(self.objects.size[obj] for obj in created),
            issue_ps=[access.issued for access in accesses],
            done_ps=[access.done for access in accesses],
            served=[access.served for access in accesses],
            tiers={store.name: self._tier(store) for store in self.stores},
            hops={hop.name: self._hop(hop) for hop in self.topology.hops},
            units={accounts.unit.name: _unit(accounts, log) for accounts in self.stalls.accounts},
            transfers=[_moved(transfer) for transfer in log],
            energy_j=self.traffic.energy(self.calendar.elapsed, self._computing()),
        )

    def _computing(self) -> dict[str, int]:
        """Picoseconds at active power, by unit."""
        return {accounts.unit.name: accounts.busy_compute for accounts in self.stalls.accounts}

    def _tier(self, store: Store) -> TierOutcome:
        name, traffic = store.name, self.traffic
        names = "hits merged misses evictions dropped written_back lost refused passed_over placed_bytes removed_bytes"
        return TierOutcome(
            capacity_bytes=store.capacity,
            read_bytes=traffic.payload(name, "read"),
            written_bytes=traffic.payload(name, "write"),
            read_wire_bytes=sum(traffic.wire(name, "read").values()),
            written_wire_bytes=sum(traffic.wire(name, "write").values()),
            **{counter: store.counters[counter] for counter in names.split()},
            resident_bytes=store.used,
            peak_bytes=store.peak,
            byte_time=store.byte_time,
            busy_ps=traffic.busy["part", name],
            programmed_bytes=traffic.programmed(name),
            activations=traffic.activations(name),
            denied=store.counters["denied"],
            evicted=[Evicted(*entry) for entry in store.log],
            levels=store.levels,
            prefetches=dict(store.prefetches) | {"left": list(store.marks.values()).count("early")},
        )

    def _hop(self, hop: Any) -> HopOutcome:
        keys = [key for key, leg in self.topology.legs.items() if leg.hop is hop]
        payload = {direction: self.traffic.payload(part, direction) for part, direction in keys}
        wire = {direction: self.traffic.wire(part, direction) for part, direction in keys}
        return HopOutcome(payload, wire, self.traffic.busy[hop.name])


def run(scenario: Any, agents: Sequence[Any] = ()) -> TwinOutcome:
    """Run a scenario of ``strategies`` with the naive policies that its rules name."""
    s, policies = scenario, make(scenario.rules, scenario.machine)
    replay = s.replay.model_copy(update={"unit": list(s.units)})
    return Twin(s.machine, s.rules, s.classes, replay, s.trace, policies, agents).run()


def _unit(accounts: Any, log: list[Any]) -> UnitOutcome:
    place = {transfer: row for row, transfer in enumerate(log)}  # in order of completion
    spent = [(*each[:6], place.get(each.transfer, -1)) for each in accounts.log]
    return UnitOutcome(accounts.busy_compute, accounts.busy_near, accounts.idle, dict(accounts.stalls), spent)


def _moved(t: Any) -> Moved:
    route = f"{t.path.source}>{t.path.target}"
    return Moved(t.created, t.slots_taken, t.flow_started, t.done, route, t.traffic_class, t.amount, t.object)
