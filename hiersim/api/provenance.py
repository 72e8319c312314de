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

VERSIONED = ("numpy", "numba", "simpy", "polars")
"""Packages whose versions a result names."""


def complete(result: Result, scenario: Scenario, trace: AccessTrace | OperationTrace | OperationStream) -> Result:
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


def about(trace: AccessTrace | OperationTrace | OperationStream) -> dict[str, Any]:
    """Return what identifies a trace: its name, source, fingerprint, and size in accesses, objects and bytes."""
    if not isinstance(trace, AccessTrace):
        header, size = trace.header, trace.objects.size
        return {
            "name": header.name,
            "source": header.source,
            "format": header.format,
            "fingerprint": trace.fingerprint(),
            "operations": len(trace),
            "objects": len(size),
            "bytes": exact_sum(size),
            "notes": list(header.notes),
        }
    return {
        "name": trace.name,
        "source": trace.source,
        "format": trace.format,
        "fingerprint": trace.fingerprint(),
        "accesses": len(trace),
        "objects": trace.objects,
        "bytes": trace.footprint,
        "notes": list(trace.notes),
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
