"""libCacheSim's binary format, plain or zstd: 24 bytes an access, little-endian, packed.

u32 time (s), u64 id, u32 size (bytes), i64 number of the object's next access, counted from 1, or -1.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hiersim.errors import TraceError
from hiersim.traces.access import NEVER, AccessTrace
from hiersim.traces.files import opened
from hiersim.traces.formats.format import Format, Trace
from hiersim.traces.options import ReadOptions
from hiersim.traces.records import Records
from hiersim.traces.writing import byte_writer

RECORD = np.dtype([("time", "<u4"), ("id", "<u8"), ("size", "<u4"), ("next", "<i8")])
SECOND = 10**12  # picoseconds


def sniff(path: Path, start: bytes) -> bool:
    """Tell by the name: the format has no mark of its own."""
    name = path.name.lower()
    return "oraclegeneral" in name or name.endswith((".bin", ".bin.zst"))


def read(path: Path, options: ReadOptions) -> Iterator[Records]:
    """Yield the accesses of a file.

    Raises:
        TraceError: the file ends inside a record.
    """
    done = 0
    with opened(path) as stream:
        while True:
            data = _read(stream, options.chunk * RECORD.itemsize)
            if not data:
                return
            whole, rest = divmod(len(data), RECORD.itemsize)
            if rest:
                count = done + whole
                raise TraceError(
                    f"{path}: cut short, or not of this format: {count:,} whole records of {RECORD.itemsize} bytes "
                    f"and {rest} bytes of another"
                )
            yield _records(np.frombuffer(data, RECORD), path, done)
            done += whole


def _read(stream: object, size: int) -> bytes:
    """Read exactly ``size`` bytes, or what is left."""
    parts: list[bytes] = []
    while size and (data := stream.read(size)):  # type: ignore[attr-defined]
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def _records(table: np.ndarray[tuple[int], np.dtype[np.void]], path: Path, done: int) -> Records:
    return Records(
        id=table["id"].astype(np.uint64),
        where=lambda i: f"{path}: record {done + i + 1:,}",
        time=table["time"].astype(np.int64),
        tick_ps=SECOND,
        size=table["size"].astype(np.int64),
    )


def write(trace: Trace, path: Path) -> None:
    """Write an access trace; ``.zst`` at the end of the path compresses it.

    Times are cut to whole seconds; writes, streams and classes have no place in the format.

    Raises:
        TraceError: a request trace, a size of 4 GiB or more, or times beyond 2^32 seconds.
        OutputError: the file cannot be written.
    """
    if not isinstance(trace, AccessTrace):
        raise TraceError("oracle_general holds accesses; make them from requests with blocks(), or write parquet")
    if trace.objects and trace.size.max() >= 2**32:
        raise TraceError(f"oracle_general holds sizes below 4 GiB; the largest object has {trace.size.max():,} bytes")
    ids = trace.original_id
    if ids.dtype.kind not in "iu":
        ids = np.arange(trace.objects)  # the format has numbers only
    ids = ids.view(np.uint64) if ids.dtype.itemsize == 8 else ids.astype(np.uint64)
    with byte_writer(path) as stream:
        for begin in range(0, len(trace), 1 << 20):
            part = slice(begin, begin + (1 << 20))
            upcoming = trace.next_use[part]
            table = np.empty(len(upcoming), RECORD)
            table["time"] = trace.time_ps[part] // SECOND
            table["id"] = ids[trace.object[part]]
            table["size"] = trace.size[trace.object[part]]
            table["next"] = np.where(upcoming == NEVER, -1, upcoming + 1)
            stream.write(table.tobytes())


FORMAT = Format("oracle_general", "libCacheSim's binary accesses, .bin and .bin.zst", sniff, records=read, write=write)
