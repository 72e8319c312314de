"""Cache studies in the form that reports need: policies by capacity, and how far each is from LRU to the optimum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
"""One replay: ``policy``, ``capacity`` (bytes or objects), ``requests``, ``misses``, ``miss_ratio``, perhaps more."""
OPTIMUM, REFERENCE = "opt", "lru"
"""Names of the clairvoyant policy and of the one that the others are compared with."""
BOUND, OFFLINE = "bound", "offline"
"""Names of what no policy can beat, and of the best schedule known, where sizes differ and ``opt`` is not the best."""
KNOWING = (BOUND, OFFLINE, OPTIMUM)
"""Who knows the future."""


def pivot(rows: Sequence[Row], measure: str) -> dict[str, dict[int, float]]:
    """Return ``policy -> capacity -> measure``, policies in the order of their mean, who knows the future first."""
    found: dict[str, dict[int, float]] = {}
    for row in rows:
        if row.get(measure) is not None:
            found.setdefault(str(row["policy"]), {})[int(row["capacity"])] = float(row[measure])
    ranked = sorted(found, key=lambda name: (name not in KNOWING, sum(found[name].values()) / len(found[name]), name))
    return {name: dict(sorted(found[name].items())) for name in ranked}


def capacities(rows: Sequence[Row]) -> list[int]:
    """Return the capacities of a study, smallest first."""
    return sorted({int(row["capacity"]) for row in rows})


def to_optimum(found: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    """Return the share of the way from LRU to the optimum that each policy goes, mean over the capacities.

    Capacities where LRU is the optimum do not count; empty if either is missing.
    """
    best, plain = found.get(OFFLINE) or found.get(OPTIMUM, {}), found.get(REFERENCE, {})
    shares: dict[str, float] = {}
    for name, by_capacity in found.items():
        usable = [c for c in by_capacity if c in best and c in plain and plain[c] > best[c]]
        if usable:
            ways = [(plain[c] - by_capacity[c]) / (plain[c] - best[c]) for c in usable]
            shares[name] = sum(ways) / len(ways)
    return shares


def speed(rows: Sequence[Row]) -> dict[str, float]:
    """Return the accesses/s of each policy over all its replays that state ``seconds``."""
    totals: dict[str, list[float]] = {}
    for row in rows:
        if row.get("seconds"):
            total = totals.setdefault(str(row["policy"]), [0.0, 0.0])
            total[0] += float(row["requests"])
            total[1] += float(row["seconds"])
    return {name: requests / seconds for name, (requests, seconds) in totals.items()}
