"""Parquet: hiersim's own traces of both kinds, and foreign tables with named columns.

hiersim's files hold one row per access or request, so that any other tool reads them, and a note of what they are in
the file's metadata. The same trace gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.errors import OutputError, TraceError
from hiersim.traces.access import AccessTrace
from hiersim.traces.formats.format import About, Format, Trace
from hiersim.traces.options import ReadOptions
from hiersim.traces.records import Records
from hiersim.traces.request import RequestTrace
from hiersim.traces.tables import access_frame, request_frame, request_from_frame, row_of
from hiersim.traces.tabular import records, roles
from hiersim.traces.writing import replacing

if TYPE_CHECKING:
    import polars as pl

KEY = "hiersim"
VERSION = 1
ROWS = 1 << 18  # in a row group


def sniff(path: Path, start: bytes) -> bool:
    """Tell by the mark at the beginning, or by the name of a file to be written."""
    return start[:4] == b"PAR1" or (not start and path.suffix == ".parquet")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as why:
        raise TraceError(f"{path}: not a readable Parquet file: {str(why).splitlines()[0][:160]}") from None


def metadata(path: Path) -> dict[str, Any]:
    """Return what hiersim noted in the file: kind, notes, classes, block_tokens; empty for foreign files.

    Raises:
        TraceError: not a Parquet file, or one of a later version of hiersim.
    """
    import polars as pl

    with _reading(path):
        note = pl.read_parquet_metadata(path).get(KEY)
    found: dict[str, Any] = json.loads(note) if note else {}
    if found.get("version", VERSION) > VERSION:
        raise TraceError(f"{path}: written by a later hiersim (version {found['version']}); this one reads {VERSION}")
    return found


def holds_requests(path: Path) -> bool:
    """Tell whether the file holds requests rather than accesses."""
    import polars as pl

    kind = metadata(path).get("kind")
    if kind:
        return bool(kind == "requests")
    with _reading(path):
        return "prompt_tokens" in pl.read_parquet_schema(path)


def about(path: Path) -> About:
    """Return the notes and class names that the file carries."""
    found = metadata(path)
    return About(tuple(found.get("notes", ())), tuple(found.get("classes", ())))


def read(path: Path, options: ReadOptions) -> Iterator[Records]:
    """Yield the accesses of a file.

    Raises:
        TraceError: not Parquet, a column is missing, a field is empty or impossible.
    """
    import polars as pl

    with _reading(path):
        headers = list(pl.read_parquet_schema(path))
        rows = pl.scan_parquet(path).select(pl.len()).collect().item()
    role = roles(headers, options.columns, str(path))
    for start in range(0, rows, options.chunk):
        with _reading(path):
            frame = pl.scan_parquet(path).select(list(role.values())).slice(start, options.chunk).collect()
        yield records(frame, role, options, row_of(str(path), start))


def read_requests(path: Path, options: ReadOptions) -> RequestTrace:
    """Read a file of requests.

    Raises:
        TraceError: not Parquet, a column is missing, a field is empty or impossible.
    """
    import polars as pl

    with _reading(path):
        frame = pl.read_parquet(path, n_rows=options.limit)
    if not len(frame):
        raise TraceError(f"{path}: no records")
    noted = metadata(path)
    tokens, chained = int(noted.get("block_tokens", options.block_tokens)), bool(noted.get("chained", True))
    return request_from_frame(frame, block_tokens=tokens, source=str(path), chained=chained)


def write(trace: Trace, path: Path) -> None:
    """Write a trace; objects are numbered by first appearance, and those never touched are dropped.

    Raises:
        TraceError: two objects share an original id.
        OutputError: the file cannot be written.
    """
    note: dict[str, Any] = {"version": VERSION, "notes": list(trace.notes)}
    if isinstance(trace, AccessTrace):
        if len(set(trace.original_id.tolist())) != trace.objects:
            raise TraceError("two objects share an original id; they could not be told apart in the file")
        frame = _without_defaults(trace, access_frame(trace))
        note.update(kind="accesses", classes=list(trace.classes))
    else:
        frame = request_frame(trace)
        note.update(kind="requests", block_tokens=trace.block_tokens)
        note.update({} if trace.chained else {"chained": False})
    _save(frame, path, {KEY: json.dumps(note, sort_keys=True)})


def _without_defaults(trace: AccessTrace, frame: pl.DataFrame) -> pl.DataFrame:
    """Drop the columns that a reader fills in by itself."""
    absent = []
    if not trace.stream.any():
        absent.append("stream")
    if np.array_equal(trace.group, np.arange(len(trace))):
        absent.append("group")
    if len(trace.classes) == 1:
        absent.append("class")
    if not trace.flops.any():
        absent.append("flops")
    return frame.drop(absent)


def _save(frame: pl.DataFrame, path: Path, note: dict[str, str]) -> None:
    import polars as pl

    with replacing(path) as temporary:
        try:
            frame.write_parquet(
                temporary, compression="zstd", compression_level=9, row_group_size=ROWS, statistics=False, metadata=note
            )
        except pl.exceptions.PolarsError as why:
            raise OutputError(f"{path}: cannot be written: {str(why).splitlines()[0][:160]}") from None


FORMAT = Format(
    "parquet",
    "hiersim's own traces, and tables with columns such as time, id, size",
    sniff,
    records=read,
    requests=read_requests,
    write=write,
    holds_requests=holds_requests,
    about=about,
)
