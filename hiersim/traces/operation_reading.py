"""Opening a file of operations, of whichever format it is."""

from __future__ import annotations

from pathlib import Path

from hiersim.traces.files import check, first_bytes
from hiersim.traces.operation import OperationTrace

FORMATS = ("parquet", "graph")


def open_operations(path: str | Path, format: str | None = None) -> OperationTrace | None:
    """Read a file of operations; ``None`` if it holds something else.

    Args:
        path: the file; ``graph:path`` names the format.
        format: ``parquet`` or ``graph``; seen from the file when absent.

    Raises:
        TraceError: it cannot be read, or says something impossible.
    """
    from hiersim.traces.operation_files import holds_operations
    from hiersim.traces.operation_graph import holds_graph, read_graph
    from hiersim.traces.operation_tables import read_operations

    head, colon, tail = str(path).partition(":")
    if colon and head in FORMATS and format is None and not Path(path).exists():
        format, path = head, tail
    if format is not None and format not in FORMATS:
        return None
    file = Path(path).expanduser()
    if not file.is_file():
        return None
    check(file)
    start = first_bytes(file)
    if format == "graph" or (format is None and holds_graph(file, start)):
        return read_graph(file)
    return read_operations(file) if start[:4] == b"PAR1" and holds_operations(file) else None
