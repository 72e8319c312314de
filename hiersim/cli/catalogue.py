"""``hiersim policies``: what there is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from hiersim.cli.console import put_json, show
from hiersim.cli.options import Json

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="One of them, in full.")]


def policies(name: Name = None, json: Json = None) -> None:
    """List the replacement policies, or describe one."""
    from hiersim.policies import describe, find
    from hiersim.policies.footprint import facts as state_of
    from hiersim.report.policies_table import info, table

    found = [asdict(each) for each in describe(name)]
    if name is not None:
        found[0]["state"] = state_of(find(name))
    if json:
        put_json(found if name is None else found[0], json)
    if json == "-":
        return
    if name is not None:
        facts = {key.replace("_", " "): value for key, value in found[0].items() if key != "name"}
        show(info(facts, title=name))
        return
    rows = [
        {
            "policy": each["name"],
            "idea": each["summary"].rstrip("."),
            "parameters": ", ".join(f"{key}={value}" for key, value in each["params"].items()),
        }
        for each in found
    ]
    show(table(rows))
    print("\nA Python file works too: --policy ./mine.py (docs/policies.md)")
