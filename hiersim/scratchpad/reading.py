"""Reading a graph of operators from a JSON file.

    {
      "name": "block",
      "tensors": {
        "x": {"bytes": "4 KiB", "kind": "input"},
        "w": {"bytes": 2048, "kind": "weight"},
        "h": {"bytes": 8192},
        "y": {"bytes": "4 KiB", "kind": "output"}
      },
      "operators": [
        {"name": "conv", "reads": ["x", "w"], "writes": ["h"], "flops": 1000000},
        {"name": "pool", "reads": ["h"], "writes": ["y"]}
      ]
    }

A plain number of bytes is a number of bytes. The kind is ``intermediate`` when absent. Mistakes name the line on which
the tensor or operator is first called by its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hiersim.errors import ConfigError, Mistake, nearest
from hiersim.scratchpad.graph import KINDS, Graph, Operator, Tensor
from hiersim.units import parse

TENSOR = ("bytes", "kind")
OPERATOR = ("name", "reads", "writes", "flops")
GRAPH = ("name", "tensors", "operators")


class _WrongError(ConfigError):
    """What is wrong, where, and the name near which it stands in the file."""

    def __init__(self, where: str, what: str, near: str = "") -> None:
        super().__init__([Mistake(where, what)])
        self.where, self.what, self.near = where, what, near


def read_graph(path: str | Path) -> Graph:
    """Read a graph.

    Args:
        path: the JSON file, or an ONNX model (`hiersim.scratchpad.onnx_graph`).

    Raises:
        ConfigError: it cannot be read, or says something unknown or impossible.
    """
    file = Path(path).expanduser()
    if file.suffix == ".onnx":
        from hiersim.scratchpad.onnx_graph import read_onnx

        return read_onnx(file)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as why:
        what = why.strerror if isinstance(why, OSError) and why.strerror else "is not a text file"
        raise ConfigError([Mistake("", f"cannot be read: {what}", str(path))]) from None
    try:
        return graph_of(json.loads(text, object_pairs_hook=_once), file.stem)
    except json.JSONDecodeError as why:
        raise ConfigError([Mistake("", f"is not JSON: {why.msg}", str(path), why.lineno)]) from None
    except _WrongError as why:
        raise ConfigError([Mistake(why.where, why.what, str(path), _line(text, why.near))]) from None
    except ConfigError as why:
        raise ConfigError([Mistake(each.where, each.what, str(path)) for each in why.mistakes]) from None


def graph_of(data: Any, name: str = "graph") -> Graph:
    """Return a graph from what a JSON file holds.

    Args:
        data: the file's content.
        name: of the graph, if it states none.

    Raises:
        ConfigError: it says something impossible.
    """
    _keys(data, GRAPH, "")
    tensors = _mapping(data.get("tensors", {}), "tensors")
    numbers = {each: i for i, each in enumerate(tensors)}
    operators = data.get("operators", [])
    if not isinstance(operators, list) or not operators:
        raise _WrongError("operators", "expected a list of at least one operator")
    made = tuple(_operator(each, numbers, i) for i, each in enumerate(operators))
    return Graph(str(data.get("name", name)), tuple(_tensor(key, tensors[key]) for key in tensors), made)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _WrongError(key, "is there twice", key)
        found[key] = value
    return found


def _mapping(data: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise _WrongError(where, f"expected names in braces, got `{str(data)[:40]}`")
    return data


def _keys(data: Any, known: tuple[str, ...], where: str, near: str = "") -> None:
    for key in _mapping(data, where):
        if key not in known:
            path = f"{where}.{key}" if where else key
            raise _WrongError(path, f"unknown key{nearest(key, known)} (one of {', '.join(known)})", key or near)


def _tensor(name: str, data: Any) -> Tensor:
    where = f"tensors.{name}"
    _keys(data, TENSOR, where, name)
    size, kind = data.get("bytes"), data.get("kind", "intermediate")
    if kind not in KINDS:
        raise _WrongError(
            f"{where}.kind", f"`{kind}`{nearest(str(kind), KINDS)} is not one of {', '.join(KINDS)}", name
        )
    if isinstance(size, str):
        try:
            size = parse(size, "bytes")
        except ConfigError as why:
            raise _WrongError(f"{where}.bytes", str(why), name) from None
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise _WrongError(f"{where}.bytes", f"expected a number of bytes from 1, got `{size}`", name)
    return Tensor(name, int(size), kind)


def _operator(data: Any, numbers: Mapping[str, int], place: int) -> Operator:
    where = f"operators[{place}]"
    _keys(data, OPERATOR, where)
    name = str(data.get("name", f"#{place}"))
    flops = data.get("flops", 0)
    if isinstance(flops, bool) or not isinstance(flops, int | float) or flops < 0:
        raise _WrongError(f"{where}.flops", f"operator {name}: expected FLOPs from 0, got `{flops}`", name)
    reads, writes = (_names(data.get(key, []), numbers, f"{where}.{key}", name) for key in ("reads", "writes"))
    if not reads + writes:
        raise _WrongError(where, f"operator {name}: it reads and writes nothing", name)
    return Operator(name, reads, writes, int(flops))


def _names(given: Any, numbers: Mapping[str, int], where: str, operator: str) -> tuple[int, ...]:
    if not isinstance(given, list):
        raise _WrongError(where, f"operator {operator}: expected a list of tensors, got `{given}`", operator)
    for each in given:
        if not isinstance(each, str) or each not in numbers:
            raise _WrongError(where, f"operator {operator}: no tensor `{each}`{nearest(str(each), numbers)}", operator)
    return tuple(dict.fromkeys(numbers[each] for each in given))


def _line(text: str, name: str) -> int | None:
    """Return the line on which a name first stands in quotes."""
    at = text.find(json.dumps(name)) if name else -1
    return text.count("\n", 0, at) + 1 if at >= 0 else None
