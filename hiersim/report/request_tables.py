"""The requests of a serving run as tables: what became of each, and how full the near tier was over time."""

from __future__ import annotations

import polars as pl

from hiersim.engine.requests import WAITS
from hiersim.engine.result import Result


def requests(result: Result) -> pl.DataFrame:
    """Return a row per request, in the order of the trace; times in picoseconds, -1 for what never happened.

    ``reused_TIER`` are the tokens whose KV that tier had, ``reused_remembered`` those left from before a preemption;
    ``wait_KIND_ps`` are the parts of the time from its arrival to its last token.
    """
    found = result.requests
    assert found is not None
    plain = ("arrived_ps", "started_ps", "first_ps", "last_ps", "prompt_tokens", "output_tokens", "computed_tokens")
    columns = {"request": range(found.count)} | {name: getattr(found, name) for name in plain}
    for i, name in enumerate((*result.tiers, "remembered")):
        columns[f"reused_{name}"] = found.reused_tokens[:, i]
    columns |= {"preemptions": found.preemptions, "rejected": found.rejected.astype(bool)}
    columns |= {f"wait_{name}_ps": found.waits_ps[:, i] for i, name in enumerate(WAITS)}
    return pl.DataFrame(columns)


def occupancy(result: Result) -> pl.DataFrame:
    """Return rows over time, at the beginning of steps: who runs and waits, and the bytes in use in the near tier.

    ``held_bytes`` are those of requests that run, ``needed_bytes`` those of them that have tokens in them; blocks that
    two hold count twice. In a long run only every second, fourth ... step is kept.
    """
    assert result.requests is not None
    return pl.DataFrame(result.requests.samples)
