"""``hiersim models``: what there is, and what follows from a model's shapes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiersim.cli.console import put_json, say, show
from hiersim.cli.options import Json

if TYPE_CHECKING:
    from hiersim.models import Figure, Model, Work

LONG = 32_768  # tokens of the sequence whose keys and values the list shows


def models(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One of them, in full.")] = None,
    ranks: Annotated[int, typer.Option("--ranks", help="Ranks that a model is split over, by its heads.")] = 1,
    json: Json = None,
) -> None:
    """List the AI models, or show one: its shapes and its step."""
    from hiersim.models import find_model, model_names, work_of

    found = [find_model(each) for each in ([name] if name else model_names())]
    works = [work_of(each, ranks) for each in found] if name else []
    if json:
        rows = [_model(each) for each in found]
        put_json(rows[0] | {"work": _work(works[0])} if name else rows, json)
    if json == "-":
        return
    if name is None:
        _list(found)
    else:
        _one(found[0], works[0])


def _list(found: list[Model]) -> None:
    from hiersim.report.policies_table import table

    rows = [
        {
            "model": each.name,
            "parameters": _count(each.parameters),
            "active": _count(each.active_parameters) if each.experts else "",
            "weights": _bytes(each.published_bytes),
            "KV per token": _bytes(each.kv_bytes_per_token()),
            "of 32k tokens": _bytes(each.kv_bytes(LONG)),
            "attention": _attention(each),
        }
        for each in found
    ]
    show(table(rows))
    say(
        f"\nBytes in bf16, gpt-oss's experts in mxfp4. Of {LONG:,} tokens: what a sequence keeps, windows and states "
        "included."
        "\nhiersim models NAME shows the shapes, their source and the work of a step."
    )


def _attention(model: Model) -> str:
    """Return how a model's layers mix tokens: ``gqa 32/8``, ``5 of 30 full, window 1,024``."""
    full = model.layers_with("full")
    words = {"gqa": f"gqa {model.heads}/{model.kv_heads}", "none": model.state.kind if model.state else ""}
    parts = [words.get(model.attention, f"{model.attention} {model.heads}")]
    if 0 < full < model.layers:
        parts.append(f"{full} of {model.layers} layers full")
    if "window" in model.mixers:
        parts.append(f"window {model.window:,}")
    if "state" in model.mixers and full and model.state:
        parts.append(model.state.kind)
    return ", ".join(parts)


def _one(model: Model, work: Work) -> None:
    from hiersim.report.policies_table import info, table

    facts = {key: value for key, value in _model(model).items() if value not in (None, (), [], 0, "")}
    facts["published"] = {key: _figure(figure) for key, figure in model.published}
    show(info(facts, title=model.name))
    whole = {
        "weights": _bytes(work.weight_bytes),
        "KV per token": _bytes(work.kv_bytes_per_token),
        "state per sequence": _bytes(work.state_bytes_per_sequence),
        "all-reduces": work.all_reduces,
        "all-reduced per token": _bytes(work.all_reduce_bytes_per_token),
    }
    rank = "the only rank" if work.ranks == 1 else f"each of {work.ranks} ranks"
    print()
    show(info({key: value for key, value in whole.items() if value not in (0, "0 B")}, title=rank))
    rows = [
        {
            "matrix": each.name,
            "layers": each.layers,
            "rows x columns": f"{each.rows:,} x {each.columns:,}",
            "weights": _bytes(each.weight_bytes),
            "FLOPs per token": _count(each.flops_per_token),
            "tokens": each.tokens,
        }
        for each in work.projections
    ]
    print()
    show(table(rows))


def _figure(figure: Figure) -> str:
    """Return a published figure with its source, and what the formulas leave out or differ by."""
    said = f"{_count(figure.value)} ({figure.source})"
    if figure.beyond:
        return f"{said}; {_count(figure.beyond)} of it are {figure.why}"
    return f"{said}; within {figure.within:.2g} of it: {figure.why}" if figure.within else said


def _bytes(size: float) -> str:
    from hiersim.report.format import capacity

    return capacity(size)


def _count(number: float) -> str:
    """Return a large number as people say it: ``494 M``, ``8.03 B``, ``1.03 T``."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if number >= 0.9995 * size:
            return f"{number / size:.3g} {letter}"
    return f"{number:,.0f}"


def _model(model: Model) -> dict[str, Any]:
    from hiersim.report.json import plain

    derived = {
        "parameters": model.parameters,
        "active_parameters": model.active_parameters,
        "kv_bytes_per_token_bf16": model.kv_bytes_per_token("bf16"),
        "kv_bytes_at_context_bf16": model.kv_bytes(model.context, "bf16"),
        "state_bytes_bf16": model.state_bytes("bf16"),
        "weight_bytes_bf16": model.weight_bytes("bf16"),
        "published_bytes": model.published_bytes,
    }
    stated = {"published": {key: asdict(figure) for key, figure in model.published}}
    found: dict[str, Any] = plain(asdict(model) | derived | stated)
    return found


def _work(work: Work) -> dict[str, Any]:
    """Return the work of a rank; a window without end is ``null``."""
    from hiersim.models.reach import UNLIMITED

    found = asdict(work)
    for mixing in found["mixings"]:
        mixing["window"] = None if mixing["window"] == UNLIMITED else mixing["window"]
    return found
