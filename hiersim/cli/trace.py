"""``hiersim trace``: describe, convert and generate traces."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiersim.cli.console import plain_file, put_json, show, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Format, IgnoreSize, Json, Limit, Model, Quiet

if TYPE_CHECKING:
    from hiersim.traces.info import TraceInfo
    from hiersim.traces.operation_info import OperationsInfo

app = typer.Typer(help="Describe, convert and generate traces.", no_args_is_help=True, rich_markup_mode=None)

Set = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter; may be repeated.")]
RateScale = Annotated[float, typer.Option("--rate-scale", metavar="X", help="So many times as many records a second.")]
LengthScale = Annotated[
    float, typer.Option("--length-scale", metavar="X", help="Of requests: texts so many times as long.")
]
Arrivals = Annotated[
    str | None,
    typer.Option(
        "--arrivals", metavar="PROCESS", help="Of requests: drawn anew, such as gamma:rate=4,cv=2 (a second)."
    ),
]
To = Annotated[str | None, typer.Option("--to", help="parquet or oracle_general; seen from the name when absent.")]


@app.command("info")
def info(
    trace: Annotated[str, typer.Argument(metavar="TRACE", help="The trace; format:path names its format.")],
    format: Format = None,
    model: Model = None,
    limit: Limit = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Show a trace's size, objects, footprint, reuse, popularity and inter-arrival times; what operations do."""
    from hiersim.api.sources import open_any
    from hiersim.cli.console import telling_of_compilation
    from hiersim.traces.info import trace_info
    from hiersim.traces.operation import OperationTrace
    from hiersim.traces.operation_info import OperationsInfo, operations_info

    found: TraceInfo | OperationsInfo
    with telling_of_compilation(quiet), working("reading", quiet):
        read = open_any(trace, format=format, model=model, limit=limit)
        found = operations_info(read) if isinstance(read, OperationTrace) else trace_info(read)
    if json:
        put_json(found.as_dict(), json)
    if json != "-":
        from hiersim.report.policies_table import info as table

        facts = _of_operations(found) if isinstance(found, OperationsInfo) else _facts(found)
        show(table(facts, title=found.name))


def _of_operations(found: OperationsInfo) -> dict[str, Any]:
    """Return what a person wants to know of operations, as texts with units."""
    from hiersim.report.format import capacity, count, traffic

    facts: dict[str, Any] = {"format": found.format, "source": found.source}
    facts["operations"] = f"{count(found.operations)} of {', '.join(found.units)}"
    facts["streams"] = f"{len(found.streams)} ({', '.join(found.streams)})"
    shares = ", ".join(f"{name} {count(many)} of {capacity(size)}" for name, (many, size) in found.classes.items())
    facts["objects"] = f"{count(found.objects)} of {capacity(found.object_bytes)} ({shares})"
    for name, kind in found.kinds.items():
        amounts = {"read": kind.read_bytes, "written": kind.written_bytes, "copied": kind.copied_bytes}
        told = [f"{traffic(amount)} {what}" for what, amount in amounts.items() if amount]
        told += [f"{kind.flops / 1e9:,.4g} GFLOP"] if kind.flops else []
        facts[name] = f"{count(kind.operations)} ({kind.action}), {', '.join(told) or 'no bytes'}"
    return facts | {f"note {i}": note for i, note in enumerate(found.notes, 1)}


def _facts(found: TraceInfo) -> dict[str, Any]:
    """Return what a person wants to know, as texts with units."""
    from hiersim.report.format import count, duration

    facts: dict[str, Any] = {"format": found.format, "source": found.source}
    if found.kind == "requests":
        facts["requests"] = count(found.records)
        for name, tokens in found.tokens.items():
            if "mean" in tokens:
                spread = f"mean {tokens['mean']:,.0f}, p50 {tokens['p50']:,.0f}, p99 {tokens['p99']:,.0f}"
                facts[f"{name} tokens"] = f"{count(int(tokens['total']))} in all, {spread}, max {tokens['max']:,.0f}"
    if found.waiting:
        think = f"mean {duration(found.think_ps['mean'])}, p50 {duration(found.think_ps['p50'])}"
        facts["wait for answers"] = f"{count(found.waiting)} requests, and then {think}"
    facts["duration"] = duration(found.duration_ps)
    if found.streams > 1:
        facts["streams" if found.kind == "accesses" else "sessions"] = count(found.streams)
    touched = _touched(found) if found.accesses else {}
    arrivals = found.arrivals
    if arrivals.burstiness_cv is not None:
        gaps = f"mean {duration(arrivals.mean_ps)}, p50 {duration(arrivals.p50_ps)}, p99 {duration(arrivals.p99_ps)}"
        touched["inter-arrival"] = f"{gaps}, coefficient of variation {arrivals.burstiness_cv:.3g}"
    return facts | touched | {f"note {i}": note for i, note in enumerate(found.notes, 1)}


def _touched(found: TraceInfo) -> dict[str, Any]:
    """Return what a person wants to know of the objects that are touched."""
    from hiersim.report.format import capacity, count, percent, traffic

    facts: dict[str, Any] = {}
    facts["accesses"] = f"{count(found.accesses)} ({count(found.reads)} reads, {count(found.writes)} writes)"
    facts["objects"] = f"{count(found.objects)} ({', '.join(found.classes) or 'none'})"
    if found.footprint_bytes is not None and found.bytes_accessed is not None:
        facts["footprint"] = f"{capacity(found.footprint_bytes)}; {traffic(found.bytes_accessed)} accessed"
    if found.sizes:
        facts["object size"] = ", ".join(f"{name} {capacity(round(size))}" for name, size in found.sizes.items())
    facts["first uses"] = f"{percent(found.reuse.first_use_share)} of accesses"
    facts["touched once"] = f"{percent(found.reuse.one_hit_share)} of objects"
    facts["accesses per object"] = f"{found.reuse.accesses_per_object:.3g}"
    if found.reuse.distance:
        distances = ", ".join(f"{name} {count(round(d))}" for name, d in found.reuse.distance.items())
        facts["reuse distance"] = f"{distances} {found.reuse.distance_unit}"
    if found.popularity.zipf_alpha is not None:
        tops = (found.popularity.top_1_percent, found.popularity.top_10_percent)
        shares = f"top 1% of objects have {percent(tops[0])} of accesses, top 10% {percent(tops[1])}"
        facts["popularity"] = f"Zipf exponent {found.popularity.zipf_alpha:.3g}; {shares}"
    return facts


@app.command("convert")
def convert(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The trace to read; format:path names its format.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The file to write: .parquet, .bin or .bin.zst.")],
    format: Format = None,
    to: To = None,
    model: Model = None,
    limit: Limit = None,
    ignore_size: IgnoreSize = False,
    rate_scale: RateScale = 1.0,
    length_scale: LengthScale = 1.0,
    arrivals: Arrivals = None,
    seed: Annotated[int, typer.Option("--seed", help="Of drawn arrivals.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Read a trace in one format and write it in another; denser, longer or with other arrivals when asked."""
    from hiersim.api.sources import accesses_of, open
    from hiersim.cli.console import telling_of_compilation
    from hiersim.errors import TraceError
    from hiersim.traces.formats import find_format
    from hiersim.traces.operation_reading import open_operations
    from hiersim.traces.writing import write_trace

    chosen = find_format(to) if to else None
    if open_operations(source, format) is not None:
        raise TraceError(f"{source}: holds operations, which `hiersim run` executes; they have no other format")
    with telling_of_compilation(quiet), working("converting", quiet):
        shape = {"rate_scale": rate_scale, "length_scale": length_scale, "arrivals": arrivals, "seed": seed}
        found = open(source, format=format, model=model, limit=limit, ignore_size=ignore_size, **shape)
        to_oracle = chosen.name == "oracle_general" if chosen else not target.endswith(".parquet")
        path = write_trace(accesses_of(found) if to_oracle else found, plain_file(target), format=to)
    if not quiet:
        warn(f"wrote {path}: {len(found):,} records, {path.stat().st_size:,} bytes")


@app.command("generate")
def generate(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help="zipf, scan, loop, phase_change, chat ...")] = None,
    target: Annotated[
        str | None, typer.Argument(metavar="TARGET", help="The file to write: .parquet, .bin or .bin.zst.")
    ] = None,
    set: Set = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same trace.")] = 0,
    to: To = None,
    quiet: Quiet = False,
) -> None:
    """Make a trace; without a file to write, show the kinds, or one kind's parameters.

    hiersim trace generate zipf zipf.parquet --set accesses=1000000 --set alpha=0.9 --seed 7
    """
    from hiersim.api.sources import generate as make
    from hiersim.cli.console import telling_of_compilation
    from hiersim.traces.writing import write_trace

    if kind is None or target is None:
        _kinds(kind)
        return
    with telling_of_compilation(quiet), working("generating", quiet):
        made = make(kind, **_parameters(set or [], seed))
        path = write_trace(made, plain_file(target), format=to)
    if not quiet:
        warn(f"wrote {path}: {len(made):,} records, {path.stat().st_size:,} bytes")


def _parameters(given: list[str], seed: int) -> dict[str, Any]:
    from hiersim.errors import ConfigError, Mistake

    wrong = [Mistake("--set", f"`{text}` is not name=value") for text in given if not text.partition("=")[1]]
    if wrong:
        raise ConfigError(wrong)
    named = (text.partition("=") for text in given)
    return {"seed": seed} | {name.strip(): value.strip() for name, _, value in named}


def _kinds(kind: str | None) -> None:
    from hiersim.errors import ConfigError, nearest
    from hiersim.report.policies_table import table
    from hiersim.workloads import GENERATORS

    if kind is None:
        show(table([{"kind": name, "makes": known.summary} for name, known in GENERATORS.items()]))
        return
    name = kind.replace("-", "_")
    if name not in GENERATORS:
        raise ConfigError(f"unknown generator `{kind}`{nearest(name, GENERATORS)} (one of {', '.join(GENERATORS)})")
    rows = [
        {"parameter": f.name, "default": str(f.default), "meaning": f.metadata["about"]}
        for f in fields(GENERATORS[name].parameters)
    ]
    show(table(rows, title=GENERATORS[name].summary))
