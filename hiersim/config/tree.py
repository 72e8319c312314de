"""YAML text -> plain data and the place of every key, so that a mistake can say its file and line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from hiersim.errors import ConfigError, Mistake

KeyPath = tuple[str | int, ...]
"""The keys and list positions that lead to a value."""

MOST_BYTES, MOST_NODES, MOST_LEVELS = 1 << 20, 50_000, 40
"""What a file may hold; far above any scenario, far below what would keep the reader busy."""


class Place(NamedTuple):
    """Where something was written."""

    file: str
    """The file as the user named it, or ``--set`` for an override."""
    line: int | None
    """The line, counted from 1."""


@dataclass
class Tree:
    """Plain data with the places of its keys.

    Attributes:
        data: what the file holds, a mapping in any file that `read` accepts.
        places: path -> place; a path that is missing here has the place of the nearest path above it.
    """

    data: Any
    places: dict[KeyPath, Place] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Place | None:
        """Return where a path, or the nearest path above it, was written."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return None

    def mistake(self, path: KeyPath, what: str) -> Mistake:
        """Return a mistake at a path."""
        place = self.place(path)
        return Mistake(".".join(map(str, path)), what, place.file if place else None, place.line if place else None)


def read(path: str | Path) -> Tree:
    """Read a YAML file that holds one mapping.

    Raises:
        ConfigError: it cannot be read, or is not such a file; one line for each problem.
    """
    file = str(path)
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            raise ConfigError([Mistake("", "is too large for a YAML description (over 1 MiB)", file)])
        text = Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError([Mistake("", "no such file", file)]) from None
    except IsADirectoryError:
        raise ConfigError([Mistake("", "is a directory; expected a YAML file", file)]) from None
    except (OSError, ValueError) as why:
        what = "is not a text file" if isinstance(why, UnicodeDecodeError) else f"cannot be read ({_reason(why)})"
        raise ConfigError([Mistake("", what, file)]) from None
    tree = parse(text, file)
    if not isinstance(tree.data, dict):
        what = "is empty" if tree.data is None else "must be a mapping of keys to values"
        raise ConfigError([Mistake("", what, file)])
    return tree


def _reason(why: Exception) -> str:
    return (why.strerror if isinstance(why, OSError) else None) or str(why)


def parse(text: str, file: str) -> Tree:
    """Read YAML text; ``data`` is whatever it holds, ``None`` when empty.

    Raises:
        ConfigError: it is not YAML, or has duplicate keys or keys that are not texts.
    """
    try:
        loader = _Loader(text)
        reader = _Reader(loader, file)
        node = loader.get_single_node()
        data = None if node is None else reader.value(node, ())
    except yaml.MarkedYAMLError as why:
        mark = why.problem_mark or why.context_mark
        raise ConfigError([Mistake("", _problem(why), file, mark.line + 1 if mark else None)]) from None
    except yaml.YAMLError as why:
        what = "has a control character; it is not a text file" if "special characters" in str(why) else "is not YAML"
        raise ConfigError([Mistake("", what, file)]) from None
    except ValueError as why:
        raise ConfigError([Mistake("", f"is not YAML: {why}", file)]) from None
    if reader.mistakes:
        raise ConfigError(reader.mistakes)
    return Tree(data, reader.places)


def _problem(why: yaml.MarkedYAMLError) -> str:
    problem = why.problem or why.context or "is not YAML"
    if "'\\t'" in problem:
        return "a tab stands where YAML wants spaces"
    if "mapping values are not allowed" in problem:
        return "not YAML: a `:` is not allowed here (check the indentation, or put the text in quotes)"
    if "expected a single document" in (why.context or ""):
        return "not YAML: expected one document, found another after `---`"
    return f"not YAML: {problem}"


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with a limit on nesting; ``1e12`` is a number, and a date is a text."""

    level = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.level += 1
        if self.level > MOST_LEVELS:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MOST_LEVELS} levels", problem_mark=mark)
        node = super().compose_node(parent, index)
        self.level -= 1
        return node


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


class _Reader:
    """Turns a node tree into plain data and notes the place of each key."""

    def __init__(self, loader: _Loader, file: str) -> None:
        self.loader, self.file = loader, file
        self.places: dict[KeyPath, Place] = {}
        self.mistakes: list[Mistake] = []
        self.nodes = 0

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        """Return a node's plain data."""
        self.nodes += 1
        if self.nodes > MOST_NODES or len(path) > MOST_LEVELS:
            what = "too many values, or anchors that repeat one another"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=node.start_mark)
        self.places.setdefault(path, Place(self.file, node.start_mark.line + 1))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, position)) for position, child in enumerate(node.value)]
        try:
            value = self.loader.construct_object(node)
        except (ValueError, LookupError, AttributeError):  # a tag that the text does not fit, such as `!!int x`
            value = node
        if not isinstance(value, str | int | float | bool | None):
            what = f"{node.tag} is not a value that can stand here"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=node.start_mark)
        return value

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        own = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        repeated = {key for key in own if isinstance(key, str) and own.count(key) > 1}
        self.loader.flatten_mapping(node)
        data: dict[str, Any] = {}
        for key, child in node.value:
            line = key.start_mark.line + 1
            name = key.value
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                shown = f"`{name}`" if isinstance(name, str) else "a list or mapping"
                self._wrong(path, f"{shown} is not a text, so it cannot be a key; put it in quotes", line)
                continue
            if name in repeated and name in data:
                first = self.places[(*path, name)].line
                self._wrong((*path, name), f"key stands here twice (first in line {first})", line)
                continue
            self.places[(*path, name)] = Place(self.file, line)
            data[name] = self.value(child, (*path, name))
        return data

    def _wrong(self, path: KeyPath, what: str, line: int) -> None:
        self.mistakes.append(Mistake(".".join(map(str, path)), what, self.file, line))
