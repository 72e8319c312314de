"""Traces as polars tables, both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import TraceError, nearest
from hiersim.traces.access import AccessTrace
from hiersim.traces.checker import Clock
from hiersim.traces.options import ReadOptions
from hiersim.traces.records import Assembler, limited
from hiersim.traces.request import RequestTrace
from hiersim.traces.tabular import integers, records, roles

if TYPE_CHECKING:
    import polars as pl

REQUEST_COLUMNS = ("time_ps", "prompt_tokens", "output_tokens")


def ids_series(ids: NDArray[Any], name: str) -> pl.Series:
    """Return ids as a polars column of integers or strings."""
    import polars as pl

    if ids.dtype.kind in "iu":
        return pl.Series(name, ids)
    return pl.Series(name, ids.tolist(), dtype=pl.String)


def access_frame(trace: AccessTrace) -> pl.DataFrame:
    """Return one row per access: time_ps, id, size, write, stream, group, class, flops."""
    import polars as pl

    ids = ids_series(trace.original_id, "id")
    names = pl.Series("class", list(trace.classes), dtype=pl.Enum(list(trace.classes)))
    classes = names.gather(trace.object_class)
    return pl.DataFrame(
        [
            pl.Series("time_ps", trace.time_ps),
            ids.gather(trace.object),
            pl.Series("size", trace.size).gather(trace.object),
            pl.Series("write", trace.write),
            pl.Series("stream", trace.stream),
            pl.Series("group", trace.group),
            classes.gather(trace.object),
            pl.Series("flops", trace.flops).gather(trace.object),
        ]
    )


def access_from_frame(frame: pl.DataFrame, **options: Any) -> AccessTrace:
    """Make an access trace from a table; ``AccessTrace.from_polars`` documents the arguments."""
    chosen = ReadOptions.of(options)
    role = roles(frame.columns, chosen.columns, "table")
    assembler = Assembler(chosen, "table")
    runs = [records(frame, role, chosen, row_of("table"))]
    chunks = [assembler.add(run) for run in limited(runs, chosen.limit)]
    return assembler.trace(chunks, name="table")


def row_of(source: str, start: int = 0) -> Callable[[int], str]:
    """Return a function that names the n-th row after ``start``, counted from 1."""
    return lambda i: f"{source}: row {start + i + 1:,}"


def request_frame(trace: RequestTrace) -> pl.DataFrame:
    """Return one row per request, as ``RequestTrace.to_polars`` says."""
    import polars as pl

    closed = {"after": trace.after, "think_ps": trace.think_ps} if trace.closed_loop else {}

    touched = pl.Series("blocks", trace.original_block_id[trace.block_ids])
    row = pl.Series("row", np.repeat(np.arange(len(trace)), np.diff(trace.block_offsets)))
    lists = pl.DataFrame([row, touched]).group_by("row", maintain_order=True).agg("blocks")
    frame = pl.DataFrame(
        {
            "time_ps": trace.time_ps,
            "prompt_tokens": trace.prompt_tokens,
            "output_tokens": trace.output_tokens,
            "session": trace.session,
            **closed,
            "row": np.arange(len(trace)),
        }
    ).join(lists, on="row", how="left", maintain_order="left")
    return frame.drop("row").with_columns(pl.col("blocks").fill_null([]))


def request_from_frame(frame: pl.DataFrame, *, block_tokens: int = 512, **about: Any) -> RequestTrace:
    """Make a request trace from a table; ``RequestTrace.from_polars`` documents the arguments."""
    import polars as pl

    from hiersim.traces.ids import Numbering

    source = str(about.get("source") or "table")
    where = row_of(source)
    for name in REQUEST_COLUMNS:
        if name not in frame.columns:
            raise TraceError(
                f"{source}: no column `{name}`{nearest(name, frame.columns)} (there are {', '.join(frame.columns)})"
            )
    columns: dict[str, Any] = {name: integers(frame[name], where) for name in REQUEST_COLUMNS}
    Clock().picoseconds(columns["time_ps"], 1, where)  # says which row goes backwards
    requests = len(frame)
    lists = frame["blocks"] if "blocks" in frame.columns else pl.Series([[]] * requests, dtype=pl.List(pl.Int64))
    if lists.dtype not in (pl.List(pl.Int64), pl.List(pl.UInt64), pl.List(pl.Int32)):
        raise TraceError(f"{source}: column `blocks` must hold lists of integers, got {lists.dtype}")
    lengths = lists.list.len().fill_null(0).to_numpy()
    hashes = lists.explode().drop_nulls()  # an empty list explodes to a null
    if len(hashes) != lengths.sum():
        raise TraceError(f"{source}: column `blocks` holds empty entries")
    ids = hashes.to_numpy() if lists.dtype == pl.List(pl.UInt64) else hashes.cast(pl.Int64).to_numpy()
    numbers, first = Numbering().add(ids)
    for name, without in (("session", -1), ("after", -1), ("think_ps", 0)):
        columns[name] = integers(frame[name], where) if name in frame.columns else np.full(requests, without)
    _check_waits(columns, where)
    for name in ("session", "after"):
        columns[name] = columns[name].astype(np.int32)
    return RequestTrace(
        **columns,
        block_offsets=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]),
        block_ids=numbers,
        original_block_id=ids[first],
        block_tokens=block_tokens,
        **about,
    )


def _check_waits(columns: Mapping[str, NDArray[np.int64]], where: Callable[[int], str]) -> None:
    """Raise TraceError for the first request that waits for none before it, or for a negative time."""
    after, think = columns["after"], columns["think_ps"]
    wrong = (after < -1) | (after >= np.arange(len(after)))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise TraceError(f"{where(i)}: after must be the number of an earlier request, from 0, or -1, got {after[i]}")
    if len(think) and think.min() < 0:
        i = int(np.argmin(think))
        raise TraceError(f"{where(i)}: think_ps must not be negative, got {think[i]}")
