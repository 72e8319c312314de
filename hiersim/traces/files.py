"""Opening files: plain or compressed, with one clear line for whatever is wrong."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hiersim.errors import TraceError, nearest

ZSTD = b"\x28\xb5\x2f\xfd"
GZIP = b"\x1f\x8b"
PEEK = 4096


def check(path: Path) -> None:
    """Raise TraceError unless ``path`` is a readable file with something in it."""
    if not path.exists():
        folder = path.parent if str(path.parent) else Path()
        if not folder.is_dir():
            raise TraceError(f"{path}: no folder {folder}")
        raise TraceError(f"{path}: no such file{nearest(path.name, (entry.name for entry in folder.iterdir()))}")
    if path.is_dir():
        raise TraceError(f"{path}: a folder, not a trace file")
    if not os.access(path, os.R_OK):
        raise TraceError(f"{path}: not readable; permission is denied")
    if path.is_file() and path.stat().st_size == 0:
        raise TraceError(f"{path}: the file is empty")


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading bytes, through zstd or gzip where its first bytes say so.

    Raises:
        TraceError: on opening or within the block: it cannot be read, or its compressed data is damaged.
    """
    import gzip
    import zlib

    import zstandard

    try:
        with path.open("rb") as raw:
            magic = raw.read(4)
            raw.seek(0)
            if magic == ZSTD:
                frames = _Frames(raw, lambda: zstandard.ZstdDecompressor().decompressobj())
                yield io.BufferedReader(frames, 1 << 20)
            elif magic[:2] == GZIP:
                with gzip.open(raw) as stream:
                    yield stream  # type: ignore[misc]
            else:
                yield raw
    except PermissionError:
        raise TraceError(f"{path}: not readable; permission is denied") from None
    except (zstandard.ZstdError, zlib.error, gzip.BadGzipFile, EOFError) as why:
        raise TraceError(f"{path}: the compressed data is damaged or cut short ({why})") from None
    except OSError as why:
        raise TraceError(f"{path}: cannot be read: {why.strerror or why}") from None


class _Frames(io.RawIOBase):
    """The content of zstd frames; a file that ends inside a frame is an error, which the library would pass over."""

    def __init__(self, raw: IO[bytes], start: Callable[[], Any]) -> None:
        self._raw = raw
        self._start = start
        self._frame = start()
        self._fresh = True  # the current frame has had no data yet
        self._ready = b""

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` with what comes next; 0 at the end."""
        while not self._ready:
            data = self._raw.read(1 << 16)
            if not data:
                if not self._fresh:
                    raise EOFError("it ends inside a frame")
                return 0
            self._ready = self._decompress(data)
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _decompress(self, data: bytes) -> bytes:
        parts = []
        while data:
            parts.append(self._frame.decompress(data))
            data = self._frame.unused_data if self._frame.eof else b""
            self._fresh = self._frame.eof
            if self._frame.eof:
                self._frame = self._start()
        return b"".join(parts)


def first_bytes(path: Path, count: int = PEEK) -> bytes:
    """Return the first bytes of a file, decompressed.

    Raises:
        TraceError: it cannot be read, or its compressed data is damaged.
    """
    with opened(path) as stream:
        return stream.read(count)


def blocks_of_lines(path: Path, size: int = 1 << 24) -> Iterator[tuple[int, bytes]]:
    """Yield (number of the first line, counted from 1; whole lines) in blocks of about ``size`` bytes.

    Raises:
        TraceError: the file cannot be read, or a line is longer than a block.
    """
    line, rest = 1, b""
    with opened(path) as stream:
        while data := stream.read(size):
            cut = data.rfind(b"\n") + 1
            if not cut:
                rest += data
                if len(rest) > 4 * size:
                    raise TraceError(f"{path}:{line}: a line of more than {4 * size:,} bytes; this is not a text trace")
                continue
            yield line, rest + data[:cut]
            line += data.count(b"\n", 0, cut) + rest.count(b"\n")
            rest = data[cut:]
    if rest:
        yield line, rest


class LineNumbers:
    """Gives the place of the n-th record of a block of lines; counts only when a message needs it.

    Blank lines hold no record.
    """

    def __init__(self, path: Path, line: int, data: bytes) -> None:
        self._path, self._line, self._data = path, line, data

    def __call__(self, record: int) -> str:
        """Return ``file:line`` of the n-th record, counted from 0."""
        filled = [i for i, text in enumerate(self._data.split(b"\n")) if text.strip()]
        return f"{self._path}:{self._line + filled[record]}"
