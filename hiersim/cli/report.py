"""``hiersim report``: results as one HTML file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hiersim.cli.console import plain_file, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Quiet

if TYPE_CHECKING:
    from hiersim.report.page.write import Words
    from hiersim.report.reading import Saved


def report(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULT...", help="Folders of runs, or their result.json; several compare.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The HTML file; report.html in the run's folder, or here."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Show results as one HTML file: words, pictures, tables.

    hiersim report runs/first
    """
    from hiersim.report.page.write import write_report
    from hiersim.report.reading import read_result

    with working("drawing", quiet):
        saved = [read_result(path) for path in results]
        folder = saved[0].path.parent if len(saved) == 1 else Path()
        path = write_report(saved, plain_file(out or folder / "report.html"), _words())
    for each in saved:
        if each.empty and not quiet:
            warn(f"{each.path}: nothing happened in this run; the report says so")
    print(f"wrote {path}")


def _words() -> Words:
    """Return what says in sentences what results show, what bounds each, and what changed between them."""
    from hiersim.insight.changes import changes
    from hiersim.insight.compare import kept
    from hiersim.insight.explain import explain
    from hiersim.report.page.write import Words

    def changed(first: Saved, other: Saved) -> list[str]:
        runs = [replace(kept(each), name=each.result.name) for each in (first, other)]
        return changes(runs[0], runs[1])

    return Words(why=explain, changed=changed)
