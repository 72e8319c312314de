"""``hiersim explain``: what bounds a run that was kept, and what would help."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import Annotated

import typer

from hiersim.cli.console import console, put_json
from hiersim.cli.options import Json


def explain(
    result: Annotated[list[Path], typer.Argument(metavar="RESULT...", help="Folders of runs, or their result.json.")],
    json: Json = None,
) -> None:
    """Say in words what bounds a run and what would help.

    hiersim explain runs/first
    """
    from hiersim.insight.explain import explain as explained
    from hiersim.report.reading import read_result

    saved = [read_result(path) for path in result]
    found = [(each.result.name, explained(each.result)) for each in saved]
    if json:
        put_json([{"name": name, "sentences": list(sentences)} for name, sentences in found], json)
    if json == "-":
        return
    for i, (name, sentences) in enumerate(found):
        if len(found) > 1:
            print(f"{chr(10) if i else ''}{name}:")
        for sentence in sentences or ("nothing was run, so there is nothing to explain",):
            print(fill(sentence, console().width))
