"""Where the time of units goes that execute operations."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

from oracle.core.stalls import CLASSES, Accounts, Stalls, _awaited
from oracle.core.transfers import FLOW
from oracle.execute.ops import Op


class Waits(Stalls):
    """A unit that is not busy waits for what the first operation of its streams waits for."""

    def __init__(self, twin: Any, units: list[Any]) -> None:
        super().__init__(units, twin.accesses, twin.transfers)
        self.twin = twin
        self.active: Counter[str] = Counter()  # picoseconds busy on the near tier for operations
        self.of_kind: Counter[tuple[str, str, str, str]] = Counter()

    def account(self, start: int, end: int) -> None:
        super().account(start, end)
        for accounts in self.accounts:
            if self._busy(accounts.unit) == "near" and self._works(accounts.unit):
                self.active[accounts.unit.name] += end - start

    def _works(self, unit: Any) -> list[Any]:
        return [x for x in self._flowing(unit) if hasattr(x, "by_memory")]

    def _flowing(self, unit: Any) -> list[Any]:
        return [x for x in self.transfers.in_flight if x.stage == FLOW and x.access and x.access.unit is unit]

    def _busy(self, unit: Any) -> str | None:
        works = self._works(unit)
        others = [x for x in self._flowing(unit) if x not in works]
        if any(not x.by_memory for x in works) or any(x.route[0].direction == "compute" for x in others):
            return "compute"
        near = any(all(leg.owner == unit.near.name for leg in x.route) for x in others)
        return "near" if works or near else None

    def _not_busy(self, accounts: Accounts, start: int, end: int) -> None:
        twin, unit = self.twin, accounts.unit
        mine = [s for s, of in enumerate(twin.header.stream_units) if of >= 0 and twin.header.units[of] == unit.name]
        heads = [twin.streams[s][0] for s in mine if twin.streams[s]]
        if not heads:
            accounts.idle += end - start
            accounts.write_down(start, end, "idle", None, None, None)
            return
        first = min(heads, key=lambda op: op.place)
        op = self._blocking(first)
        obj, on, causes = self._why(op, start, end)
        for cause, ps in causes:
            accounts.stalls[(*cause, twin.objects.class_name[obj])] += ps
            self.of_kind[(first.kind, *cause)] += ps
            who = SimpleNamespace(index=op.place, object=obj)
            accounts.write_down(start, start + ps, "stall", cause, who, on)
            start += ps

    def _blocking(self, op: Op) -> Op:
        """Follow what it comes after to one that is free."""
        while op.phase == "queued":
            first = min(place for place in op.after if self.twin.ops[place].phase != "over")
            op = self.twin.streams[self.twin.ops[first].stream][0]
        return op

    def _why(self, op: Op, start: int, end: int) -> tuple[int, Any, list[tuple[Any, int]]]:
        """The object waited for, the transfer waited for, and the causes of the stretch."""
        twin, near, whole = self.twin, self.twin.units[op.unit].near, end - start
        if op.phase == "turn":
            return op.objects[0], None, [(_room(near), whole)]
        if op.phase == "asking":
            oldest = op.wanted[0]
            return oldest.object, _awaited(oldest), self._causes(oldest, start, end)
        if op.phase == "waiting":
            transit = twin.transits.current.get(op.todo[0])
            if transit is None:
                return op.todo[0], None, [(_room(near), whole)]
            cause = ("joined", transit.target.name, CLASSES[transit.traffic_class])
            return op.todo[0], None if transit.waits_for_room else transit.transfer, [(cause, whole)]
        job = op.jobs[0]
        if hasattr(job, "waits_for_room"):  # a transit
            if job.waits_for_room:
                return job.object, None, [(_room(job.target), whole)]
            job = job.transfer
        return job.object, job, self._of_transfer(job, start, end)


def _room(store: Any) -> tuple[str, str, str]:
    return ("room", store.name, "write-back" if store.leaving else "arrivals")
