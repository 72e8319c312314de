"""Operation traces as Parquet: a row per operation in FILE.parquet, a row per object in FILE.objects.parquet beside it.

Other tools can write such files: only ``kind`` and ``unit`` must be there; ids may be texts or numbers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.errors import OutputError
from hiersim.traces.operation import ACTIONS, DTYPES, NONE, Operations, OperationTrace
from hiersim.traces.writing import replacing

if TYPE_CHECKING:
    import polars as pl

KEY, VERSION, ROWS = "hiersim", 1, 1 << 18
NUMBERS = ("flops", "duration_ps", "near_read", "near_written")
TEXTS = ("kind", "action", "unit", "stream", "dtype", "near_class", "source", "target")
LISTS = ("reads", "writes", "read_bytes", "written_bytes", "after")
COLUMNS = ("id", *TEXTS, *NUMBERS, *LISTS)
OF_OBJECTS = ("id", "size", "class", "home", "start", "last_use", "flops")
OTHERWISE = {"action": "compute", "dtype": "fp16", "flops": 0, "duration_ps": NONE, "near_read": 0, "near_written": 0}


def objects_path(path: Path) -> Path:
    """Return the file of objects beside one of operations."""
    return path.with_name(f"{path.name.removesuffix('.parquet')}.objects.parquet")


def holds_operations(path: Path) -> bool:
    """Say whether a Parquet file holds operations: hiersim noted so, or it has their columns."""
    import polars as pl

    try:
        note = pl.read_parquet_metadata(path).get(KEY)
        if note:
            return bool(json.loads(note).get("kind") == "operations")
        return {"kind", "unit"} <= set(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError, ValueError):
        return False


def write_operations(trace: OperationTrace, path: Path) -> None:
    """Write a trace to two files, each whole or not at all.

    Raises:
        OutputError: they cannot be written.
    """
    note = {KEY: json.dumps({"version": VERSION, "kind": "operations", **_about(trace)}, sort_keys=True)}
    _save(_object_frame(trace), objects_path(path), {KEY: json.dumps({"version": VERSION, "kind": "objects"})})
    _save(_frame(trace), path, note)


def _about(trace: OperationTrace) -> dict[str, Any]:
    header, objects = trace.header, trace.objects
    lists = {name: list(getattr(header, name)) for name in ("kinds", "actions", "units", "streams", "stream_units")}
    return lists | {"classes": list(objects.classes), "tiers": list(objects.tiers), "notes": list(header.notes)}


def _save(frame: pl.DataFrame, path: Path, note: dict[str, str]) -> None:
    import polars as pl

    with replacing(path) as temporary:
        try:
            frame.write_parquet(
                temporary, compression="zstd", compression_level=9, row_group_size=ROWS, statistics=False, metadata=note
            )
        except pl.exceptions.PolarsError as why:
            raise OutputError(f"{path}: cannot be written: {str(why).splitlines()[0][:160]}") from None


def _frame(trace: OperationTrace) -> pl.DataFrame:
    import polars as pl

    header, o, objects = trace.header, trace.operations, trace.objects
    names = {
        "kind": (header.kinds, o.kind),
        "action": ([ACTIONS[action] for action in header.actions], o.kind),
        "unit": (header.units, o.unit),
        "stream": (header.streams, o.stream),
        "dtype": (DTYPES, o.dtype),
        "near_class": (objects.classes, o.near_class),
        "source": (objects.tiers, o.source),
        "target": (objects.tiers, o.target),
    }
    count, ids = len(trace), np.array(trace.names) if trace.names else np.arange(len(trace))
    keys = np.array(objects.names) if objects.names else np.arange(len(objects))
    frame = pl.DataFrame({"id": ids} | {name: _words(*pair) for name, pair in names.items()})
    frame = frame.with_columns(**{name: pl.Series(getattr(o, name)) for name in NUMBERS})
    written = _is_written(o)
    lists = {"reads": (keys[o.uses], ~written), "writes": (keys[o.uses], written)}
    if o.use_bytes is not None:
        lists |= {"read_bytes": (o.use_bytes, ~written), "written_bytes": (o.use_bytes, written)}
    rows = np.repeat(np.arange(count), np.diff(o.offsets))
    columns = {name: _lists(values[kept], rows[kept], count) for name, (values, kept) in lists.items()}
    columns["after"] = _lists(ids[o.after], np.repeat(np.arange(count), np.diff(o.after_offsets)), count)
    return frame.with_columns(**columns)


def _is_written(o: Operations) -> Any:
    counts = np.diff(o.offsets)
    return np.arange(len(o.uses)) - np.repeat(o.offsets[:-1], counts) >= np.repeat(o.reads, counts)


def _words(names: Any, numbers: Any) -> pl.Series:
    """Return a column of names, of which -1 is none."""
    import polars as pl

    places = np.where(numbers.astype(np.int64) < 0, len(names), numbers.astype(np.int64))
    return pl.Series([*names, None], dtype=pl.String).gather(places)


def _lists(values: Any, rows: Any, count: int) -> pl.Series:
    """Return a column of lists: the values of each row, in order."""
    import polars as pl

    grouped = pl.DataFrame({"row": rows, "value": values}).group_by("row", maintain_order=True).agg("value")
    frame = pl.DataFrame({"row": np.arange(count)}).join(grouped, on="row", how="left", maintain_order="left")
    return frame["value"].fill_null([])


def _object_frame(trace: OperationTrace) -> pl.DataFrame:
    import polars as pl

    objects = trace.objects
    return pl.DataFrame(
        {
            "id": np.array(objects.names) if objects.names else np.arange(len(objects)),
            "size": objects.size,
            "class": _words(objects.classes, objects.object_class),
            "home": _words(objects.tiers, objects.home),
            "start": _words(objects.tiers, objects.start),
            "last_use": objects.last_use,
            "flops": objects.flops,
        }
    )
