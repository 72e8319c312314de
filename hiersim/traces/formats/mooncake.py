"""Mooncake's JSON lines: production requests with prefix-block hashes, 512 tokens a block (FAST 2025 release).

A line is ``{"timestamp": ms, "input_length": tokens, "output_length": tokens, "hash_ids": [block, ...]}``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.errors import TraceError, nearest
from hiersim.traces.checker import Clock
from hiersim.traces.files import LineNumbers, blocks_of_lines
from hiersim.traces.formats.format import Format
from hiersim.traces.formats.json_lines import explain, places
from hiersim.traces.options import ReadOptions
from hiersim.traces.request import RequestTrace

if TYPE_CHECKING:
    import polars as pl

KEYS = ("timestamp", "input_length", "output_length", "hash_ids")
MS = 10**9  # picoseconds
MOST_TOKENS = 10**9


def sniff(path: Path, start: bytes) -> bool:
    """Tell whether the file looks like JSON lines."""
    return start.lstrip()[:1] == b"{" or path.name.endswith((".jsonl", ".jsonl.zst", ".jsonl.gz"))


def read(path: Path, options: ReadOptions) -> RequestTrace:
    """Read a file of requests.

    Raises:
        TraceError: a line is broken or misses a field, a number is impossible, or time goes backwards.
    """
    from hiersim.traces.ids import Numbering

    clock, numbering = Clock(), Numbering()
    parts: dict[str, list[Any]] = {key: [] for key in ("time", "prompt", "output", "lengths", "blocks", "ids")}
    for where, frame in _frames(path, options.limit):
        time = frame["timestamp"].to_numpy()
        parts["time"].append(clock.picoseconds(time, MS, where))
        parts["prompt"].append(frame["input_length"].to_numpy())
        parts["output"].append(frame["output_length"].to_numpy())
        parts["lengths"].append(frame["hash_ids"].list.len().to_numpy())
        hashes = frame["hash_ids"].explode().drop_nulls().to_numpy()  # an empty list explodes to a null
        numbers, first = numbering.add(hashes)
        parts["blocks"].append(numbers)
        parts["ids"].append(hashes[first])
    if not parts["time"]:
        raise TraceError(f"{path}: no records")
    columns = {key: np.concatenate(part) for key, part in parts.items()}
    return RequestTrace(
        time_ps=np.zeros_like(columns["time"]) if options.ignore_time else columns["time"],
        prompt_tokens=columns["prompt"].astype(np.int64),
        output_tokens=columns["output"].astype(np.int64),
        session=np.full(len(columns["time"]), -1, np.int32),
        block_offsets=np.concatenate([[0], np.cumsum(columns["lengths"], dtype=np.int64)]),
        block_ids=columns["blocks"],
        original_block_id=columns["ids"],
        block_tokens=options.block_tokens,
    )


def _frames(path: Path, limit: int | None) -> Iterator[tuple[LineNumbers, pl.DataFrame]]:
    """Yield (places of the rows, checked rows)."""
    import polars as pl

    left = limit
    for line, data in blocks_of_lines(path):
        schema = dict.fromkeys(KEYS[:3], pl.Int64) | {"hash_ids": pl.List(pl.Int64)}
        try:
            frame = pl.read_ndjson(io.BytesIO(data), schema=schema) if data.strip() else pl.DataFrame(schema=schema)
        except pl.exceptions.PolarsError:
            explain(places(path, line), data, _mistake)
        filled = frame["hash_ids"].explode().drop_nulls().len() == frame["hash_ids"].list.len().sum()
        sound = filled and not any(frame[key].has_nulls() for key in KEYS)
        if not (sound and all(frame[key].is_between(0, MOST_TOKENS).all() for key in KEYS[1:3])):
            explain(places(path, line), data, _mistake)
        if left is not None:
            frame = frame.head(left)
            left -= len(frame)
        if len(frame):
            yield LineNumbers(path, line, data), frame
        if left == 0:
            return


def _mistake(record: object) -> str:
    """Return what is wrong with one line, or an empty string."""
    if not isinstance(record, dict):
        return f"expected an object with {', '.join(KEYS)}"
    for key in KEYS:
        if key not in record:
            return f"`{key}` is missing{nearest(key, record)} (a line has {', '.join(KEYS)})"
    for key in KEYS[:3]:
        value = record[key]
        if type(value) is not int or abs(value) >= 2**63:
            return f"`{key}` must be an integer, got {json.dumps(value)[:40]}"
        if key != "timestamp" and not 0 <= value <= MOST_TOKENS:
            return f"`{key}` must be 0 to {MOST_TOKENS:,} tokens, got {value}"
    hashes = record["hash_ids"]
    if not isinstance(hashes, list) or any(type(entry) is not int or abs(entry) >= 2**63 for entry in hashes):
        return "`hash_ids` must be a list of integers below 2^63"
    return ""


FORMAT = Format("mooncake", "JSON lines of requests with prefix-block hashes (Mooncake)", sniff, requests=read)
