"""``hiersim devices measure``: a part alone in the simulator, as a microbenchmark sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from hiersim.cli.console import put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Json, Quiet

if TYPE_CHECKING:
    from rich.table import Table

    from hiersim.api.measure import Measurement

N = TypeVar("N", int, float)


def measure(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A part, ./file.yaml#part, or MACHINE:PART.")],
    size: Annotated[str, typer.Option("--size", metavar="SIZES", help="4KiB,64KiB; 64 B or 4 KiB to 16 MiB.")] = "",
    depth: Annotated[str, typer.Option("--depth", metavar="DEPTHS", help="1,16; up to 256 when absent.")] = "",
    reads: Annotated[
        str, typer.Option("--reads", metavar="SHARES", help="1,0.5: shares of reads; of a link, of forward transfers.")
    ] = "",
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIGURE=VALUE", help="State a figure: read_latency=90us.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Show every share, with latencies; the first one alone else.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="A folder for pictures (.png, .svg).")
    ] = None,
    json: Json = None,
    csv: Annotated[
        str | None, typer.Option("--csv", metavar="-|FILE", help="Points that `calibrate device` reads.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Measure a part alone: bandwidth and latency over size, queue depth and share of reads.

    hiersim devices measure 980-pro-1t --size 4KiB,64KiB,1MiB --depth 1,16
    """
    from hiersim.api.measure import measure as measured
    from hiersim.cli.devices import put_text
    from hiersim.errors import ConfigError, Mistake
    from hiersim.units import parse

    if (json, csv) == ("-", "-"):
        raise ConfigError([Mistake("--csv", "standard output is taken by --json; write one of them to a file")])
    sizes = _numbers("--size", size, lambda text: int(parse(text, "bytes")))
    depths = _numbers("--depth", depth, lambda text: int(parse(text, "count")))
    shares = _numbers("--reads", reads, lambda text: float(parse(text, "share")))
    with telling_of_compilation(quiet), working("measuring", quiet) as progress:
        found = measured(name, sizes=sizes, depths=depths, shares=shares, given=_given(given or []), progress=progress)
    written = _draw(found, out) if out else []
    if json:
        put_json(_document(found), json)
    if csv:
        put_text(_csv(found), csv)
    if "-" not in (json, csv):
        _show(found, every)
    for path in written if not quiet else []:
        warn(f"wrote {path}")


def _numbers(option: str, text: str, read: Callable[[str], N]) -> list[N] | None:
    """Return the numbers of an option, separated by commas, each once; ``None`` when it is not given."""
    from hiersim.errors import ConfigError, Mistake
    from hiersim.units import UnitError

    if not text:
        return None
    found: list[N] = []
    for word in text.split(","):
        try:
            found.append(read(word.strip()))
        except UnitError as why:
            raise ConfigError([Mistake(option, str(why))]) from why
    return list(dict.fromkeys(found))


def _given(settings: list[str]) -> dict[str, str]:
    """Return figures stated as ``read_latency=90us``, by name."""
    from hiersim.errors import ConfigError, Mistake

    pairs = {text.partition("=")[0].strip(): text.partition("=")[2].strip() for text in settings}
    wrong = [text for text in settings if not all(map(str.strip, text.partition("=")))]
    if wrong:
        raise ConfigError([Mistake("--set", f"`{text}` is not FIGURE=VALUE") for text in wrong])
    return pairs


def _document(found: Measurement) -> dict[str, Any]:
    return {
        "name": found.subject.name,
        "title": found.subject.title,
        "points": [row for row in found.rows() if not row["background_bytes_per_s"] and "bound" in row],
        "loaded_latency": [dict(vars(each)) for each in found.loaded],
        "write_cache": [dict(vars(each)) for each in found.filling],
        "notes": list(found.notes),
    }


def _csv(found: Measurement) -> str:
    """Return the points as ``hiersim calibrate device`` reads them."""
    import csv
    import io

    rows = found.rows()
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return "" if value is None else float(f"{value:.9g}") if isinstance(value, float) else value


def _draw(found: Measurement, out: Path) -> list[Path]:
    from hiersim.report.files import write_files
    from hiersim.report.measure_plots import pictures

    return write_files(out, pictures(found))


def _put(table: Table, heading: str) -> None:
    print(heading)
    show(table)
    print()


def _show(found: Measurement, every: bool) -> None:
    from hiersim.report.measure_tables import grid, loaded, points, write_cache

    print(f"{found.subject.name} · {found.subject.title}\n")
    if every:
        show(points(found))
    else:
        for quantity in ("bandwidth", "latency", "bound"):
            _put(*grid(found, quantity))
        others = len({point.share for point in found.points}) - 1
        if others:
            print(f"{others} other share{'s' * (others > 1)} of {found.direction}: --all\n")
    for extra in (loaded(found), write_cache(found)):
        if extra is not None:
            _put(*extra)
    for note in found.notes:
        warn(f"{found.subject.name}: {note}")
