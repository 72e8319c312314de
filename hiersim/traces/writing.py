"""Writing traces: to a temporary name in the same folder, then renamed, so that no half-written file is ever seen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hiersim.errors import OutputError
from hiersim.traces.operation import OperationStream, OperationTrace

LEVEL = 9  # of zstd: small files, still tens of MB/s


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; it takes its place if the block succeeds, and is removed if not.

    Raises:
        OutputError: a device or a pipe is there, the folder is missing or not writable, the disk is full.
    """
    if path.is_dir():
        raise OutputError(f"{path}: a folder is in the way")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path}: is not a plain file")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: no folder {path.parent}")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as why:
        raise OutputError(f"{path}: cannot be written: {why.strerror or why}") from None
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def byte_writer(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing bytes, as ``replacing`` does; compressed where its name ends in ``.zst``."""
    import zstandard

    with replacing(path) as temporary, temporary.open("wb") as raw:
        if path.suffix == ".zst":
            with zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).stream_writer(raw, closefd=False) as stream:
                yield stream
        else:
            yield raw


def write_trace(trace: Any, path: str | Path, *, format: str | None = None) -> Path:
    """Write a trace; returns the path.

    Args:
        trace: accesses, requests or operations; operations have a second file for their objects beside the first.
        path: the file to write; an existing one is replaced only when the new one is complete.
        format: ``parquet`` or ``oracle_general``; ``None`` to see by the name.

    Raises:
        TraceError: the format cannot hold this trace, or is not written.
        OutputError: the file cannot be written.
    """
    from hiersim.errors import TraceError
    from hiersim.traces.formats import FORMATS, find_format

    file = Path(path).expanduser()
    if isinstance(trace, OperationStream):
        trace = trace.whole()
    if isinstance(trace, OperationTrace):
        from hiersim.traces.operation_files import write_operations

        if file.suffix != ".parquet" or format not in (None, "parquet"):
            raise TraceError(f"{file}: operations are written as Parquet only; name a file that ends in .parquet")
        write_operations(trace, file)
        return file
    writable = {name: known for name, known in FORMATS.items() if known.write}
    chosen = find_format(format) if format else next((f for f in writable.values() if f.sniff(file, b"")), None)
    if chosen is None or chosen.write is None:
        what = (
            f"`{format}` is only read"
            if chosen
            else f"{file}: the name does not tell the format (.parquet, .bin, .bin.zst)"
        )
        raise TraceError(f"{what}; hiersim writes {', '.join(writable)}")
    chosen.write(trace, file)
    return file
