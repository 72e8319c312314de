"""The catalogue of AI models: one YAML file a family, one entry a model, each with the source of its figures."""

from __future__ import annotations

from dataclasses import MISSING, fields
from functools import cache
from importlib.resources import files
from typing import Any

from hiersim.errors import ConfigError, Mistake, nearest
from hiersim.models.model import Figure, Model

FAMILIES = ("llama", "mistral", "qwen", "opt", "deepseek")
WORDS = {
    "attention": ("mha", "gqa", "mla"),
    "bias": ("none", "qkv", "all"),
    "confidence": ("measured", "simulated", "datasheet", "vendor", "estimate"),
}


@cache
def _catalogue() -> dict[str, Model]:
    import yaml

    models: dict[str, Model] = {}
    for family in FAMILIES:
        text = (files(__name__) / f"{family}.yaml").read_text(encoding="utf-8")
        for name, entry in yaml.safe_load(text).items():
            models[name] = model_from(name, entry, f"{family}.yaml")
    return models


def model_names() -> tuple[str, ...]:
    """Return the names of all models, in the catalogue's order."""
    return tuple(_catalogue())


def find_model(name: str) -> Model:
    """Return the model called ``name``.

    Raises:
        ConfigError: there is none, with the nearest name.
    """
    models = _catalogue()
    plain = name.strip().lower().replace("_", "-").replace(" ", "-")
    if plain not in models:
        raise ConfigError(f"unknown model `{name}`{nearest(plain, models)} (the models are {', '.join(models)})")
    return models[plain]


def model_from(name: str, entry: Any, file: str | None = None) -> Model:
    """Make a model from a mapping such as the catalogue's entries.

    Raises:
        ConfigError: all its mistakes at once: unknown or missing keys, wrong types, shapes that do not fit together.
    """
    if not isinstance(entry, dict):
        raise ConfigError([Mistake(name, "expected a mapping of figures", file)])
    known = {f.name: f for f in fields(Model) if f.name != "name"}
    wrong = [(key, f"unknown key{nearest(str(key), known)}") for key in entry if key not in known]
    wrong += [(key, "missing") for key, f in known.items() if f.default is MISSING and key not in entry]
    for key, value in entry.items():
        problem = _problem(key, value, str(known[key].type)) if key in known else ""
        if problem:
            wrong.append((key, problem))
    wrong = wrong or _shape_problems(entry)
    if wrong:
        raise ConfigError([Mistake(f"{name}.{key}", problem, file) for key, problem in wrong])
    stated = tuple((key, Figure(**figure)) for key, figure in entry.get("published", {}).items())
    return Model(name=name, **{**entry, "published": stated})


def _problem(key: str, value: Any, kind: str) -> str:
    """Return what is wrong with one value, or an empty string."""
    if key == "published":
        return _published_problem(value)
    if key in WORDS and value not in WORDS[key]:
        return f"`{value}` is not one of {', '.join(WORDS[key])}"
    if kind == "bool" and not isinstance(value, bool):
        return f"expected true or false, got `{value}`"
    if kind == "int" and (type(value) is not int or not 0 <= value < 2**31):
        return f"expected a whole number, got `{value}`"
    if kind == "str" and not isinstance(value, str):
        return f"expected text, got `{value}`"
    return ""


def _published_problem(value: Any) -> str:
    if not isinstance(value, dict):
        return "expected name: {value, source, confidence}"
    for name, figure in value.items():
        if not isinstance(figure, dict) or set(figure) != {"value", "source", "confidence"}:
            return f"{name}: expected {{value, source, confidence}}"
        if figure["confidence"] not in WORDS["confidence"]:
            return f"{name}: confidence `{figure['confidence']}` is not one of {', '.join(WORDS['confidence'])}"
        if isinstance(figure["value"], bool) or not isinstance(figure["value"], int | float):
            return f"{name}: value `{figure['value']}` is not a number"
    return ""


def _shape_problems(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what does not fit together."""
    wrong = []
    for key in ("layers", "hidden", "heads", "kv_heads", "head_dim", "intermediate", "vocabulary", "context"):
        if entry[key] < 1:
            wrong.append((key, f"must be at least 1, got {entry[key]}"))
    if entry["kv_heads"] and entry["heads"] % entry["kv_heads"]:
        wrong.append(("kv_heads", f"must divide heads ({entry['heads']}), got {entry['kv_heads']}"))
    if entry["attention"] == "mha" and entry["kv_heads"] != entry["heads"]:
        wrong.append(("kv_heads", f"mha has as many as heads ({entry['heads']}), got {entry['kv_heads']}"))
    if entry["attention"] == "mla" and not entry.get("kv_rank"):
        wrong.append(("kv_rank", "mla needs the rank of its latent"))
    if entry.get("experts_active", 0) > entry.get("experts", 0):
        wrong.append(("experts_active", f"more than experts ({entry.get('experts', 0)})"))
    return wrong
