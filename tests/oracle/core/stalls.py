"""Section 9: where the time of each unit goes."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from oracle.core.accesses import Access, Accesses, Computer
from oracle.core.transfers import FLOW, LATENCY, SLOT, Transfer, Transfers

CLASSES = ("demand", "write-back", "prefetch")
Cause = tuple[str, str, str]


class Spent(NamedTuple):
    """A stretch of a unit's time; of a stall also the access that it is charged to, and the transfer waited for."""

    start: int
    end: int
    state: str
    cause: Cause | None
    access: int | None
    object: int | None
    transfer: Transfer | None


class Accounts:
    """Busy, stalled and idle picoseconds of one unit."""

    def __init__(self, unit: Computer) -> None:
        self.unit = unit
        self.busy_compute = self.busy_near = self.idle = 0
        self.stalls: Counter[tuple[str, str, str, str]] = Counter()
        self.log: list[Spent] = []

    def write_down(self, start: int, end: int, state: str, cause: Cause | None, of: Access | None, on: Any) -> None:
        """Write down what the unit did, or let what it did last go on."""
        what = (state, cause, of and of.index, of and of.object, on)
        if self.log and self.log[-1][2:] == what:
            start = self.log.pop().start
        self.log.append(Spent(start, end, *what))


class Stalls:
    """The accounts of all units, brought forward stretch by stretch in which nothing happens."""

    def __init__(self, units: list[Computer], accesses: Accesses, transfers: Transfers) -> None:
        self.accesses = accesses
        self.transfers = transfers
        self.accounts = [Accounts(unit) for unit in units]

    def account(self, start: int, end: int) -> None:
        for accounts in self.accounts:
            self._account(accounts, start, end)

    def _account(self, accounts: Accounts, start: int, end: int) -> None:
        busy = self._busy(accounts.unit)
        if busy == "compute":
            accounts.busy_compute += end - start
            accounts.write_down(start, end, "compute", None, None, None)
        elif busy == "near":
            accounts.busy_near += end - start
            accounts.write_down(start, end, "near", None, None, None)
        else:
            self._not_busy(accounts, start, end)

    def _busy(self, unit: Computer) -> str | None:
        own = [x for x in self.transfers.in_flight if x.stage == FLOW and x.access and x.access.unit is unit]
        if any(x.route[0].direction == "compute" for x in own):
            return "compute"
        return "near" if any(_is_near(x, unit) for x in own) else None

    def _not_busy(self, accounts: Accounts, start: int, end: int) -> None:
        outstanding = [access for access in self.accesses.outstanding if access.unit is accounts.unit]
        if outstanding:
            oldest = min(outstanding, key=lambda access: access.number)
            self._stalled(accounts, oldest, self._causes(oldest, start, end), start)
        else:
            accounts.idle += end - start
            accounts.write_down(start, end, "idle", None, None, None)

    def _stalled(self, accounts: Accounts, access: Access, causes: list[tuple[Cause, int]], start: int) -> None:
        object_class = self.accesses.objects.class_name[access.object]
        for cause, ps in causes:
            accounts.stalls[(*cause, object_class)] += ps
            accounts.write_down(start, start + ps, "stall", cause, access, _awaited(access))
            start += ps

    def _causes(self, access: Access, start: int, end: int) -> list[tuple[Cause, int]]:
        whole = end - start
        transit, transfer = access.transit, access.transfer
        if access.joined:
            return [(("joined", access.joined.target.name, CLASSES[access.joined.traffic_class]), whole)]
        if transit:
            if transit.waits_for_room:
                behind = "write-back" if transit.target.leaving else "arrivals"
                return [(("room", transit.target.name, behind), whole)]
            transfer = transit.transfer
        if transfer is None:  # looking up
            near = self.transfers_hop(access)
            return [(("latency", near, ""), whole)]
        return self._of_transfer(transfer, start, end)

    def _of_transfer(self, transfer: Transfer, start: int, end: int) -> list[tuple[Cause, int]]:
        whole = end - start
        if transfer.stage == SLOT:
            hop = transfer.to_take[0]
            behind = CLASSES[self.transfers.slots[hop].class_that_holds_most()]
            return [(("slot", hop.name, behind), whole)]
        if transfer.stage == LATENCY:
            return _latencies(transfer, start, end)
        assert transfer.stage == FLOW
        binding = transfer.flow.group.binding
        return [(("bandwidth", binding.hop.name, binding.kind), whole)]

    def transfers_hop(self, access: Access) -> str:
        return self.accesses.topology.leg(access.near.name, "read").hop.name


def _awaited(access: Access) -> Transfer | None:
    """Return the transfer that an access waits for; none while it looks up or while there is no room for it."""
    transit = access.joined or access.transit
    if transit is None:
        return access.transfer
    return None if transit.waits_for_room else transit.transfer


def _is_near(transfer: Transfer, unit: Computer) -> bool:
    return all(leg.owner == unit.near.name for leg in transfer.route)


def _latencies(transfer: Transfer, start: int, end: int) -> list[tuple[Cause, int]]:
    """Cut a stretch at the borders between the latencies of the route's hops."""
    causes, begins = [], transfer.slots_taken
    for leg, latency in zip(transfer.route, transfer.latencies, strict=True):
        ends = begins + latency
        ps = min(end, ends) - max(start, begins)
        if ps > 0:
            causes.append((("latency", leg.hop.name, ""), ps))
        begins = ends
    return causes
