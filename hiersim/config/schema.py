"""The JSON Schema of scenario files, for editors: it accepts what the loader accepts."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from hiersim.config.scenario import Scenario
from hiersim.machine.catalogue import SORTS, machine_names, part_names
from hiersim.machine.record import Record, Sourced

_SORTS = {"Tier": "tier", "Link": "link", "Unit": "unit"}


def schema() -> dict[str, Any]:
    """Return the schema (JSON Schema draft 2020-12) as plain data.

    It checks a file by itself: what depends on other files (``extends``, a part's figures) or on other
    sections is left to the loader, which is the stricter one.
    """
    whole = described(Scenario)
    definitions: dict[str, Any] = whole["$defs"]
    groups = {record.__name__ for record in _records(Sourced) if record.__name__ in definitions} - set(_SORTS)
    for name in (*_SORTS, *groups):
        _loosen_figures(definitions[name], groups)
    for name, sort in _SORTS.items():
        definitions[name]["properties"]["part"] = _part(sort)
    _loosen_machine(definitions)
    _write_shorthands(definitions)
    _close_mappings(whole)
    _sections_of_a_file(whole)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole, "title": "hiersim scenario"}


def described(record: type[Record]) -> dict[str, Any]:
    """Return the JSON Schema of a record, every field with its description, before its short forms are written."""
    whole = record.model_json_schema(mode="validation")
    _describe_fields(whole.get("$defs", {}) | {record.__name__: whole})
    return whole


def _describe_fields(definitions: dict[str, Any]) -> None:
    """Describe each field by the text that stands below it, which nothing else reads: reading sources takes time."""
    for record in _records(Record):
        for field, text in _texts_below(record).items():
            properties = definitions.get(record.__name__, {}).get("properties", {})
            if field in properties:
                properties[field]["description"] = text


def _records(kind: type[Record]) -> Iterator[type[Record]]:
    """Yield all kinds of records that derive from one."""
    for derived in kind.__subclasses__():
        yield derived
        yield from _records(derived)


def _texts_below(record: type[Record]) -> dict[str, str]:
    """Return the text below each field of a record, its own ones and those that it inherits."""
    found: dict[str, str] = {}
    for owner in reversed(record.__mro__[: record.__mro__.index(Record)]):
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0].body  # type: ignore[attr-defined]
        for field, below in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
                found[field.target.id] = inspect.cleandoc(ast.literal_eval(below.value))
    return found


def _loosen_figures(part: dict[str, Any], groups: set[str]) -> None:
    """Let the figures of a part or of a group in it come from elsewhere, and let each carry its provenance."""
    part.pop("required", None)
    for key, figure in part["properties"].items():
        if key in ("part", "provenance") or any(f"/{group}'" in str(figure) for group in groups):
            continue
        text = {"type": "string"}
        sourced = {
            "type": "object",
            "properties": {
                "value": {k: v for k, v in figure.items() if k != "default"},
                "source": text,
                "confidence": {"$ref": "#/$defs/Provenance/properties/confidence"},
                "range": {"$ref": "#/$defs/Provenance/properties/range"},
            },
            "required": ["value", "source", "confidence"],
            "additionalProperties": False,
        }
        part["properties"][key] = {"anyOf": [figure, sourced], "description": figure.get("description", "")}


def _part(sort: str) -> dict[str, Any]:
    """Return what may stand as a part's name: one of the catalogue, or a file's path."""
    path = {"type": "string", "pattern": r"[\\/]|\.ya?ml(#|$)", "examples": ["./parts.yaml#my-drive"]}
    return {
        "anyOf": [{"enum": [*part_names(sort), None]}, path],
        "description": "A part of the catalogue or of a file.",
    }


def _loosen_machine(definitions: dict[str, Any]) -> None:
    """Let a machine be a name, a path, or a description that may extend another."""
    machine = definitions["Machine"]
    machine.pop("required", None)
    machine["properties"]["extends"] = {"type": "string", "description": "A catalogue name or a path to start from."}
    for group in SORTS:
        members = machine["properties"][group]
        for pattern, member in members.get("patternProperties", {}).items():
            members["patternProperties"][pattern] = {"anyOf": [member, {"type": "null"}]}
    name = {"type": "string", "description": "A catalogue name or a path.", "examples": list(machine_names())}
    definitions["Machine"] = {"anyOf": [name, machine]}


def _write_shorthands(definitions: dict[str, Any]) -> None:
    """Add the short forms that the records' own validators accept."""
    path = {"type": "string", "description": "The trace's path."}
    definitions["TraceSection"] = {"anyOf": [path, definitions["TraceSection"]]}
    policy = {"type": "string", "description": "A name of `hiersim policies`, or the path of a Python file."}
    definitions["PolicyChoice"] = {"anyOf": [policy, definitions["PolicyChoice"]]}
    prefetch = {"type": "string", "description": "A prefetcher's name with parameters, or the path of a Python file."}
    definitions["PrefetchChoice"] = {"anyOf": [prefetch, definitions["PrefetchChoice"]]}
    definitions["Promotion"] = {"anyOf": [{"enum": ["always", "never"]}, definitions["Promotion"]]}


def _close_mappings(node: Any) -> None:
    """Forbid names that no pattern of a mapping allows."""
    if isinstance(node, dict):
        if "patternProperties" in node:
            node["additionalProperties"] = False
        for child in node.values():
            _close_mappings(child)
    elif isinstance(node, list):
        for child in node:
            _close_mappings(child)


def _sections_of_a_file(whole: dict[str, Any]) -> None:
    """Add ``extends``, with which no section is required, and let an extending file take entries out with ``null``."""
    whole.pop("required", None)
    whole["anyOf"] = [{"required": ["machine", "trace"]}, {"required": ["extends"]}]
    whole["properties"]["extends"] = {"type": "string", "description": "The path of a scenario to start from."}
    for key in ("tiers", "classes"):
        section = whole["properties"][key]
        for form in ("patternProperties", "additionalProperties"):
            if form == "patternProperties":
                for pattern, entry in section.get(form, {}).items():
                    section[form][pattern] = {"anyOf": [entry, {"type": "null"}]}
            elif isinstance(section.get(form), dict):
                section[form] = {"anyOf": [section[form], {"type": "null"}]}
