"""Tables with named columns (CSV, Parquet, data frames) as records: which column is what, and strict conversion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import TraceError, nearest
from hiersim.traces.options import TIME_UNITS, ReadOptions
from hiersim.traces.records import Records

if TYPE_CHECKING:
    import polars as pl

Where = Callable[[int], str]

NAMES: dict[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "ts", "arrival", "arrival_time", "clock_time"),
    "id": ("id", "obj_id", "object_id", "object", "key", "block", "block_id", "lba", "lbn", "page", "address"),
    "size": ("size", "obj_size", "object_size", "bytes", "length", "size_bytes", "value_size"),
    "write": ("write", "op", "operation", "is_write", "rw", "op_type"),
    "stream": ("stream", "thread", "thread_id", "client", "client_id", "tenant"),
    "group": ("group", "request", "request_id"),
    "class": ("class", "object_class", "obj_class"),
    "flops": ("flops",),
}
READS = ("read", "r", "get", "gets", "load", "lookup", "head", "0", "false")
WRITES = (
    "write",
    "w",
    "set",
    "put",
    "store",
    "add",
    "replace",
    "update",
    "insert",
    "append",
    "prepend",
    "cas",
    "1",
    "true",
)


def plain(name: str) -> str:
    """Return a column name as it is compared: lower case, words joined by ``_``."""
    return name.strip().strip("\"'").lower().replace(" ", "_").replace("-", "_")


def unit_of(name: str) -> tuple[str, str | None]:
    """Split a time column's name from the unit that it ends in: ``time_ms`` is (``time``, ``ms``)."""
    stem, _, unit = plain(name).rpartition("_")
    return (stem, unit) if unit in TIME_UNITS else (plain(name), None)


def roles(headers: Sequence[str], mapping: Mapping[str, str | int], source: str) -> dict[str, str]:
    """Return role -> column name for the columns that mean something to a trace.

    Raises:
        TraceError: a mapped column or role is missing, or no column holds the ids.
    """
    found: dict[str, str] = {}
    for role, wanted in mapping.items():
        if role not in NAMES:
            raise TraceError(
                f"{source}: no column role `{role}`{nearest(role, NAMES)} (the roles are {', '.join(NAMES)})"
            )
        if isinstance(wanted, int) or (wanted not in headers and wanted.isdigit()):
            if int(wanted) >= len(headers):
                raise TraceError(f"{source}: no column {wanted} for {role}; there are {len(headers)}, counted from 0")
            found[role] = headers[int(wanted)]
        elif wanted in headers:
            found[role] = wanted
        else:
            near = nearest(wanted, headers)
            raise TraceError(f"{source}: no column `{wanted}` for {role}{near} (there are {', '.join(headers)})")
    for role, names in NAMES.items():
        for header in headers:
            name = unit_of(header)[0] if role == "time" else plain(header)
            if role not in found and name in names and header not in found.values():
                found[role] = header
    if "id" not in found:
        near = next((n for n in (nearest("id", headers), nearest("object_id", headers)) if n), "")
        raise TraceError(
            f"{source}: no column holds the object ids, such as id, obj_id or key{near} "
            f"(there are {', '.join(headers)}; columns={{'id': NAME}} names one)"
        )
    return found


def records(frame: pl.DataFrame, role: Mapping[str, str], options: ReadOptions, where: Where) -> Records:
    """Return the rows of a table as records.

    Raises:
        TraceError: a field is empty, is not a number, or is out of range; with its place.
    """
    made: dict[str, Any] = {"tick_ps": 1}
    if "time" in role and not options.ignore_time:
        unit = unit_of(role["time"])[1] or options.time_unit
        made["time"], made["tick_ps"] = times(frame[role["time"]], unit, where)
    if "size" in role and not options.ignore_size:
        made["size"] = integers(frame[role["size"]], where)
    if "write" in role:
        made["write"] = writes(frame[role["write"]], where)
    for key in ("stream", "group"):
        if key in role:
            made[key] = small_integers(frame[role[key]], where)
    if "class" in role:
        made["object_class"], made["class_names"] = classes(frame[role["class"]], where)
    if "flops" in role:
        made["flops"] = numbers(frame[role["flops"]], where)
    return Records(id=identities(frame[role["id"]], options.text_ids, where), where=where, **made)


def _refuse(column: pl.Series, good: pl.Series, expected: str, where: Where) -> None:
    """Raise TraceError for the first field that did not convert."""
    if good.null_count() == 0:
        return
    i = int(good.is_null().arg_max() or 0)
    value = column[i]
    shown = "".join(c if c.isprintable() else "?" for c in str(value)[:40])
    text = "is empty" if value is None or value == "" else f"must be {expected}, got `{shown}`"
    raise TraceError(f"{where(i)}: {column.name} {text}")


def _stripped(column: pl.Series) -> pl.Series:
    import polars as pl

    return column.str.strip_chars() if column.dtype == pl.String else column


def integers(column: pl.Series, where: Where) -> NDArray[np.int64]:
    """Return a column as int64; numbers with a fraction, empty fields and words are errors."""
    import polars as pl

    good = column.cast(pl.Int64, strict=False)
    if good.null_count():
        good = _stripped(column).cast(pl.Int64, strict=False)
    elif column.dtype.is_float():
        good = good.set(good.cast(pl.Float64) != column, None)
    _refuse(column, good, "an integer below 2^63", where)
    return good.to_numpy(writable=True)


def small_integers(column: pl.Series, where: Where) -> NDArray[np.int32]:
    """Return a column as int32."""
    wide = integers(column, where)
    outside = (wide < 0) | (wide > np.iinfo(np.int32).max)
    if outside.any():
        i = int(np.argmax(outside))
        raise TraceError(f"{where(i)}: {column.name} must be 0 to 2^31 - 1, got {wide[i]}")
    return wide.astype(np.int32)


def numbers(column: pl.Series, where: Where) -> NDArray[np.float64]:
    """Return a column as float64; empty fields and words are errors."""
    import polars as pl

    good = _stripped(column).cast(pl.Float64, strict=False)
    _refuse(column, good, "a number", where)
    return good.to_numpy(writable=True)


def classes(column: pl.Series, where: Where) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return a column of names as uint8 codes, and the names in the order of their first appearance."""
    import polars as pl

    good = column.cast(pl.String)
    _refuse(column, good, "a word", where)
    names = good.unique(maintain_order=True).to_list()
    if len(names) > 256:
        raise TraceError(f"{where(0)}: {column.name} has {len(names):,} different names; at most 256 are possible")
    codes = good.replace_strict(names, range(len(names)), return_dtype=pl.UInt8) if names else good.cast(pl.UInt8)
    return codes.to_numpy(writable=True), tuple(names)


def identities(column: pl.Series, as_text: bool | None, where: Where) -> NDArray[Any]:
    """Return ids as int64 or uint64 if they are integers, else as an array of strings."""
    import polars as pl

    if as_text or (as_text is None and _is_wordy(column)):
        words = column.cast(pl.String)
        _refuse(column, words, "a word", where)
        return np.array(words.to_list(), object)
    if column.dtype == pl.UInt64:
        good = column
    else:
        good = _stripped(column).cast(pl.Int64, strict=False)
        if good.null_count() and not column.dtype.is_float():
            good = _stripped(column).cast(pl.UInt64, strict=False)
        elif column.dtype.is_float():
            good = good.set(good.cast(pl.Float64) != column, None)
    _refuse(column, good, "an integer as the ids before it (text_ids reads ids as words)", where)
    return good.to_numpy(writable=True)


def _is_wordy(column: pl.Series) -> bool:
    import polars as pl

    if column.dtype.is_numeric():
        return False
    column = _stripped(column.cast(pl.String)).drop_nulls()
    return len(column) > 0 and column.head(1).cast(pl.Int128, strict=False).null_count() == 1


def writes(column: pl.Series, where: Where) -> NDArray[np.uint8]:
    """Return an operation column as 1 for writes and 0 for reads.

    Raises:
        TraceError: an operation that is neither, with its place.
    """
    import polars as pl

    if column.dtype == pl.UInt8 and column.null_count() == 0 and (column.max() or 0) <= 1:  # type: ignore[operator]
        return column.to_numpy(writable=True)
    meaning = {}
    for value in column.unique().to_list():
        word = str(value).strip().lower()
        meaning[value] = 1 if word in WRITES else 0 if word in READS else None
    good = column.replace_strict(meaning, return_dtype=pl.UInt8)
    _refuse(column, good, f"one of {', '.join(READS[:5])} or {', '.join(WRITES[:5])}", where)
    return good.to_numpy(writable=True)


def times(column: pl.Series, unit: str, where: Where) -> tuple[NDArray[Any], int]:
    """Return times and the picoseconds of their unit: integers stay exact, dates count in nanoseconds."""
    import polars as pl

    if column.dtype.is_temporal():
        good = column.cast(pl.Datetime("ns")).cast(pl.Int64)
        _refuse(column, good, "a time", where)
        return good.to_numpy(writable=True), 1000
    if not column.dtype.is_float():
        good = _stripped(column).cast(pl.Int64, strict=False)
        if good.null_count() == 0:
            return good.to_numpy(writable=True), TIME_UNITS[unit]
    if column.dtype == pl.String:
        first = column.drop_nulls().head(1).to_list()
        if first and "-" in first[0].strip()[1:] and ":" in first[0]:
            return dates(column, where), 1000
    return numbers(column, where), TIME_UNITS[unit]


def dates(column: pl.Series, where: Where) -> NDArray[np.int64]:
    """Return dates such as ``2023-11-16 18:17:03.9799600`` as int64 nanoseconds since 1970."""
    import polars as pl

    bare = column.str.strip_chars().str.replace("T", " ", literal=True).str.replace(r"(Z|\+00:00)$", "")
    good = bare.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ns", strict=False)
    _refuse(column, good, "a date such as 2023-11-16 18:17:03.97996", where)
    return good.cast(pl.Int64).to_numpy(writable=True)
