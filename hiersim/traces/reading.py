"""Opening a trace whole, or streaming it in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hiersim.errors import TraceError
from hiersim.traces.access import AccessTrace
from hiersim.traces.formats import Format, locate
from hiersim.traces.formats.format import About
from hiersim.traces.options import ReadOptions
from hiersim.traces.records import AccessChunk, Assembler, Records, limited
from hiersim.traces.request import KvModel, RequestTrace
from hiersim.traces.scaling import shaped, shaped_requests

NOTHING = About()


def open_trace(
    path: str | Path,
    *,
    format: str | None = None,
    model: KvModel | None = None,
    dtype: str = "bf16",
    limit: int | None = None,
    ignore_size: bool = False,
    block_bytes: int | None = None,
    **options: Any,
) -> AccessTrace | RequestTrace:
    """Read a trace into columns.

    A file of requests gives a ``RequestTrace``, or, with ``model``, ``block_bytes`` or ``ignore_size``, the
    ``AccessTrace`` of its prefix blocks.

    Args:
        path: the file; ``csv:file`` says the format.
        format: the name of the format; ``None`` to see by the file.
        model: gives KV blocks their bytes and FLOPs; see ``hiersim.models.find_model``.
        dtype: how the model's keys and values are stored.
        limit: read at most this many records of the file: accesses, or requests.
        ignore_size: every object has ``block_bytes`` bytes, or 1.
        block_bytes: bytes of an object where the file has no sizes, or of a prefix block.
        options: further fields of ``ReadOptions``.

    Raises:
        TraceError: the file cannot be read or says something impossible: one line with file, place and remedy.
        ConfigError: an unknown option, or an impossible value of one.
    """
    chosen = ReadOptions.of({"limit": limit, "ignore_size": ignore_size, "block_bytes": block_bytes, **options})
    file, kind = locate(path, format)
    about = {"name": stem(file), "source": str(file), "format": kind.name}
    noted = kind.about(file) if kind.about else NOTHING
    if kind.has_requests(file):
        requests = _requests(file, kind, chosen)
        requests = requests.with_about(**about, notes=(*requests.notes, *noted.notes))
        requests = shaped_requests(requests, chosen)
        if model is None and block_bytes is None and not ignore_size:
            return requests
        return requests.blocks(None if ignore_size else model, dtype=dtype, block_bytes=block_bytes)
    assembler = Assembler(chosen, str(file), noted.classes)
    chunks = [assembler.add(run) for run in records_of(file, kind, chosen)]
    return shaped(assembler.trace(chunks, **about, notes=noted.notes), chosen)


def iter_chunks(path: str | Path, *, format: str | None = None, **options: Any) -> Iterator[AccessChunk]:
    """Stream the accesses of a file in chunks; object numbers and times carry over.

    Args:
        path: the file; ``csv:file`` says the format.
        format: the name of the format; ``None`` to see by the file.
        options: fields of ``ReadOptions``; ``chunk`` is the number of accesses in a chunk.

    Raises:
        TraceError: as ``open_trace``; also for a file of requests, which is opened whole.
        ConfigError: an unknown option, or an impossible value of one.
    """
    chosen = ReadOptions.of(options).streamed()
    file, kind = locate(path, format)
    if kind.has_requests(file):
        raise TraceError(f"{file}: holds requests, which are opened whole: open_trace(path)")
    assembler = Assembler(chosen, str(file))
    for run in records_of(file, kind, chosen):
        yield assembler.add(run)


def _requests(file: Path, kind: Format, options: ReadOptions) -> RequestTrace:
    if kind.requests is None:
        raise TraceError(f"{file}: the format {kind.name} holds no requests")
    return kind.requests(file, options)


def records_of(file: Path, kind: Format, options: ReadOptions) -> Iterator[Records]:
    """Yield the accesses of a file as its format has them, up to the limit.

    Raises:
        TraceError: the format holds no accesses.
    """
    if kind.records is None:
        raise TraceError(f"{file}: the format {kind.name} holds no accesses")
    return limited(kind.records(file, options), options.limit)


def stem(path: Path) -> str:
    """Return the file's name without the endings that only say how it is stored."""
    name = path.name
    for ending in (".zst", ".gz", ".bin", ".oracleGeneral", ".parquet", ".jsonl", ".json", ".csv", ".txt"):
        name = name.removesuffix(ending)
    return name or path.name
