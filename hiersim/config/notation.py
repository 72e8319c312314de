"""Values of a JSON Schema in a reader's words: what may stand for a key, and what stands for it when it is absent."""

from __future__ import annotations

from typing import Any

from hiersim.units import DIMENSIONS, exact

Node = dict[str, Any]
MANY = 10  # a longer list of names is one of the catalogue's, which others show
LARGE = 1 << 40  # a bound from here on is there for the computer's sake


def quantity(form: Node) -> str | None:
    """Return the dimension of ``units`` whose texts a form describes, seen from its example; ``None`` of others."""
    first = form["anyOf"][0] if "anyOf" in form else {}
    if "pattern" not in first or "examples" not in first:
        return None
    return next((name for name, kind in DIMENSIONS.items() if kind.example == first["examples"][0]), None)


def value_text(form: Node) -> str:
    """Return what a value may be: one form of it, no record and no list."""
    dimension = quantity(form)
    if dimension is not None:
        return f"{DIMENSIONS[dimension].noun}, such as `{DIMENSIONS[dimension].example}`"
    if "enum" in form:
        names = [str(name) for name in form["enum"] if name is not None]
        return "a name" if len(names) > MANY else ", ".join(f"`{name}`" for name in names)
    words = {"string": "text", "boolean": "`true`, `false`", "object": "mapping"}
    return words.get(str(form.get("type"))) or _number(form)


def _number(form: Node) -> str:
    """Return a kind of number with its bounds, those that are there to be met."""
    bounds = {
        "at least": form.get("minimum"),
        "more than": form.get("exclusiveMinimum"),
        "at most": form.get("maximum"),
        "less than": form.get("exclusiveMaximum"),
    }
    kind = {"integer": "whole number", "number": "number"}.get(str(form.get("type")), "anything")
    said = [f"{what} {bound:,}" for what, bound in bounds.items() if bound is not None and bound < LARGE]
    return ", ".join([kind, *said])


def default_text(default: Any, dimension: str | None) -> str:
    """Return what holds when a key is absent, a quantity with its unit; nothing where there is none to name.

    Args:
        default: as the schema has it, in base units.
        dimension: of ``units``, if it is a quantity.
    """
    if default is None or isinstance(default, dict | list) or default == "":
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{exact(default, dimension) if dimension and default else default}`"
