"""``hiersim scratchpad``: an operator graph in a small memory: orders, addresses, and what has to be moved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiersim.cli.console import put_json, show
from hiersim.cli.options import Json

if TYPE_CHECKING:
    from hiersim.scratchpad.graph import Graph


def scratchpad(
    graph: Annotated[
        Path, typer.Argument(metavar="GRAPH", help="The graph of operators and tensors: JSON, or an ONNX model.")
    ],
    capacity: Annotated[
        list[str] | None, typer.Option("--capacity", "-c", help="Near memory, as 64KiB, or 50% of what lives at once.")
    ] = None,
    order: Annotated[
        list[str] | None, typer.Option("--order", help="given, depth-first or least-growth; all when absent.")
    ] = None,
    optimum: Annotated[bool, typer.Option(help="Look for the optimum by integer programmes.")] = True,
    parts: Annotated[
        int | None,
        typer.Option("--parts", metavar="N", min=1, help="Solve it in parts of so many operators, one by one."),
    ] = None,
    json: Json = None,
) -> None:
    """Order a graph and place its tensors in a small memory.

    hiersim scratchpad net.json --capacity 64KiB
    """
    from hiersim.scratchpad.compare import allocations, replacements
    from hiersim.scratchpad.orders import ORDERS, scheduled
    from hiersim.scratchpad.reading import read_graph

    net = read_graph(graph)
    chosen = order or list(ORDERS)
    sizes = [_size(text, max(scheduled(net, each).peak_bytes for each in chosen)) for text in capacity or []]
    placed = allocations(net, chosen, optimum)
    moved = {size: replacements(net, size, chosen, optimum, parts or 0) for size in sizes}
    if json:
        put_json(_plain(net, placed, moved), json)
    if json != "-":
        _show(net, placed, moved)


def _size(text: str, peak: int) -> int:
    """Return a capacity in bytes, of which a share is one of the most that lives at once."""
    from hiersim.errors import ConfigError, Mistake
    from hiersim.units import parse

    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else None
        size = int(peak * share) if share is not None else int(parse(text, "bytes"))
    except (ValueError, OverflowError, ConfigError) as why:
        raise ConfigError([Mistake("--capacity", f"`{text}` is no size such as 64KiB or 50%: {why}")]) from None
    if size < 1:
        raise ConfigError([Mistake("--capacity", f"must be at least a byte, got `{text}`")])
    return size


def _plain(net: Graph, placed: list[dict[str, Any]], moved: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "graph": net.name,
        "operators": len(net.operators),
        "tensors": len(net.tensors),
        "compulsory_bytes": net.compulsory_bytes,
        "largest_operator_bytes": net.most_bytes,
        "allocations": placed,
        "replacements": [{"capacity_bytes": size, "extra_bytes": rows} for size, rows in moved.items()],
    }


def _show(net: Graph, placed: list[dict[str, Any]], moved: dict[int, list[dict[str, Any]]]) -> None:
    from hiersim.report.policies_table import table
    from hiersim.units import show as told

    def size(value: Any) -> str:
        return "-" if value is None else told(value, "bytes", binary=True)

    counts = f"{len(net.operators):,} operators, {len(net.tensors):,} tensors"
    print(f"{net.name} · {counts} · {size(net.compulsory_bytes)} in and out at least\n")
    rows = [
        {"order": row["order"], "lives at once": size(row["peak_bytes"])}
        | {f"arena, {how}": size(row[how]) for how in row if how not in ("order", "peak_bytes")}
        for row in placed
    ]
    show(table(rows))
    for capacity, found in moved.items():
        print(f"\nmoved beyond that, with {size(capacity)}:\n")
        ways = [how for how in dict.fromkeys(how for row in found for how in row) if how != "order"]
        rows = [{"order": row["order"]} | {how: size(row[how]) if how in row else "" for how in ways} for row in found]
        show(table(rows))
        if any(row["order"] == "any" and row["optimum"] is None for row in found):
            print("\nThe graph is too large for a proof within a minute; --parts 8 solves it part by part.")
