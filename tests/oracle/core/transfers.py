"""Sections 3 and 4: a transfer takes its slots, spends its latencies, flows, and gives its slots back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from oracle.core import effects_loaded, effects_nand
from oracle.core.calendar import LATENCY_OVER, Calendar, Entry
from oracle.core.hops import Hop, Leg
from oracle.core.rates import Costs, Flow, Rates
from oracle.core.slots import Slots
from oracle.core.topology import Route, Topology

SLOT, LATENCY, FLOW, OVER = "slot", "latency", "flow", "over"


class Path(NamedTuple):
    """A route with the names of its ends: tiers, or the unit where a near access, a stream or a direct write ends."""

    route: Route
    source: str
    target: str


@dataclass(eq=False)
class Transfer:
    """Bytes (or FLOPs) on their way over a route."""

    transfers: Transfers
    path: Path
    traffic_class: int
    stream: int
    amount: int
    object: int
    object_class: str
    then: Callable[[], None]
    access: Any = None  # the access that it is the near access or computation of
    number: int = 0
    created: int = 0
    slots_taken: int = 0
    flow_started: int = 0
    done: int = 0
    stage: str = SLOT
    to_take: list[Hop] = field(default_factory=list)  # hops whose slots it still needs, in ascending order
    latencies: list[int] = field(default_factory=list)  # of its hops, fixed when the last slot is taken
    entry: Entry | None = None
    flow: Flow | None = None

    @property
    def route(self) -> Route:
        return self.path.route

    @property
    def needs(self) -> set[Hop]:
        """Hops on which it needs a slot."""
        return {leg.hop for leg in self.route if leg.hop.slots is not None}

    @property
    def latency(self) -> int:
        return sum(self.latencies)

    @property
    def costs(self) -> Costs:
        return tuple(cost for leg in self.route for cost in leg.costs(self.amount))

    def carried(self, leg: Leg) -> dict[str, int]:
        """Bytes (or FLOPs) that it carries over a leg, by object class."""
        return {self.object_class: self.amount}

    def size_on(self, leg: Leg) -> int:
        """Bytes that it puts on a leg at once."""
        return self.amount

    def go_on(self) -> None:
        self.transfers.go_on(self)


class Transfers:
    """All transfers in flight, and the log of those that are over."""

    def __init__(self, topology: Topology, calendar: Calendar, rates: Rates) -> None:
        self.calendar = calendar
        self.rates = rates
        self.slots = {hop: Slots(hop, calendar) for hop in topology.hops if hop.slots is not None}
        self.in_flight: list[Transfer] = []
        self.log: list[Transfer] = []

    def start(self, path: Path, traffic_class: int, stream: int, amount: int, **about: Any) -> Transfer:
        transfer = Transfer(self, path, traffic_class, stream, amount, **about)
        transfer.number = self.calendar.number()
        transfer.created = self.calendar.now
        transfer.to_take = sorted(transfer.needs, key=lambda hop: hop.number)
        self.in_flight.append(transfer)
        self.go_on(transfer)
        return transfer

    def go_on(self, transfer: Transfer) -> None:
        while transfer.to_take:
            if not self.slots[transfer.to_take[0]].take_or_wait(transfer):
                return
        transfer.slots_taken = self.calendar.now
        transfer.latencies = [self._latency(leg) for leg in transfer.route]
        transfer.stage = LATENCY
        if transfer.latency:
            self._wait_for_latency(transfer)
        else:
            self._flow(transfer)

    def _latency(self, leg: Leg) -> int:
        queued = 0
        if leg.nand is not None and leg.direction == "read":
            ahead = [x for x in self.in_flight if x.stage == LATENCY and leg in x.route]
            senses = sum(effects_nand.senses(leg.nand, x.amount) for x in ahead)
            queued = leg.nand.read * senses // leg.nand.dies
        return leg.latency + queued + effects_loaded.added(leg.hop, self.rates.used)

    def raise_class(self, transfer: Transfer, traffic_class: int) -> None:
        """Its class changes at once: in lines (keeping its place) and in its group; what is in the calendar stays."""
        transfer.traffic_class = traffic_class
        if transfer.stage == FLOW:
            self.rates.change_class(transfer.flow, transfer.route, traffic_class)

    def _wait_for_latency(self, transfer: Transfer) -> None:
        key = (LATENCY_OVER, transfer.traffic_class, transfer.stream, transfer.number)
        time = transfer.slots_taken + transfer.latency
        transfer.entry = self.calendar.at(time, key, lambda: self._flow(transfer))

    def _flow(self, transfer: Transfer) -> None:
        transfer.entry = None
        transfer.stage = FLOW
        transfer.flow_started = self.calendar.now
        ends = lambda: self._end(transfer)  # noqa: E731
        transfer.flow = Flow(transfer, transfer.amount, transfer.stream, transfer.number, ends)
        self.rates.join(transfer.flow, transfer.route, transfer.traffic_class, transfer.costs)

    def _end(self, transfer: Transfer) -> None:
        self.rates.leave(transfer.flow)
        transfer.stage = OVER
        transfer.done = self.calendar.now
        self.in_flight.remove(transfer)
        self.log.append(transfer)
        for hop in sorted(transfer.needs, key=lambda hop: hop.number):
            self.slots[hop].give_back(transfer)
        transfer.then()
