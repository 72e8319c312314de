"""What a claim of a described study may be held against, and the finding that comes of it.

{claimed: 7.32, simulated: EXPRESSION, tolerance: 0.2, why: ...}    a number within a relative deviation
{claimed: 0.62, simulated: EXPRESSION, factor: 2, why: ...}         within a factor
{claimed: 12.5, low: EXPRESSION, high: EXPRESSION, why: ...}        inside of a range that is simulated
{limit: 1, simulated: EXPRESSION, why: ...}                         not above what is proved
{claimed: TEXT, simulated: EXPRESSION, holds: "> 1", why: ...}      a behaviour without a number
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from hiersim.studies.claim import Finding, at_most, between, figure, seen, within

FORMS = {
    "tolerance": ("claimed", "simulated"),
    "factor": ("claimed", "simulated"),
    "low": ("claimed", "high"),
    "limit": ("simulated",),
    "holds": ("claimed", "simulated"),
}
"""The key that tells what a claim is, and what else it needs."""
COMPARISONS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
CONDITION = re.compile(r"\s*(<=|>=|<|>)\s*(.+)")


def lacking(claim: Mapping[str, Any]) -> list[str]:
    """Return the keys that a claim lacks."""
    form = next((key for key in FORMS if key in claim), "tolerance")
    return [key for key in (*FORMS[form], form, "why") if key not in claim]


def finding(name: str, claim: Mapping[str, Any], number: Callable[[str], float]) -> Finding:
    """Return what became of a claim.

    Args:
        name: of the figure.
        claim: of one of the forms.
        number: returns the value of arithmetic over results.

    Raises:
        ValueError: an expression is no arithmetic, or names something unknown; its key comes first.
    """
    note = " ".join(str(claim["why"]).split())

    def of(key: str) -> float:
        try:
            return number(str(claim[key]))
        except ValueError as why:
            raise ValueError(key, str(why)) from None

    if "holds" in claim:
        simulated, told = of("simulated"), CONDITION.fullmatch(str(claim["holds"]))
        if told is None:
            raise ValueError("holds", f"expected one of {', '.join(COMPARISONS)} and a number, got `{claim['holds']}`")
        return seen(
            name, str(claim["claimed"]), f"{simulated:.4g}", COMPARISONS[told[1]](simulated, number(told[2])), note
        )
    if "low" in claim:
        return between(name, of("claimed"), of("low"), of("high"), note)
    if "limit" in claim:
        return at_most(name, of("limit"), of("simulated"), note)
    if "factor" in claim:
        return within(name, of("claimed"), of("simulated"), of("factor"), note)
    return figure(name, of("claimed"), of("simulated"), of("tolerance"), note)
