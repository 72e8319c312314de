"""What a trace format is: a name, how to recognise it, how to read it, perhaps how to write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hiersim.traces.access import AccessTrace
from hiersim.traces.options import ReadOptions
from hiersim.traces.records import Records
from hiersim.traces.request import RequestTrace

Trace = AccessTrace | RequestTrace


@dataclass(frozen=True)
class About:
    """What a file says of the trace itself.

    Attributes:
        notes: sentences for whoever reads results.
        classes: the names of the object classes, in the order of their codes.
    """

    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """One trace format.

    Attributes:
        name: what users call it, as in ``csv:file.txt``.
        summary: what it is, in a line.
        sniff: tells from the path and the first bytes (decompressed) whether a file may be of this format.
        records: yields the accesses of a file in runs of about ``options.chunk``; ``None`` if it holds requests.
        requests: reads a file of requests; ``None`` if it holds accesses. See ``holds_requests``.
        write: writes a trace to a path; ``None`` if the format is only read.
        holds_requests: tells, for a format with both kinds, which kind a file is.
        about: returns what the file says of the trace itself.
    """

    name: str
    summary: str
    sniff: Callable[[Path, bytes], bool]
    records: Callable[[Path, ReadOptions], Iterator[Records]] | None = None
    requests: Callable[[Path, ReadOptions], RequestTrace] | None = None
    write: Callable[[Trace, Path], None] | None = None
    holds_requests: Callable[[Path], bool] | None = None
    about: Callable[[Path], About] | None = None

    def has_requests(self, path: Path) -> bool:
        """Return whether this file holds requests rather than accesses."""
        if self.requests is None or self.records is None:
            return self.requests is not None
        return self.holds_requests is not None and self.holds_requests(path)
