"""When fetching beats computing, in the terminal: what each takes by context and tier, and the ranges in words."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from hiersim.api.breakeven import BreakEven, Fetch, Point
from hiersim.report.format import capacity, duration


def headline(found: BreakEven) -> str:
    """Return what was examined, in a line."""
    return (
        f"{found.name} · {found.model} on {found.unit}: {found.kv_bytes_per_token:,} bytes of KV per token, blocks of "
        f"{found.block_tokens} tokens, {found.fetch} fetches · {found.machine}"
    )


def breakeven_table(found: BreakEven) -> Table:
    """Return a row per context: what computing takes, and what fetching from each tier takes, alone and not."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", caption_justify="left")
    made.add_column("context", justify="right", style="bold", no_wrap=True)
    made.add_column("KV", justify="right", no_wrap=True)
    made.add_column("computed", justify="right", no_wrap=True)
    for tier in found.kinds:
        made.add_column(tier, justify="right", no_wrap=True)
        if found.busy:
            made.add_column(f"{share(found.busy)} busy", justify="right", no_wrap=True)
    for point in found.points:
        cells = [f"{point.context:,}", capacity(point.kv_bytes), duration(point.compute_ps)]
        for tier in found.kinds:
            each = point.tiers.get(tier)
            cells += list(_cells(point, each))[: 2 if found.busy else 1]
        made.add_row(*map(Text, cells))
    made.caption = (
        "until the first token, beyond what it takes with the KV near; x: times as fast as to compute it"
        + f"; prompts have {found.new_tokens} tokens behind the context"
    )
    return made


def _cells(point: Point, fetch: Fetch | None) -> Iterator[str]:
    for time in (fetch.fetch_ps, fetch.busy_ps) if fetch else (None, None):
        if time is None:
            yield "-"
        elif time <= 0:  # all of it passes while the rest of the prompt is computed
            yield "hidden"
        else:
            yield f"{duration(time)} {_times(point.compute_ps, time)}"


def _times(compute: int, fetch: int) -> str:
    """Return how many times as fast a fetch is."""
    times = compute / fetch
    return "x>999" if times >= 999.5 else f"x{times:.3g}" if times >= 1 else f"x{times:.2g}"


def share(part: float) -> str:
    """Return a share in percent, as it was asked for."""
    return f"{100 * part:.3g}%"


def sentences(found: BreakEven) -> list[str]:
    """Return per tier in which contexts fetching is faster."""
    lines = []
    longest = found.points[-1].context
    for tier in found.kinds:
        alone, busy = _spans(found.wins[tier], longest), _spans(found.busy_wins[tier], longest)
        line = f"{tier}: fetching is faster {alone}"
        if found.busy:
            same = found.wins[tier] == found.busy_wins[tier]
            line += f", also with the way {share(found.busy)} busy" if same else ""
            line += "" if same else f"; with the way {share(found.busy)} busy {busy}"
        lines.append(line)
    return lines


def _spans(spans: tuple[tuple[int, int], ...], longest: int) -> str:
    """Return ranges of contexts in words."""
    if not spans:
        return "at no context"
    words = []
    for low, high in spans:
        if high >= longest:
            words.append(f"from {low:,} tokens")
        else:
            words.append(f"from {low:,} to {high:,} tokens")
    return " and ".join(words)
