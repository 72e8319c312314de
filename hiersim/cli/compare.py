"""``hiersim compare``: policies over a trace, beside LRU and the optimum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hiersim.cli.console import put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.options import (
    Capacity,
    Format,
    IgnoreSize,
    Json,
    Limit,
    Model,
    Order,
    Out,
    Predictions,
    Quiet,
    Seed,
    Workers,
    check_numbers,
)
from hiersim.cli.replay import write

if TYPE_CHECKING:
    from hiersim.api.compare import Comparison


def compare(
    trace: Annotated[str, typer.Argument(metavar="TRACE", help="The trace; format:path names its format.")],
    policy: Annotated[
        list[str] | None, typer.Option("--policy", "-p", help="Names or files, with commas, or `all` (when absent).")
    ] = None,
    capacity: Capacity = None,
    ignore_size: IgnoreSize = False,
    limit: Limit = None,
    model: Model = None,
    format: Format = None,
    predictions: Predictions = None,
    order: Order = "head",
    seed: Seed = 0,
    workers: Workers = None,
    json: Json = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Compare policies over a trace: how far each is on the way from LRU to the optimum.

    hiersim compare traces/chat_sample.parquet --policy lru,mq,s3fifo --capacity 1%,10%
    """
    from hiersim.api.compare import compare as compare_policies

    check_numbers(seed, workers)
    reading = {key: value for key, value in (("model", model), ("format", format)) if value is not None}
    with telling_of_compilation(quiet), working("replaying", quiet) as progress:
        found = compare_policies(
            trace, policy or "all", capacity or "10%", ignore_size=ignore_size, limit=limit, order=order,
            predictions=predictions, seed=seed, workers=workers, progress=progress, **reading,
        )  # fmt: skip
    written = write(found, out) if out else []
    if json:
        put_json(found.rows(), json)
    if json != "-":
        _show(found)
    for path in written if not quiet else []:
        warn(f"wrote {path}")


def _show(found: Comparison) -> None:
    from hiersim.report.format import capacity, count
    from hiersim.report.policies_table import study_table
    from hiersim.report.prefix_table import prefix_table

    rows, sized = found.rows(), found.unit == "bytes"
    every = [*found.offline(), *rows]
    print(f"{found.trace} · {rows[0]['requests']:,} accesses · capacities in {found.unit}\n")
    show(study_table(every, found.unit))
    if sized:
        print()
        show(study_table([row | {"seconds": 0} for row in every], found.unit, "byte_miss_ratio"))
    if "usable" in rows[0]:
        print()
        show(prefix_table(rows, found.unit))
    if sized:
        print("\noffline: a schedule that knows the future; bound: no policy misses less")
    if short := [capacity(size) if sized else count(size) for size in found.short()]:
        print(
            f"\nAt {', '.join(short)} a cache of this trace turns over fewer than 3 times under LRU: "
            "too few to rank policies that learn slowly."
        )
