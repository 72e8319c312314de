"""What became of operations, read back from a result's JSON; figures of single operations are not in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hiersim.engine.operations import KindResult, OperationsResult
from hiersim.engine.result import Stall


def read_operations(found: Mapping[str, Any] | None) -> OperationsResult | None:
    """Return the operations of a result, or ``None`` where there were none; what came later than the file is 0.

    Raises:
        KeyError, TypeError: something is missing, or is of another type.
    """
    if found is None:
        return None
    return OperationsResult(
        count=int(found["count"]),
        makespan_ps=int(found["makespan_ps"]),
        critical_path_ps=int(found["critical_path_ps"]),
        resources={name: int(ps) for name, ps in found["resources_ps"].items()},
        kinds={name: _kind(each) for name, each in found["kinds"].items()},
        computing={name: int(ps) for name, ps in found.get("computing_ps", {}).items()},
    )


def _kind(found: Mapping[str, Any]) -> KindResult:
    counts = ("count", "busy_ps", "alone_ps", "flops", "read_bytes", "written_bytes", "moved_bytes")
    return KindResult(
        action=str(found["action"]),
        stalls=tuple(Stall(**each) for each in found.get("stall_details", ())),
        compute_ps=int(found.get("compute_ps", 0)),
        near_ps=int(found.get("near_ps", 0)),
        unit=str(found.get("unit", "")),
        **{name: int(found[name]) for name in counts},
    )
