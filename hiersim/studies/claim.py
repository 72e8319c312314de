"""What a study is: a paper's claim about memory, run in the simulator, and a verdict that nobody tuned.

Verdicts:

    holds     the simulated figure is within the tolerance of the claimed one
    differs   it is not, or a law that the paper proves is broken; the deviation says by how much
    bounded   the figure rests on something that a memory simulator is not told (a model's accuracy, a data set); what
              the simulator can say is a range or a limit, and the claimed figure keeps to it
    shown     the claim has no number; the behaviour that it describes was looked for and found
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

VERDICTS = ("holds", "differs", "bounded", "shown")
GRADES = {
    "A": "a closed form or a law of scaling",
    "B": "rests on an assumption about the trace, or on one calibrated input",
    "C": "behaviour alone",
}


@dataclass(frozen=True)
class Finding:
    """One claimed figure beside what was simulated.

    Attributes:
        name: which of the study's figures, as a short name.
        claimed: the paper's figure, or its claim in words.
        simulated: the simulator's, or what was seen.
        deviation: simulated over claimed, less 1; of a range, the distance to it; ``None`` where there is no number.
        tolerance: the largest deviation that still holds, set before the run; ``None`` where there is none.
        verdict: one of ``VERDICTS``.
        note: how it was simulated, and what the figure rests on.
    """

    name: str
    claimed: float | str
    simulated: float | str
    deviation: float | None
    tolerance: float | None
    verdict: str
    note: str


@dataclass(frozen=True)
class Study:
    """A claim of a paper.

    Attributes:
        name: what users call it.
        title: of the paper.
        family: the kind of system, such as ``caching-theory``.
        grade: how far the claim can be derived, a key of ``GRADES``.
        source: authors, title, venue and year.
        memory: what the paper does, in terms of memory.
        not_ours: what of its claims a memory simulator cannot speak to.
        run: simulates, and returns the findings.
        cheap: runs within a few seconds, so that tests may run it.
        missing: says what is not here that it would use, such as a trace; empty where nothing is. It runs without, and
            has fewer findings.
    """

    name: str
    title: str
    family: str
    grade: str
    source: str
    memory: str
    not_ours: str
    run: Callable[[], Sequence[Finding]]
    cheap: bool = True
    missing: Callable[[], str] = str


def figure(name: str, claimed: float, simulated: float, tolerance: float, note: str) -> Finding:
    """Hold a number against a claimed one.

    Args:
        name: of the figure.
        claimed: the paper's number.
        simulated: the simulator's, in the same unit.
        tolerance: the largest relative deviation that holds.
        note: how it was simulated, and why this tolerance.
    """
    deviation = _relative(simulated, claimed)
    verdict = "holds" if abs(deviation) <= tolerance else "differs"
    return Finding(name, claimed, simulated, deviation, tolerance, verdict, note)


def within(name: str, claimed: float, simulated: float, factor: float, note: str) -> Finding:
    """Hold a number against a claimed one, a factor from it at most either way: its rough size is asked."""
    ratio = simulated / claimed
    verdict = "holds" if 1 / factor <= ratio <= factor else "differs"
    return Finding(name, claimed, simulated, ratio - 1.0, factor - 1.0, verdict, note)


def between(name: str, claimed: float, low: float, high: float, note: str) -> Finding:
    """Hold a claimed number against the range of what is possible, from ``low`` to ``high``."""
    nearest = min(max(claimed, low), high)
    verdict = "bounded" if low <= claimed <= high else "differs"
    return Finding(name, claimed, f"{low:.3g} to {high:.3g}", _relative(nearest, claimed), 0.0, verdict, note)


def at_most(name: str, limit: float, simulated: float, note: str) -> Finding:
    """Hold a simulated number against a limit that the paper proves."""
    beyond = max(0.0, _relative(simulated, limit))
    return Finding(name, f"at most {limit:.4g}", simulated, beyond, 0.0, "differs" if beyond else "bounded", note)


def seen(name: str, claimed: str, simulated: str, holds: bool, note: str) -> Finding:
    """Say whether a behaviour that has no number was seen."""
    return Finding(name, claimed, simulated, None, None, "shown" if holds else "differs", note)


def _relative(number: float, to: float) -> float:
    if number == to:
        return 0.0
    return number / to - 1.0 if to else float("inf")


def row(study: Study, finding: Finding) -> dict[str, Any]:
    """Return a finding as the command line prints it."""
    return {
        "name": f"{study.name}/{finding.name}",
        "family": study.family,
        "grade": study.grade,
        "claimed": finding.claimed,
        "simulated": finding.simulated,
        "deviation": finding.deviation,
        "tolerance": finding.tolerance,
        "verdict": finding.verdict,
        "note": finding.note,
    }
