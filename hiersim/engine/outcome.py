"""From a core that has come to rest to a Result: names instead of numbers."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np

import hiersim
from hiersim.engine import columns as c
from hiersim.engine.core import Core
from hiersim.engine.energy import energy_by_part, missing_figures, used_links
from hiersim.engine.operations import OperationsResult
from hiersim.engine.plan import Step
from hiersim.engine.result import ByClass, LinkResult, PrefetchResult, Result, Stall, TierResult, UnitResult
from hiersim.engine.timelines import make_timeline
from hiersim.engine.words import BOUNDS, DETAILS, KINDS
from hiersim.machine import Tier


def make_result(
    core: Core, name: str, seconds: float, provenance: dict[str, Any], operations: OperationsResult | None = None
) -> Result:
    """Return the Result of a run.

    Args:
        core: the core, at rest.
        name: the scenario's name.
        seconds: wall time of the simulation itself.
        provenance: what the caller knows of where the inputs come from.
        operations: what became of operations, where such were run.
    """
    w, plan = core.world, core.plan
    joules = energy_by_part(core)
    return Result(
        name=name,
        machine=plan.machine.summary or plan.machine.name,
        elapsed_ps=core.now,
        seconds=seconds,
        accesses=int(w.clock[c.DONE] if operations is None else w.units[:, c.U_LOOKED].sum()),
        created=int(w.clock[c.CREATED]),
        created_bytes=int(w.clock[c.CREATED_BYTES]),
        tiers={tier: _tier(core, t, tier, joules) for t, tier in enumerate(plan.order)},
        links={link: _link(core, link, joules) for link in used_links(core)},
        units={unit: _unit(core, u, unit, joules) for u, unit in enumerate(plan.units)},
        latency_ps=w.done - w.issued,
        served_by=w.served.astype(np.int8),
        energy_j=joules,
        provenance=provenance | _provenance(core),
        timeline=make_timeline(core) if core.options.timeline else None,
        operations=operations,
    )


def _provenance(core: Core) -> dict[str, Any]:
    managed = {f"tiers.{name}" for name in core.plan.order} | {f"links.{name}" for name in used_links(core)}
    managed |= {f"units.{name}" for name in core.plan.units}
    return {
        "hiersim": hiersim.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "events": int(core.world.clock[c.EVENTS]),
        "estimates": [path for path in core.plan.machine.estimates() if ".".join(path.split(".")[:2]) in managed],
        "energy_missing": missing_figures(core),
    }


def _by_class(core: Core, step: Step) -> ByClass:
    values = core.world.payload[step]
    return {name: int(value) for name, value in zip(core.trace.classes, values, strict=True)}


def _energy_of(joules: dict[str, float], path: str) -> float:
    return float(sum(value for part, value in joules.items() if part.startswith(path + ".")))


def _share(core: Core, steps: set[Step]) -> float:
    """Return the largest share of the elapsed time that one of the steps' hops was at work."""
    w = core.world
    work: dict[int, float] = {}
    for hop, direction in steps:
        work[hop] = work.get(hop, 0.0) + float(w.wire[hop, direction] * w.byte_cost[hop, direction])
    return min(1.0, max(work.values()) / core.now) if core.now else 0.0


def _tier(core: Core, t: int, name: str, joules: dict[str, float]) -> TierResult:
    w, row = core.world, core.world.tiers[t]
    read, write = core.plan.tier_step[name, 0], core.plan.tier_step[name, 1]
    hops = sorted({hop for direction in (0, 1) for hop, _ in core.plan.port(name, direction)})
    programmed = float(w.programmed[write[0]])
    tier = core.plan.machine.tiers[name]
    area = float(w.area[t]) + float(row[c.T_USED]) * float(core.now - int(row[c.T_SINCE]))
    return TierResult(
        kind=tier.kind,
        capacity_bytes=int(row[c.T_CAPACITY]),
        read_bytes=_by_class(core, read),
        written_bytes=_by_class(core, write),
        read_wire_bytes=int(w.wire[read]),
        written_wire_bytes=int(w.wire[write]),
        hits=int(row[c.T_HITS]),
        merged=int(row[c.T_MERGED]),
        misses=int(row[c.T_MISSES]),
        evictions=int(row[c.T_EVICTIONS]),
        dropped=int(row[c.T_DROPPED]),
        written_back=int(row[c.T_WRITTEN_BACK]),
        lost=int(row[c.T_LOST]),
        refused=int(row[c.T_REFUSED]),
        passed_over=int(row[c.T_PASSED]),
        placed_bytes=int(row[c.T_PLACED]),
        removed_bytes=int(row[c.T_REMOVED]),
        resident_bytes=int(row[c.T_PLACED] - row[c.T_REMOVED]),
        peak_bytes=int(row[c.T_PEAK]),
        mean_bytes=area / core.now if core.now else 0.0,
        busy_ps=max(_busy(core, hop) for hop in hops),
        utilisation=_share(core, {*core.plan.port(name, 0), *core.plan.port(name, 1)}),
        bound=_bound(core, hops),
        energy_j=_energy_of(joules, f"tiers.{name}"),
        programmed_bytes=programmed,
        endurance_used=_worn(tier, programmed if tier.nand else float(w.wire[write])),
        activations=sum(int(w.hops[hop, c.H_OPENED]) for hop in {read[0], write[0]}),
        prefetch=_prefetch(core, t),
        denied=int(row[c.T_DENIED]) if row[c.T_GATED] else None,
    )


def _prefetch(core: Core, t: int) -> PrefetchResult | None:
    """Return what became of the prefetches into a tier, if there were any or it has a prefetcher."""
    w, row = core.world, core.world.ahead[t]
    if not row[[c.AH_LIMIT, c.AH_ISSUED, c.AH_POLLUTION]].any():
        return None
    chosen = core.prefetchers.get(t)
    return PrefetchResult(
        prefetcher=chosen.name if chosen else "",
        named=int(row[c.AH_NAMED]),
        issued=int(row[c.AH_ISSUED]),
        dropped=int(row[c.AH_DROPPED]),
        in_time=int(row[c.AH_IN_TIME]),
        late=int(row[c.AH_LATE]),
        unused=int(row[c.AH_UNUSED]),
        left=int(np.count_nonzero(w.early[t] == c.EARLY)),
        pollution=int(row[c.AH_POLLUTION]),
        misses=int(w.tiers[t, c.T_MISSES]),
        bytes=int(row[c.AH_BYTES]),
    )


def _worn(tier: Tier, written: float) -> float | None:
    return None if tier.endurance is None else written / tier.endurance


def _busy(core: Core, hop: int) -> int:
    """Return the picoseconds in which the hop had at least one flow."""
    row = core.world.hops[hop]
    return int(row[c.H_BUSY]) + (core.now - int(row[c.H_SINCE]) if row[c.H_FLOWS] else 0)


def _bound(core: Core, hops: list[int]) -> str:
    """Return what the transfers on a part's hops waited for most: one of its own bounds, or another part's."""
    w, plan = core.world, core.plan
    time: dict[str, int] = {"queue depth": 0, "latency": 0}
    for hop in hops:
        time["queue depth"] += int(w.hops[hop, c.H_WAITED])
        time["latency"] += int(w.hops[hop, c.H_LATENCY])
        for k, (on, kind) in enumerate(plan.bounds):
            what = BOUNDS[0 if kind == c.TURNAROUND else kind]
            label = what if on in hops else f"{plan.hops[on].part} {what}"
            time[label] = time.get(label, 0) + int(w.bound_time[hop, k])
    most = max(time, key=lambda label: time[label])
    return most if time[most] else "-"


def _link(core: Core, name: str, joules: dict[str, float]) -> LinkResult:
    w, link = core.world, core.plan.machine.links[name]
    forward, backward = core.plan.link_step[name, 0], core.plan.link_step[name, 1]
    return LinkResult(
        kind=link.kind,
        between=link.between,
        forward_bytes=_by_class(core, forward),
        backward_bytes=_by_class(core, backward),
        forward_wire_bytes=int(w.wire[forward]),
        backward_wire_bytes=int(w.wire[backward]),
        busy_ps=max(_busy(core, hop) for hop in {forward[0], backward[0]}),
        forward_utilisation=_share(core, {forward}),
        backward_utilisation=_share(core, {backward}),
        energy_j=_energy_of(joules, f"links.{name}"),
    )


def _unit(core: Core, u: int, name: str, joules: dict[str, float]) -> UnitResult:
    row, unit = core.world.units[u], core.plan.machine.units[name]
    return UnitResult(
        kind=unit.kind,
        near=unit.tier,
        busy_compute_ps=int(row[c.U_BUSY_COMPUTE]),
        busy_near_ps=int(row[c.U_BUSY_NEAR]),
        idle_ps=int(row[c.U_IDLE]),
        stalls=_stalls(core, u),
        energy_j=_energy_of(joules, f"units.{name}"),
    )


def _stalls(core: Core, u: int) -> tuple[Stall, ...]:
    """Return the unit's stalls, longest first."""
    table = core.world.stall[u]
    stalls = []
    for kind, place, detail, group in np.argwhere(table > 0):
        at_tier = kind in (c.S_ROOM, c.S_JOINED)
        where = core.plan.order[place] if at_tier else core.plan.hops[place].name
        ps = int(table[kind, place, detail, group])
        stalls.append(Stall(KINDS[kind], where, DETAILS[int(kind)][detail], core.trace.classes[group], ps))
    return tuple(sorted(stalls, key=lambda stall: (-stall.ps, stall.cause, stall.object_class)))
