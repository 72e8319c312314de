"""The numbers of a result by dotted name, such as ``units.gpu0.stalled_ps``: one flat row of its JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hiersim.errors import nearest
from hiersim.report.format import capacity, count, duration, joules, percent, traffic

Number = int | float
APART = ("provenance", "seconds")
"""Keys of a document whose numbers are not what was simulated."""
HELD = ("capacity_bytes", "resident_bytes", "peak_bytes", "mean_bytes")
"""Sizes that are held, not moved; people read them in binary units."""


SHARES = ("utilisation", "_ratio", "_share")
"""Endings of numbers that are shares of 1."""


def numbers(document: Mapping[str, Any]) -> dict[str, Number]:
    """Return every number of a result's document (``report.json.to_json``) by its dotted name.

    Lists, texts and what is null are left out, and so is the wall time.
    """
    return dict(_leaves({key: value for key, value in document.items() if key not in APART}, ""))


def _leaves(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Number]]:
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{key}", value


def unknown(name: str, known: Iterable[str]) -> str:
    """Return the message for a number that results do not have, with the nearest that they have."""
    names = list(known)
    same = [each for each in names if each.rpartition(".")[2] == name]
    return f"results have no number `{name}`" + (f"; did you mean `{same[0]}`?" if same else nearest(name, names))


def unit_of(name: str) -> str:
    """Return the unit that a number's name carries: ``ps``, ``s``, ``bytes``, ``j``, ``w``, or an empty text."""
    if ".stalls." in name:
        return "ps"
    for word in reversed(name.split(".")):
        ending = "" if "_per_" in word else word.rpartition("_")[2]
        if ending in ("ps", "s", "bytes", "j", "w") and (ending != word or word == "bytes"):
            return ending
    return ""


def shown(name: str, value: Number | None) -> str:
    """Return a number as a person reads it, in the unit that its name carries; ``-`` for none."""
    if value is None:
        return "-"
    unit = unit_of(name)
    if unit in ("ps", "s"):
        return duration(value * (1 if unit == "ps" else 1e12))
    if unit == "bytes":
        return capacity(value) if name.rpartition(".")[2] in HELD else traffic(value)
    if unit in ("j", "w"):
        return joules(value) if unit == "j" else joules(value).removesuffix("J") + "W"
    if name.endswith(SHARES):
        return percent(value)
    return count(value) if isinstance(value, int) else f"{value:.4g}"
