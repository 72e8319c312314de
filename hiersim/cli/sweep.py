"""``hiersim sweep``: a scenario at every point of a grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiersim.cli.check import Set
from hiersim.cli.console import plain_file, put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Json, Quiet

if TYPE_CHECKING:
    from hiersim.sweep.running import Swept

ROWS = 20
"""Points that the terminal shows; the table has all."""
FAILURES = 5
"""Failures that are told one by one."""
SHOWN = ("elapsed_ps", "energy_j.total", "miss_ratio")
"""Numbers shown when the file chooses none, besides those that it defines."""

Processes = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", help="Processes; all cores when absent. They change only the time."),
]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="KIND=ADDRESS", help="A running cluster: dask=tcp://HOST:PORT or ray=auto."),
]
Kept = Annotated[
    Path | None, typer.Option("--cache", metavar="DIR", help="Folder where results are kept and looked for.")
]


def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The sweep, a YAML file.")],
    set: Set = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The table, a Parquet file; runs/NAME.parquet when absent."),
    ] = None,
    workers: Processes = None,
    cluster: Cluster = None,
    cache: Kept = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Run a scenario at every point of a grid; results are kept, so a sweep that was stopped goes on.

    hiersim sweep configs/sweeps/kv_policies.yaml
    """
    from hiersim.sweep import load, run
    from hiersim.sweep.files import Options

    with telling_of_compilation(quiet):
        chosen = load(file, Options(set or (), workers, cluster, cache))
        target = plain_file(out or Path("runs") / f"{chosen.name}.parquet")
        with working("sweeping", quiet) as progress:
            found = run(chosen, progress)
    found.write(target)
    if json:
        put_json(rows(found), json)
    if json != "-":
        _show(found)
    if not quiet:
        for note in found.notes:
            warn(note)
        warn(f"wrote {target}")


def rows(found: Swept) -> list[dict[str, Any]]:
    """Return a mapping per point, as the table has it."""
    return found.table().to_dicts()


def _show(found: Swept) -> None:
    from hiersim.report.format import duration, plural
    from hiersim.report.numbers import shown
    from hiersim.report.policies_table import table
    from hiersim.sweep.table import chosen

    failed, count = found.failed, len(found.outcomes)
    kept = f"{found.computed} computed, {count - found.computed} kept from before, {len(failed)} failed"
    print(f"{found.sweep.name} · {plural(count, 'point')}: {kept}, in {duration(found.seconds * 1e12)}\n")
    numbers = found.numbers()
    known = list(dict.fromkeys(name for row in numbers for name in row))
    patterns = found.sweep.columns or [*(name for name in SHOWN if name in known), *found.sweep.setup.define]
    names = chosen(known, patterns)
    lines = [
        {path: str(value) for path, value in point.values.items()}
        | {name: shown(name, row.get(name)) for name in names}
        for point, row in zip(found.points, numbers, strict=True)
    ]
    show(table(lines[:ROWS]))
    if count > ROWS:
        print(f"... and {count - ROWS} more points in the table")
    for outcome in failed[:FAILURES]:
        print(f"point {outcome.index} failed: {outcome.error}")
    if len(failed) > FAILURES:
        print(f"... and {len(failed) - FAILURES} more; the table's column `error` has all")
