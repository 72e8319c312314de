"""``hiersim studies``: claims of papers, simulated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hiersim.cli.console import plain_file, put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Json, Quiet

if TYPE_CHECKING:
    from hiersim.studies.claim import Finding, Study


def studies(
    name: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Studies to run.")] = None,
    family: Annotated[
        str | None, typer.Option("--family", metavar="F", help="Run those of a family, as `caching-theory`.")
    ] = None,
    json: Json = None,
    page: Annotated[
        Path | None, typer.Option("--page", metavar="FILE", help="Run, and write the page of documentation.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """List claims of papers about memory, or run them.

    hiersim studies fifo-anomaly
    """
    from hiersim.studies.papers import select

    chosen = select(name or (), family)
    if not (name or family or json or page):
        _list(chosen)
        return
    for study in chosen:
        if study.missing():
            warn(f"{study.name}: {study.missing()}")
    found: list[tuple[Study, list[Finding]]] = []
    with telling_of_compilation(quiet), working("running studies", quiet) as progress:
        for study in chosen:
            found.append((study, list(study.run())))
            progress(len(found), len(chosen))
    if page:
        from hiersim.studies.page import write_page

        write_page(found, plain_file(page))
    if json:
        from hiersim.studies.claim import row

        put_json([row(study, finding) for study, findings in found for finding in findings], json)
    if json != "-" and not page:
        for study, findings in found:
            _show(study, findings)
    if page and not quiet:
        warn(f"wrote {page}")


def _list(chosen: list[Study]) -> None:
    from hiersim.report.policies_table import table

    show(table([{"study": s.name, "family": s.family, "grade": s.grade, "paper": s.title} for s in chosen]))
    print("\nhiersim studies NAME runs one, --family F those of a family.")


def _show(study: Study, findings: list[Finding]) -> None:
    from hiersim.report.policies_table import table
    from hiersim.studies.page import cells

    print(f"{study.name} · {study.family} · grade {study.grade}\n{study.title}. {study.source}.\n")
    show(table([cells(finding) for finding in findings]))
    print(f"\nnot a memory simulator's to say: {study.not_ours}\n")
