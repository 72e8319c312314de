"""Making the World of a run from a plan, the rules of its tiers and a trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.engine import columns as c
from hiersim.engine.creation import creation_flops, renewable
from hiersim.engine.effects.tables import effect_tables
from hiersim.engine.foresight import Foresight
from hiersim.engine.hops import hop_tables, route_tables
from hiersim.engine.plan import Plan
from hiersim.engine.world import I64, World, link_free, ready_line, table
from hiersim.errors import ConfigError
from hiersim.machine import ClassRules, Replay, TierRules
from hiersim.policies.prefetch.contract import MOST

if TYPE_CHECKING:
    from hiersim.traces import AccessTrace

MODES = ("back", "through", "around")
ON_EVICT = ("drop", "demote", "recompute")


WHOLE = (0, 1 << 62)
"""The window of a timeline that keeps all of a run, in picoseconds."""


@dataclass(frozen=True)
class Options:
    """What a run keeps besides totals."""

    timeline: bool = False
    window_ps: tuple[int, int] = WHOLE
    """What of the timeline is kept, in picoseconds."""
    victims: bool = False
    watched: bool = False
    """Whether agents may watch: occurrences are written down only then."""
    driven: int = 0
    """Rows for what a driver has in flight that acquires objects and submits work; 0 where accesses are replayed."""
    coding: tuple[tuple[int, int], ...] = ()
    """Size of an object in each tier over its size, as a fraction; empty where no tier stores in another form."""
    sorts: int = 0
    """Sorts of a driver's work whose stalls are counted apart."""
    marked: bool = False
    """Whether a driver prefetches, so that what became of it is counted."""
    homes: I64 | None = None
    """Number of the tier that is each object's home, -1 for none, where it is not its class that says so."""
    uses: int = 0
    """Uses of objects that a driver knows of, as policies are told the length of a trace of accesses."""


def build_world(
    plan: Plan,
    rules: Mapping[str, TierRules],
    classes: Mapping[str, ClassRules],
    replay: Replay,
    trace: AccessTrace,
    foresight: Foresight,
    options: Options,
) -> World:
    """Allocate and fill the arrays of a run; the policies are entered by the caller.

    Raises:
        ConfigError: a tier is smaller than the largest object, or a home tier than what lives there.
    """
    parts: dict[str, Any] = {}
    parts.update(_tiers(plan, rules, trace, options))
    parts.update(hop_tables(plan, len(trace.classes), replay.streams))
    parts.update(effect_tables(plan))
    parts.update(route_tables(plan))
    parts.update(_objects(plan, rules, trace, classes, options))
    parts.update(_trace(plan, replay, trace, foresight, options))
    _place_homes(parts, plan, trace, homes_of(plan, trace, classes) if options.homes is None else options.homes)
    parts["ahead"], parts["early"] = _prefetching(rules, trace, options)
    closed = replay.mode == "closed"
    in_flight = options.driven or min(len(trace), replay.streams * replay.outstanding if closed else 256) + 1
    parts.update(_tables(parts, in_flight, min(trace.objects, 4 * in_flight) + in_flight + 64))
    parts["levels"] = _levels(parts, options)
    parts.update(_operations(parts, len(trace.classes), options))
    return World(**parts)


def _tiers(plan: Plan, rules: Mapping[str, TierRules], trace: AccessTrace, options: Options) -> dict[str, Any]:
    rows = np.zeros((len(plan.order), c.TIER_COLUMNS), np.int64)
    largest = 0 if options.driven else int(trace.size.max(initial=0))  # a driver says itself who needs to be where
    for i, name in enumerate(plan.order):
        rule = rules[name]
        capacity = rule.capacity or plan.machine.tiers[name].capacity
        if largest > capacity:
            raise ConfigError(
                f"tiers.{name}.capacity: {capacity:,} bytes cannot hold the trace's largest object of {largest:,} bytes"
            )
        rows[i, [c.T_CAPACITY, c.T_LINE_HEAD, c.T_LINE_TAIL]] = capacity, c.NONE, c.NONE
        further = plan.machine.next_tier(name, plan.order)
        rows[i, c.T_NEXT] = c.NONE if further is None else plan.order.index(further)
        rows[i, c.T_EXCLUSIVE] = rule.inclusion == "exclusive"
        rows[i, c.T_WRITE] = MODES.index(rule.write)
        rows[i, c.T_WAIT] = rule.write_wait
        rows[i, c.T_ON_EVICT] = ON_EVICT.index(rule.on_evict)
        rows[i, c.T_PROMOTE] = rule.promotion.on_nth_hit
        rows[i, c.T_REFUSE] = rule.when_full == "refuse"
        rows[i, c.T_LOOKUP] = plan.machine.tiers[name].lookup_latency
        rows[i, c.T_PORT] = plan.tier_step[name, 0][0]
    counts = max((rule.promotion.on_nth_hit for rule in rules.values()), default=1) > 1
    return {
        "tiers": rows,
        "area": np.zeros(len(plan.order)),
        "hit_count": np.zeros((len(plan.order), max(trace.objects, 2) if counts else 1), np.int32),
        "hooks": np.zeros((len(plan.order), 6), np.int64),
        "fields": np.zeros(len(plan.order), np.int64),
        "gates": np.zeros((len(plan.order), c.GATE_COLUMNS), np.int64),
        "against": np.zeros(1, np.int64),
        "victims": np.zeros((1024 if options.victims else 0, c.VICTIM_COLUMNS), np.int64),
    }


def _objects(
    plan: Plan,
    rules: Mapping[str, TierRules],
    trace: AccessTrace,
    classes: Mapping[str, ClassRules],
    options: Options,
) -> dict[str, Any]:
    tiers, objects = len(plan.order), trace.objects
    rows = _units(plan, rules)
    if options.driven:  # behind them a row for what each fetches for later, which no unit waits for
        rows = np.concatenate([rows, rows])
    places = max(len(plan.hops), tiers)
    return {
        "units": rows,
        "stall": np.zeros((len(rows), c.STALL_KINDS, places, c.STALL_DETAILS, len(trace.classes)), np.int64),
        "waits": np.zeros((options.sorts, c.STALL_KINDS, places, c.STALL_DETAILS), np.int64),
        "state": np.zeros((tiers, objects), np.uint8),
        "dirty": np.zeros((tiers, objects), np.uint8),
        "home": np.zeros((tiers, objects), np.uint8),
        "renewable": renewable(trace, classes),
        "pins": np.zeros((tiers, objects), np.int32),
        "transit": np.full(objects, c.NONE, np.int32),
        "aside": np.zeros(objects, np.int32),
        "size": np.ascontiguousarray(trace.size, np.int64),
        "coding": np.array(options.coding, np.int64).reshape(-1, 2),
        "object_class": np.ascontiguousarray(trace.object_class, np.uint8),
        "flops": creation_flops(plan, trace, classes),
    }


def _units(plan: Plan, rules: Mapping[str, TierRules]) -> I64:
    """Return the table of units, a row each."""
    rows = np.zeros((len(plan.units), c.UNIT_COLUMNS), np.int64)
    rows[:, [c.U_HEAD, c.U_TAIL, c.U_SPAN]] = c.NONE
    for row, name in zip(rows, plan.units, strict=True):
        near = plan.machine.units[name].tier
        row[c.U_NEAR] = plan.order.index(near) if near in plan.order else c.NONE
        row[c.U_APART] = near in plan.order and len(plan.machine.chain(name, plan.order)) < len(rules)
    return rows


def _prefetching(
    rules: Mapping[str, TierRules], trace: AccessTrace, options: Options
) -> tuple[I64, np.ndarray[Any, np.dtype[np.uint8]]]:
    """Return the tables of prefetches; objects are marked only where a prefetcher or an agent may fetch ahead."""
    rows = np.zeros((len(rules), c.AHEAD_COLUMNS), np.int64)
    rows[:, c.AH_LIMIT] = [rule.prefetch.outstanding if rule.prefetch else 0 for rule in rules.values()]
    marked = options.watched or options.marked or any(rule.prefetch for rule in rules.values())
    return rows, np.zeros((len(rules), max(trace.objects, 2) if marked else 1), np.uint8)


def _trace(plan: Plan, replay: Replay, trace: AccessTrace, foresight: Foresight, options: Options) -> dict[str, Any]:
    accesses = len(trace)
    stream_of = (trace.group % replay.streams).astype(np.int32)
    streams = np.zeros((replay.streams, c.STREAM_COLUMNS), np.int64)
    ends = np.cumsum(np.bincount(stream_of, minlength=replay.streams))
    streams[:, c.X_END] = ends
    streams[1:, c.X_NEXT] = ends[:-1]
    units = [plan.units.index(name) for name in replay.units or plan.units[:1]]
    streams[:, c.X_UNIT] = np.resize(units, replay.streams)
    is_open = replay.mode == "open"
    times = np.rint(trace.time_ps * replay.time_scale).astype(np.int64) if is_open else np.zeros(1, np.int64)
    return {
        "trace_object": np.ascontiguousarray(trace.object, np.int32),
        "trace_write": np.ascontiguousarray(trace.write, np.uint8),
        "trace_time": times,
        "trace_next": foresight.next_use,
        "next_use": foresight.first,
        "order": np.argsort(stream_of, kind="stable").astype(np.int64),
        "stream_of": stream_of,
        "streams": streams,
        "setup": np.array([is_open, replay.think, options.victims, options.driven > 0, *options.window_ps], np.int64),
        "issued": np.zeros(accesses, np.int64),
        "done": np.zeros(accesses, np.int64),
        "served": np.full(accesses, c.NONE, np.int64),
        "watches": np.zeros((c.WATCHES, c.WATCH_COLUMNS), np.int64),
        "journal": np.zeros((4096 if options.watched else 0, c.JOURNAL_COLUMNS), np.int64),
        "timeline": np.zeros((4096 if options.timeline else 0, c.TIMELINE_COLUMNS), np.int64),
        "spans": np.zeros((4096 if options.timeline else 0, c.SPAN_COLUMNS), np.int64),
    }


def _place_homes(parts: dict[str, Any], plan: Plan, trace: AccessTrace, homes: I64) -> None:
    """Make the objects that have a home resident there, and check that they fit."""
    for tier in np.unique(homes[homes != c.NONE]):
        mine = np.flatnonzero(homes == tier)
        parts["state"][tier, mine] = c.RESIDENT
        parts["home"][tier, mine] = 1
        parts["tiers"][tier, [c.T_USED, c.T_PLACED, c.T_PEAK]] += int(trace.size[mine].sum())
        used, capacity = parts["tiers"][tier, c.T_USED], parts["tiers"][tier, c.T_CAPACITY]
        if used > capacity:
            named = [trace.classes[number] for number in np.unique(trace.object_class[mine])]
            what = f"{capacity:,} bytes cannot be the home of {used:,} bytes of class {' and '.join(named)}"
            raise ConfigError(f"tiers.{plan.order[tier]}.capacity: {what}")


def homes_of(plan: Plan, trace: AccessTrace, classes: Mapping[str, ClassRules]) -> I64:
    """Return the number of the tier that is each object's home by its class, int64 [objects], -1 for none."""
    tiers = np.full(len(trace.classes) + 1, c.NONE, np.int64)
    for number, name in enumerate(trace.classes):
        rule = classes.get(name)
        if rule is not None and rule.on_miss == "home" and rule.home is not None:
            tiers[number] = plan.order.index(rule.home)
    return tiers[trace.object_class]


def _levels(parts: dict[str, Any], options: Options) -> I64:
    """Make the table of the room taken in tiers, its first rows what they hold before the run."""
    if not options.timeline:
        return np.zeros((0, c.LEVEL_COLUMNS), np.int64)
    used = parts["tiers"][:, c.T_USED]
    rows = np.zeros((4096 + len(used), c.LEVEL_COLUMNS), np.int64)
    rows[: len(used)] = np.stack([np.full(len(used), options.window_ps[0]), np.arange(len(used)), used], axis=1)
    parts["clock"][c.LEVELS_SIZE] = len(used)
    return rows


def _tables(parts: dict[str, Any], in_flight: int, jobs: int) -> dict[str, Any]:
    """Make the tables of things in flight, all rows free; they grow when a run needs more."""
    clock = np.zeros(c.CLOCK_COLUMNS, np.int64)
    clock[[c.GROUP_HEAD, c.GROUP_TAIL, c.BAD_TIER, c.BAD_KEY]] = c.NONE
    clock[c.CHANGE] = 1 << 62
    clock[c.JOINED] = bool((parts["rule"] != c.ALONE).any())
    clock[c.RESIDUES] = len(parts["cache"]) > 0 or bool((parts["routes"][:, c.R_LOADED] > 0).any())
    clock[[c.JOBS_FREE, c.ACCESSES_FREE, c.GROUPS_FREE]] = jobs, in_flight, jobs
    job_rows, access_rows, group_rows = (
        table(jobs, c.JOB_COLUMNS),
        table(in_flight, c.ACCESS_COLUMNS),
        table(jobs, c.GROUP_COLUMNS),
    )
    link_free(job_rows, c.J_NEXT, 0, jobs)
    link_free(access_rows, c.A_NEXT, 0, in_flight)
    link_free(group_rows, c.G_NEXT, 0, jobs)
    streams = len(parts["streams"])
    return {
        "clock": clock,
        "heap": np.zeros((2 * jobs + in_flight * 2 + streams + 8, 3), np.int64),
        "ready": ready_line(jobs + in_flight),
        "jobs": job_rows,
        "flow_end": np.zeros(jobs),
        "wait": np.zeros((jobs, parts["route_hop"].shape[1]), np.int64),
        "accesses": access_rows,
        "hearing": np.zeros(c.HEARING_COLUMNS, np.int64),
        "heard": np.zeros(in_flight, np.int64),
        "named": np.zeros(MOST, np.int64),
        "told": np.zeros(4, np.int64),
        "groups": group_rows,
        "rates": np.zeros((jobs, c.RATE_COLUMNS)),
        "open": np.zeros(jobs, np.int64),
        "share": np.zeros((jobs, parts["route_bound"].shape[1])),
        "group_cost": np.zeros((jobs, parts["route_bound"].shape[1])),
        "group_wire": np.zeros((jobs, 3 * parts["route_hop"].shape[1]), np.int64),
    }


def _operations(parts: dict[str, Any], kinds: int, options: Options) -> dict[str, Any]:
    """Make the tables of what operations do; of one row where no driver submits any."""
    jobs = len(parts["jobs"]) if options.driven else 1
    return {
        "work_read": np.zeros((jobs, kinds + 1), np.int64),
        "work_written": np.zeros((jobs, kinds + 1), np.int64),
        "flops_of": np.zeros(jobs, np.int64),
        "operated": np.zeros((len(parts["hops"]), 2), np.int64),
    }
