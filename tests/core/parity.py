"""Comparing a run of the compiled core with the same run of its naive twin, number by number."""

from __future__ import annotations

from typing import Any

import numpy as np
from oracle.core.calendar import StuckError
from oracle.core.policies import make
from oracle.core.twin import Twin, TwinOutcome

from hiersim.engine import columns as c
from hiersim.engine.build import Options
from hiersim.engine.core import Core
from hiersim.engine.laws import check_laws
from hiersim.engine.outcome import make_result

DIRECTIONS = ("read", "write", "forward", "backward", "compute")
FATES = ("drop", "move", "lost", "refused", "denied")
COUNTERS = [
    "capacity_bytes",
    "read_bytes",
    "written_bytes",
    "read_wire_bytes",
    "written_wire_bytes",
    "hits",
    "merged",
    "misses",
    "evictions",
    "dropped",
    "written_back",
    "lost",
    "refused",
    "passed_over",
    "placed_bytes",
    "removed_bytes",
    "resident_bytes",
    "peak_bytes",
    "programmed_bytes",
    "activations",
]


def disagreement(scenario: Any) -> list[str]:
    """Run a scenario on both; return what differs, in words. Where one stands still for ever, so must the other."""
    twin = make_twin(scenario)
    core = make_core(scenario)
    core.run()
    try:
        outcome = twin.run()
    except StuckError:
        return standstill(core, twin)
    done, total = int(core.world.clock[c.DONE]), len(core.trace)
    if done != total:
        return [f"the core stands still with {done} of {total} accesses done, the twin does not"]
    check_laws(core)
    return differences(core, outcome)


def standstill(core: Core, twin: Twin) -> list[str]:
    """Return how a core differs from a twin that is stuck: it must be so, too, and have come equally far."""
    check_laws(core, complete=False)
    accesses = twin.accesses.all
    if core.finished:  # what is done behind the accesses, such as copies, may stand still when all of them are done
        return ["the twin is stuck, the core is not"]
    mine = [(int(i), int(d)) for i, d in zip(core.world.issued, core.world.done, strict=True) if d > 0]
    theirs = [(access.issued, access.done) for access in accesses if access.done > 0]
    served = [None if t < 0 else core.plan.order[t] for t in core.world.served]
    found = [] if mine == theirs else [f"done before the standstill: core {mine} twin {theirs}"]
    same = served == [access.served for access in accesses]
    return found if same else [*found, "served before the standstill"]


def make_twin(scenario: Any) -> Twin:
    """Return the twin of a drawn scenario, not yet run."""
    s = scenario
    replay = s.replay.model_copy(update={"unit": list(s.units)})
    return Twin(s.machine, s.rules, s.classes, replay, s.trace, make(s.rules, s.machine))


def make_core(scenario: Any, watched: bool = False) -> Core:
    replay = scenario.replay.model_copy(update={"unit": scenario.units})
    trace = scenario.trace if replay.limit is None else scenario.trace.limit(replay.limit)
    options = Options(timeline=True, victims=True, watched=watched)
    return Core(scenario.machine, scenario.rules, scenario.classes, replay, trace, 0, options)


def differences(core: Core, twin: TwinOutcome) -> list[str]:
    """Return what differs, in words; an empty list when the two agree to the picosecond and to the byte."""
    found: list[str] = []

    def compare(what: str, mine: Any, theirs: Any) -> None:
        if mine != theirs:
            found.append(f"{what}: core {mine} twin {theirs}")

    w, order = core.world, core.plan.order
    result = make_result(core, "parity", 0.0, {})
    compare("elapsed", core.now, twin.elapsed_ps)
    compare("issued", w.issued.tolist(), twin.issue_ps)
    compare("done", w.done.tolist(), twin.done_ps)
    compare("served", [order[t] if t >= 0 else None for t in w.served], twin.served)
    compare("created", (result.created, result.created_bytes), (twin.created, twin.created_bytes))
    compare("transfers", _transfers(core), [tuple(t)[:4] + tuple(t)[5:] for t in twin.transfers])
    for t, name in enumerate(order):
        tier, other = result.tiers[name], twin.tiers[name]
        for counter in COUNTERS:
            compare(f"{name}.{counter}", _plain(getattr(tier, counter)), _plain(getattr(other, counter)))
        compare(f"{name}.denied", tier.denied or 0, other.denied)
        compare(f"{name}.prefetches", _prefetches(tier.prefetch), _prefetches(other.prefetches))
        compare(f"{name}.evicted", _victims(core, t), [tuple(v) for v in other.evicted])
        compare(f"{name}.levels", _levels(result.timeline.levels, t, core.now), other.levels)
        if abs(tier.mean_bytes * core.now - other.byte_time) > 1e-9 * max(1, other.byte_time):
            found.append(f"{name}.mean_bytes: core {tier.mean_bytes * core.now} twin {other.byte_time}")
    for h, hop in enumerate(core.plan.hops):
        compare(f"{hop.name}.busy", int(w.hops[h, c.H_BUSY]), twin.hops[hop.name].busy_ps)
        for direction in twin.hops[hop.name].bytes:
            at = (h, DIRECTIONS.index(direction) % 2)
            carried = {name: int(n) for name, n in zip(core.trace.classes, w.payload[at], strict=True) if n}
            if direction != "compute":  # FLOPs are no bytes
                compare(f"{hop.name}.{direction}", carried, twin.hops[hop.name].bytes[direction])
                compare(
                    f"{hop.name}.{direction} wire", w.wire[at], sum(twin.hops[hop.name].wire_bytes[direction].values())
                )
    for name, unit in result.units.items():
        if name not in twin.units:
            continue
        other_unit = twin.units[name]
        for part in ("busy_compute_ps", "busy_near_ps", "idle_ps"):
            compare(f"{name}.{part}", getattr(unit, part), getattr(other_unit, part))
        mine = {(s.kind, s.place, s.detail, s.object_class): s.ps for s in unit.stalls}
        compare(f"{name}.spans", _spans(result.timeline.spans, name), other_unit.spent)
        compare(f"{name}.stalls", mine, {key: ps for key, ps in other_unit.stalls.items() if ps})
    for part in {path.rpartition(".")[0] for path in result.energy_j}:
        joules, others = _energy_of(part, result.energy_j), _energy_of(part, twin.energy_j)
        if abs(joules - others) > 1e-12 * abs(others):
            found.append(f"{part}.energy: core {joules} twin {others}")
    for path, joules in result.energy_j.items():
        if path.endswith(".activation"):
            compare(path, joules, twin.energy_j.get(path))
    compare("hops", [hop.name for hop in core.plan.hops], list(twin.hops))
    return found


def _energy_of(part: str, joules: dict[str, float]) -> float:
    return sum(each for path, each in joules.items() if path.rpartition(".")[0] == part)


def _plain(value: Any) -> Any:
    return {key: number for key, number in value.items() if number} if isinstance(value, dict) else value


PREFETCHES = ("named", "issued", "dropped", "in_time", "late", "unused", "left", "pollution", "bytes")


def _prefetches(counts: Any) -> dict[str, int]:
    """The counts that are not 0, of the core's result or of the twin's."""
    found = counts if isinstance(counts, dict) else vars(counts) if counts else {}
    return {name: found[name] for name in PREFETCHES if found.get(name)}


def _victims(core: Core, tier: int) -> list[tuple[int, int, str]]:
    rows = core.world.victims[: int(core.world.clock[c.VICTIMS_SIZE])]
    return [(int(r[0]), int(r[2]), FATES[r[3]]) for r in rows if r[1] == tier]


def _levels(levels: Any, tier: int, end: int) -> list[tuple[int, int]]:
    """The room taken in a tier, while time passes: what changes at the very end is no stretch of time."""
    mine = zip(
        levels.time_ps[levels.tier == tier].tolist(), levels.used_bytes[levels.tier == tier].tolist(), strict=True
    )
    return [(time, used) for time, used in mine if time < end]


def _spans(spans: Any, unit: str) -> list[tuple[Any, ...]]:
    """What a unit did, as the twin writes it down."""
    found = []
    for row in np.flatnonzero(spans.unit == spans.units.index(unit)).tolist():
        cause = spans.causes[spans.cause[row]]
        who = (int(spans.access[row]), int(spans.object[row])) if cause.state == "stall" else (None, None)
        why = (cause.kind, cause.place, cause.detail) if cause.state == "stall" else None
        times = int(spans.start_ps[row]), int(spans.end_ps[row])
        found.append((*times, cause.state, why, *who, int(spans.transfer[row])))
    return found


def _transfers(core: Core) -> list[tuple[int, ...]]:
    """Each transfer: created, slots, flow, done, class, amount, object, in order of completion."""
    rows = core.world.timeline[: int(core.world.clock[c.TIMELINE_SIZE])]
    return [(int(r[0]), int(r[1]), int(r[2]), int(r[3]), int(r[7]), int(r[5]), int(r[4])) for r in rows]
