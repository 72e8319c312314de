"""Section 11: what every run checks."""

from __future__ import annotations

from typing import Any

from oracle.core.stores import ARRIVING, LEAVING, RESIDENT, Store
from oracle.core.traffic import slowest, work

_SLACK = 1e-9  # of sums of floats


def check_room(stores: list[Store], sizes: list[int]) -> None:
    """At all times: resident + arriving with room granted + leaving = used <= capacity."""
    for store in stores:
        assert store.used == sum(sizes[obj] for obj in store.has_room) <= store.capacity, store.name
        assert all(obj in store.has_room for obj, state in store.state.items() if state != ARRIVING), store.name
        assert store.has_room <= store.state.keys(), store.name
        leaving = [obj for obj, state in store.state.items() if state == LEAVING]
        assert store.leaving == sum(sizes[obj] for obj in leaving), store.name
        assert store.queued == sum(job.req.size for job in store.line), store.name
        assert store.dirty <= store.has_room, store.name


def check_end(twin: Any) -> None:
    """At the end of a run."""
    assert not twin.accesses.outstanding, "accesses are outstanding"
    assert not twin.transfers.in_flight, "transfers are in flight"
    assert not twin.transits.current, "objects are in transit"
    assert all(access.done >= access.issued >= 0 for access in twin.accesses.all)
    _check_tiers(twin)
    _check_links(twin)
    _check_times(twin)


def _check_tiers(twin: Any) -> None:
    for store in twin.stores:
        resident = sum(twin.objects.size[obj] for obj, state in store.state.items() if state == RESIDENT)
        c = store.counters
        assert c["placed_bytes"] == c["removed_bytes"] + resident, store.name
        assert resident == store.used, store.name
        assert not store.line, store.name
        assert c["hits"] + c["merged"] + c["misses"] == store.looked_up, store.name
        assert c["evictions"] == c["dropped"] + c["written_back"] == len(store.log), store.name
        p = store.prefetches
        left = list(store.marks.values()).count("early")
        assert p["issued"] == p["in_time"] + p["late"] + p["unused"] + p["dropped"] + left, store.name
        held = {obj for obj in store.state if not twin.objects.at_home(obj, store)}
        assert len(store.policy) == len(held), store.name
        assert not any(store.pins.values()) or twin.agents, store.name


def _check_links(twin: Any) -> None:
    """Each link's bytes equal the sum over the routes that cross it (and each tier's: those that end there)."""
    by_ends: dict[tuple[str, str], int] = {}
    for name in twin.topology.machine.links:
        for direction in ("forward", "backward"):
            by_ends[name, direction] = 0
    for transfer in twin.transfers.log:
        for leg in transfer.route:
            if (leg.part, leg.direction) in by_ends:
                by_ends[leg.part, leg.direction] += transfer.amount
    for (name, direction), total in by_ends.items():
        assert sum(twin.traffic.payload(name, direction).values()) == total, name


def _check_times(twin: Any) -> None:
    elapsed = twin.calendar.elapsed
    for accounts in twin.stalls.accounts:
        parts = accounts.busy_compute + accounts.busy_near + accounts.idle + sum(accounts.stalls.values())
        assert parts == elapsed, accounts.unit.name
    total: dict[str, float] = {}
    for transfer in twin.transfers.log:
        assert transfer.flow_started == transfer.slots_taken + transfer.latency
        assert transfer.done - transfer.flow_started >= slowest(transfer) * (1 - _SLACK), "faster than its slowest hop"
        for bound, ps in work(transfer).items():
            total[bound] = total.get(bound, 0.0) + ps
    assert all(elapsed >= ps * (1 - _SLACK) for ps in total.values()), "faster than the busiest hop"
