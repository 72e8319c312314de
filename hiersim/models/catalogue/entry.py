"""From an entry of the catalogue, or a mapping like one, to a model, or to all that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from hiersim.errors import ConfigError, Mistake, nearest
from hiersim.models.dtypes import DTYPE_BITS
from hiersim.models.figure import Figure
from hiersim.models.model import Model
from hiersim.models.state import UPDATE_FLOPS, State

CONFIDENCE = ("measured", "simulated", "datasheet", "vendor", "estimate")
WORDS = {
    "attention": ("mha", "gqa", "mla", "none"),
    "bias": ("none", "qkv", "feed", "all"),
    "confidence": CONFIDENCE,
    "mixers": ("full", "window", "state"),
    "feeds": ("dense", "experts", "none"),
    "expert_dtype": ("", *DTYPE_BITS),
    "kind": tuple(UPDATE_FLOPS),
}
POSITIVE = ("layers", "hidden", "vocabulary", "context")
WITH_ATTENTION = ("heads", "kv_heads", "head_dim")


def model_from(name: str, entry: Any, file: str | None = None) -> Model:
    """Make a model from a mapping such as the catalogue's entries.

    Raises:
        ConfigError: all its mistakes at once: unknown or missing keys, wrong types, shapes that do not fit together.
    """
    if not isinstance(entry, dict):
        raise ConfigError([Mistake(name, "expected a mapping of figures", file)])
    wrong = _problems(entry, Model, omit=("name",)) or _shape_problems(entry)
    if wrong:
        raise ConfigError([Mistake(f"{name}.{key}", problem, file) for key, problem in wrong])
    made: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    made["published"] = tuple((key, Figure(**figure)) for key, figure in entry.get("published", {}).items())
    if "state" in made:
        made["state"] = State(**made["state"])
    return Model(name=name, **made)


def _problems(entry: Mapping[str, Any], record: type, omit: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Return what is wrong with the keys of a mapping and with each value, for a record made from it."""
    known = {f.name: f for f in fields(record) if f.name not in omit}
    wrong = [(key, f"unknown key{nearest(str(key), known)}") for key in entry if key not in known]
    wrong += [(key, "missing") for key, f in known.items() if f.default is MISSING and key not in entry]
    for key, value in entry.items():
        problem = _problem(key, value, str(known[key].type)) if key in known else ""
        if problem:
            wrong.append((key, problem))
    return wrong


def _problem(key: str, value: Any, kind: str) -> str:
    """Return what is wrong with one value, or an empty string."""
    if key == "published":
        return _published_problem(value)
    if key == "state":
        inside = _problems(value, State) if isinstance(value, dict) else [("", "expected a mapping of shapes")]
        return "; ".join(f"{name}: {what}".removeprefix(": ") for name, what in inside)
    if key in ("mixers", "feeds"):
        return _kinds_problem(value, WORDS[key])
    if key in WORDS and value not in WORDS[key]:
        return f"`{value}` is not one of {', '.join(filter(None, WORDS[key]))}"
    if kind == "bool" and not isinstance(value, bool):
        return f"expected true or false, got `{value}`"
    if kind == "int" and (type(value) is not int or not 0 <= value < 2**31):
        return f"expected a whole number, got `{value}`"
    if kind == "float" and (isinstance(value, bool) or not isinstance(value, int | float)):
        return f"value `{value}` is not a number"
    if kind == "str" and not isinstance(value, str):
        return f"expected text, got `{value}`"
    return ""


def _kinds_problem(value: Any, words: tuple[str, ...]) -> str:
    if not isinstance(value, list) or not value:
        return f"expected a list of {', '.join(words)}"
    return next((f"`{each}` is not one of {', '.join(words)}" for each in value if each not in words), "")


def _published_problem(value: Any) -> str:
    if not isinstance(value, dict):
        return "expected name: {value, source, confidence}"
    for name, figure in value.items():
        if not isinstance(figure, dict):
            return f"{name}: expected {{value, source, confidence}}"
        inside = _problems(figure, Figure)
        if inside:
            return f"{name}: " + "; ".join(f"{key}: {what}" for key, what in inside)
    return ""


def _shape_problems(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what does not fit together."""
    attends = entry["attention"] != "none"
    wrong = [
        (key, f"must be at least 1, got {entry[key]}") for key in POSITIVE + WITH_ATTENTION * attends if entry[key] < 1
    ]
    if entry["kv_heads"] and entry["heads"] % entry["kv_heads"]:
        wrong.append(("kv_heads", f"must divide heads ({entry['heads']}), got {entry['kv_heads']}"))
    if entry["attention"] == "mha" and entry["kv_heads"] != entry["heads"]:
        wrong.append(("kv_heads", f"mha has as many as heads ({entry['heads']}), got {entry['kv_heads']}"))
    if entry["attention"] == "mla" and not entry.get("kv_rank"):
        wrong.append(("kv_rank", "mla needs the rank of its latent"))
    if entry.get("experts_active", 0) > entry.get("experts", 0):
        wrong.append(("experts_active", f"more than experts ({entry.get('experts', 0)})"))
    return wrong + _layer_problems(entry)


def _layer_problems(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """Return which kinds of layers lack their shapes."""
    mixers, feeds, wrong = entry.get("mixers", ["full"]), entry.get("feeds", []), []
    if "window" in mixers and not entry.get("window"):
        wrong.append(("window", "layers with a window need its tokens"))
    if "state" in mixers and "state" not in entry:
        wrong.append(("state", "layers with a fixed state need its shapes"))
    if entry["attention"] == "none" and set(mixers) != {"state"}:
        wrong.append(("mixers", "without attention all layers have a fixed state"))
    if "dense" in feeds and not entry["intermediate"]:
        wrong.append(("intermediate", "dense blocks need their width"))
    if ("experts" in feeds or entry.get("experts")) and not (
        entry.get("experts") and entry.get("experts_active") and entry.get("expert_intermediate")
    ):
        wrong.append(("experts", "a mixture needs experts, experts_active and expert_intermediate"))
    return wrong
