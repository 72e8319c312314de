"""Naive twins of the prefetchers: lists and dictionaries, written from the papers, slow and plain.

Each module has ``Twin(run, **params)`` with ``on_access(req) -> keys``; ``run`` is a `Run`, ``req`` a `Seen`. Nothing
here imports the package.
"""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple


class Run(NamedTuple):
    """What a prefetcher may know: the trace as (object, stream) pairs, whether it is open, layers by object."""

    objects: int
    trace: list[tuple[int, int]]
    open_loop: bool
    layers: list[int | None]


class Seen(NamedTuple):
    """An access that is done."""

    key: int
    now: int
    stream: int
    hit: bool
    used: bool


def make(name: str, run: Run, params: dict[str, Any]) -> Any:
    """Return the twin of a prefetcher, with parameters that may be texts."""
    module = importlib.import_module(f"oracle.prefetch.{name.replace('-', '_')}")
    known = {key: type(value)(params[key]) if key in params else value for key, value in module.DEFAULTS.items()}
    return module.Twin(run, **known)
