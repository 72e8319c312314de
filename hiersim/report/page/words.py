"""What a run shows, in sentences that follow from its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from hiersim.engine.operations import OperationsResult
from hiersim.engine.result import Result, UnitResult
from hiersim.report.breakdown import stalls
from hiersim.report.format import bound_of, duration, joules, percent, plural, traffic
from hiersim.report.notes import notes
from hiersim.report.page import served


def told(result: Result) -> list[str]:
    """Return what was run, where the time went, who answered, what moved most, the energy, and what to know of it."""
    if not result.elapsed_ps:
        return ["Nothing happened: no time passed, so there is nothing to show. Was anything replayed?"]
    found = _what(result)
    found += [_unit(name, unit, result.elapsed_ps) for name, unit in result.units.items()]
    found += [line for line in (_answers(result), _latency(result), _busiest(result), _energy(result)) if line]
    return found + [f"{text[:1].upper()}{text[1:]}." for label, text in notes(result) if label == "note"]


def _what(result: Result) -> list[str]:
    """Return what was run, and what became of it."""
    if result.requests is not None:
        return served.told(result, result.requests)
    if result.operations is not None:
        return _operations(result.operations)
    return [_run(result)]


def _operations(operations: OperationsResult) -> list[str]:
    """Return how long operations took, what their longest chain takes, and which kind worked most."""
    makespan = operations.makespan_ps
    chain = f"; the longest chain of them takes {percent(operations.critical_path_ps / makespan)} of it by itself"
    found = [f"{plural(operations.count, 'operation')} took {duration(makespan)} of simulated time{chain}."]
    units = [(name, kind) for name, kind in operations.kinds.items() if kind.unit and kind.busy_ps]
    if units:
        name, kind = max(units, key=lambda item: item[1].busy_ps)
        share = percent(kind.busy_ps / sum(each.busy_ps for _, each in units))
        found.append(
            f"Most work was `{name}`: {duration(kind.busy_ps)} in {plural(kind.count, 'operation')} on {kind.unit}, "
            f"{share} of what units did."
        )
    return found


def _run(result: Result) -> str:
    trace = result.provenance.get("trace")
    size = trace.get("bytes") if isinstance(trace, dict) else None
    what = plural(result.accesses, "access", "accesses") + (f" to {traffic(size)}" if size else "")
    made = (
        f"; {plural(result.created, 'object')} ({traffic(result.created_bytes)}) had to be made"
        if result.created
        else ""
    )
    return f"{what} took {duration(result.elapsed_ps)} of simulated time{made}."


def _unit(name: str, unit: UnitResult, elapsed: int) -> str:
    parts = [("computing", unit.busy_compute_ps), (f"on {unit.near}", unit.busy_near_ps), ("idle", unit.idle_ps)]
    busy = ", ".join(f"{percent(ps / elapsed)} {what}" for what, ps in parts if ps)
    text = f"{name} spent {percent(unit.stalled_ps / elapsed)} of the time stalled" + (f", {busy}" if busy else "")
    causes = stalls(unit)
    if not causes:
        return f"{text}."
    first = causes[0]
    share = percent(first.ps / unit.stalled_ps)
    what = " and ".join(first.classes[:2])
    return f"{text}; {share} of its stalls were {first.label}, {duration(first.ps)}, for objects of class {what}."


def _answers(result: Result) -> str:
    if not result.accesses:
        return ""
    shares = [(name, (tier.hits + tier.merged) / result.accesses) for name, tier in result.tiers.items()]
    listed = ", ".join(f"{name} {percent(share)}" for name, share in shares if share)
    rest = 1 - sum(share for _, share in shares)
    missed = f"; {percent(rest)} were in no tier" if rest > 1e-12 else ""
    return f"Accesses found their objects in {listed}{missed}." if listed else "No access found its object in a tier."


def _latency(result: Result) -> str:
    found = result.latency_quantiles_ps()
    if not found:
        return ""
    shares = ", ".join(f"{share:.0%} in {duration(ps)}" for share, ps in found.items() if share < 1)
    return f"An access took {duration(result.mean_latency_ps)} on average; {shares}, all in {duration(found[1.0])}."


def _busiest(result: Result) -> str:
    used = {name: tier.utilisation for name, tier in result.tiers.items()}
    used |= {name: max(link.forward_utilisation, link.backward_utilisation) for name, link in result.links.items()}
    most = max(used, key=lambda name: used[name], default="")
    if not most or not used[most]:
        return ""
    bound = bound_of(most, result.tiers[most]) if most in result.tiers else "-"
    more = f"; its transfers waited most for {bound}" if bound != "-" else ""
    return f"The busiest part was {most}, which used {percent(used[most])} of its bandwidth{more}."


def _energy(result: Result) -> str:
    total = result.total_energy_j
    if not total:
        return ""
    parts: dict[str, float] = {}
    for path, value in result.energy_j.items():
        name = path.split(".")[1]
        parts[name] = parts.get(name, 0.0) + value
    most = max(parts, key=lambda name: parts[name])
    watts = joules(total / (result.elapsed_ps / 1e12)).removesuffix("J") + "W"
    return f"It took {joules(total)}, {watts} on average, {percent(parts[most] / total)} of it in {most}."


def compared(runs: Sequence[tuple[str, Result]]) -> list[str]:
    """Return in words how runs differ from the first of them."""
    found = []
    (first, base), *others = runs
    for name, result in others:
        if not base.elapsed_ps or not result.elapsed_ps:
            continue
        ratio = result.elapsed_ps / base.elapsed_ps
        if ratio == 1:
            found.append(f"{name} took exactly as long as {first}.")
            continue
        way = f"{percent(1 - ratio)} less" if ratio < 1 else f"{percent(ratio - 1)} more"
        found.append(f"{name} took {way} time than {first}" + _because(base, result) + ".")
    return found


def _because(base: Result, result: Result) -> str:
    """Return the stall that changed most, over all units."""
    change: dict[str, int] = {}
    for sign, run in ((-1, base), (1, result)):
        for unit in run.units.values():
            for part in stalls(unit):
                change[part.label] = change.get(part.label, 0) + sign * part.ps
    label = max(change, key=lambda label: (abs(change[label]), label), default="")
    if not label or not change[label]:
        return ""
    return f"; most changed: {label}, {duration(abs(change[label]))} {'less' if change[label] < 0 else 'more'}"
