"""Traces: what an AI workload touches, and when, as columns.

``open_trace`` reads a file, ``iter_chunks`` streams one, ``generate`` makes one, ``write_trace`` writes one, and
``trace_info`` describes one. Everything is imported on first use, so that ``import hiersim.traces`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hiersim.traces.access import NEVER, AccessTrace
    from hiersim.traces.formats import FORMATS
    from hiersim.traces.generators import GENERATORS, generate
    from hiersim.traces.info import TraceInfo, trace_info
    from hiersim.traces.options import ReadOptions
    from hiersim.traces.reading import iter_chunks, open_trace
    from hiersim.traces.records import AccessChunk
    from hiersim.traces.request import KvModel, RequestTrace
    from hiersim.traces.working_set import WorkingSet, working_set
    from hiersim.traces.writing import write_trace

_HOME = {
    "AccessChunk": "records",
    "AccessTrace": "access",
    "FORMATS": "formats",
    "GENERATORS": "generators",
    "KvModel": "request",
    "NEVER": "access",
    "ReadOptions": "options",
    "RequestTrace": "request",
    "WorkingSet": "working_set",
    "TraceInfo": "info",
    "generate": "generators",
    "iter_chunks": "reading",
    "open_trace": "reading",
    "trace_info": "info",
    "working_set": "working_set",
    "write_trace": "writing",
}

__all__ = [
    "FORMATS",
    "GENERATORS",
    "NEVER",
    "AccessChunk",
    "AccessTrace",
    "KvModel",
    "ReadOptions",
    "RequestTrace",
    "TraceInfo",
    "WorkingSet",
    "generate",
    "iter_chunks",
    "open_trace",
    "trace_info",
    "working_set",
    "write_trace",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
