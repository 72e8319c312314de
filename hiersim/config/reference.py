"""The reference of configuration: every key of a JSON Schema as Markdown, section by section, by dotted path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hiersim.config.notation import default_text, quantity, value_text

Node = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A record of a file: where it stands, what it is, and its keys.

    Attributes:
        path: dotted, with ``NAME`` for names that the user chooses; empty for the whole file.
        about: what it is.
        rows: for each key its values, its default and its meaning.
        below: the records among its values, by path.
    """

    path: str
    about: str
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    below: list[tuple[str, Node]] = field(default_factory=list)


def reference(schema: Node) -> str:
    """Return a table for each record that a file may hold, in the order of the file, the machine's parts last.

    Args:
        schema: a JSON Schema as ``schema.schema`` makes it: records in ``$defs``, each key described.
    """
    found = sorted(_sections(schema, "", schema), key=lambda section: section.path.startswith("machine"))
    return "\n".join(_text(section) for section in found)


def alternatives(node: Node, schema: Node) -> Iterator[Node]:
    """Yield the forms that a value may have, with references followed; ``null`` and figures with a source left out."""
    if "$ref" in node:
        yield from alternatives(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
    elif "anyOf" in node and quantity(node) is None:
        for option in node["anyOf"]:
            yield from alternatives(option, schema)
    elif node.get("type") != "null" and not _is_sourced(node):
        yield node


def _is_sourced(node: Node) -> bool:
    return {"value", "source", "confidence"} <= set(node.get("properties", ()))


def _sections(node: Node, path: str, schema: Node) -> Iterator[Section]:
    section = _section(node, path, schema)
    yield section
    for below, child in section.below:
        yield from _sections(child, below, schema)


def _section(node: Node, path: str, schema: Node) -> Section:
    found = Section(path, node.get("description", ""))
    for key, value in node["properties"].items():
        if key == "provenance":
            continue
        kinds = list(alternatives(value, schema))
        formed = [_form(form, f"{path}.{key}" if path else key, schema) for form in kinds]
        texts = dict.fromkeys(_told(form, text, value) for form, (text, _) in zip(kinds, formed, strict=True))
        dimension = next(filter(None, map(quantity, kinds)), None)
        usual = value.get("default", value.get("anyOf", [{}])[0].get("default"))
        default = "required" if key in node.get("required", ()) else default_text(usual, dimension)
        found.rows.append((key, " or ".join(texts), default, value.get("description", "")))
        found.below.extend(entry for _, records in formed for entry in records)
    return found


def _told(form: Node, text: str, value: Node) -> str:
    """Return a text with what it stands for, where it is one of several forms of a value."""
    about = form.get("description", "") if text == "text" else ""
    return f"{text} ({about[0].lower()}{about[1:].rstrip('.')})" if about and about != value["description"] else text


def _form(form: Node, path: str, schema: Node) -> tuple[str, list[tuple[str, Node]]]:
    """Return one form of a value as a text, and the records in it by path."""
    if "properties" in form:
        return f"[`{path}`](#{anchor(path)})", [(path, form)]
    if form.get("type") == "array" or "prefixItems" in form:
        inner = form.get("items") or form["prefixItems"][0]
        return _members("list of", inner, f"{path}[]", schema)
    named = next(iter(form.get("patternProperties", {}).values()), form.get("additionalProperties"))
    if form.get("type") == "object" and isinstance(named, dict) and named:
        return _members("by name:", named, f"{path}.NAME", schema)
    return value_text(form), []


def _members(what: str, inner: Node, path: str, schema: Node) -> tuple[str, list[tuple[str, Node]]]:
    formed = [_form(form, path, schema) for form in alternatives(inner, schema)]
    texts = dict.fromkeys(text for text, _ in formed if text)
    return f"{what} {' or '.join(texts) or 'anything'}", [entry for _, records in formed for entry in records]


def anchor(path: str) -> str:
    """Return the anchor that a heading with this path has."""
    return path.lower().replace(".", "").replace("[]", "")


def _text(section: Section) -> str:
    """Return a section as Markdown."""
    head = f"### `{section.path}` {{ #{anchor(section.path)} }}\n\n{section.about}\n\n" if section.path else ""
    rows = [
        f"| `{key}` | {_cell(value)} | {_cell(default)} | {_cell(what)} |" for key, value, default, what in section.rows
    ]
    return "\n".join([head + "| key | value | default | meaning |", "|---|---|---|---|", *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("``", "`")
