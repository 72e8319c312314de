"""``hiersim search``: the designs that no other design beats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hiersim.cli.check import Set
from hiersim.cli.console import put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Cluster, Json, Kept, Processes, Quiet
from hiersim.cli.outputs import drawn_files

if TYPE_CHECKING:
    from hiersim.sweep.searching import Searched

ROWS = 20
"""Points of the front that the terminal shows; the table has all."""


def search(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The search, a YAML file.")],
    set: Set = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for tables and pictures; runs/NAME when absent.")
    ] = None,
    workers: Processes = None,
    cluster: Cluster = None,
    cache: Kept = None,
    pictures: Annotated[bool, typer.Option(help="Draw the Pareto front.")] = True,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Search a design space for what no other design beats.

    hiersim search configs/searches/kv_cost.yaml
    """
    from hiersim.sweep.files import Options
    from hiersim.sweep.search_file import load_search
    from hiersim.sweep.searching import search as run
    from hiersim.sweep.swept import notes

    with telling_of_compilation(quiet):
        chosen = load_search(file, Options(set or (), workers, cluster, cache))
        with working("searching", quiet) as progress:
            found = run(chosen, progress)
    folder = out or Path("runs") / chosen.name
    written = write(found, folder, pictures)
    if json:
        put_json(found.front().to_dicts(), json)
    if json != "-":
        _show(found)
    if not quiet:
        for note in notes(found.outcomes):
            warn(note)
        warn(f"wrote {folder}/: {', '.join(path.name for path in written)}")


def write(found: Searched, folder: Path, pictures: bool) -> list[Path]:
    """Write the tables of all points and of the front, and its picture, all or none."""
    from hiersim.report.files import write_files
    from hiersim.report.pareto import pareto
    from hiersim.sweep.swept import parquet

    contents = {"points.parquet": parquet(found.table()), "front.parquet": parquet(found.front())}
    names = list(found.search.objectives)
    drawn = {"front": lambda: pareto(found.table().to_dicts(), names[0], names[1], title=found.search.name)}
    return write_files(folder, contents | drawn_files(drawn if pictures and len(names) > 1 else {}))


def _show(found: Searched) -> None:
    from hiersim.report.format import duration, plural
    from hiersim.report.numbers import shown
    from hiersim.report.policies_table import table
    from hiersim.sweep.table import headings, setting_text

    chosen, count = found.search, len(found.points)
    how = "the whole space" if chosen.chosen_sampler == "all" else f"chosen by {chosen.chosen_sampler}"
    kept = f"{found.computed} computed, {count - found.computed} kept from before"
    failed = sum(bool(outcome.error) for outcome in found.outcomes)
    outside = count - failed - sum(found.within)
    print(f"{chosen.name} · {plural(count, 'point')}, {how}: {kept}, in {duration(found.seconds * 1e12)}")
    print(f"{sum(found.on_front)} on the Pareto front, {outside} outside the limits, {failed} failed\n")
    names = dict.fromkeys((*chosen.objectives, *(limit.name for limit in chosen.limits)))
    order = {row["point"]: place for place, row in enumerate(found.front().to_dicts())}
    lines = [
        {name: shown(name, found.numbers[i].get(name)) for name in names}
        | {path: setting_text(value) for path, value in found.points[i].values.items()}
        for i in order
    ]
    paths = [each.path for each in chosen.space]
    show(table(lines[:ROWS], headings([*(name for name in names if name not in paths), *paths])))
    if len(lines) > ROWS:
        print(f"... and {len(lines) - ROWS} more in the table")
