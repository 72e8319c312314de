"""Intervals from draws: between which of the drawn results the truth lies, at a rate that is exact for any number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hiersim.report.numbers import Number

RATE = 0.9
"""Rate at which intervals are to cover the truth, if there are draws enough."""
SUMS = ("stalls", "read_bytes_by_class", "written_bytes_by_class", "forward_bytes_by_class", "backward_bytes_by_class")
"""Groups of numbers in which one that is missing is 0: nothing was lost to that cause."""
FEWEST, MOST = 3, 100_000
"""Draws that an interval may have."""
Interval = tuple[Number, Number]
"""The low and the high end, in the number's own unit."""


def wrong_draws(draws: int) -> str:
    """Return what is wrong with a number of draws, or an empty text."""
    if FEWEST <= draws <= MOST:
        return ""
    return f"must be {FEWEST} to {MOST:,} machines, got {draws:,}; intervals that cover 90% need 19"


def rank(draws: int, rate: float = RATE) -> int:
    """Return how many draws lie outside an interval at each end, itself counted: its ends are the rank-th from there.

    The truth, as far as it is one more draw, falls below the k-th smallest of n draws in k of n + 1 cases.
    """
    return max(1, int((draws + 1) * (1 - rate) / 2 + 1e-9))


def covered(draws: int, rate: float = RATE) -> float:
    """Return the rate at which intervals from so many draws cover the truth: exactly (n + 1 - 2k) / (n + 1)."""
    return (draws + 1 - 2 * rank(draws, rate)) / (draws + 1)


def intervals(draws: Sequence[Mapping[str, Number]], rate: float = RATE) -> dict[str, Interval]:
    """Return the interval of every number that all draws have.

    Args:
        draws: the numbers of each draw by dotted name; in groups of parts of a sum what is missing is 0.
        rate: at which intervals are to cover the truth.
    """
    found: dict[str, Interval] = {}
    k = rank(len(draws), rate)
    for name in dict.fromkeys(name for row in draws for name in row):
        summed = any(f".{group}." in name for group in SUMS)
        values = sorted(row.get(name, 0) for row in draws if summed or name in row)
        if len(values) == len(draws):
            found[name] = (values[k - 1], values[-k])
    return found
