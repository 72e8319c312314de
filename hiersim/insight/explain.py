"""What bounds a run and what would help, in a few sentences that follow from its numbers; none where nothing is known.

Nothing is simulated for this: `hiersim.insight.whatif` does that, and puts a number on what would help.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from hiersim.engine.result import Result, UnitResult
from hiersim.insight.explain_work import FULL, LITTLE, MOST, executed, served
from hiersim.report.breakdown import COMPUTE, Part, at_work, stalls
from hiersim.report.format import count, joules, percent, plural


class Explanation(tuple[str, ...]):
    """Sentences; printed one a line."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(self)

    __repr__ = __str__


def explain(result: Result | Path | str) -> Explanation:
    """Return in a few true sentences what bounds a run and what would help.

    Args:
        result: what a run returned, or the folder or JSON that it left.

    Raises:
        ConfigError: there is no result to be read.
    """
    if not isinstance(result, Result):
        from hiersim.report.reading import read_result

        return explain(read_result(result).result)
    if not result.elapsed_ps:
        return Explanation()
    makers: tuple[Callable[[Result], Iterator[str]], ...] = (
        served, _units, executed, _floor, _idle, _made, _full, _ahead, _energy,
    )  # fmt: skip
    return Explanation(sentence for maker in makers for sentence in maker(result))


def _units(result: Result) -> Iterator[str]:
    """Say for each unit that did something where its time went, and what most of its waiting was for."""
    for name, unit in result.units.items():
        if unit.idle_ps == result.elapsed_ps:
            continue
        shares = {
            "computes": unit.busy_compute_ps,
            f"is at work on {unit.near}": unit.busy_near_ps,
            "waits": unit.stalled_ps,
            "has nothing to do": unit.idle_ps,
        }
        large = sorted(((ps, what) for what, ps in shares.items() if ps), key=lambda item: -item[0])
        told = [f"{what} {percent(ps / result.elapsed_ps)} of the time" for ps, what in large[:1]]
        told += [f"{what} {percent(ps / result.elapsed_ps)}" for ps, what in large[1:]]
        yield f"{name} {_joined(told)}."
        yield from _waiting(result, name, unit)


def _joined(told: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(told[:-1]), told[-1])))


def _waiting(result: Result, name: str, unit: UnitResult) -> Iterator[str]:
    """Say what a unit waited for most, if it waited, and what would shorten that, if the numbers tell."""
    parts = stalls(unit)
    if not parts or unit.stalled_ps < LITTLE * result.elapsed_ps:
        return
    first = parts[0]
    much = "All" if len(parts) == 1 else f"{percent(first.ps / unit.stalled_ps)}"
    help_ = _help(result, unit, first)
    yield f"{much} of {name}'s waiting is {_cause(first)}{help_}."


def _cause(part: Part) -> str:
    """Return the cause of a stall as a sentence has it."""
    detail = part.label.partition(f" {part.kind}")[2].strip()
    if at_work(part.kind, part.place):
        return f"for what {part.place.removesuffix(COMPUTE)} is at work on"
    words = {
        "room": f"for room in {part.place} {detail}",
        "slot": f"for a free slot at {part.place}, {detail}",
        "latency": f"the latency of {part.place}",
        "bandwidth": f"for the bytes that {part.place} moves" + (f" (bound by its {detail})" if detail else ""),
        "joined": f"for fetches into {part.place} that others began",
    }
    return words.get(part.kind, f"for {part.label}").strip().rstrip(",")


def _help(result: Result, unit: UnitResult, first: Part) -> str:
    """Return what would shorten the largest cause, where the numbers leave no doubt."""
    used = _used(result)
    if first.kind == "room" and "write-back" in first.label:
        return ": what it evicts leaves too slowly for what comes in"
    if first.kind in ("latency", "slot") and max(used.values(), default=0.0) < FULL:
        waited = sum(stall.ps for stall in unit.stalls if stall.kind == "bandwidth")
        not_ = ", more bandwidth would not" if waited + unit.busy_near_ps < LITTLE * result.elapsed_ps else ""
        return f": {_remedy(result, first)} would help{not_}"
    if first.kind == "bandwidth" and used.get(first.place, 0.0) >= FULL:
        share = percent(used[first.place])
        return f": it works {share} of the time, so only fewer bytes or more bandwidth there would help"
    return ""


def _remedy(result: Result, first: Part) -> str:
    """Return what shortens waiting for latencies or slots where no bandwidth is used up.

    More requests in flight help for certain only where there is one at a time, so that none can be waiting in a queue.
    """
    queues = [name for name, tier in result.tiers.items() if tier.bound == "queue depth"]
    if first.kind == "slot":
        return "more slots, or shorter latencies,"
    if queues:
        return f"a shorter latency, or a longer queue at {_joined(queues)},"
    in_flight = float(result.latency_ps.sum()) / result.elapsed_ps if len(result.latency_ps) else 0.0
    return "a shorter latency, or more requests in flight," if 0.0 < in_flight < 1 + LITTLE else "a shorter latency"


def _used(result: Result) -> dict[str, float]:
    """Return by hop the share of the time that its bandwidth was at work on the bytes of the run."""
    used: dict[str, float] = {}
    for name, tier in result.tiers.items():
        used |= dict.fromkeys((name, f"{name}.read", f"{name}.write", f"{name}.media"), tier.utilisation)
    for name, link in result.links.items():
        used |= {f"{name}.forward": link.forward_utilisation, f"{name}.backward": link.backward_utilisation}
        used[name] = max(link.forward_utilisation, link.backward_utilisation)
    return used


def _floor(result: Result) -> Iterator[str]:
    """Say how much the busiest part leaves to be gained as long as it moves the same bytes at its bandwidth."""
    shares = {name: tier.utilisation for name, tier in result.tiers.items()}
    for name, link in result.links.items():
        one, other = link.between
        shares |= {f"{name} to {other}": link.forward_utilisation, f"{name} to {one}": link.backward_utilisation}
    place = max(shares, key=lambda name: shares[name], default="")
    if place and shares[place] > MOST:
        works, left = percent(shares[place]), percent(max(0.0, 1 - shares[place]))
        yield f"{place} works {works} of the time: as long as it moves these bytes, all else can save {left} at most."


def _idle(result: Result) -> Iterator[str]:
    """Say how little a faster machine could save of a run whose units mostly wait for work."""
    least = min((unit.idle_ps for unit in result.units.values() if unit.idle_ps < result.elapsed_ps), default=0)
    if least > MOST * result.elapsed_ps:
        left = percent(1 - least / result.elapsed_ps)
        yield f"The work itself leaves these pauses: no faster machine shortens the run by more than {left}."


def _made(result: Result) -> Iterator[str]:
    """Say which of the objects that were made might have been kept."""
    trace = result.provenance.get("trace")
    objects = trace.get("objects") if isinstance(trace, dict) else None
    if not objects or not result.created or not result.accesses:
        return
    share = f"{count(result.created)} of {plural(result.accesses, 'access', 'accesses')}"
    if result.created <= objects:
        yield f"{share} found their object nowhere, each for the first time: no capacity or policy avoids that."
    else:
        again = result.created - objects
        yield (
            f"{share} found their object nowhere; at least {count(again)} of them had been there before, "
            "which more room or another policy may keep."
        )


def _full(result: Result) -> Iterator[str]:
    """Say which tiers were full and had to evict."""
    full = {n: t for n, t in result.tiers.items() if t.evictions and t.peak_bytes >= FULL * t.capacity_bytes}
    if full:
        told = [f"{name} ({count(tier.evictions)} evictions)" for name, tier in full.items()]
        yield f"Full: {_joined(told)}."


def _ahead(result: Result) -> Iterator[str]:
    """Say where most of what was fetched ahead was of no use, or came late."""
    for name, tier in result.tiers.items():
        ahead = tier.prefetch
        if ahead is None or ahead.accuracy is None:
            continue
        if ahead.accuracy < MOST:
            yield f"Of what was fetched ahead into {name} only {percent(ahead.accuracy)} was used."
        elif ahead.timeliness is not None and ahead.timeliness < MOST:
            late = percent(1 - ahead.timeliness)
            yield f"{late} of what was fetched ahead into {name} and used came late."


def _energy(result: Result) -> Iterator[str]:
    """Say what takes most of the energy, and how much of it is drawn only because time passes."""
    total = result.total_energy_j
    if not total:
        return
    owners: dict[str, float] = {}
    for path, value in result.energy_j.items():
        owners[_owner(path)] = owners.get(_owner(path), 0.0) + value
    first = max(owners, key=lambda name: owners[name])
    if owners[first] > MOST * total:
        yield f"{percent(owners[first] / total)} of the energy ({joules(total)}) goes into {first}."
    waiting = sum(value for path, value in result.energy_j.items() if path.endswith((".background", ".idle")))
    if waiting > MOST * total:
        share = percent(waiting / total)
        yield f"{share} of the energy is drawn while time passes, whatever moves: a shorter run takes less."


def _owner(path: str) -> str:
    words = path.split(".")
    return words[1] if len(words) > 2 else path
