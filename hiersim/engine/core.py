"""Core: a World with its policies, run event by event until a given time; tables grow as it goes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from hiersim.engine import columns as c
from hiersim.engine import loop
from hiersim.engine.admissions import bind_admissions, find_admissions
from hiersim.engine.ahead import bind_prefetchers, make_prefetchers, wrong_answer
from hiersim.engine.build import Options, build_world
from hiersim.engine.foresight import Foresight, in_trace_order, unknown
from hiersim.engine.handle import handle
from hiersim.engine.plan import Plan, make_plan
from hiersim.engine.world import DRIVEN, I64, World, link_free, ready_line, table
from hiersim.errors import LawError, PolicyError
from hiersim.machine import ClassRules, Machine, Replay, TierRules
from hiersim.policies import find
from hiersim.policies.checks import line_of
from hiersim.policies.contract import Setup, known
from hiersim.policies.hooks import bind_hooks, failures, fields_table
from hiersim.policies.noted import Bound

if TYPE_CHECKING:
    from hiersim.traces import AccessTrace


Seeds = np.ndarray[Any, np.dtype[np.uint64]]


class Core:
    """One timed run: its plan, its state, its policies.

    Args:
        machine: the machine.
        rules: the managed tiers from near to far, and how each is managed.
        classes: what happens on a miss, by object class.
        replay: how the trace is replayed.
        trace: the accesses.
        seed: from which the randomised policies draw, each its own stream.
        options: what to keep besides totals.
        foresight: what policies that know the future are told; that of the trace's order if absent.
    """

    def __init__(
        self,
        machine: Machine,
        rules: Mapping[str, TierRules],
        classes: Mapping[str, ClassRules],
        replay: Replay,
        trace: AccessTrace,
        seed: int = 0,
        options: Options | None = None,
        foresight: Foresight | None = None,
    ) -> None:
        self.options = options or Options()
        self.trace = trace
        self.replay = replay
        self.rules = dict(rules)
        self.plan: Plan = make_plan(machine, tuple(rules), replay.dtype)
        self.policies = [find(rule.policy.spec) for rule in rules.values()]
        self.prefetchers = make_prefetchers(self.plan, self.rules)
        self.admissions = find_admissions(self.rules)
        future = any(policy.needs_future for policy in (*self.policies, *self.admissions.values()))
        told = (foresight or in_trace_order(trace)) if future else unknown(trace)
        self.world: World = build_world(self.plan, rules, classes, replay, trace, told, self.options)
        self.handle = handle(self.world)
        self.margin = self._margin()
        seeds = np.random.SeedSequence(seed).generate_state(3 * max(1, len(self.policies)), np.uint64) >> np.uint64(1)
        self._kept: list[Any] = []
        policies, prefetchers, admissions = np.split(seeds, 3)
        self._bind(policies, admissions)
        self._kept += bind_prefetchers(self, prefetchers)
        if replay.mode == "closed" and not self.options.driven:
            loop.begin(self.handle, replay.outstanding)

    def _margin(self) -> int:
        """Return more rows than one event needs: a tier may send out many small victims for one large object."""
        size = self.trace.size
        victims = -(-int(size.max()) // int(size.min())) + 1 if len(size) else 1
        spans = len(self.plan.units) * self.world.route_hop.shape[1]  # a stretch may cross every latency of a route
        return max(spans, 8 + 4 * len(self.plan.order) * min(victims + 1, self.trace.objects + 2))

    def _bind(self, seeds: Seeds, of_admissions: Seeds) -> None:
        """Initialise each tier's policies and enter the addresses of their functions."""
        told = known(self.trace.objects, self.trace.parents, self.trace.costs)
        setups = {}
        self.bound: list[Bound] = []  # whose failures are told with their lines
        for t, policy in enumerate(self.policies):
            capacity = int(self.world.tiers[t, c.T_CAPACITY])
            setup = Setup(
                capacity=capacity,
                objects=self.trace.objects,
                accesses=self.options.uses or len(self.trace),
                uniform=False,  # sizes here are always bytes
                seed=int(seeds[t]),
                **told,
            )
            setups[t] = setup._replace(seed=int(of_admissions[t]))
            state = policy.init(setup)
            fields = fields_table(state)
            self.bound.append((policy, state, fields))
            self.world.hooks[t] = bind_hooks(policy, state)
            self.world.tiers[t, c.T_GATED] = "admit" in policy.hooks
            self.world.fields[t] = fields.ctypes.data
        self._kept += bind_admissions(self.world, self.admissions, setups)

    @property
    def now(self) -> int:
        """Simulated time in picoseconds."""
        return int(self.world.clock[c.NOW])

    def warm_up(self) -> None:
        """Compile, or load, what a run needs, without running any of it."""
        loop.advance(self.handle, -1, self.margin, 1)

    def run(self, until: int | None = None, budget: int = 1 << 60) -> int:
        """Handle all events before ``until`` (picoseconds; all when absent), but at most ``budget``.

        Returns:
            ``columns.IDLE`` when nothing is left, ``LIMIT`` at ``until``, ``WAKE`` when a watch has fired, ``PAUSE``
            when the budget is spent.

        Raises:
            PolicyError: a user's policy failed or offered a victim that is not in the tier.
        """
        with ExitStack() as stack:
            called = (*self.policies, *self.prefetchers.values(), *self.admissions.values())
            if any(not policy.builtin for policy in called):
                stack.enter_context(failures(*called, bound=self.bound))
            while True:
                code = int(loop.advance(self.handle, loop.NEVER if until is None else until, self.margin, budget))
                if code == c.GROW:
                    self.grow(self.margin)
                elif code == c.BROKEN:
                    self.broken()
                else:
                    return code

    @property
    def finished(self) -> bool:
        """Whether every access is done and nothing is on its way any more."""
        clock = self.world.clock
        return int(clock[c.DONE]) == len(self.trace) and int(clock[c.JOBS_FREE]) == len(self.world.jobs)

    def grow_if_needed(self) -> None:
        """Make sure that the tables have rows for what an agent does between events."""
        clock = self.world.clock
        logs = (self.world.spans, c.SPANS_SIZE), (self.world.levels, c.LEVELS_SIZE)
        if (
            clock[c.JOBS_FREE] < self.margin
            or clock[c.GROUPS_FREE] < self.margin
            or len(self.world.journal) - clock[c.JOURNAL_SIZE] < self.margin
            or any(len(rows) and len(rows) - clock[size] < self.margin for rows, size in logs)
        ):
            self.grow(self.margin)

    def grow(self, margin: int) -> None:
        """Make the tables longer that have fewer than ``margin`` free rows; when the ready line is empty."""
        self.world = grown(self.world, margin)
        self.handle = handle(self.world)

    def broken(self) -> NoReturn:
        """Say what a policy or a prefetcher answered that cannot be.

        Raises:
            PolicyError: always; LawError where it is one that ships.
        """
        tier, key = (int(self.world.clock[i]) for i in (c.BAD_TIER, c.BAD_KEY))
        if self.world.hearing[c.HD_WRONG]:
            raise wrong_answer(self, tier, key)
        policy = self.policies[tier]
        message = f"policy `{policy.name}` of tier `{self.plan.order[tier]}` chose victim {key}, which is not there"
        if policy.builtin:
            raise LawError(message)
        raise PolicyError(message + line_of(policy, "victim"))


LOGS = {
    "journal": c.JOURNAL_SIZE,
    "timeline": c.TIMELINE_SIZE,
    "victims": c.VICTIMS_SIZE,
    "spans": c.SPANS_SIZE,
    "levels": c.LEVELS_SIZE,
}
"""Tables that are only added to, and where the clock says how many of their rows are taken."""


def grown(w: World, margin: int) -> World:
    """Return the World with every table that runs short made longer; between events, when the ready line is empty."""
    parts: dict[str, Any] = {}
    clock = w.clock
    if clock[c.JOBS_FREE] < margin:
        parts["jobs"], clock[c.FREE_JOB], more = _longer(w.jobs, c.J_NEXT, int(clock[c.FREE_JOB]), margin)
        parts["flow_end"] = np.concatenate([w.flow_end, np.zeros(more)])
        parts["wait"] = np.concatenate([w.wait, np.zeros((more, w.wait.shape[1]), np.int64)])
        if w.setup[DRIVEN] == 1:
            for name in ("work_read", "work_written", "flops_of"):
                rows = getattr(w, name)
                parts[name] = np.concatenate([rows, np.zeros((more, *rows.shape[1:]), np.int64)])
        clock[c.JOBS_FREE] += more
    rows = margin if w.setup[DRIVEN] == 1 else 1
    if clock[c.ACCESSES_FREE] < rows:
        parts["accesses"], clock[c.FREE_ACCESS], more = _longer(w.accesses, c.A_NEXT, int(clock[c.FREE_ACCESS]), rows)
        clock[c.ACCESSES_FREE] += more
        parts["heard"] = _unrolled(w, len(parts["accesses"]))
    if clock[c.GROUPS_FREE] < margin:
        parts["groups"], clock[c.FREE_GROUP], more = _longer(w.groups, c.G_NEXT, int(clock[c.FREE_GROUP]), margin)
        parts["rates"] = np.concatenate([w.rates, np.zeros((more, c.RATE_COLUMNS))])
        parts["group_cost"] = np.concatenate([w.group_cost, np.zeros((more, w.group_cost.shape[1]))])
        parts["open"] = np.zeros(len(parts["groups"]), np.int64)
        parts["share"] = np.zeros((len(parts["groups"]), w.share.shape[1]))
        parts["group_wire"] = np.concatenate([w.group_wire, np.zeros((more, w.group_wire.shape[1]), np.int64)])
        clock[c.GROUPS_FREE] += more
    for name, size in LOGS.items():
        rows = getattr(w, name)
        if 0 < len(rows) < clock[size] + margin:
            parts[name] = np.concatenate([rows, np.zeros((len(rows) + margin, rows.shape[1]), np.int64)])
    jobs, accesses, groups = (len(parts.get(k, getattr(w, k))) for k in ("jobs", "accesses", "groups"))
    entries = jobs + accesses + groups + len(w.streams) + int(clock[c.HEAP_SIZE]) + 8
    if entries > len(w.heap):
        parts["heap"] = np.concatenate([w.heap, np.zeros((entries, 3), np.int64)])
    if jobs + accesses + 64 > len(w.ready):
        parts["ready"] = ready_line(jobs + accesses)
        clock[[c.READY_HEAD, c.READY_TAIL]] = 0
    return w._replace(**parts)


def _unrolled(w: World, length: int) -> I64:
    """Return the heard line in a longer ring, from its start."""
    waiting = np.arange(w.hearing[c.HD_HEAD], w.hearing[c.HD_TAIL])
    ring = np.zeros(length, np.int64)
    ring[: len(waiting)] = w.heard[waiting % len(w.heard)]
    w.hearing[[c.HD_HEAD, c.HD_TAIL]] = 0, len(waiting)
    return ring


def _longer(rows: I64, column: int, free: int, margin: int) -> tuple[I64, int, int]:
    """Return a table with more rows, the head of its list of free rows, and how many rows are new."""
    old, more = len(rows), len(rows) + margin
    longer = np.concatenate([rows, table(more, rows.shape[1])])
    link_free(longer, column, old, old + more)
    longer[old + more - 1, column] = free
    return longer, old, more
