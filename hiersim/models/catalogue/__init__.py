"""The catalogue of AI models: one YAML file a family, one entry a model, each with the source of its figures.

Entries whose names begin with a dot hold shapes that others of the file share; they are no models themselves.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from hiersim.errors import ConfigError, nearest
from hiersim.models.catalogue.entry import model_from
from hiersim.models.model import Model

__all__ = ["FAMILIES", "find_model", "model_from", "model_names"]

FAMILIES = (
    "llama", "mistral", "qwen", "deepseek", "gemma", "phi", "gpt", "opt", "falcon", "bloom", "mamba", "other",
)  # fmt: skip


@cache
def _catalogue() -> dict[str, Model]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    models: dict[str, Model] = {}
    for family in FAMILIES:
        text = (files(__name__) / f"{family}.yaml").read_text(encoding="utf-8")
        for name, entry in yaml.load(text, loader).items():
            if not name.startswith("."):
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
        raise ConfigError(f"unknown model `{name}`{nearest(plain, models)} (`hiersim models` lists all {len(models)})")
    return models[plain]
