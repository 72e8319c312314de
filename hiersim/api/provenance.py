"""What a result rests on: versions, seed, the scenario's hash, the trace's fingerprint, and estimates."""

from __future__ import annotations

import functools
import platform
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import hiersim
from hiersim.config import Scenario
from hiersim.engine.result import Result
from hiersim.traces.access import AccessTrace, exact_sum
from hiersim.traces.operation import OperationStream, OperationTrace
from hiersim.traces.request import RequestTrace

Trace = AccessTrace | RequestTrace | OperationTrace | OperationStream

VERSIONED = ("numpy", "numba", "simpy", "polars")
"""Packages whose versions a result names."""


def complete(result: Result, scenario: Scenario, trace: Trace) -> Result:
    """Return a result whose provenance says where everything came from; what it says already is kept."""
    found = {
        "scenario": scenario.name,
        "scenario_hash": scenario.scenario_hash,
        "seed": scenario.seed,
        "trace": about(trace),
        "estimates": figures(scenario, "estimate"),
        "versions": dict(versions()),
    }
    return replace(result, provenance=found | result.provenance | {"trace": found["trace"]})


def about(trace: Trace) -> dict[str, Any]:
    """Return what identifies a trace: its name, source, fingerprint, and size in accesses, requests or operations."""
    size: dict[str, int]
    named: Any = trace
    if isinstance(trace, AccessTrace):
        size = {"accesses": len(trace), "objects": trace.objects, "bytes": trace.footprint}
    elif isinstance(trace, RequestTrace):
        tokens = int(trace.prompt_tokens.sum()), int(trace.output_tokens.sum())
        size = {"requests": len(trace), "prompt_tokens": tokens[0], "output_tokens": tokens[1]}
    else:
        size = {"operations": len(trace), "objects": len(trace.objects), "bytes": exact_sum(trace.objects.size)}
        named = trace.header
    return {
        "name": named.name,
        "source": named.source,
        "format": named.format,
        "fingerprint": trace.fingerprint(),
        **size,
        "notes": list(named.notes),
    }


def figures(scenario: Scenario, confidence: str) -> list[str]:
    """Return the figures of the machine that have a confidence, as dotted paths such as ``tiers.flash.nand.dies``."""
    return [
        f"{path}.{field}"
        for path, part in scenario.machine.parts().items()
        for field, origin in part.origins().items()
        if origin.confidence == confidence
    ]


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of hiersim, of Python and of the packages that a result depends on."""
    return {"hiersim": hiersim.__version__, "python": platform.python_version()} | {
        name: version(name) for name in VERSIONED
    }
