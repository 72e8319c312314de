"""``hiersim sweep``: a scenario at every point of a grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiersim.cli.check import Set
from hiersim.cli.console import plain_file, put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Cluster, Json, Kept, Processes, Quiet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiersim.report.numbers import Number
    from hiersim.sweep.intervals import Interval
    from hiersim.sweep.swept import Swept

ROWS = 20
"""Points that the terminal shows; the table has all."""
NO_BREAK = "\N{NO-BREAK SPACE}"
FAILURES = 5
"""Failures that are told one by one."""
SHOWN = ("elapsed_ps", "energy_j.total", "miss_ratio")
"""Numbers shown when the file chooses none, besides those that it defines."""


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
    """Run a scenario at every point of a grid; results are kept.

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
    from hiersim.report.policies_table import table
    from hiersim.sweep.intervals import covered
    from hiersim.sweep.table import chosen, headings, setting_text

    failed, count, runs = found.failed, len(found.outcomes), len(found.runs)
    kept = f"{found.computed} computed, {runs - found.computed} kept from before, {len(failed)} failed"
    kept = f"each on {found.sweep.draws} machines more: {kept}" if found.sweep.draws else kept
    print(f"{found.sweep.name} · {plural(count, 'point')}: {kept}, in {duration(found.seconds * 1e12)}\n")
    numbers, spread = found.numbers(), found.intervals() or [{}] * count
    known = list(dict.fromkeys(name for row in numbers for name in row))
    patterns = found.sweep.columns or [*(name for name in SHOWN if name in known), *found.sweep.setup.define]
    names = chosen(known, patterns)
    lines = [
        {path: setting_text(value) for path, value in point.values.items()}
        | {name: _cell(name, row, ends) for name in names}
        for point, row, ends in zip(found.points, numbers, spread, strict=True)
    ]
    show(table(lines[:ROWS], headings([*found.sweep.paths, *names])))
    if count > ROWS:
        print(f"... and {count - ROWS} more points in the table")
    if found.sweep.draws:
        print(f"\nintervals of drawn machines, which cover {covered(found.sweep.draws):.0%} (docs/uncertainty.md)")
    for outcome in failed[:FAILURES]:
        print(f"point {outcome.index} failed: {outcome.error}")
    if len(failed) > FAILURES:
        print(f"... and {len(failed) - FAILURES} more; the table's column `error` has all")


def _cell(name: str, row: Mapping[str, Number], ends: Mapping[str, Interval]) -> str:
    """Return a number as a person reads it, with its interval if it has one."""
    from hiersim.report.numbers import shown

    value = row.get(name)
    if name not in ends or ends[name] == (value, value):
        return shown(name, value)
    low, high = ends[name]
    texts = [shown(name, each).replace(" ", NO_BREAK) for each in (value, low, high)]
    return f"{texts[0]} ({texts[1]}{NO_BREAK}to{NO_BREAK}{texts[2]})"
