"""Traces for the API: opened or generated, and turned into the accesses that a replay needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.errors import ConfigError, Mistake, TraceError
from hiersim.traces.access import AccessTrace
from hiersim.traces.operation import OperationStream, OperationTrace
from hiersim.traces.options import ReadOptions
from hiersim.traces.request import KvModel, RequestTrace
from hiersim.traces.scaling import shaped

if TYPE_CHECKING:
    from hiersim.config.scenario import Scenario
    from hiersim.config.sections import TraceSection
    from hiersim.traces.generators import Made


def open_any(
    path: str | Path, *, model: str | KvModel | None = None, **options: Any
) -> AccessTrace | RequestTrace | OperationTrace:
    """Read a trace of any kind; arguments and errors as ``open``."""
    from hiersim.traces.operation_reading import open_operations

    found = open_operations(path, options.get("format"))
    return open(path, model=model, **options) if found is None else found


def open(path: str | Path, *, model: str | KvModel | None = None, **options: Any) -> AccessTrace | RequestTrace:
    """Read a trace of accesses or requests; ``format:path`` names the format where its content does not tell.

    Args:
        path: the file.
        model: the AI model that gives prefix blocks their bytes, by name or as an object.
        options: how to read it: ``format``, ``limit`` (records), ``ignore_size``, ``block_bytes``, ``dtype`` of the KV
            cache, and the other fields of ``hiersim.traces.ReadOptions``.

    Raises:
        TraceError: the file cannot be read, or says something impossible.
        ConfigError: an unknown model or option.
    """
    from hiersim.traces.reading import open_trace

    return open_trace(path, model=_model(model), **options)


def generate(kind: str, *, seed: int = 0, **parameters: Any) -> Made:
    """Make a trace of accesses (``zipf``, ``scan`` ...), of requests (``requests``, ``chat`` ...) or of operations.

    Args:
        kind: the generator's name.
        seed: the same seed and parameters give the same trace.
        parameters: the generator's own, such as ``accesses=10_000``; texts such as ``"4 KiB"`` are read.

    Raises:
        ConfigError: an unknown kind or parameter, or a value that is out of bounds.
    """
    from hiersim.workloads import generate as make

    return make(kind, seed=seed, **parameters)


def accesses_of(trace: Made, model: KvModel | None = None, dtype: str = "bf16") -> AccessTrace:
    """Return accesses as they are, and of requests those to their prefix blocks (1 byte each without a model).

    Raises:
        TraceError: the trace holds operations.
    """
    if isinstance(trace, OperationTrace | OperationStream):
        raise TraceError(f"{trace.header.source or trace.name}: holds operations, which `hiersim run` executes")
    return trace if isinstance(trace, AccessTrace) else trace.blocks(model, dtype=dtype)


def trace_of(scenario: Scenario) -> AccessTrace | OperationTrace | OperationStream:
    """Open or make the trace of a scenario: operations, or accesses with bytes.

    Raises:
        TraceError: the file cannot be read or holds no accesses.
        ConfigError: its requests need a model, or a block's bytes, to have sizes.
    """
    section = scenario.trace
    found = _generated(section, scenario.seed) if section.generate else _opened(section, scenario.seed)
    if isinstance(found, OperationTrace | OperationStream):
        return found
    if scenario.execute is not None:
        raise ConfigError([Mistake("execute", f"is for operations, but {found.source or found.name} holds none")])
    if isinstance(found, RequestTrace):
        if section.model is None and section.block_bytes is None and not section.ignore_size:
            what = "is needed: the trace holds requests, whose blocks have no size without it; or give `block_bytes`"
            raise ConfigError([Mistake("trace.model", what)])
        size = (section.block_bytes or 1) if section.ignore_size else section.block_bytes
        found = found.blocks(_model(section.model), dtype=section.kv_dtype, block_bytes=size)
    if not len(found):
        raise TraceError(f"{found.source or found.name}: holds no accesses")
    return found


def requests_of(scenario: Scenario) -> RequestTrace:
    """Open or make the trace of a scenario that serves, as requests.

    Raises:
        TraceError: the file cannot be read, or holds accesses or nothing.
    """
    section = scenario.trace
    found = _generated(section, scenario.seed) if section.generate else _read(section, scenario.seed)
    if not isinstance(found, RequestTrace):
        what = "accesses" if isinstance(found, AccessTrace) else "operations"
        source = getattr(found, "source", "") or found.name
        raise TraceError(f"{source}: holds {what}, and the `serve` section needs requests")
    if not len(found):
        raise TraceError(f"{found.source or found.name}: holds no requests")
    return found


def _read(section: TraceSection, seed: int) -> Made:
    """Read a file without turning requests into accesses."""
    return open_any(str(section.path), **section.read_options() | {"format": section.format, "seed": seed})


def _opened(section: TraceSection, seed: int) -> Made:
    options = section.read_options() | {"format": section.format, "dtype": section.kv_dtype, "seed": seed}
    return open_any(str(section.path), model=section.model, **options)


def _generated(section: TraceSection, seed: int) -> Made:
    assert section.generate is not None
    try:
        made = generate(section.generate.kind, **{"seed": seed, **section.generate.params})
    except ConfigError as why:  # of a parameter: the key that the file has it under
        own = f"{section.generate.kind.replace('-', '_')}."
        raise ConfigError([replace(each, where=f"trace.generate.params.{each.where.removeprefix(own)}")
                           if each.where.startswith(own) else each for each in why.mistakes]) from None  # fmt: skip
    if isinstance(made, OperationTrace | OperationStream):
        return made
    if section.limit is not None:
        made = made.limit(section.limit)
    if section.ignore_size and isinstance(made, AccessTrace):
        made = replace(made, size=np.full(made.objects, section.block_bytes or 1, np.int64))
    return shaped(made, ReadOptions.of(section.read_options() | {"seed": seed}))


def _model(model: str | KvModel | None) -> KvModel | None:
    if not isinstance(model, str):
        return model
    from hiersim.models import find_model

    found: Any = find_model(model)
    return found  # type: ignore[no-any-return]
