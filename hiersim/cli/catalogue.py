"""``hiersim policies`` and ``models``: what there is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

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


def models(name: Name = None, json: Json = None) -> None:
    """List the AI models, or show one and what follows from its shapes."""
    from hiersim.models import find_model, model_names
    from hiersim.report.policies_table import info, table

    found = [find_model(each) for each in ([name] if name else model_names())]
    if json:
        put_json([_model(each) for each in found] if name is None else _model(found[0]), json)
    if json == "-":
        return
    if name is not None:
        show(info({k: v for k, v in _model(found[0]).items() if v not in (None, (), [], 0)}, title=found[0].name))
        return
    rows = [
        {
            "model": each.name,
            "KV per token": _bytes(each.kv_bytes_per_token("bf16")),
            "weights": _bytes(each.weight_bytes("bf16")),
            "attention": each.attention,
            "about": each.about,
        }
        for each in found
    ]
    show(table(rows))
    print("\nKV and weights in bf16; hiersim models NAME shows the shapes and their source.")


def _bytes(size: float) -> str:
    from hiersim.report.format import capacity

    return capacity(size)


def _model(model: Any) -> dict[str, Any]:
    from hiersim.report.json import plain

    derived = {
        "kv_bytes_per_token_bf16": model.kv_bytes_per_token("bf16"),
        "weight_bytes_bf16": model.weight_bytes("bf16"),
    }
    found: dict[str, Any] = plain(asdict(model) | derived)
    return found
