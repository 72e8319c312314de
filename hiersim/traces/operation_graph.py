"""Operation traces written by hand: a JSON file of objects and operations, by name.

    {"objects": {"w": {"size": "300 MiB", "class": "weight", "home": "dram"}, "x": {"size": 4096}},
     "operations": [{"id": "layer", "unit": "gpu0", "reads": ["w"], "writes": ["x"], "flops": 1e12}]}

What is read comes after what wrote it last; ``"after": ["id", ...]`` says more, also of operations further down.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hiersim.errors import TraceError, nearest
from hiersim.traces.files import opened
from hiersim.traces.operation import ACTIONS, DTYPES, OperationTrace
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.units import UnitError, parse

OF_OBJECT = {"size": "bytes", "class": "text", "home": "text", "start": "text", "kept": "flag", "flops": "number"}
OF_OPERATION = {
    "id": "text",
    "kind": "text",
    "unit": "text",
    "stream": "text",
    "action": "text",
    "reads": "names",
    "writes": "names",
    "after": "names",
    "flops": "number",
    "dtype": "text",
    "duration": "time",
    "near_read": "bytes",
    "near_written": "bytes",
    "near_class": "text",
    "source": "text",
    "target": "text",
}
"""What each key holds: a key of ``SORTS``."""
LARGEST = 2**62
SORTS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "text": ("a text", lambda value: isinstance(value, str) and value != ""),
    "flag": ("true or false", lambda value: isinstance(value, bool)),
    "number": (f"a number from 0 to {LARGEST:.3g}", lambda value: _number(value)),
    "bytes": (f"bytes from 0 to {LARGEST:.3g}, such as 4096 or `300 MiB`", lambda value: _number(value)),
    "time": ("a time, such as `45 us`", lambda value: _number(value)),
    "names": ("a list of names", lambda value: isinstance(value, list) and all(isinstance(x, str) for x in value)),
}
"""What is expected, and whether a value is that."""


def _number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value < LARGEST


def holds_graph(path: Path, start: bytes) -> bool:
    """Say whether a file is such a one: JSON that begins with a mapping."""
    return path.suffix == ".json" and start.lstrip()[:1] == b"{"


def read_graph(path: Path) -> OperationTrace:
    """Read a graph of operations.

    Raises:
        TraceError: it is not JSON, or something in it is unknown, missing or impossible; with the operation's name.
    """
    data = _json(path)
    for key in data:
        if key not in ("objects", "operations", "ordered"):
            raise TraceError(f"{path}: unknown key `{key}`{nearest(key, ('objects', 'operations', 'ordered'))}")
    if not isinstance(data.get("ordered", True), bool):
        raise TraceError(f"{path}: ordered: expected true or false, got `{data['ordered']}`")
    build = OperationBuilder(path.stem, ordered=data.get("ordered", True))
    numbers = {name: _object(path, build, name, each) for name, each in data.get("objects", {}).items()}
    rows = data.get("operations", [])
    if not isinstance(rows, list) or not rows:
        raise TraceError(f"{path}: `operations` must be a list of at least one operation")
    places: dict[str, int] = {}
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise TraceError(f"{path}: operation #{place} must be a mapping")
        name = row.get("id", f"#{place}")
        if not SORTS["text"][1](name):
            raise TraceError(f"{path}: operation #{place}: id: expected a text, got `{name}`")
        if name in places:
            raise TraceError(f"{path}: operation {name}: there are two of this id")
        places[name] = place
    for name, row in zip(places, rows, strict=True):
        _operation(f"{path}: operation {name}", build, row | {"id": name}, (numbers, places))
    try:
        return build.build().with_about(source=str(path), format="graph")
    except TraceError as why:
        raise TraceError(f"{path}: {why}") from None


def _json(path: Path) -> dict[str, Any]:
    with opened(path) as stream:
        try:
            data = json.loads(stream.read(), object_pairs_hook=_once)
        except (ValueError, RecursionError) as why:
            raise TraceError(f"{path}: not JSON: {why}") from None
    if not isinstance(data, dict) or not isinstance(data.get("objects", {}), dict):
        raise TraceError(f"{path}: expected a mapping with `objects` and `operations`")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a mapping; of two equal keys JSON would silently take the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        raise ValueError(f"`{next(name for name in names if names.count(name) > 1)}` is there twice")
    return found


def _figures(where: str, row: Any, known: dict[str, str]) -> dict[str, Any]:
    """Return a mapping with its quantities read."""
    if not isinstance(row, dict):
        raise TraceError(f"{where} must be a mapping")
    found = {}
    for key, value in row.items():
        if key not in known:
            raise TraceError(f"{where}: unknown key `{key}`{nearest(key, known)}")
        sort = known[key]
        try:
            found[key] = parse(value, sort) if sort in ("bytes", "time") and isinstance(value, str) else value
        except UnitError as why:
            raise TraceError(f"{where}: {key}: {why}") from None
        expected, right = SORTS[sort]
        if not right(found[key]):
            raise TraceError(f"{where}: {key}: expected {expected}, got `{value}`")
    return found


def _object(path: Path, build: OperationBuilder, name: str, row: Any) -> int:
    where = f"{path}: object {name}"
    given = _figures(where, row, OF_OBJECT)
    size = given.pop("size", None)
    if not isinstance(size, int) or size < 1:
        raise TraceError(f'{where}: needs a `size` in whole bytes, such as 4096 or "300 MiB"')
    return build.object(size, given.pop("class", "tensor"), name=name, **given)


def _operation(where: str, build: OperationBuilder, row: Any, names: tuple[dict[str, int], dict[str, int]]) -> None:
    given, (numbers, places) = _figures(where, row, OF_OPERATION), names
    name = given.pop("id")
    if "unit" not in given:
        raise TraceError(f"{where}: needs a `unit`, the name of one")
    for key, words in (("action", ACTIONS), ("dtype", DTYPES)):
        if key in given and given[key] not in words:
            raise TraceError(f"{where}: unknown {key} `{given[key]}`{nearest(str(given[key]), words)}")
    given |= {key: int(given[key]) for key in ("flops", "duration", "near_read", "near_written") if key in given}
    if "duration" in given:
        given["duration_ps"] = given.pop("duration")
    given |= {key: _list(where, given.get(key, []), numbers, "object") for key in ("reads", "writes")}
    given["after"] = _list(where, given.get("after", []), places, "operation")
    build.add(given.pop("kind", given.get("action", "compute")), name=name, **given)


def _list(where: str, names: list[str], numbers: dict[str, int], what: str) -> list[int]:
    for name in names:
        if name not in numbers:
            raise TraceError(f"{where}: no {what} `{name}`{nearest(str(name), numbers)}")
    return [numbers[name] for name in names]
