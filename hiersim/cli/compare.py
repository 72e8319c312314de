"""``hiersim compare``: scenarios and results beside one another; policies over a trace, beside LRU and the optimum."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiersim.cli.check import Set
from hiersim.cli.compare_runs import compare_runs
from hiersim.cli.console import put_json, say, show, telling_of_compilation, working
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
    check_picture,
)
from hiersim.cli.replay import beyond, write
from hiersim.cli.robustness import show_robustness

if TYPE_CHECKING:
    from hiersim.api.compare import Comparison


def compare(
    given: Annotated[
        list[str],
        typer.Argument(metavar="GIVEN...", help="Scenarios (.yaml) and folders of runs; or a trace (format:path)."),
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", metavar="PATH=A,B", help="Of one scenario: run it with each of the values."),
    ] = None,
    set: Set = None,
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="NAME", help="Numbers of results to show, such as tiers.*.hits."),
    ] = None,
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
    flow: Annotated[
        bool, typer.Option("--flow", help="Of objects of many sizes: bound the optimum by flows, which takes minutes.")
    ] = False,
    fetch: Annotated[
        int | None,
        typer.Option("--fetch", metavar="N", help="Time of a fetch in accesses: what could prefetching hide?"),
    ] = None,
    lookahead: Annotated[
        int | None, typer.Option("--lookahead", metavar="N", help="Accesses that such prefetching has in view.")
    ] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Of policies with predictions: from perfect ones to the worst.")
    ] = False,
    seed: Seed = 0,
    workers: Workers = None,
    json: Json = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Compare scenarios, results or policies: who wins, and why.

    hiersim compare configs/kv_tiers.yaml --vary tiers.hbm.policy=lru,mq

    hiersim compare traces/chat_sample.parquet --policy lru,mq,s3fifo --capacity 1%,10%
    """
    check_numbers(seed, workers)
    check_picture(out)
    if vary or len(given) > 1 or _is_run(given[0]):
        _only_of_traces(
            {"--policy": policy, "--capacity": capacity, "--limit": limit, "--model": model, "--format": format}
            | {"--flow": flow, "--robustness": robustness, "--fetch": fetch, "--lookahead": lookahead}
        )
        compare_runs(given, vary or (), set or (), column or (), (workers, json, out, quiet))
        return
    _only_of_runs({"--set": set, "--column": column})
    (trace,) = given
    reading: dict[str, Any] = {key: value for key, value in (("model", model), ("format", format)) if value is not None}
    if robustness:
        other = {"--predictions": predictions, "--flow": flow, "--order": order != "head", "--fetch": fetch}
        _refuse(other, "says nothing of --robustness, which has errors of its own and one size for all objects")
        show_robustness(trace, policy or (), capacity or ["10%"], reading | {"limit": limit}, (seed, json, out, quiet))
        return
    from hiersim.api.compare import compare as compare_policies

    with telling_of_compilation(quiet), working("replaying", quiet) as progress:
        found = compare_policies(
            trace, policy or "all", capacity or "10%", ignore_size=ignore_size, limit=limit, order=order, flow=flow,
            fetch=fetch, lookahead=lookahead, predictions=predictions, seed=seed, workers=workers, progress=progress,
            **reading,
        )  # fmt: skip
    written = write(found, out) if out else []
    if json:
        put_json(found.rows(), json)
    if json != "-":
        _show(found)
    for line in [*beyond(found), *(f"wrote {path}" for path in written)] if not quiet else []:
        warn(line)


def _is_run(given: str) -> bool:
    """Tell whether an argument is a scenario or a run's folder, by its name and without reading it."""
    return Path(given).suffix in (".yaml", ".yml", ".json") or Path(given).is_dir()


def _only_of_traces(options: dict[str, Any]) -> None:
    _refuse(options, "is of a trace; of a scenario write --vary PATH=A,B, or --set PATH=VALUE")


def _only_of_runs(options: dict[str, Any]) -> None:
    _refuse(options, "is of scenarios; a trace has none")


def _refuse(options: dict[str, Any], what: str) -> None:
    from hiersim.errors import ConfigError, Mistake

    wrong = [Mistake("", what, option) for option, value in options.items() if value]
    if wrong:
        raise ConfigError(wrong)


def _show(found: Comparison) -> None:
    from hiersim.report.format import capacity, count
    from hiersim.report.policies_table import study_table
    from hiersim.report.prefix_table import prefix_table
    from hiersim.report.times_table import times_table

    rows, sized = found.rows(), found.unit == "bytes"
    every = [*found.offline(), *rows]
    say(f"{found.trace} · {rows[0]['requests']:,} accesses · capacities in {found.unit}\n")
    show(study_table(every, found.unit))
    if sized:
        print()
        show(study_table([row | {"seconds": 0} for row in every], found.unit, "byte_miss_ratio"))
    if "cost_miss_ratio" in rows[0]:
        print()
        show(study_table([row | {"seconds": 0} for row in rows], found.unit, "cost_miss_ratio"))
    if found.foreseen:
        print()
        show(times_table(rows))
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
