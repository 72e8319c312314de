"""The trace formats: one file each, one line each in ``FORMATS``; the first whose ``sniff`` agrees is taken."""

from __future__ import annotations

from pathlib import Path

from hiersim.errors import TraceError, nearest
from hiersim.traces.files import check, first_bytes
from hiersim.traces.formats import azure, burstgpt, csv, mooncake, oracle_general, parquet, sharegpt, vllm
from hiersim.traces.formats.format import Format, Trace

__all__ = ["FORMATS", "Format", "Trace", "find_format", "locate"]

FORMATS: dict[str, Format] = {
    "parquet": parquet.FORMAT,
    "oracle_general": oracle_general.FORMAT,
    "vllm": vllm.FORMAT,
    "sharegpt": sharegpt.FORMAT,
    "mooncake": mooncake.FORMAT,
    "azure": azure.FORMAT,
    "burstgpt": burstgpt.FORMAT,
    "csv": csv.FORMAT,
}


def find_format(name: str) -> Format:
    """Return the format called ``name``; ``-`` and upper case are accepted too.

    Raises:
        TraceError: there is none, with the nearest name.
    """
    known = {key.replace("_", ""): value for key, value in FORMATS.items()}
    plain = name.lower().replace("-", "").replace("_", "")
    if plain not in known:
        raise TraceError(
            f"unknown trace format `{name}`{nearest(name, FORMATS)} (the formats are {', '.join(FORMATS)})"
        )
    return known[plain]


def locate(path: str | Path, format: str | None = None) -> tuple[Path, Format]:
    """Return the file and its format: the one named, the one before a colon in ``path``, or the one it looks like.

    Raises:
        TraceError: no such file, not readable, empty, or of no known format.
    """
    file, chosen = Path(path), format
    head, colon, tail = str(path).partition(":")
    if colon and chosen is None and not file.exists() and "/" not in head and len(head) > 1:
        chosen, file = head, Path(tail)
        find_format(chosen)
    file = file.expanduser()
    check(file)
    if chosen is not None:
        return file, find_format(chosen)
    if file.suffix in (".yaml", ".yml"):
        raise TraceError(f"{file}: is a description, not a trace; a scenario is for `hiersim run {file}`")
    start = first_bytes(file)
    for candidate in FORMATS.values():
        if candidate.sniff(file, start):
            return file, candidate
    raise TraceError(
        f"{file}: of no known format; name one as in csv:{file.name}; the formats are {', '.join(FORMATS)}"
    )
