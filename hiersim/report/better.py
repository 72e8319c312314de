"""Whether more or less of a number is better, by its dotted name."""

from __future__ import annotations

LESS = frozenset(
    [
        "elapsed_ps",
        "stalled_ps",
        "idle_ps",
        "busy_ps",
        "busy_compute_ps",
        "busy_near_ps",
        "miss_ratio",
        "misses",
        "created",
        "created_bytes",
        "evictions",
        "written_back",
        "lost",
        "refused",
        "passed_over",
        "denied",
        "dropped",
        "unused",
        "late",
        "pollution",
        "read_wire_bytes",
        "written_wire_bytes",
        "forward_wire_bytes",
        "backward_wire_bytes",
        "cost",
        "cost_per_million_tokens",
        "energy_per_token_j",
        "preemptions",
        "rejected",
        "internal_fragmentation",
        "external_fragmentation",
    ]
)
"""Last words of names of which less is better."""
MORE = frozenset(
    [
        "hits",
        "merged",
        "accuracy",
        "coverage",
        "timeliness",
        "used",
        "in_time",
        "goodput",
        "throughput",
        "good_share",
        "reused_share",
        "wears_out_years",
        "to_opt_share",
    ]
)
"""Last words of names of which more is better."""
LESS_BELOW = frozenset(
    ["latency_ps", "energy_j", "stalls", "ttft_s", "tpot_s", "latency_s", "waits_s", "energy_per_token_by_part_j"]
)
"""Groups, or last words, all of whose numbers are better when less."""


def better(name: str) -> int:
    """Return -1 if less of a number is better, 1 if more is, and 0 if that cannot be said: of sizes and shares of use.

    Args:
        name: dotted, such as ``tiers.dram.hits`` or ``latency_ps.p99``.
    """
    words = name.split(".")
    last = words[-1]
    if last in LESS or any(word in LESS_BELOW for word in words):
        return -1
    if last in MORE or last.endswith(("_per_s", "_per_j")):
        return 1
    return -1 if last.endswith("_latency_ps") else 0
