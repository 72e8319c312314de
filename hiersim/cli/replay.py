"""``hiersim replay``: a trace through one cache, policies beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
from hiersim.cli.outputs import PICTURES, write_drawn

if TYPE_CHECKING:
    from hiersim.api.replay import Replays


def replay(
    trace: Annotated[str, typer.Argument(metavar="TRACE", help="The trace; format:path names its format.")],
    policy: Annotated[
        list[str] | None, typer.Option("--policy", "-p", help="Names or files, with commas, or `all`; lru when absent.")
    ] = None,
    capacity: Capacity = None,
    admission: Annotated[
        str, typer.Option("--admission", "-a", help="Who may come in: second-request, tinylfu ..., or a file.")
    ] = "none",
    ignore_size: IgnoreSize = False,
    limit: Limit = None,
    model: Model = None,
    format: Format = None,
    predictions: Predictions = None,
    order: Order = "head",
    seed: Seed = 0,
    workers: Workers = None,
    stream: Annotated[
        bool | None,
        typer.Option("--stream/--no-stream", help="Read piece by piece; large files are when absent."),
    ] = None,
    memory: Annotated[str, typer.Option("--memory", help="Bytes that streaming may use.")] = "2 GiB",
    hits: Annotated[bool, typer.Option("--hits", help="Write which access hits into the folder of --out.")] = False,
    victims: Annotated[
        bool, typer.Option("--victims", help="Write who is evicted, in order, into that folder.")
    ] = False,
    interval: Annotated[
        int | None, typer.Option("--interval", metavar="N", help="Count for every N accesses, in JSON and that folder.")
    ] = None,
    json: Json = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Replay a trace through one cache: who misses how much.

    hiersim replay traces/zipf_sample.oracleGeneral.bin.zst --policy lru,sieve,opt --capacity 1%,10%
    """
    from hiersim.api.replay import replay as replay_trace

    check_numbers(seed, workers)
    check_picture(out)
    _check_kept({"--hits": hits, "--victims": victims, "--interval": interval is not None}, json, out)
    with telling_of_compilation(quiet), working("replaying", quiet) as progress:
        found = replay_trace(
            trace, policy or "lru", capacity or "10%", ignore_size=ignore_size, limit=limit, model=model, format=format,
            order=order, predictions=predictions, seed=seed, admission=admission, workers=workers, stream=stream,
            memory=memory, hits=hits, victims=victims, interval=interval, progress=progress,
        )  # fmt: skip
    written = write(found, out) if out else []
    if json:
        put_json(_rows(found), json)
    if json != "-":
        _show(found)
    for line in [*beyond(found), *(f"wrote {path}" for path in written)] if not quiet else []:
        warn(line)


def beyond(found: Replays) -> list[str]:
    """Say of capacities above the footprint that nothing has to leave there."""
    from hiersim.report.format import capacity, count

    spell = capacity if found.unit == "bytes" else count
    whole = spell(found.footprint)
    return [f"{spell(size)} is more than all objects of the trace together ({whole})" for size in found.beyond()]


def _check_kept(asked: dict[str, bool], json: str | None, out: Path | None) -> None:
    """Raise ConfigError for what would be kept and then not be written."""
    from hiersim.errors import ConfigError, Mistake

    folder = out is not None and out.suffix not in PICTURES
    wrong = [
        Mistake("", "needs a folder to write into: --out FOLDER" + ", or --json" * (option == "--interval"), option)
        for option, given in asked.items()
        if given and not folder and not (option == "--interval" and json)
    ]
    if wrong:
        raise ConfigError(wrong)


def _rows(found: Replays) -> list[dict[str, Any]]:
    """Return the rows of a replay, with ``series`` where counts per interval were asked for."""
    rows = found.rows()
    for row, result in zip(rows, found, strict=True):
        if result.series is not None:
            row["series"] = {"every": result.series.every} | result.series.table().to_dict(as_series=False)
    return rows


def _show(found: Replays) -> None:
    from hiersim.report.policies_table import study_table
    from hiersim.report.prefix_table import prefix_table

    rows = found.rows()
    gate = f" · admission {rows[0]['admission']}" if "admission" in rows[0] else ""
    say(f"{found.trace} · {rows[0]['requests']:,} accesses · capacities in {found.unit}{gate}\n")
    show(study_table(rows, found.unit))
    if found.unit == "bytes":
        print()
        show(study_table([row | {"seconds": 0} for row in rows], found.unit, "byte_miss_ratio"))
    if "cost_miss_ratio" in rows[0]:
        print()
        show(study_table([row | {"seconds": 0} for row in rows], found.unit, "cost_miss_ratio"))
    if "usable" in rows[0]:
        print()
        show(prefix_table(rows, found.unit))


def write(found: Replays, out: Path) -> list[Path]:
    """Write the table and the pictures into a folder, or one picture alone."""
    from hiersim.report.miss_ratio import miss_ratio
    from hiersim.report.policy_map import policy_map, size
    from hiersim.report.replay_arrays import array_files
    from hiersim.report.style import detached, styled

    rows = found.rows()

    def map_of_policies() -> Any:
        with styled():
            return policy_map(rows, detached(*size(rows)), unit=found.unit, title=found.trace)

    drawn = {"misses": lambda: miss_ratio(rows, unit=found.unit, title=found.trace), "map": map_of_policies}
    return write_drawn(
        out, drawn, {"replay.parquet": lambda file: found.table().write_parquet(file)} | array_files(found)
    )
