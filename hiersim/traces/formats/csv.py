"""Comma-separated accesses: columns time, id, size, op and so on, with or without a line of names."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hiersim.errors import TraceError
from hiersim.traces.files import LineNumbers, blocks_of_lines
from hiersim.traces.formats.format import Format
from hiersim.traces.options import ReadOptions
from hiersim.traces.records import Records
from hiersim.traces.tabular import NAMES, plain, records, roles, unit_of

if TYPE_CHECKING:
    import polars as pl

SEPARATORS = (",", "\t", ";", " ", "|")
BARE = {1: ("id",), 2: ("time", "id"), 3: ("time", "id", "size")}  # what columns without names are taken for
BARE_MORE = ("time", "id", "size", "op")
ENDINGS = (".csv", ".txt", ".tsv")


def sniff(path: Path, start: bytes) -> bool:
    """Tell whether the file is text."""
    if any(part in ENDINGS for part in path.suffixes):
        return True
    try:
        text = start.decode("ascii")
    except UnicodeDecodeError:
        return False
    return "\n" in text and all(c.isprintable() or c in "\r\n\t" for c in text)


def read(path: Path, options: ReadOptions) -> Iterator[Records]:
    """Yield the accesses of a CSV file.

    Raises:
        TraceError: a column is missing, a line has the wrong number of fields, a field is not what it must be.
    """
    headers: list[str] = []
    for where, frame in tables(path, options, headers):
        role = roles(headers, options.columns, str(path))
        yield records(frame, role, options, where)


def tables(path: Path, options: ReadOptions, headers: list[str]) -> Iterator[tuple[LineNumbers, pl.DataFrame]]:
    """Yield (places of the rows, rows as strings) block by block; fills ``headers`` with the column names."""
    import polars as pl

    separator = options.separator or ""
    for line, data in blocks_of_lines(path, options.chunk * 24):
        line, data = _skip_blank(line, data)
        if not headers:
            start, _, rest = data.partition(b"\n")
            first = _text(path, line, start)
            separator = separator or max(SEPARATORS, key=first.count)
            names = [name.strip().strip('"') for name in first.split(separator)]
            named = _has_names(names, options) if options.header is None else options.header
            headers.extend(names if named else _bare(len(names)))
            _check_distinct(path, headers)
            if named:
                line, data = _skip_blank(line + 1, rest)
        if data and not data.isspace():
            frame = _parse(path, line, data, separator, headers)
            if frame[headers[0]].has_nulls():
                frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
            yield LineNumbers(path, line, data), frame


def _skip_blank(line: int, data: bytes) -> tuple[int, bytes]:
    kept = data.lstrip(b"\r\n")
    return line + data[: len(data) - len(kept)].count(b"\n"), kept


def _text(path: Path, line: int, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").strip("\r")
    except UnicodeDecodeError:
        raise TraceError(
            f"{path}:{line}: not text; if this is another format, name it as in oracle_general:FILE"
        ) from None


def _has_names(fields: Sequence[str], options: ReadOptions) -> bool:
    known = {name for names in NAMES.values() for name in names} | {str(v) for v in options.columns.values()}
    if any(plain(field) in known or unit_of(field)[0] in NAMES["time"] for field in fields):
        return True
    return not any(character.isdigit() for field in fields for character in field)


def _bare(count: int) -> list[str]:
    names = BARE.get(count, BARE_MORE)
    return [*names, *(f"column_{i}" for i in range(len(names), count))]


def _check_distinct(path: Path, headers: Sequence[str]) -> None:
    double = next((name for i, name in enumerate(headers) if name in headers[:i]), None)
    if double is not None:
        raise TraceError(f"{path}: two columns are named `{double}`")


def _parse(path: Path, line: int, data: bytes, separator: str, headers: Sequence[str]) -> pl.DataFrame:
    """Return the lines as a table of strings; blank lines are rows of nulls."""
    import polars as pl

    schema = dict.fromkeys(headers, pl.String)
    try:
        frame = pl.read_csv(io.BytesIO(data), has_header=False, separator=separator, schema=schema, infer_schema=False)
    except pl.exceptions.PolarsError:
        _check_fields(path, line, data, separator, len(headers))
        raise TraceError(f"{path}:{line}: not readable as CSV from here on; is a quote left open?") from None
    if len(headers) > 1 and frame[headers[-1]].has_nulls():
        _check_fields(path, line, data, separator, len(headers))
    return frame


def _check_fields(path: Path, line: int, data: bytes, separator: str, fields: int) -> None:
    """Raise TraceError for the first line that is not text or has the wrong number of fields."""
    for i, raw in enumerate(data.split(b"\n")):
        if raw.strip():
            found = _text(path, line + i, raw).count(separator) + 1
            if found != fields:
                raise TraceError(f"{path}:{line + i}: {found} fields, expected {fields}")


FORMAT = Format("csv", "columns time, id, size, op ... in any order, by name; .csv, .tsv, .txt", sniff, records=read)
