"""What a reader of a summary should know before trusting or acting on it: odd counts, and the estimates it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from hiersim.engine.result import Result, TierResult
from hiersim.report.format import duration, plural

YEAR = 365.25 * 86400
"""Seconds."""
SHOWN = 3
"""Estimates named in the summary; the provenance has all of them."""


def notes(result: Result) -> list[tuple[str, str]]:
    """Return labelled lines: ``note`` for counts that deserve a word, ``rests on`` for estimates."""
    found: list[tuple[str, str]] = []
    for name, tier in result.tiers.items():
        if tier.lost:
            found.append(("note", f"{name} dropped {plural(tier.lost, 'dirty object')}: no tier further out took them"))
        if tier.refused:
            found.append(("note", f"{plural(tier.refused, 'victim')} of {name} found the next tier full"))
        if tier.endurance_used and result.elapsed_ps:
            found.append(("note", f"{name} wears out in {years(lifetime_years(tier, result.elapsed_ps))} at this rate"))
        if tier.denied:
            found.append(("note", f"{name} turned {plural(tier.denied, 'object')} away, by its policy or admission"))
        payload, wire = tier.read_total + tier.written_total, tier.read_wire_bytes + tier.written_wire_bytes
        if payload and wire >= 1.05 * payload:
            times = f"{wire / payload:.3g}x"
            found.append(
                ("note", f"{name}'s medium moved {times} the payload: transfers are rounded up to its granularity")
            )
    if result.timeline is not None and result.timeline.window_ps[0] >= result.timeline.window_ps[1]:
        end = duration(result.elapsed_ps)
        found.append(("note", f"the timeline is empty: its window begins where the run is over, after {end}"))
    missing = [str(path) for path in result.provenance.get("energy_missing", ())]
    if missing and result.energy_j:
        what = plural(len(missing), "figure")
        found.append(
            ("note", f"energy leaves out what {what} would add that the machine does not state: {some(missing)}")
        )
    estimates = [str(path) for path in result.provenance.get("estimates", ())]
    if estimates:
        found.append(("rests on", f"{plural(len(estimates), 'estimate')}: {some(estimates)}"))
    return found


def lifetime_years(tier: TierResult, elapsed_ps: int) -> float:
    """Return after how many years of this a tier's stated endurance is used up; infinite where nothing is written."""
    return elapsed_ps / 1e12 / YEAR / tier.endurance_used if tier.endurance_used else inf


def years(value: float) -> str:
    """Return years as text."""
    return f"{value:,.0f} years" if value >= 100 else f"{value:.2g} years"


def some(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
