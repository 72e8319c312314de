"""What changed between two runs, and why: time by cause, hits, traffic and energy, each part of an exact difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hiersim.engine.requests import WAITS, RequestsResult
from hiersim.engine.result import Result
from hiersim.report.breakdown import cause_of
from hiersim.report.format import duration, joules, percent, setting, traffic
from hiersim.report.numbers import Number
from hiersim.report.requests_table import WORDS

if TYPE_CHECKING:
    from hiersim.insight.planned import Run

PARTS = 4
"""Causes, ways and parts that are told; the rest are told as one."""
SMALL = 0.005
"""Differences of less than this share of the whole are not told."""
FIGURES = 4
"""Figures in which two scenarios differ that are told."""


def changes(before: Run, after: Run) -> list[str]:
    """Return what changed from one run to another in words; each sentence is computed from the two results."""
    old, new = before.result, after.result
    told = [_settings(before, after), _time(before, after), *_requests(old, new), *_causes(old, new), *_hits(old, new)]
    return [sentence for sentence in [*told, _traffic(old, new), *_energy(old, new)] if sentence]


def _settings(before: Run, after: Run) -> str:
    """Say in which figures the scenarios differ, as far as they are known and the names do not say it."""
    if not before.figures or not after.figures or (before.settings and after.settings):
        return ""
    paths = list(dict.fromkeys([*before.figures, *after.figures]))
    differ = [path for path in paths if before.figures.get(path) != after.figures.get(path)]
    if not differ:
        return f"{after.name} and {before.name} are the same scenario."
    told = [
        f"{_short(path)} {_value(path, before.figures.get(path))} -> {_value(path, after.figures.get(path))}"
        for path in differ[:FIGURES]
    ]
    more = f" and {len(differ) - FIGURES} more" if len(differ) > FIGURES else ""
    return f"{after.name} differs from {before.name} in {', '.join(told)}{more}."


def _short(path: str) -> str:
    return path.removeprefix("machine.").removesuffix(".name")


def _value(path: str, value: Any) -> str:
    from hiersim.insight.knobs import DIMENSIONS
    from hiersim.units import show

    word = path.replace(".", "_").rpartition("_")[2]
    if isinstance(value, int | float) and not isinstance(value, bool) and word in (*DIMENSIONS, "latency", "time"):
        return show(value, DIMENSIONS.get(word, "time"))
    return setting(value)


def _time(before: Run, after: Run) -> str:
    old, new = before.result.elapsed_ps, after.result.elapsed_ps
    if old == new:
        return f"Both take {duration(old)}."
    change = f"{duration(abs(new - old))} ({percent(abs(new - old) / old)}) " if old else ""
    return f"{after.name} takes {duration(new)}, {change}{'more' if new > old else 'less'} than {before.name}."


def _requests(old: Result, new: Result) -> list[str]:
    """Say how much sooner or later tokens come, and which parts of a request's time that is; they add up to it."""
    before, after = old.requests, new.requests
    if before is None or after is None or not before.done.any() or not after.done.any():
        return []
    told = []
    for words, was, becomes in (
        ("the first token comes after", before.ttft_ps, after.ttft_ps),
        ("each further one takes", before.tpot_ps, after.tpot_ps),
    ):
        if len(was) and len(becomes) and abs(becomes.mean() - was.mean()) >= SMALL * was.mean():
            told.append(f"{words} {duration(round(becomes.mean()))} instead of {duration(round(was.mean()))}")
    parts = _differences(_waits(before), _waits(after))
    whole = max(sum(_waits(before).values()), sum(_waits(after).values()), 1)
    spent = _listed(parts, whole, lambda part, ps: f"{duration(abs(ps))} {_more(ps)} {part}")
    found = [f"On average {', '.join(told)}."] if told else []
    return found + ([f"A request spends {spent}."] if spent else [])


def _waits(requests: RequestsResult) -> dict[str, Number]:
    """Return the picoseconds that a request that is done spends on average, by what it does."""
    means = requests.waits_ps[requests.done].mean(axis=0, dtype="float64")
    return {WORDS[name]: float(ps) for name, ps in zip(WAITS, means, strict=True)}


def _causes(old: Result, new: Result) -> list[str]:
    """Say for each unit of both runs which parts of its time changed; they add up to the difference."""
    told = []
    for name in [name for name in old.units if name in new.units]:
        parts = _differences(_parts(old, name), _parts(new, name))
        whole = max(old.elapsed_ps, new.elapsed_ps, 1)
        if words := _listed(parts, whole, lambda part, ps: f"{duration(abs(ps))} {_more(ps)} {part}"):
            told.append(f"{name}: {words}.")
    return told


def _parts(result: Result, unit: str) -> dict[str, Number]:
    """Return the picoseconds of a unit by what it did: all of the run's time."""
    found = result.units[unit]
    parts: dict[str, Number] = {"computing": found.busy_compute_ps, f"on {found.near}": found.busy_near_ps}
    for stall in found.stalls:
        cause = f"waiting for {cause_of(stall)}"
        parts[cause] = parts.get(cause, 0) + stall.ps
    return parts | {"idle": found.idle_ps}


def _differences(old: Mapping[str, Number], new: Mapping[str, Number]) -> dict[str, Number]:
    """Return what changed by name, the largest first."""
    names = dict.fromkeys([*old, *new])
    found = {name: new.get(name, 0) - old.get(name, 0) for name in names}
    return dict(sorted(found.items(), key=lambda item: (-abs(item[1]), item[0])))


def _listed(parts: Mapping[str, Number], whole: float, words: Callable[[str, Number], str]) -> str:
    """Return the large differences in words, the rest as one; nothing where all are small."""
    large = {name: value for name, value in parts.items() if abs(value) >= SMALL * whole}
    told = [words(name, value) for name, value in list(large.items())[:PARTS]]
    rest = sum(parts.values()) - sum(list(large.values())[:PARTS])
    if told and abs(rest) >= SMALL * whole:
        told.append(words("of other parts", rest))
    return ", ".join(told)


def _more(value: Number) -> str:
    return "more" if value > 0 else "less"


def _hits(old: Result, new: Result) -> list[str]:
    """Say which tiers answer another share of the accesses, and how much more or less was made anew."""
    if not old.accesses or not new.accesses:
        return []
    told = []
    for name in [name for name in old.tiers if name in new.tiers]:
        before, after = old.tiers[name].hits / old.accesses, new.tiers[name].hits / new.accesses
        if abs(after - before) >= SMALL:
            told.append(f"{name} answers {percent(after)} of the accesses instead of {percent(before)}")
    before, after = old.created / old.accesses, new.created / new.accesses
    if abs(after - before) >= SMALL:
        told.append(f"{percent(after)} of the accesses create their object instead of {percent(before)}")
    return [f"{'; '.join(told)}."] if told else []


def _traffic(old: Result, new: Result) -> str:
    """Say over which ways more or fewer bytes went."""
    parts = _differences(_ways(old), _ways(new))
    whole = max(max(_ways(old).values(), default=0), max(_ways(new).values(), default=0), 1)
    words = _listed(
        {way: size for way, size in parts.items() if way},
        whole,
        lambda way, size: f"{traffic(abs(size))} {_more(size)} {way}",
    )
    return f"Traffic: {words}." if words else ""


def _ways(result: Result) -> dict[str, Number]:
    """Return payload bytes by tier and direction, and by link and direction."""
    found: dict[str, Number] = {}
    for name, tier in result.tiers.items():
        found |= {f"read from {name}": tier.read_total, f"written to {name}": tier.written_total}
    for name, link in result.links.items():
        one, other = link.between
        found |= {f"over {name} to {other}": link.forward_total, f"over {name} to {one}": link.backward_total}
    return found


def _energy(old: Result, new: Result) -> list[str]:
    """Say which parts of the energy changed; they add up to the difference."""
    before, after = old.total_energy_j, new.total_energy_j
    if not before and not after:
        return []
    if abs(after - before) < SMALL * max(before, after):
        return []
    parts = _differences(_owners(old), _owners(new))
    words = _listed(parts, max(before, after), lambda part, value: f"{joules(abs(value))} {_more(value)} {part}")
    change = f" ({percent(abs(after - before) / before)} {_more(after - before)})" if before else ""
    return [f"Energy {joules(after)} instead of {joules(before)}{change}: {words}." if words else ""]


def _owners(result: Result) -> dict[str, Number]:
    """Return joules by part: ``by gpu0``."""
    found: dict[str, Number] = {}
    for path, value in result.energy_j.items():
        name = f"by {path.split('.')[1]}" if path.count(".") > 1 else f"by {path}"
        found[name] = found.get(name, 0) + value
    return found
