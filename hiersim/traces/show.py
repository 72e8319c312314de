"""How traces show themselves: one line in a terminal, a small table and picture in a notebook."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.traces.access import AccessTrace
from hiersim.traces.request import RequestTrace
from hiersim.units import show

WIDTH, HEIGHT, BINS = 320, 60, 80  # of the picture


def _size(count: int) -> str:
    return show(count, "bytes", binary=True)


def _time(picoseconds: int) -> str:
    return show(picoseconds, "time")


def _facts(trace: AccessTrace | RequestTrace) -> list[tuple[str, str]]:
    return _access_facts(trace) if isinstance(trace, AccessTrace) else _request_facts(trace)


def _access_facts(trace: AccessTrace) -> list[tuple[str, str]]:
    accesses, objects = len(trace), trace.objects
    facts = [
        ("accesses", f"{accesses:,}"),
        ("objects", f"{objects:,} ({', '.join(trace.classes)})"),
        ("footprint", _size(trace.footprint)),
        ("touched", _size(trace.bytes_accessed)),
        ("duration", _time(trace.duration_ps)),
    ]
    if accesses:
        facts.append(("first uses", f"{objects / accesses:.1%} of accesses"))
        facts.append(("writes", f"{trace.write.mean():.1%} of accesses"))
    return facts


def _request_facts(trace: RequestTrace) -> list[tuple[str, str]]:
    facts = [
        ("requests", f"{len(trace):,}"),
        ("duration", _time(trace.duration_ps)),
        ("prompt tokens", f"{int(trace.prompt_tokens.sum()):,}"),
        ("output tokens", f"{int(trace.output_tokens.sum()):,}"),
    ]
    if trace.closed_loop:
        facts.append(("wait for an answer", f"{(trace.after >= 0).mean():.1%} of requests"))
    if len(trace.block_ids):
        reused = 1 - trace.blocks_distinct / len(trace.block_ids)
        facts.append(("prefix blocks", f"{trace.blocks_distinct:,} of {trace.block_tokens} tokens"))
        facts.append(("block accesses", f"{len(trace.block_ids):,}, {reused:.1%} to blocks seen before"))
    return facts


def line(trace: AccessTrace | RequestTrace) -> str:
    """Return the trace in one line."""
    return f"<{type(trace).__name__} {trace.name}: " + ", ".join(f"{key} {text}" for key, text in _facts(trace)) + ">"


def page(trace: AccessTrace | RequestTrace) -> str:
    """Return the trace as a small HTML table with a picture of how it arrives and how often objects are touched."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(key)}</th><td style='text-align:left'>{escape(text)}</td></tr>"
        for key, text in _facts(trace)
    )
    notes = "".join(f"<br><small>{escape(note)}</small>" for note in trace.notes)
    objects = trace.object if isinstance(trace, AccessTrace) else trace.block_ids
    pictures = _bars("arrivals over time", _arrivals(trace.time_ps)) + _bars("accesses by rank (log)", _ranks(objects))
    return f"<div><b>{escape(trace.name)}</b>{notes}<table>{rows}</table>{pictures}</div>"


def _arrivals(time_ps: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how many records fall into each of ``BINS`` equal parts of the time."""
    if not len(time_ps) or time_ps[-1] == time_ps[0]:
        return np.empty(0)
    return np.histogram(time_ps, BINS)[0].astype(float)


def _ranks(objects: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the logarithm of the accesses at ``BINS`` ranks, evenly spaced in the logarithm of the rank."""
    if not len(objects):
        return np.empty(0)
    counts = np.sort(np.bincount(objects))[::-1]
    ranks = np.geomspace(1, len(counts), BINS).round().astype(int) - 1
    return np.asarray(np.log1p(counts[ranks]))


def _bars(title: str, heights: NDArray[Any]) -> str:
    """Return bars as an SVG picture; nothing for no heights."""
    if not len(heights) or not heights.max():
        return ""
    step, scaled = WIDTH / len(heights), heights / heights.max() * HEIGHT
    bars = "".join(
        f"<rect x='{i * step:.1f}' y='{HEIGHT - h:.1f}' width='{step:.1f}' height='{h:.1f}'/>"
        for i, h in enumerate(scaled)
    )
    return (
        f"<figure style='display:inline-block;margin:4px'><svg width='{WIDTH}' height='{HEIGHT}' fill='#4878a8' "
        f"role='img' aria-label='{title}'>{bars}</svg><figcaption><small>{title}</small></figcaption></figure>"
    )
