"""Requests as JSON: a line each, such as a vLLM benchmark leaves, or one result whose keys hold lists.

A line has the tokens of its prompt and answer and perhaps its arrival in seconds, under the usual names
(``input_tokens``, ``input_len``, ``input_toks`` ...). A result of ``vllm bench serve --save-detailed`` has them as
lists (``input_lens``, ``output_lens``, ``start_times``).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.errors import TraceError
from hiersim.traces.files import LineNumbers, blocks_of_lines, opened
from hiersim.traces.formats.format import Format
from hiersim.traces.formats.json_lines import explain, places
from hiersim.traces.options import TIME_UNITS, ReadOptions
from hiersim.traces.request import RequestTrace
from hiersim.traces.request_columns import MOST_TOKENS, REQUEST_NAMES, RequestRuns, request_roles
from hiersim.traces.tabular import unit_of

if TYPE_CHECKING:
    import polars as pl

LISTS = {"prompt": "input_lens", "output": "output_lens", "time": "start_times"}
NOT_EXACT = 2**53  # from here on float64 does not hold every integer
NO_TIME = ("no arrival times in the source: all requests arrive at once, unless arrivals are drawn",)


def sniff(path: Path, start: bytes) -> bool:
    """Tell whether this is JSON with the tokens of prompts under one of the names that a benchmark uses."""
    names = (name for name in REQUEST_NAMES["prompt"] if name != "input_length")
    known = any(f'"{name}"'.encode() in start for name in (*names, LISTS["prompt"]))
    mooncake = b'"hash_ids"' in start or b'"conversations"' in start
    return start.lstrip()[:1] == b"{" and known and not mooncake


def read(path: Path, options: ReadOptions) -> RequestTrace:
    """Read a file of requests; they name no prefix blocks.

    Raises:
        TraceError: a line is broken or misses a field, a number is impossible, or time goes backwards.
    """
    runs = RequestRuns(str(path), options)
    result = _result(path)
    if result is not None:
        return _of_lists(path, result, runs, options)
    timed = False
    for where, frame, role in _frames(path, options):
        kept = runs.head(frame)
        columns = {key: kept[name].to_numpy() for key, name in role.items() if key != "session"}
        if "session" in role:
            columns["session"] = runs.sessions(kept[role["session"]])
        timed = "time" in role
        runs.add(columns, TIME_UNITS[_unit(role, options)], where)
        if runs.full:
            break
    return runs.trace(() if timed else NO_TIME)


def _unit(role: Mapping[str, str], options: ReadOptions) -> str:
    return unit_of(role.get("time", ""))[1] or options.time_unit


def _result(path: Path) -> dict[str, Any] | None:
    """Return the file's object if it is a benchmark's result; ``None`` if it is lines."""
    with opened(path) as stream:
        first = stream.readline()
        if b'"input_lens"' not in first and first.strip() != b"{":
            return None
        data = first + stream.read()
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as why:
        raise TraceError(f"{path}: not a JSON object ({why})") from None
    return found if isinstance(found, dict) else None


def _of_lists(path: Path, result: Mapping[str, Any], runs: RequestRuns, options: ReadOptions) -> RequestTrace:
    """Return the requests of a benchmark's result."""
    columns = {}
    for key, name in LISTS.items():
        values = result.get(name)
        if values is None and key == "time":
            continue
        if not isinstance(values, list) or not all(type(each) in (int, float) for each in values):
            raise TraceError(f"{path}: `{name}` must be a list of numbers")
        columns[key] = np.array(values, np.float64 if key == "time" else None)[: options.limit]
        if key != "time" and len(values) and columns[key].dtype.kind != "i":
            raise TraceError(f"{path}: `{name}` must be a list of integers")
    if len({len(each) for each in columns.values()}) > 1:
        sizes = ", ".join(f"{LISTS[key]} {len(each)}" for key, each in columns.items())
        raise TraceError(f"{path}: lists of different lengths ({sizes})")
    runs.add(columns, TIME_UNITS["s"], lambda i: f"{path}: request {i + 1}")
    return runs.trace(() if "time" in columns else NO_TIME)


def _frames(path: Path, options: ReadOptions) -> Iterator[tuple[LineNumbers, pl.DataFrame, dict[str, str]]]:
    """Yield (places of the rows, checked rows, role -> column)."""
    import polars as pl

    role: dict[str, str] = {}
    schema: dict[str, Any] = {}
    for line, data in blocks_of_lines(path):
        if not data.strip():
            continue
        if not role:
            first = _first(path, line, data)
            role = request_roles(list(first), options.columns, str(path))
            schema = {role[key]: _type(key, first[role[key]]) for key in role}
            schema = schema if not options.ignore_time else {k: v for k, v in schema.items() if k != role.get("time")}
            role = {key: name for key, name in role.items() if name in schema}
        try:
            frame = pl.read_ndjson(io.BytesIO(data), schema=schema)
        except pl.exceptions.PolarsError:
            explain(places(path, line), data, partial(_mistake, role))
        if any(frame[role[key]].has_nulls() for key in role if key != "session"):
            explain(places(path, line), data, partial(_mistake, role))
        yield LineNumbers(path, line, data), frame, role


def _first(path: Path, line: int, data: bytes) -> dict[str, Any]:
    """Return the first record, by which the columns are known."""
    text = next(each for each in data.split(b"\n") if each.strip())
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        explain(places(path, line), data, lambda record: "" if isinstance(record, dict) else "expected a JSON object")
    return record


def _type(role: str, example: Any) -> Any:
    import polars as pl

    if role == "session":
        return pl.String if isinstance(example, str) else pl.Int64
    large = isinstance(example, int) and abs(example) >= NOT_EXACT
    return pl.Float64 if role == "time" and not large else pl.Int64


def _mistake(role: Mapping[str, str], record: object) -> str:
    """Return what is wrong with one line, or an empty string."""
    if not isinstance(record, dict):
        return "expected a JSON object"
    for key, name in role.items():
        value = record.get(name)
        if name not in record and key != "session":
            return f"`{name}` is missing"
        if key in ("prompt", "output") and (type(value) is not int or abs(value) >= 2**63):
            return f"`{name}` must be an integer of 0 to {MOST_TOKENS:,} tokens, got {json.dumps(value)[:40]}"
        if key == "time" and type(value) not in (int, float):
            return f"`{name}` must be a number, got {json.dumps(value)[:40]}"
    return ""


FORMAT = Format("vllm", "JSON lines of requests with input and output tokens, or a result of vLLM's benchmark",
                sniff, requests=read)  # fmt: skip
