"""The requests of a serving run in the terminal: how long they took, where their time went, which tier had their KV."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hiersim.engine.requests import RequestsResult, spread
from hiersim.engine.result import Result
from hiersim.report.format import count, duration, percent, plural

WORDS = {
    "queue": "waiting for a turn",
    "fetch": "waiting for blocks",
    "prefill": "computing the prompt",
    "decode": "computing the answer",
    "preempted": "preempted",
    "move": "moving to another unit",
}
"""What requests do, in words."""


def requests_block(result: Result, glyph: str) -> list[RenderableType]:
    """Return the lines and tables about the requests of a run.

    Args:
        result: a serving run.
        glyph: what bars are made of.
    """
    requests = result.requests
    assert requests is not None
    facts = requests.summary(result.elapsed_ps, result.total_energy_j, tuple(result.tiers))
    parts = [
        Padding(_head(requests, facts), (0, 0, 0, 2)),
        Padding(_times(requests), (0, 0, 0, 4)),
        Padding(_waits(requests, glyph), (0, 0, 0, 4)),
    ]
    return [Group(*parts)]


def _head(requests: RequestsResult, facts: dict) -> Text:  # type: ignore[type-arg]
    line = Text("requests  ", style="bold")
    line.append(f"{count(facts['done'])} done", style="green")
    if facts["rejected"]:
        line.append(f"  {count(facts['rejected'])} rejected", style="red")
    line.append(f"  {plural(facts['preemptions'], 'preemption')}")
    line.append(f"  {count(round(facts['output_tokens_per_s']))} output tokens/s")
    reused = [f"{name} {percent(n / facts['prompt_tokens'])}" for name, n in facts["reused_tokens"].items() if n]
    if reused:
        line.append(f"  prompt tokens reused: {', '.join(reused)}")
    promised = requests.promise
    if any(each is not None for each in (promised.ttft_ps, promised.tpot_ps, promised.latency_ps)):
        line.append(f"  promise kept {percent(facts['good_share'])}")
    if facts["cost"]:
        line.append(f"  {facts['cost_per_million_tokens']:.3g} per million tokens")
    return line


def _times(requests: RequestsResult) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for name in ("mean", "p50", "p90", "p99", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    for label, values in times_of(requests):
        table.add_row(label, *(duration(round(seconds * 1e12)) for seconds in spread(values).values()))
    return table


def times_of(requests: RequestsResult) -> list[tuple[str, NDArray[Any]]]:
    """Return the times that requests are judged by, in words, with those of each that is done in picoseconds."""
    return [
        ("time to first token", requests.ttft_ps),
        ("time per output token", requests.tpot_ps),
        ("time to last token", requests.latency_ps),
    ]


def _waits(requests: RequestsResult, glyph: str) -> Table:
    """Return where the time of all requests went, as bars."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="crop")
    spent = requests.spent_ps
    total, longest = sum(spent.values()), max(spent.values())
    for name, ps in spent.items():
        if ps:
            bar = Text(glyph * max(1, round(24 * ps / longest)), style="yellow")
            table.add_row(WORDS[name], percent(ps / total), bar)
    return table
