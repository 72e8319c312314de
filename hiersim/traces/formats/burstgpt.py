"""BurstGPT's CSV of requests: Timestamp (s), Request tokens, Response tokens, perhaps Session ID; and CSV like it.

Columns are found by name, so that tables such as ``arrived_at,num_prefill_tokens,num_decode_tokens`` are read too.
"""

from __future__ import annotations

from pathlib import Path

from hiersim.traces.formats import csv
from hiersim.traces.formats.format import Format
from hiersim.traces.options import ReadOptions
from hiersim.traces.request import RequestTrace
from hiersim.traces.request_columns import REQUEST_NAMES, RequestRuns, request_roles
from hiersim.traces.tabular import integers, plain, times, unit_of


def sniff(path: Path, start: bytes) -> bool:
    """Tell whether the first line names columns for the tokens of prompts and answers."""
    try:
        line = start.split(b"\n", 1)[0].decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    if line.lstrip()[:1] in ("{", "["):
        return False
    names = {plain(name) for separator in csv.SEPARATORS for name in line.split(separator)}
    return all(names & set(REQUEST_NAMES[role]) for role in ("prompt", "output"))


def read(path: Path, options: ReadOptions) -> RequestTrace:
    """Read a file of requests; they name no prefix blocks. A failed request of BurstGPT has no response tokens.

    Raises:
        TraceError: a column is missing, a field is not what it must be, or time goes backwards.
    """
    runs, headers = RequestRuns(str(path), options), list[str]()
    for where, table in csv.tables(path, options, headers):
        role = request_roles(headers, options.columns, str(path))
        frame, tick_ps = runs.head(table), 1
        columns = {key: integers(frame[role[key]], where) for key in ("prompt", "output")}
        if "time" in role and not options.ignore_time:
            unit = unit_of(role["time"])[1] or options.time_unit
            columns["time"], tick_ps = times(frame[role["time"]], unit, where)
        if "session" in role:
            columns["session"] = runs.sessions(frame[role["session"]])
        runs.add(columns, tick_ps, where)
        if runs.full:
            break
    return runs.trace()


FORMAT = Format("burstgpt", "CSV of requests: Timestamp, Request tokens, Response tokens (BurstGPT), or such names",
                sniff, requests=read)  # fmt: skip
