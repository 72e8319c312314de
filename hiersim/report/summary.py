"""The terminal summary of a run: what moved, what stalled, why, and what it cost."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hiersim.engine.result import Result, UnitResult
from hiersim.report.breakdown import Part, fold, stalls
from hiersim.report.format import count, duration, joules, percent, plural, traffic
from hiersim.report.notes import notes
from hiersim.report.operations_table import operations_block
from hiersim.report.requests_table import requests_block
from hiersim.report.summary_tables import link_table, prefetch_table, tier_table

CAUSES = 6
"""Stall causes listed for each unit; the rest are folded into one line."""


@dataclass(frozen=True)
class Bars:
    """Bars of text on one scale: ``glyph`` over and over, 24 times for ``longest`` picoseconds."""

    glyph: str
    longest: int

    def of(self, ps: int) -> str:
        """Return the bar for a time in picoseconds; never empty."""
        return self.glyph * max(1, round(24 * ps / self.longest))


def summary(result: Result, written: Sequence[Path] = (), ascii_only: bool = False) -> RenderableType:
    """Return the summary as something that a rich console prints.

    Args:
        result: the run.
        written: the files that were written, named at the end.
        ascii_only: plain text in ASCII, for terminals without Unicode.
    """
    return Plain(result, tuple(written)) if ascii_only else _blocks(result, written, "█")


@dataclass(frozen=True)
class Plain:
    """The summary in ASCII, as wide as the console that prints it."""

    result: Result
    written: tuple[Path, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(as_text(self.result, options.max_width, self.written, ascii_only=True), end="")


def _blocks(result: Result, written: Sequence[Path], glyph: str) -> RenderableType:
    """Return the parts of the summary, one below the other."""
    blocks: list[RenderableType] = [_header(result), "", tier_table(result)]
    if result.links:
        blocks += ["", link_table(result)]
    if any(tier.prefetch for tier in result.tiers.values()):
        blocks += ["", prefetch_table(result)]
    if result.requests is not None:
        blocks += ["", *requests_block(result, glyph)]
    if result.operations is not None:
        blocks += ["", *operations_block(result)]
    bars = Bars(glyph, max((p.ps for u in result.units.values() for p in _causes(u)), default=1))
    for name, unit in result.units.items():
        blocks += ["", *_unit(name, unit, result.elapsed_ps, bars)]
    blocks += ["", _facts(result, written)]
    return Group(*blocks)


def print_summary(result: Result, console: Console | None = None, written: Sequence[Path] = ()) -> None:
    """Print the summary on a console; on standard output when none is given."""
    console = console or Console(highlight=False)
    console.print(summary(result, written, console.options.ascii_only), highlight=False)


def as_text(result: Result, width: int = 100, written: Sequence[Path] = (), ascii_only: bool = False) -> str:
    """Return the summary as plain text of at most ``width`` columns, without colour."""
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False, legacy_windows=False)
    with console.capture() as captured:
        console.print(_blocks(result, written, "#" if ascii_only else "█"))
    lines = [line.rstrip() for line in captured.get().splitlines()]
    text = "\n".join(lines) + "\n"
    return text.translate(_PLAIN).encode("ascii", "replace").decode() if ascii_only else text


_PLAIN = str.maketrans({"·": "-", "…": "~", "─": "-", "━": "-"})


def _header(result: Result) -> RenderableType:
    """Return two lines: what was run on what, and how long that took in the simulated world and in this one."""
    touched = result.provenance.get("trace", {})
    size = touched.get("bytes") if isinstance(touched, dict) else None
    if result.requests is not None:
        what = [plural(result.requests.count, "request"), f"{count(result.requests.steps)} steps"]
    elif result.operations is not None:
        what = [plural(result.operations.count, "operation")] + ([f"{traffic(size)} of objects"] if size else [])
    else:
        what = [plural(result.accesses, "access", "accesses")] + ([f"{traffic(size)} touched"] if size else [])
    title = Text(result.name, style="bold")
    title.append(" · " + " · ".join([*what, result.machine]), style="default")
    took = Text(f"simulated {duration(result.elapsed_ps)} in {result.seconds:.3g} s", style="cyan")
    if result.seconds and result.requests is not None:
        took.append(f" ({count(round(result.requests.count / result.seconds))} requests/s)", style="dim")
    elif result.seconds and result.operations is not None:
        took.append(f" ({count(round(result.operations.count / result.seconds))} operations/s)", style="dim")
    elif result.seconds and result.accesses:
        took.append(f" ({count(round(result.accesses / result.seconds))} accesses/s)", style="dim")
    return Group(title, took)


def _causes(unit: UnitResult) -> list[Part]:
    return fold(stalls(unit), CAUSES)


def _unit(name: str, unit: UnitResult, elapsed: int, bars: Bars) -> list[RenderableType]:
    """Return a line with a unit's shares of the time, and a bar for each of its main stall causes."""
    share = [value / elapsed if elapsed else 0.0 for value in (unit.busy_ps, unit.stalled_ps, unit.idle_ps)]
    line = Text(f"{name}  ", style="bold")
    line.append(f"busy {percent(share[0])}", style="green")
    if unit.busy_compute_ps and unit.busy_near_ps:
        compute, near = unit.busy_compute_ps / elapsed, unit.busy_near_ps / elapsed
        line.append(f" (compute {percent(compute)}, {unit.near} {percent(near)})", style="default")
    line.append(
        f"  stalled {percent(share[1])}", style="red" if share[1] >= 0.5 else "yellow" if share[1] else "default"
    )
    line.append(f"  idle {percent(share[2])}", style="default")
    if unit.energy_j:
        line.append(f"  {joules(unit.energy_j)}", style="dim")
    causes = _causes(unit)
    if not causes:
        return [Padding(line, (0, 0, 0, 2))]
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(overflow="fold", max_width=44)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="crop")
    several = len({stall.object_class for stall in unit.stalls if stall.ps}) > 1
    for part in causes:
        label = f"{part.label} ({', '.join(part.classes)})" if several and part.place else part.label
        bar = Text(bars.of(part.ps), style="yellow" if part.place else "dim")
        table.add_row(label, percent(part.ps / elapsed), duration(part.ps), bar)
    return [Padding(line, (0, 0, 0, 2)), Padding(table, (0, 0, 0, 4))]


def _facts(result: Result, written: Sequence[Path]) -> RenderableType:
    """Return the labelled lines below the tables: latency, energy, notes, estimates, files."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    other = result.requests is not None or result.operations is not None
    latency = [] if other else [("latency", _latency(result))]
    for label, text in [*latency, ("energy", _energy(result)), *notes(result), *files(written)]:
        table.add_row(label, Text(text))
    return Padding(table, (0, 0, 0, 2))


def _latency(result: Result) -> str:
    """Return the mean and the percentiles of the access latency, as far as there were accesses."""
    if not len(result.latency_ps):
        return "no accesses"
    names = {0.5: "p50", 0.9: "p90", 0.99: "p99", 1.0: "max"}
    parts = [f"mean {duration(result.mean_latency_ps)}"]
    return "  ".join(parts + [f"{names[q]} {duration(ps)}" for q, ps in result.latency_quantiles_ps().items()])


def _energy(result: Result) -> str:
    """Return the energy, what it would be as a constant power, and its parts, most first."""
    total = result.total_energy_j
    if not total:
        return "none counted: the machine's parts state no energy figures" if not result.energy_j else "0 J"
    parts: dict[str, float] = {}
    for path, energy in result.energy_j.items():
        name = path.split(".", 1)[1].rpartition(".")[0] if path.count(".") > 1 else path
        parts[name] = parts.get(name, 0.0) + energy
    largest = sorted(((name, energy) for name, energy in parts.items() if energy), key=lambda item: (-item[1], item[0]))
    shown = [f"{name} {percent(energy / total)}" for name, energy in largest[:6]]
    if len(largest) > 6:
        rest = sum(energy for _, energy in largest[6:])
        shown.append(f"{plural(len(largest) - 6, 'other')} {percent(rest / total)}")
    power = f", {joules(total / (result.elapsed_ps / 1e12)).replace('J', 'W')} on average" if result.elapsed_ps else ""
    return f"{joules(total)}{power}: {', '.join(shown)}"


def files(written: Sequence[Path]) -> list[tuple[str, str]]:
    """Return one labelled line that names the files written, those of a folder by their endings."""
    if not written:
        return []
    root = Path(min((path.parent for path in written), key=lambda path: (len(path.parts), str(path))))
    names: dict[str, None] = {}
    for path in written:
        inside = path.relative_to(root) if path.is_relative_to(root) else path
        names[str(inside.parent / f"*{inside.suffix}") if len(inside.parts) > 1 else str(inside)] = None
    return [("wrote", f"{root}/: {', '.join(names)}")]
