"""Operations on units and streams, in plain Python on the parts of the core's twin."""

from __future__ import annotations

import math
from collections import Counter, deque
from functools import partial
from types import SimpleNamespace
from typing import Any

from oracle.core import laws
from oracle.core.operations import Holding, Own, Wanted, Work, begin
from oracle.core.policies import make
from oracle.core.stores import ARRIVING, RESIDENT, Job, Req, Store
from oracle.core.transfers import Path
from oracle.core.transits import DEMAND, PREFETCH
from oracle.core.twin import Twin, TwinOutcome
from oracle.execute.ops import COPIES, Op, operations_of
from oracle.execute.waits import Waits


class LostError(AssertionError):
    """An operation needs an object that is nowhere."""


class Execution(Twin):
    """A run of an ``OperationTrace``; arguments as of the driver's ``Setting``."""

    def __init__(self, machine: Any, rules: Any, classes: Any, execute: Any, trace: Any) -> None:
        self.ops, self.header, self.execute = operations_of(trace), trace.header, execute
        objects = trace.header.objects
        stand_ins = len(objects.classes)  # behind the objects one of each class, for bytes that are no object
        about = SimpleNamespace(
            size=[*objects.size, *[max(objects.size, default=1)] * stand_ins],
            object_class=[*objects.object_class, *range(stand_ins)],
            flops=[*objects.flops, *[0.0] * stand_ins],
            classes=objects.classes,
        )
        self.count = len(objects.size)
        replay = SimpleNamespace(dtype="bf16", streams=len(trace.header.streams))
        super().__init__(machine, rules, classes, replay, about, make(rules, machine))
        holding = Holding(self.topology, self.calendar, self.rooms, self.transfers, self.transits, self.objects)
        holding.gates, holding.prefetchers = self.gates, self.prefetchers
        self.accesses = holding
        homes = [None if home < 0 else objects.tiers[home] for home in objects.home]
        by_class = {obj: self.objects.home(obj) for obj in range(self.count)}
        own = {obj: homes[obj] or by_class[obj] for obj in range(self.count)}
        self.objects.home = lambda obj: own.get(obj)
        self.start = [None if start < 0 else objects.tiers[start] for start in objects.start]
        self.last_use = [int(place) for place in objects.last_use]
        self.remaining = Counter(obj for op in self.ops for obj in op.objects)
        self.streams: list[deque[Op]] = [deque() for _ in trace.header.streams]
        for op in self.ops:
            self.streams[op.stream].append(op)
            op.left = len(op.after)
        self.after: dict[int, list[Op]] = {op.place: [] for op in self.ops}
        for op in self.ops:
            for place in op.after:
                self.after[place].append(op)
        self.line: deque[Op] = deque()
        self.turns: dict[str, deque[Op]] = {store.name: deque() for store in self.stores}
        self.waiting: list[Op] = []
        self.ended: list[int] = []
        self.doing: Any = None  # what goes on with the operation that was taken last: a function, or none
        self.seen = -1
        self.stage: str | None = None
        self.stage_at = 0
        self.wanted: Counter[int] = Counter()
        self.look = [(stream[0] if stream else None) for stream in self.streams]
        self.look_at: list[int | None] = [None] * len(self.streams)
        self.distance = [0] * len(self.streams)
        self.away = [0] * len(self.streams)
        self.ended_at = 0
        self.busy: Counter[str] = Counter()
        self.stalls = Waits(self, list(self.units.values()))

    def run(self) -> TwinOutcome:
        self._place_at_home()
        for obj, name in enumerate(self.start):
            if name not in (None, self.objects.home(obj)):
                self._place(obj, self.store(name))
        for op in self.ops:
            if op.left == 0 and self.streams[op.stream][0] is op:
                self._line_up(op)
        self.calendar.step = self._step
        self.calendar.after_handler = lambda: laws.check_room(self.stores, self.objects.size)
        self.calendar.handle(lambda: None)
        self.calendar.run(self._account, self._finished)
        laws.check_end(self)
        return self._outcome()

    def _finished(self) -> bool:
        return all(op.phase == "over" for op in self.ops) and not self.transits.current

    def _computing(self) -> dict[str, int]:
        return {name: ps + self.stalls.active[name] for name, ps in super()._computing().items()}

    def _place(self, obj: int, store: Store) -> None:
        store.state[obj] = RESIDENT
        store.take_room(obj, self.objects.size[obj])
        store.counters["placed_bytes"] += self.objects.size[obj]
        store.policy.on_insert(obj, Req(obj, self.objects.size[obj], -1))

    # The lines

    def _line_up(self, op: Op) -> None:
        op.phase, op.free_at = "line", self.calendar.now
        self.line.append(op)

    def _step(self) -> bool:
        if self.doing is None and not self._take():
            return self._stages()
        doing, self.doing = self.doing, None
        doing()
        return True

    def _take(self) -> bool:
        if self.line:
            op = self.line.popleft()
            self.doing = lambda: self._consider(op)
            return True
        for store in self.stores:
            if self.turns[store.name] and not store.line:
                self.doing = partial(self._begin, self.turns[store.name].popleft())
                return True
        return False

    def _stages(self) -> bool:
        if self.stage is None:
            if self.seen == self.calendar.settled:
                return False
            self.seen, self.stage = self.calendar.settled, "ended"
        if self.stage == "ended":
            self._remove_ended()
            self.stage = "waiting"
            return True
        if self.stage == "waiting":
            ready = next((op for op in self.waiting if not self._must_wait(op, op.todo[0])), None)
            if ready is not None:
                self.waiting.remove(ready)
                ready.phase = "working"
                self.doing = lambda: self._copy(ready)
                return self._step()
            self.stage, self.stage_at = "ahead", 0
        while self.execute.ahead and self.stage_at < len(self.streams):
            if self._look_ahead(self.stage_at):
                return True
            self.stage_at += 1
        self.stage = None
        return True

    def _remove_ended(self) -> None:
        going = [obj for obj in self.ended if obj not in self.transits.current]
        self.ended = [obj for obj in self.ended if obj in self.transits.current]
        for obj in going:
            self._leave(obj)

    # An operation that is free

    def _consider(self, op: Op) -> None:
        near = self.units[op.unit].near
        if op.action == "carry":
            self._carry(op)
        elif op.action in COPIES:
            op.phase, op.outstanding, op.begun = "working", 1, op.free_at
            op.todo = op.objects
            self.doing = lambda: self._copy(op)
        elif all(near.resident(obj) for obj in op.objects) or not (self.turns[near.name] or near.line):
            self._begin(op)
        else:
            op.phase = "turn"
            self.turns[near.name].append(op)

    def _begin(self, op: Op) -> None:
        unit = self.units[op.unit]
        op.phase, op.outstanding, op.begun = "asking", 1, self.calendar.now
        lacks = []
        for at, obj in enumerate(op.objects):
            if unit.near.resident(obj):
                self.accesses.take(unit, obj, at < len(op.reads))
            else:
                lacks.append((obj, at >= len(op.reads)))
        self.doing = lambda: self._ask(op, lacks)

    def _ask(self, op: Op, lacks: list[tuple[int, bool]]) -> None:
        if not lacks:
            self._came(op)
            return
        obj, write = lacks.pop(0)
        unit = self.units[op.unit]
        heard = partial(self._heard, op)
        wanted = Wanted(op.place, obj, write, op.stream, unit, self.objects.size[obj], heard=heard)
        op.outstanding += 1
        op.wanted.append(wanted)
        self.accesses.ask(wanted)
        self.doing = lambda: self._ask(op, lacks)

    def _heard(self, op: Op, wanted: Wanted) -> None:
        if wanted.lacks:
            if op.action == "fetch" or not self.objects.renewable(wanted.object):
                raise LostError(op.place, wanted.object)
            wanted.lacks = False
            obj = wanted.object
            if obj in self.transits.current or any(store.resident(obj) for store in self.stores):
                self.calendar.ready.append(lambda: self.accesses.look_up(wanted))  # it has come meanwhile
            else:
                self.transits.create(wanted, wanted.near)
            return
        op.wanted.remove(wanted)
        self.accesses.forget(wanted)
        self._came(op)

    def _came(self, op: Op) -> None:
        op.outstanding -= 1
        if op.outstanding:
            return
        if op.action in COPIES:
            self._over(op)
            return
        if op.action == "fetch":
            self._over(op)
        else:
            op.begun = self.calendar.now
            self._operate(op)

    # Work

    def _operate(self, op: Op) -> None:
        unit = self.machine.units[op.unit]
        read, written = self._by_class(op.reads), self._by_class(op.writes)
        read[op.near_class] += op.near_read
        written[op.near_class] += op.near_written
        legs = [self.topology.leg(op.unit, "compute")]
        legs += self.topology.near(unit.tier, "read") if sum(read.values()) else ()
        legs += self.topology.near(unit.tier, "write") if sum(written.values()) else ()
        first = op.objects[0] if op.objects else self._stand_in(op.near_class)
        work = Work(
            self.transfers,
            Path(Own(legs), op.unit, op.unit),
            DEMAND,
            op.stream,
            0,
            object=first,
            object_class=self.objects.class_name[first],
            then=lambda: self.calendar.ready.append(lambda: self._job_over(op, work)),
            flops=op.flops,
            read=dict(+read),
            written=dict(+written),
        )
        work.access = SimpleNamespace(unit=self.units[op.unit], index=op.place, object=first)
        near = self._near_time(work)
        compute = op.flops * (1e12 / (unit.flops[op.dtype] * unit.efficiency)) if op.flops else 0.0
        if op.duration >= 0:
            work.amount = max(1, op.duration)
            work.by_memory = near > work.amount
        else:
            work.amount = max(1, math.ceil(self._larger(compute, near)) + unit.overhead)
            work.by_memory = near > compute
        op.alone = work.amount
        op.compute, op.near = work.amount if op.duration >= 0 else math.ceil(compute), math.ceil(near)
        op.critical += work.amount
        self.busy[op.unit] += work.amount
        op.phase, op.outstanding, op.jobs = "working", 1, [work]
        begin(work)

    def _by_class(self, uses: list[tuple[int, int]]) -> Counter[str]:
        total: Counter[str] = Counter()
        for obj, amount in uses:
            total[self.objects.class_name[obj]] += amount
        return total

    def _stand_in(self, name: str) -> int:
        return self.count + self.header.objects.classes.index(name)

    def _larger(self, compute: float, near: float) -> float:
        p, longer, shorter = self.execute.smooth, max(compute, near), min(compute, near)
        if not p or longer == 0.0:
            return longer
        return longer * math.pow(1.0 + math.pow(shorter / longer, float(p)), 1.0 / p)

    def _near_time(self, work: Work) -> float:
        """The bound of the near tier that its bytes load most."""
        total: dict[Any, float] = {}
        for leg in work.route[1:]:
            size = work.size_on(leg)
            for bound, cost in leg.costs(size):
                total[bound] = total.get(bound, 0.0) + cost * size
        return _most(total)

    # Copies

    def _carry(self, op: Op) -> None:
        route = self.topology.move(op.source, op.target)
        op.phase, op.outstanding, op.begun = "working", 1, self.calendar.now
        obj = self._stand_in(op.near_class)
        about = {"object": obj, "object_class": op.near_class, "then": lambda: self._carried(op)}
        path = Path(route, op.source, op.target)
        total: dict[Any, float] = {}
        for leg in route:
            for bound, cost in leg.costs(op.near_read):
                total[bound] = total.get(bound, 0.0) + cost * op.near_read
        op.alone = math.ceil(_most(total)) + sum(leg.latency for leg in route)
        op.critical += op.alone
        op.jobs = [None]
        op.jobs = [self.transfers.start(path, DEMAND, op.stream, op.near_read, **about)]

    def _carried(self, op: Op) -> None:
        self.calendar.ready.append(lambda: self._job_over(op, op.jobs[0]))

    def _copy(self, op: Op) -> None:
        """The next object of an offload, a store or a drop."""
        if not op.todo:
            self._came(op)
            return
        obj, near = op.todo[0], self.units[op.unit].near
        if self._must_wait(op, obj):
            op.phase = "waiting"
            self.waiting.append(op)
            return
        op.todo = op.todo[1:]
        self.doing = lambda: self._copy(op)
        if not near.resident(obj) or (self.objects.at_home(obj, near) and op.action != "store"):
            return
        transit = None
        if op.action == "drop":
            self.accesses.give_up(near, obj)
        elif op.action == "offload":
            cause = Job(Req(obj, self.objects.size[obj], op.place), op.stream, lambda: None)
            transit = self.rooms.evict(near, obj, cause)
        elif near.further is not None and (obj in near.dirty or obj not in near.further.state):
            transit = self.transits.start_copy(obj, near, DEMAND, op.stream, op.place)
        if transit is not None:
            op.outstanding += 1
            op.jobs.append(transit)
            transit.then = lambda: self._job_over(op, transit)

    def _must_wait(self, op: Op, obj: int) -> bool:
        near = self.units[op.unit].near
        if obj not in near.state or (self.objects.at_home(obj, near) and op.action != "store"):
            return False
        held = near.resident(obj) and near.pins[obj] > 0
        return obj in self.transits.current or (held and op.action != "store")

    def _job_over(self, op: Op, job: Any) -> None:
        op.jobs.remove(job)
        if op.action in COPIES:
            self._came(op)
        else:
            op.outstanding -= 1
            self._over(op)

    # The end

    def _over(self, op: Op) -> None:
        unit = self.units[op.unit]
        if op.action in ("compute", "fetch"):
            for obj, _ in op.writes:
                self.accesses.written(unit, obj, op.stream)
                unit.near.pins[obj] -= 1
            for obj, _ in op.reads:
                unit.near.pins[obj] -= 1
        op.phase, op.over_at, self.ended_at = "over", self.calendar.now, self.calendar.now
        self.calendar.unsettled = True
        for at, obj in enumerate(op.objects):
            self.remaining[obj] -= 1
            if self.remaining[obj] == 0 and self.last_use[obj] >= 0 and self.objects.home(obj) is None:
                if obj in self.transits.current:
                    self.ended.append(obj)
                else:
                    self._leave(obj)
            if op.looked and at < len(op.reads):
                self.wanted[obj] -= 1
        self._pass_on(op)

    def _leave(self, obj: int) -> None:
        for store in self.stores:
            if store.resident(obj):
                self.accesses.give_up(store, obj)

    def _pass_on(self, op: Op) -> None:
        stream = self.streams[op.stream]
        assert stream.popleft() is op
        self.distance[op.stream] -= 1
        for other in self.after[op.place]:
            other.left -= 1
            other.critical = max(other.critical, op.critical)
        if stream:
            stream[0].critical = max(stream[0].critical, op.critical)
        for other in [*([stream[0]] if stream else []), *self.after[op.place]]:
            if other.phase == "queued" and other.left == 0 and self.streams[other.stream][0] is other:
                self._line_up(other)

    # Ahead

    def _look_ahead(self, s: int) -> bool:
        stream = self.streams[s]
        if self.distance[s] < 0:
            self.look[s], self.look_at[s], self.distance[s] = (stream[0] if stream else None), None, 0
        while self.look[s] is not None and self.distance[s] <= self.execute.ahead:
            op = self.look[s]
            if self.away[s] and self.look_at[s] is None:
                return False
            if op.action == "compute":
                if self.look_at[s] is None:
                    self.look_at[s], op.looked = 0, True
                    self.wanted.update(obj for obj, _ in op.reads)
                while self.look_at[s] < len(op.reads):
                    obj = op.reads[self.look_at[s]][0]
                    source = self._source(op, obj)
                    if source is not None:
                        if not self._room_ahead(op, obj):
                            return False
                        self.look_at[s] += 1
                        self._prefetch(s, op, obj, self._source(op, obj))
                        return True
                    self.look_at[s] += 1
            mine = [other for other in self.ops if other.stream == s]
            rest = mine[mine.index(op) + 1 :]
            self.look[s], self.look_at[s] = (rest[0] if rest else None), None
            self.distance[s] += 1
        return False

    def _source(self, op: Op, obj: int) -> Store | None:
        """Where a fetch would read it, if there is something to fetch."""
        chain = self.units[op.unit].chain
        if obj in chain[0].state or obj in self.transits.current:
            return None
        return next((store for store in [*chain, *self.stores] if store.resident(obj)), None)

    def _room_ahead(self, op: Op, obj: int) -> bool:
        near, size = self.units[op.unit].near, self.objects.size[obj]
        while near.used - near.leaving + near.queued + size > near.capacity:
            req = Req(obj, size, -1)
            victim = self.rooms.pick(near, req)
            if victim is None or self.wanted[victim] > 0:
                return False
            self.rooms.displace(near, victim)
            self.rooms.evict(near, victim, Job(req, self.replay.streams, lambda: None))
        return True

    def _prefetch(self, s: int, op: Op, obj: int, source: Store) -> None:
        near = self.units[op.unit].near
        near.prefetches["issued"] += 1
        near.prefetches["bytes"] += self.objects.size[obj]
        near.marks[obj] = "early"
        transit = self.transits._begin("prefetch", obj, source, near, PREFETCH, stream=self.replay.streams, index=-1)
        transit.then = lambda: self._arrived(s)
        self.away[s] += 1
        self.transits._ask_for_room(
            transit, lambda: self.transits._move(transit, lambda: self.transits._end_fetch(transit))
        )
        assert near.state[obj] == ARRIVING

    def _arrived(self, s: int) -> None:
        self.away[s] -= 1


def _most(total: dict[Any, float]) -> float:
    """The largest of what is asked of bounds; of a medium that turns around the lesser of its two accounts."""
    longest = 0.0
    for bound, ps in total.items():
        if bound.kind in ("turnaround", "cache"):
            continue
        if bound.kind == "bandwidth" and bound.hop.turnaround is not None:
            ps = min(ps, total[bound.hop.bound("turnaround")])
        longest = max(longest, ps)
    return longest
