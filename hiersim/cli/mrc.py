"""``hiersim mrc``: miss-ratio curves, and what more capacity would buy."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiersim.cli.console import console, put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Format, IgnoreSize, Json, Limit, Model, Quiet, check_picture
from hiersim.cli.outputs import write_drawn

if TYPE_CHECKING:
    from hiersim.api.curves import Curves
    from hiersim.traces.working_set import WorkingSet


def mrc(
    trace: Annotated[str, typer.Argument(metavar="TRACE", help="The trace; format:path names its format.")],
    policy: Annotated[
        list[str] | None, typer.Option("--policy", "-p", help="Names or files, with commas, or `all`; lru when absent.")
    ] = None,
    capacity: Annotated[
        list[str] | None, typer.Option("--capacity", "-c", help="4GiB, 10% or 1000; a grid up to all when absent.")
    ] = None,
    machine: Annotated[str | None, typer.Option("--machine", help="Mark the tiers of this machine.")] = None,
    tier: Annotated[
        list[str] | None, typer.Option("--tier", metavar="NAME=SIZE", help="Another capacity of a tier: hbm=20GiB.")
    ] = None,
    add: Annotated[
        list[str] | None, typer.Option("--add", help="What would it buy: 256GiB to each tier, or dram=256GiB.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", help="Look at a share of the objects: 0.01; 1 forbids it.")
    ] = None,
    sample_objects: Annotated[
        int | None, typer.Option("--sample-objects", metavar="N", help="LRU from samples of at most N objects.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", help="How many samples; they give the error.")] = 10,
    checks: Annotated[int, typer.Option("--checks", help="Full replays to compare sampled curves with.")] = 3,
    working_set: Annotated[
        bool, typer.Option("--working-set", help="Show working sets and reuse over time, no curves.")
    ] = False,
    ignore_size: IgnoreSize = False,
    limit: Limit = None,
    model: Model = None,
    format: Format = None,
    seed: Annotated[int, typer.Option("--seed", help="Of samples and random policies.")] = 0,
    workers: Annotated[int | None, typer.Option("--workers", help="Threads; they change only the time.")] = None,
    json: Json = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="A folder for table and pictures, or a picture (.png, .svg).")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Show how much a cache misses as a function of its capacity.

    hiersim mrc traces/chat_sample.parquet --model llama-3.1-8b --machine h100-sxm-cxl --add 256GiB
    """
    if working_set:
        curves = {"--policy": policy, "--capacity": capacity, "--machine": machine, "--tier": tier, "--add": add}
        _refuse(curves | {"--rate": rate, "--sample-objects": sample_objects})
        check_picture(out)
        options = {"format": format, "model": model, "limit": limit, "ignore_size": ignore_size}
        _working_set(trace, options, json, out, quiet)
        return
    check_picture(out)
    from hiersim.api.curves import mrc as curves_of
    from hiersim.errors import ConfigError, Mistake

    wrong = [Mistake("--workers", f"must be at least 1, got {workers}")] if workers is not None and workers < 1 else []
    wrong += [Mistake("--tier", f"`{text}` is not name=size") for text in tier or [] if not text.partition("=")[1]]
    if wrong:
        raise ConfigError(wrong)
    tiers = {name.strip(): size.strip() for name, _, size in (text.partition("=") for text in tier or [])}
    with telling_of_compilation(quiet), working("replaying", quiet) as progress:
        found = curves_of(
            trace, policy or "lru", capacity, machine=machine, tiers=tiers, add=add or (), rate=rate,
            sample_objects=sample_objects, seeds=seeds, checks=checks, ignore_size=ignore_size, limit=limit,
            model=model, format=format, seed=seed, workers=workers, progress=progress,
        )  # fmt: skip
    written = _write_curves(found, out) if out else []
    if json:
        put_json(found.as_dict(), json)
    if json != "-":
        _show(found)
    for path in written if not quiet else []:
        warn(f"wrote {path}")


def _refuse(options: dict[str, Any]) -> None:
    """Raise ConfigError for options that would do nothing."""
    from hiersim.errors import ConfigError, Mistake

    what = "is of curves; --working-set shows none"
    wrong = [Mistake("", what, option) for option, given in options.items() if given is not None]
    if wrong:
        raise ConfigError(wrong)


def _show(found: Curves) -> None:
    from hiersim.report.curve_table import curve_table, title
    from hiersim.report.curve_words import sentences

    print(f"{title(found)}\n")
    show(curve_table(found))
    if found.unit == "bytes" and len(found.curves) > 1:
        print()
        show(curve_table(found, "byte_miss_ratio"))
    print()
    for line in sentences(found):
        print(textwrap.fill(line, console().width, subsequent_indent="  ", break_on_hyphens=False))


def _write_curves(found: Curves, out: Path) -> list[Path]:
    from hiersim.report.curve_plot import curve_plot

    table = {"mrc.parquet": lambda file: found.table().write_parquet(file)}
    return write_drawn(out, {"mrc": lambda: curve_plot(found)}, {"mrc.json": _text(found.as_dict())} | table)


def _write_sets(found: WorkingSet, out: Path) -> list[Path]:
    from hiersim.report.working_set_plot import working_set_plot

    drawn = {"working_set": lambda: working_set_plot(found)}
    return write_drawn(out, drawn, {"working_set.json": _text(found.as_dict())})


def _text(document: Any) -> bytes:
    import json

    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _working_set(trace: str, options: dict[str, Any], json: str | None, out: Path | None, quiet: bool) -> None:
    from hiersim.api.sources import open
    from hiersim.report.working_set import working_set_tables
    from hiersim.traces.working_set import working_set

    with telling_of_compilation(quiet), working("reading", quiet):
        found = working_set(open(trace, **options))
    written = _write_sets(found, out) if out else []
    if json:
        put_json(found.as_dict(), json)
    if json != "-":
        print(f"{found.trace} · {found.accesses:,} accesses, {found.first_uses:,} of them first uses\n")
        for i, each in enumerate(working_set_tables(found)):
            if i:
                print()
            show(each)
    for path in written if not quiet else []:
        warn(f"wrote {path}")
