"""The operations of a run in the terminal: how near to its bounds it came, and figures of each kind of operation."""

from __future__ import annotations

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hiersim.engine.operations import KindResult, OperationsResult
from hiersim.engine.result import Result
from hiersim.report.breakdown import cause_of
from hiersim.report.format import count, duration, percent, traffic

BUSIEST = 4
"""Resources that are named."""


def operations_block(result: Result) -> list[RenderableType]:
    """Return the lines and the table about the operations of a run."""
    operations = result.operations
    assert operations is not None
    return [Padding(_head(operations), (0, 0, 0, 2)), Padding(_kinds(operations), (0, 0, 0, 4))]


def _head(operations: OperationsResult) -> Text:
    line = Text("operations  ", style="bold")
    line.append(f"{count(operations.count)} in {duration(operations.makespan_ps)}", style="green")
    if operations.makespan_ps:
        line.append(f"  longest chain {percent(operations.critical_path_ps / operations.makespan_ps)}")
        busiest = sorted(operations.resources.items(), key=lambda item: (-item[1], item[0]))[:BUSIEST]
        shares = [f"{name} {percent(ps / operations.makespan_ps)}" for name, ps in busiest]
        line.append(f"  work of {', '.join(shares)}" if shares else "")
    return line


def _kinds(operations: OperationsResult) -> Table:
    """Return a row per kind: how many, how long they worked, what they waited for, FLOPs and bytes."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("kind", overflow="fold", min_width=6, style="bold")
    for name in ("count", "busy", "stalled", "near bytes", "copied", "FLOP/B"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("waits most for", overflow="fold", min_width=12)
    for name, kind in operations.kinds.items():
        near = kind.read_bytes + kind.written_bytes
        cells = [name, count(kind.count), duration(kind.busy_ps), duration(kind.stalled_ps) if kind.stalled_ps else ""]
        cells += [traffic(near) if near else "", traffic(kind.moved_bytes) if kind.moved_bytes else ""]
        table.add_row(*cells, _intensity(kind), cause_of(kind.stalls[0]) if kind.stalls else "")
    return table


def _intensity(kind: KindResult) -> str:
    return f"{kind.intensity:.3g}" if kind.intensity else ""
