"""Azure's LLM inference traces: TIMESTAMP, ContextTokens, GeneratedTokens (AzurePublicDataset, 2023 and 2024)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hiersim.errors import TraceError, nearest
from hiersim.traces.checker import Clock
from hiersim.traces.formats import csv
from hiersim.traces.formats.format import Format
from hiersim.traces.options import ReadOptions
from hiersim.traces.request import RequestTrace
from hiersim.traces.tabular import integers, times

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")


def sniff(path: Path, start: bytes) -> bool:
    """Tell whether the first line has Azure's column names."""
    header = start.split(b"\n", 1)[0].lower()
    return b"contexttokens" in header or b"generatedtokens" in header


def read(path: Path, options: ReadOptions) -> RequestTrace:
    """Read a file of requests; they name no prefix blocks.

    Raises:
        TraceError: a column is missing, a field is not what it must be, or time goes backwards.
    """
    clock, left = Clock(), options.limit
    headers: list[str] = []
    parts: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for where, table in csv.tables(path, options, headers):
        actual = _columns(path, headers)
        frame = table if left is None else table.head(left)
        left = None if left is None else left - len(frame)
        time, tick_ps = times(frame[actual["TIMESTAMP"]], options.time_unit, where)
        parts["TIMESTAMP"].append(clock.picoseconds(time, tick_ps, where))
        for name in COLUMNS[1:]:
            tokens = integers(frame[actual[name]], where)
            if len(tokens) and tokens.min() < 0:
                i = int(np.argmin(tokens))
                raise TraceError(f"{where(i)}: {name} must not be negative, got {tokens[i]}")
            parts[name].append(tokens)
        if left == 0:
            break
    if not sum(map(len, parts["TIMESTAMP"])):
        raise TraceError(f"{path}: no records")
    time_ps, prompt, output = (np.concatenate(parts[name]) for name in COLUMNS)
    return RequestTrace(
        time_ps=np.zeros_like(time_ps) if options.ignore_time else time_ps,
        prompt_tokens=prompt,
        output_tokens=output,
        session=np.full(len(time_ps), -1, np.int32),
        block_offsets=np.zeros(len(time_ps) + 1, np.int64),
        block_ids=np.empty(0, np.int32),
        original_block_id=np.empty(0, np.int64),
        block_tokens=0,
    )


def _columns(path: Path, headers: list[str]) -> dict[str, str]:
    found = {header.lower(): header for header in headers}
    for name in COLUMNS:
        if name.lower() not in found:
            raise TraceError(f"{path}: no column `{name}`{nearest(name, headers)} (there are {', '.join(headers)})")
    return {name: found[name.lower()] for name in COLUMNS}


FORMAT = Format("azure", "CSV of requests: TIMESTAMP, ContextTokens, GeneratedTokens (Azure)", sniff, requests=read)
