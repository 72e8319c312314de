"""Serving with shared blocks in tiers, as docs/serving.md describes it, in plain Python on parts of the core's twin.

One unit. Bytes of requests that are no shared blocks are a number beside the near tier's objects. Bytes that are free
stand in a line; those that a preempted request left behind carry its name, until somebody takes them.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from oracle.core.accesses import Access
from oracle.core.calendar import _LAST, ISSUED, Entry
from oracle.core.operations import Holding, Own, Wanted, Work, begin
from oracle.core.policies import make
from oracle.core.stores import ARRIVING, RESIDENT, WRITE_BACK, Job, Req, Store
from oracle.core.transfers import Path
from oracle.core.transits import DEMAND
from oracle.core.twin import Twin

FIRST = 1 << 60


@dataclass
class Settings:
    """How a server is set; in bytes; ``faster``: picoseconds to compute a block, and more per token before it."""

    page_tokens: int
    page_bytes: int
    block_tokens: int
    block_bytes: int
    most_tokens: int
    most_sequences: int
    longest: int
    layers: int
    window: int = 0  # tokens that the layers with a window keep of what is no shared block
    window_bytes: int = 0  # of a page of those layers; page_bytes are of the others
    chunked: bool = True
    whole: bool = True
    reserve: int = 0
    remember: bool = True
    layered: bool = False
    anywhere: bool = False
    reserves: bool = False  # room for the expected answer is taken at once
    placed: bool = False  # and in one piece
    swaps: bool = False  # who is preempted goes on to the next tier, if it holds no block
    again: int = 0  # tokens of a block reused anywhere that are computed again
    faster: tuple[float, float] | None = None


@dataclass(eq=False)
class Block:
    """A shared block of a request's prompt, and what it is to the request."""

    object: int
    fate: str = "free"  # not there; "reused": there when it came; "shared": computed, and offered to others
    kept: Store | None = None  # where it is kept until it has been fetched


@dataclass(eq=False)
class Query:
    """A request."""

    number: int
    prompt: int
    output: int
    blocks: list[Block]
    guess: int = 1
    state: str = "to come"
    given: int = 0
    at: int = 0
    own: int = 0
    skip: int = 0  # reused blocks that it has still to pass over
    pending: int = 0
    published: int = 0
    copied: int = 0
    step: int = 0
    key: int = 0
    first: int = -1
    last: int = -1
    computed: int = 0
    preemptions: int = 0
    swapped: int = 0  # bytes of its own in the next tier
    served: Counter = field(default_factory=Counter)  # reused tokens by tier
    waits: Counter = field(default_factory=Counter)
    does: str = "queue"
    since: int = 0

    @property
    def known(self) -> int:
        return self.prompt + self.given

    @property
    def held(self) -> int:
        return sum(block.fate != "free" for block in self.blocks)

    def turn(self, does: str, now: int) -> None:
        self.waits[self.does] += now - self.since
        self.does, self.since = does, now


class Promising(Holding):
    """Acquires whose room is set aside from the start."""

    def ask_promised(self, wanted: Wanted) -> None:
        wanted.promised = True
        wanted.near.queued += wanted.size
        self.ask(wanted)

    def done(self, access: Any) -> None:
        self.redeem(access)
        super().done(access)

    def redeem(self, access: Any) -> None:
        if getattr(access, "promised", False):
            access.promised = False
            access.near.queued -= access.size
            self.calendar.unsettled = True


class Tiered(Twin):
    """A run; ``cost(batch)`` returns what a step takes.

    A batch is three lists: contexts of sequences with one new token, (new, before) of chunks, and how many there are.
    The cost is a mapping with ``time``, ``flops``, ``read`` and ``written`` (bytes by class).
    """

    def __init__(self, machine: Any, rules: Any, settings: Settings, requests: list[Any], cost: Any) -> None:
        self.settings, self.cost = settings, cost
        blocks = max((obj for _, _, _, keys, *_ in requests for obj in keys if settings.block_tokens), default=-1) + 1
        size = settings.block_bytes or settings.page_bytes or 1
        about = SimpleNamespace(
            size=[size] * (blocks + 3),
            object_class=[0] * blocks + [0, 1, 2],
            flops=[0.0] * (blocks + 3),
            classes=("kv", "weight", "activation"),
        )
        super().__init__(machine, rules, {}, SimpleNamespace(dtype="bf16", streams=1), about, make(rules, machine))
        holding = Promising(self.topology, self.calendar, self.rooms, self.transfers, self.transits, self.objects)
        holding.gates, holding.prefetchers = self.gates, self.prefetchers
        self.accesses = holding
        self.transits.fetch = self._fetch
        self.unit = next(iter(self.units.values()))
        self.near, self.stand_in = self.unit.near, blocks
        self.queries = [self._query(number, *request) for number, request in enumerate(requests)]
        self.times = [request[0] for request in requests]
        self.waiting: list[Query] = []
        self.running: list[Query] = []
        self.batch: list[Query] = []
        self.line: list[list[Any]] = []  # free bytes from the head: whose they were, or None, and how many
        self.piece = math.gcd(settings.page_bytes, settings.window_bytes)
        self.pages: list[Query | None] = [None] * (self.near.capacity // self.piece)  # whose each is
        self.free_pages = self.apart_pages = 0  # summed over steps: free ones, and those beside the largest hole
        self.swapping = 0  # bytes of requests on their way to the next tier
        self.coming = 0  # bytes that were taken for blocks to come, but are not set aside yet
        self.front, self.budget, self.late = 0, 0, 0
        self.preempted = self.busy = self.woken = False
        self.job: Work | None = None
        self.forming = False
        self.steps = 0

    def _query(self, number: int, _: int, prompt: int, output: int, keys: list[int], guess: int = 1) -> Query:
        size = self.settings.block_tokens
        full = max(prompt - 1, 0) // size if size else 0  # the last token is always computed
        return Query(number, prompt, output, [Block(obj) for obj in keys[:full]], guess)

    # The run

    def run(self) -> None:
        for query, time in zip(self.queries, self.times, strict=True):
            key = (ISSUED, 0, 0, query.number)
            self.calendar.at(time, key, lambda query=query: self._arrive(query))
        self.calendar.after_handler = self._after
        self.calendar.run(lambda start, end: None, self._finished)
        assert not any(self.near.pins.values()), "something is still held"
        assert self.near.used == sum(self.objects.size[obj] for obj in self.near.has_room)

    def _finished(self) -> bool:
        return all(query.state in ("done", "rejected") for query in self.queries) and not self.transits.current

    def _after(self) -> None:
        own = sum(query.own for query in self.queries)
        blocks = sum(self.objects.size[obj] for obj in self.near.has_room)
        assert self.near.used == own + blocks <= self.near.capacity
        for store in self.stores[1:]:
            swapped = sum(query.swapped for query in self.queries) if store is self.unit.chain[1] else 0
            assert store.used == swapped + sum(self.objects.size[obj] for obj in store.has_room) <= store.capacity
        if not self.forming:
            self._wake()

    def _wake(self) -> None:
        """Form a step when the last event of the instant is over, before rates are set."""
        if not self.woken:
            self.woken = True
            self.calendar._schedule(Entry(self.calendar.now, self._form, counts=False), _LAST - 1, self._happens)

    def _happens(self, entry: Entry) -> None:
        self.woken = False
        self.forming = True
        again = self._form()
        if self.calendar.unsettled:
            self.calendar.settle()
            self.calendar.unsettled = False
        more = bool(self.calendar.ready)
        self.calendar.handle(lambda: None)
        self.forming = False
        if again or more:
            self._wake()

    def _arrive(self, query: Query) -> None:
        query.since = self.calendar.now
        tokens = query.prompt + query.output
        kept = max(query.prompt, tokens - 1)
        too_much = not self.settings.chunked and kept > self.settings.most_tokens
        if (
            not query.prompt
            or tokens > self.settings.longest
            or self._bytes(query, kept) > self.near.capacity
            or too_much
        ):
            query.state = "rejected"
            return
        query.state, query.key = "waiting", query.number
        self._expect_what_fits(query)
        self.waiting.append(query)

    def _expect_what_fits(self, query: Query) -> None:
        most = max(1, min(query.guess, self.settings.longest - query.prompt))
        fits = [g for g in range(2, most + 1) if self._bytes(query, query.prompt + g) <= self.near.capacity]
        query.guess = max(fits, default=1)

    # A step

    def _form(self) -> bool:
        if self.busy:
            return False
        self.budget, self.preempted, self.late = self.settings.most_tokens, False, 0
        self.batch, self.decoding, self.chunks = [], [], []
        self._schedule_running()
        self._schedule_waiting()
        self._note_holes()
        if self.batch:
            self._begin_step()
        return self.preempted and not self.busy

    def _note_holes(self) -> None:
        if not self.settings.placed:
            return
        holes, at = [0], 0
        for page in self.pages:
            at = 0 if page else at + 1
            holes.append(at)
        self.free_pages += self.pages.count(None)
        self.apart_pages += self.pages.count(None) - max(holes)

    def _schedule_running(self) -> None:
        index = 0
        while index < len(self.running) and self.budget:
            query = self.running[index]
            count = min(self._left(query), self.budget)
            if count and not self._extend(query, count):
                if self.near.leaving:  # room is on its way: it sits this step out
                    index += 1
                    continue
                victim = self.running.pop()
                self._preempt(victim)
                self.preempted = True
                if victim is query:
                    return
                continue
            if count:
                self._enter(query, count)
            index += 1

    def _schedule_waiting(self) -> None:
        while self.waiting and self.budget and len(self.running) < self.settings.most_sequences and not self.preempted:
            query = min(self.waiting, key=lambda query: (query.key, query.number))
            if not self._admit(query) and (self.running or not self._unburden(query)):
                return

    def _unburden(self, first: Query) -> bool:
        """Where nothing runs and the first lacks room, all that wait behind it give theirs up."""
        held = [q for q in self.waiting if q is not first and (q.own or q.held) and not q.pending]
        for query in held:
            self._give_back(query)
            self._let_go(query)
            query.preemptions += 1
        return bool(held)

    def _admit(self, query: Query) -> bool:
        """Take it in, or let it fetch first; false if the queue stands."""
        if query.swapped:
            return self._come_back(query)
        fresh = not (query.at or query.held or query.own)
        if fresh:
            far = self._find(query)
            if not self._settle_in(query, far):
                self._drop(query)
                return False
            self.waiting.remove(query)
            self._hold(query)
            if query.at:  # what it remembers follows its blocks
                query.skip = 0
            if query.pending and not self.settings.layered:
                query.state = "fetching"
                query.turn("fetch", self.calendar.now)
                return True
        count = min(self._left(query), self.budget)
        stands = not self.settings.chunked and self._left(query) > self.budget
        if not stands and not self._extend(query, count):
            count = min(count, query.step)
            stands = not self._extend(query, count)
        if stands:
            if fresh:
                self.waiting.append(query)
            return False
        if not fresh:
            self.waiting.remove(query)
        query.state = "running"
        query.turn("decode" if query.given else "prefill", self.calendar.now)
        self.running.append(query)
        self._enter(query, count)
        return True

    def _enter(self, query: Query, count: int) -> None:
        self.batch.append(query)
        self.budget -= count
        self.late += query.pending
        query.step = count
        query.computed += count
        self._walk(query, count)
        self._publish(query)

    def _walk(self, query: Query, count: int) -> None:
        """Token by token: those that are computed make runs, reused blocks are passed over."""
        size, start = self.settings.block_tokens, None
        while True:
            block = self._reused_at(query)
            if block and query.skip:
                start = self._close(query, start)
                if self.settings.anywhere and self.settings.again:
                    self._chunk(self.settings.again, query.at)
                query.skip -= 1
                query.at += size
            elif count:
                start = query.at if start is None else start
                query.at += 1
                count -= 1
            else:
                break
        self._close(query, start)

    def _reused_at(self, query: Query) -> bool:
        size = self.settings.block_tokens
        here = size and query.at % size == 0 and query.at // size < len(query.blocks)
        return bool(here and query.blocks[query.at // size].fate == "reused")

    def _close(self, query: Query, start: int | None) -> None:
        if start is not None and query.at > start:
            self._chunk(query.at - start, start)

    def _chunk(self, new: int, before: int) -> None:
        if new == 1:
            self.decoding.append(before)
        else:
            self.chunks.append((new, before))

    def _begin_step(self) -> None:
        spent = self.cost(self.decoding, self.chunks, len(self.batch))
        self.busy = True
        self.steps += 1
        self.tail = max(1, spent["time"] // self.settings.layers)
        self._operate(spent["time"], spent["flops"], spent["read"], spent["written"])

    def _operate(self, time: int, flops: int, read: dict[str, int], written: dict[str, int]) -> None:
        legs = [self.topology.leg(self.unit.name, "compute")]
        legs += self.topology.near(self.near.name, "read") if sum(read.values()) else ()
        legs += self.topology.near(self.near.name, "write") if sum(written.values()) else ()
        path = Path(Own(legs), self.unit.name, self.unit.name)
        about = {
            "object": self.stand_in + 1,
            "object_class": "weight",
            "flops": flops,
            "read": read,
            "written": written,
        }
        then = lambda: self.calendar.ready.append(self._over)  # noqa: E731
        self.job = Work(self.transfers, path, DEMAND, 0, time, then=then, **about)
        begin(self.job)

    def _over(self) -> None:
        self.job = None
        if not self.late:
            self._end_step()

    def _end_step(self) -> None:
        self.busy = False
        for query in self.batch:
            self._copy_out(query)
            if not self._left(query):
                self._give_token(query)
        self.running = [query for query in self.running if query.state == "running"]

    def _give_token(self, query: Query) -> None:
        now = self.calendar.now
        query.given += query.output > 0
        if query.first < 0:
            query.first = now
            query.turn("decode", now)
        if query.given < query.output:
            return
        query.last, query.state = now, "done"
        query.turn("over", now)
        self._let_go(query)
        self._give_back(query)

    def _preempt(self, query: Query) -> None:
        query.preemptions += 1
        self.front += 1
        query.key, query.state = -self.front, "waiting"
        query.turn("preempted", self.calendar.now)
        if self._swap_out(query):
            return
        if self.settings.placed and query.given >= query.guess:  # it outgrew its room
            query.guess = 2 * query.given
            self._expect_what_fits(query)
        self._remember(query, query.at if not query.skip else 0)
        self._let_go(query)
        self.waiting.append(query)

    def _swap_out(self, query: Query) -> bool:
        near, further = self.unit.chain[0], (*self.unit.chain, None)[1]
        if not self.settings.swaps or further is None or not query.own or query.held:
            return False
        if not self._make_way(further, query.own):
            return False
        further.used += query.own
        further.peak = max(further.peak, further.used)
        near.leaving += query.own
        self.swapping += query.own
        query.swapped, query.state = query.own, "moving"
        self._carry(WRITE_BACK, near, further, query, lambda: self._is_out(query))
        return True

    def _is_out(self, query: Query) -> None:
        self.near.leaving -= query.swapped
        self.swapping -= query.swapped
        self._give_back(query)
        query.state = "waiting"
        self.waiting.append(query)

    def _come_back(self, query: Query) -> bool:
        if not self._take(query, max(query.swapped, self._bytes(query, query.known))):
            return False
        self.waiting.remove(query)
        query.state = "moving"
        query.turn("move", self.calendar.now)
        self._carry(DEMAND, self.unit.chain[1], self.near, query, lambda: self._is_back(query))
        return True

    def _is_back(self, query: Query) -> None:
        self.unit.chain[1].used -= query.swapped
        self.calendar.unsettled = True
        query.swapped, query.state = 0, "waiting"
        query.turn("queue", self.calendar.now)
        self.waiting.append(query)

    def _carry(self, traffic: int, source: Store, target: Store, query: Query, then: Any) -> None:
        path = Path(self.topology.move(source.name, target.name), source.name, target.name)
        about = {"object": self.stand_in, "object_class": "kv", "then": lambda: self.calendar.ready.append(then)}
        self.transfers.start(path, traffic, 0, query.swapped, **about)

    # Room

    def _left(self, query: Query) -> int:
        return query.known - query.at - query.skip * self.settings.block_tokens

    def _bytes(self, query: Query, tokens: int) -> int:
        """Page by page: those of shared blocks have all layers, the windows keep the last of the others."""
        s, size = self.settings, 0
        shared = len(query.blocks) * s.block_tokens
        for start in range(0, tokens, s.page_tokens):
            size += s.page_bytes
            size += s.window_bytes if start < shared else 0
        behind = min(max(0, tokens - shared), s.window)
        return size + -(-behind // s.page_tokens) * s.window_bytes

    def _free(self) -> int:
        return self.near.capacity - self.near.used - self.near.queued

    def _extend(self, query: Query, count: int) -> bool:
        until = query.at + query.skip * self.settings.block_tokens + count
        if self.settings.reserves:
            until = max(until, query.prompt + query.guess)
        return self._take(query, max(0, self._bytes(query, until) - query.held * self.settings.block_bytes) - query.own)

    def _take(self, query: Query, size: int) -> bool:
        if size <= 0:
            return True
        if not self._has_room(size) or (self.settings.placed and not self._place(query, size)):
            return False
        self._consume(size)
        query.own += size
        self.near.used += size
        self.near.peak = max(self.near.peak, self.near.used)
        return True

    def _place(self, query: Query, size: int) -> bool:
        """Page by page: behind what it has, else the first hole that is large enough."""
        count = size // self.piece
        mine = [i for i, owner in enumerate(self.pages) if owner is query]
        starts = [mine[-1] + 1] if mine else range(len(self.pages))
        for start in starts:
            hole = self.pages[start : start + count]
            if len(hole) == count and not any(hole):
                self.pages[start : start + count] = [query] * count
                return True
        return False

    def _has_room(self, size: int) -> bool:
        if size <= self._free():
            return True
        c, sizes = self.near.counters, self.objects.size
        pinned = sum(sizes[obj] for obj, pins in self.near.pins.items() if pins)
        evictable = c["placed_bytes"] - c["removed_bytes"] - self.near.leaving - pinned + self.swapping
        if size > self._free() + max(0, evictable):
            return False
        return self._make_way(self.near, size)

    def _make_way(self, store: Store, size: int) -> bool:
        req = Req(self.stand_in, self.objects.size[self.stand_in], self.gates.issued - 1)
        cause = Job(req, 0, lambda: None)
        store.queued += size
        while self.rooms.is_short(store):
            victim = self.rooms.pick(store, req)
            if victim is None:
                break
            self.rooms.evict(store, victim, cause)
        store.queued -= size
        return store.used + store.queued + size <= store.capacity

    def _give_back(self, query: Query) -> None:
        if query.own:
            self.near.used -= query.own
            query.own = 0
            self.pages = [None if owner is query else owner for owner in self.pages]
            self.calendar.unsettled = True

    def _settle_in(self, query: Query, far: int) -> bool:
        s = self.settings
        found = sum(block.fate == "reused" for block in query.blocks)
        had = sum(size for owner, size in self.line if owner is query)
        kept = 0
        if had and found == len(query.blocks):
            kept = min(
                had // s.page_bytes, (query.known - 1) // s.page_tokens - found * s.block_tokens // s.page_tokens
            )
            kept = max(0, kept)
        done = found * s.block_tokens + kept * s.page_tokens
        count = query.step = min(query.known - done, self.budget)
        if not s.chunked and query.known - done > self.budget:
            return False
        shared = found * s.block_bytes
        whole, first = query.known if s.whole else done + count, done + count
        if s.reserves:
            whole = first = max(whole, query.prompt + query.guess)
        own = max(0, self._bytes(query, whole) - shared)
        reserve = s.reserve if self.running else 0
        if not self._has_room(own + far * s.block_bytes + reserve):
            return False
        self._recall(query, kept * s.page_bytes)
        if kept:
            query.served["remembered"] += kept * s.page_tokens
            query.at = done
        self._consume(far * s.block_bytes)
        self.coming = far * s.block_bytes
        return self._take(query, max(0, self._bytes(query, first) - shared) - query.own)

    # The line of free bytes

    def _sync(self) -> None:
        """What has become free since stands last."""
        fresh = self._free() - self.coming - sum(size for _, size in self.line)
        if fresh > 0:
            self.line.append([None, fresh])

    def _consume(self, size: int) -> None:
        self._sync()
        while size and self.line:
            part = min(size, self.line[0][1])
            self.line[0][1] -= part
            size -= part
            if not self.line[0][1]:
                self.line.pop(0)

    def _remember(self, query: Query, computed: int) -> None:
        s = self.settings
        self._sync()
        size = query.own
        kept = min(size, max(0, computed - len(query.blocks) * s.block_tokens) // s.page_tokens * s.page_bytes)
        self._give_back(query)
        if s.remember and kept > 0:
            self.line += [[None, size - kept], [query, kept]]

    def _recall(self, query: Query, size: int) -> None:
        """Its bytes are its own again; what it had beyond them is anybody's, where it stands."""
        for entry in self.line:
            if entry[0] is query:
                entry[0] = None
                taken = min(size, entry[1])
                entry[1] -= taken
                size -= taken
                query.own += taken
                self.near.used += taken
        assert not size
        self.near.peak = max(self.near.peak, self.near.used)

    # Blocks

    def _found(self, obj: int) -> Store | None:
        for store in self.unit.chain:
            if store.state.get(obj) in (ARRIVING, RESIDENT):
                return store
        return None

    def _find(self, query: Query) -> int:
        far = 0
        for place, block in enumerate(query.blocks):
            store = self._found(block.object)
            if store is None:
                if not self.settings.anywhere:
                    break
                continue
            if store is not self.near and not self._pays(store, place):
                continue
            block.fate, block.kept = "reused", store
            store.pins[block.object] += 1
            far += store is not self.near
        return far

    def _pays(self, store: Store, place: int) -> bool:
        if self.settings.faster is None:
            return True
        route = self.topology.move(store.name, self.near.name)
        time = sum(leg.latency for leg in route) + self.settings.block_bytes * max(leg.byte_cost for leg in route)
        start, more = self.settings.faster
        return time < start + more * place * self.settings.block_tokens

    def _drop(self, query: Query) -> None:
        self.coming = 0
        for block in query.blocks:
            block.fate = "free"
            self._unkeep(block)

    def _unkeep(self, block: Block) -> None:
        if block.kept is not None:
            block.kept.pins[block.object] -= 1
            block.kept = None
            self.calendar.unsettled = True

    def _hold(self, query: Query) -> None:
        for block in query.blocks:
            obj, store = block.object, block.kept
            access = Access(-1, obj, False, 0, self.unit, self.objects.size[obj])
            if block.fate != "reused":
                self.gates.issued += 1
                self.accesses._count(access, self._found(obj))
                continue
            query.served[store.name] += self.settings.block_tokens
            query.skip += 1
            if store is self.near and store.resident(obj):
                self.gates.issued += 1
                self.accesses._count(access, store)
                self.accesses.hit(access, store)
                block.kept = None  # the pin is the request's own from here on
                continue
            query.pending += 1
            heard = lambda wanted, query=query, block=block: self._came(query, block, wanted)  # noqa: E731
            wanted = Wanted(-1, obj, False, 0, self.unit, self.objects.size[obj], heard=heard)
            if store is self.near:
                self.accesses.ask(wanted)
            else:
                self.accesses.ask_promised(wanted)
        self.coming = 0

    def _fetch(self, access: Any, source: Store) -> None:
        transits = self.transits
        transit = transits._begin_for(access, "fetch", source, access.near)
        promised = getattr(access, "promised", False)
        access.promised = False
        move = lambda: transits._move(transit, lambda: transits._end_fetch(transit))  # noqa: E731
        transits._ask_for_room(transit, move, promised)

    def _came(self, query: Query, block: Block, wanted: Wanted) -> None:
        assert not wanted.lacks, "what is kept where it was found cannot be lost"
        self.accesses.forget(wanted)
        self._unkeep(block)
        query.pending -= 1
        if query.state == "running":
            self.late -= 1
            if not self.late and self.job is None and self.busy:
                self._operate(self.tail, 0, {}, {})
        elif query.state == "fetching" and not query.pending:
            query.state, query.key = "waiting", query.number - FIRST
            query.turn("queue", self.calendar.now)
            self.waiting.append(query)

    def _publish(self, query: Query) -> None:
        size = self.settings.block_tokens
        while query.published < len(query.blocks) and (query.published + 1) * size <= query.at:
            block = query.blocks[query.published]
            query.published += 1
            obj = block.object
            if block.fate == "free" and obj not in self.near.state and obj not in self.transits.current:
                block.fate = "shared"
                query.own -= self.settings.block_bytes
                self._offer(obj)

    def _offer(self, obj: int) -> None:
        near, size = self.near, self.objects.size[obj]
        self.transits.created.append(obj)
        near.state[obj] = RESIDENT
        near.has_room.add(obj)
        near.counters["placed_bytes"] += size
        near.policy.on_insert(obj, Req(obj, size, self.gates.issued - 1))
        near.pins[obj] += 1
        for store in self.unit.chain[1:]:
            if store.resident(obj) and store.exclusive and not store.pins[obj]:
                store.policy.on_remove(obj)
                self.rooms.drop(store, obj)

    def _copy_out(self, query: Query) -> None:
        for block in query.blocks[query.copied : query.published]:
            obj = block.object
            through = self.near.rules.write == "through" and obj not in self.transits.current
            if block.fate == "shared" and through and self.near.resident(obj):
                self.transits.start_copy(obj, self.near, WRITE_BACK, 0, -1)
        query.copied = query.published

    def _let_go(self, query: Query) -> None:
        for block in reversed(query.blocks):
            if block.fate != "free" and block.kept is None:
                obj = block.object
                self.near.pins[obj] -= 1
                self.calendar.unsettled = True
                if self.near.rules.policy.name == "lru" and not self.near.pins[obj]:
                    access = Access(-1, obj, False, 0, self.unit, self.objects.size[obj])
                    self.accesses.hit(access, self.near)
                block.fate = "free"
        query.skip = query.published = query.copied = query.at = 0
