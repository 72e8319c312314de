"""``hiersim policies``: what there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiersim.cli.console import put_json, show
from hiersim.cli.options import Json

if TYPE_CHECKING:
    from hiersim.policies.family import Family

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="One of them, in full.")]
Kind = Annotated[
    str | None, typer.Option("--kind", metavar="KIND", help="Of one kind: policy, admission or prefetcher.")
]


def policies(name: Name = None, kind: Kind = None, json: Json = None) -> None:
    """List policies, admissions and prefetchers, or describe one."""
    from hiersim.policies import describe

    kinds = _kinds(kind)
    if name is not None:
        _show_one(name, kinds, json)
        return
    found = [[asdict(each) for each in describe(family=family)] for family in kinds]
    if json:
        put_json([each for listed in found for each in listed], json)
    if json == "-":
        return
    for listed in found:
        _show_all(listed)
        print()
    print("A Python file works too: --policy ./mine.py (docs/policies.md)")


def _kinds(kind: str | None) -> Sequence[Family]:
    """Return the families of a kind, all where none is named."""
    from hiersim.errors import ConfigError, Mistake, nearest
    from hiersim.policies import families

    named = {family.kind: family for family in families()}
    if kind is not None and kind not in named:
        hint = nearest(kind, named)
        raise ConfigError([Mistake("--kind", f"no kind `{kind}`{hint} (there are {', '.join(named)})")])
    return [family for each, family in named.items() if kind in (None, each)]


def _show_one(name: str, kinds: Sequence[Family], json: str | None) -> None:
    """Describe the first policy of this name, with what its state grows with."""
    from hiersim.policies import describe
    from hiersim.policies.footprint import facts as state_of
    from hiersim.policies.loader import find
    from hiersim.policies.params import split
    from hiersim.policies.prefetch import PREFETCH
    from hiersim.report.policies_table import info

    family = next((each for each in kinds if split(name)[0] in each.table), kinds[0])
    found = asdict(describe(name, family)[0])
    if family is not PREFETCH:  # what a prefetcher keeps grows with streams, too
        found["state"] = state_of(find(name, family=family))
    if json:
        put_json(found, json)
    if json != "-":
        facts = {key.replace("_", " "): value for key, value in found.items() if key != "name"}
        show(info(facts, title=name))


def _show_all(listed: Sequence[dict[str, Any]]) -> None:
    from hiersim.report.policies_table import table

    rows = [
        {
            each["kind"]: each["name"],
            "idea": each["summary"].rstrip(".").replace("``", "`"),
            "parameters": ", ".join(f"{key}={value}" for key, value in each["params"].items()),
        }
        for each in listed
    ]
    show(table(rows))
