"""A result as JSON: one documented schema, the same bytes for the same run but for the wall time."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hiersim.engine.operations import to_plain
from hiersim.engine.requests import RequestsResult
from hiersim.engine.result import LinkResult, PrefetchResult, Result, TierResult, UnitResult
from hiersim.engine.timeline import Timeline
from hiersim.report.files import write_files
from hiersim.report.notes import lifetime_years

SCHEMA = "hiersim-result/1"
"""Name and version of the schema: keys may be added within a version, never renamed, removed or given another unit."""


def to_json(result: Result, deterministic: bool = False) -> dict[str, Any]:
    """Return a result as plain numbers, texts, lists and dicts.

    Args:
        result: the run.
        deterministic: leave out ``seconds``, the wall time, which is all that differs between two equal runs.
    """
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "scenario_hash": plain(result.provenance.get("scenario_hash")),
        "name": result.name,
        "machine": result.machine,
        "seconds": number(result.seconds),
        "elapsed_ps": int(result.elapsed_ps),
        "accesses": int(result.accesses),
        "created": int(result.created),
        "created_bytes": int(result.created_bytes),
        "miss_ratio": number(result.miss_ratio),
        "tiers": {name: _tier(tier, result.elapsed_ps) for name, tier in result.tiers.items()},
        "links": {name: _link(link) for name, link in result.links.items()},
        "units": {name: _unit(unit) for name, unit in result.units.items()},
        "latency_ps": _latency(result),
        **({"requests": plain(_requests(result))} if result.requests else {}),
        **({"operations": plain(to_plain(result.operations))} if result.operations else {}),
        "energy_j": {"total": number(result.total_energy_j)} | {k: number(v) for k, v in result.energy_j.items()},
        "provenance": plain(result.provenance),
    }
    if result.timeline is not None:
        document["timeline"] = _timeline(result.timeline)
    if deterministic:
        del document["seconds"]
    return document


def _requests(result: Result) -> dict[str, Any]:
    """Return the numbers of a serving run's requests."""
    assert result.requests is not None
    found = result.requests.summary(result.elapsed_ps, result.total_energy_j, tuple(result.tiers))
    tokens = result.requests.output_total
    by_part = {part: j / tokens for part, j in result.energy_j.items() if tokens}
    return found | {"energy_per_token_by_part_j": by_part, "settings": _settings(result.requests)}


def _settings(requests: RequestsResult) -> dict[str, Any]:
    """Return what requests were promised, what things cost, and how much room there was."""
    promised = {f"{name}_ps": getattr(requests.promise, f"{name}_ps") for name in ("ttft", "tpot", "latency")}
    names = ("machine_per_hour", "energy_per_kwh", "kv_bytes_per_token", "pool_bytes")
    return {name: ps for name, ps in promised.items() if ps is not None} | {n: getattr(requests, n) for n in names}


def write_json(result: Result, path: Path | str, deterministic: bool = False) -> Path:
    """Write a result as JSON, whole or not at all, and return the path.

    Raises:
        OutputError: it cannot be written.
    """
    path = Path(path)
    return write_files(path.parent, {path.name: dump(to_json(result, deterministic))})[0]


def dump(document: dict[str, Any]) -> bytes:
    """Return a document as JSON text in UTF-8: two spaces a level, one newline at the end."""
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _timeline(timeline: Timeline) -> dict[str, Any]:
    """Return what the tables of a timeline do not say."""
    names = {"places": timeline.places, "units": timeline.spans.units, "tiers": timeline.levels.tiers}
    return {"window_ps": list(timeline.window_ps)} | {key: list(value) for key, value in names.items()}


def _tier(tier: TierResult, elapsed_ps: int) -> dict[str, Any]:
    return (
        {
            "kind": tier.kind,
            "capacity_bytes": int(tier.capacity_bytes),
            "read_bytes": int(tier.read_total),
            "written_bytes": int(tier.written_total),
            "read_bytes_by_class": plain(tier.read_bytes),
            "written_bytes_by_class": plain(tier.written_bytes),
            "read_wire_bytes": int(tier.read_wire_bytes),
            "written_wire_bytes": int(tier.written_wire_bytes),
            "hits": int(tier.hits),
            "merged": int(tier.merged),
            "misses": int(tier.misses),
            "evictions": int(tier.evictions),
            "dropped": int(tier.dropped),
            "written_back": int(tier.written_back),
            "lost": int(tier.lost),
            "refused": int(tier.refused),
            "passed_over": int(tier.passed_over),
            "placed_bytes": int(tier.placed_bytes),
            "removed_bytes": int(tier.removed_bytes),
            "resident_bytes": int(tier.resident_bytes),
            "peak_bytes": int(tier.peak_bytes),
            "mean_bytes": number(tier.mean_bytes),
            "busy_ps": int(tier.busy_ps),
            "utilisation": number(tier.utilisation),
            "bound": tier.bound,
            "energy_j": number(tier.energy_j),
        }
        | {name: getattr(tier, name) for name in ("programmed_bytes", "activations") if getattr(tier, name)}
        | ({} if tier.endurance_used is None else {"endurance_used": number(tier.endurance_used)})
        | ({"wears_out_years": lifetime_years(tier, elapsed_ps)} if tier.endurance_used else {})
        | ({} if tier.denied is None else {"denied": tier.denied})
        | ({} if tier.prefetch is None else {"prefetch": _prefetch(tier.prefetch)})
    )


def _prefetch(prefetch: PrefetchResult) -> dict[str, Any]:
    """Return counts of objects, and the ratios that they give (null where there is nothing to divide by)."""
    ratios = {name: getattr(prefetch, name) for name in ("accuracy", "coverage", "timeliness")}
    return asdict(prefetch) | {"used": prefetch.used} | ratios


def _link(link: LinkResult) -> dict[str, Any]:
    return {
        "kind": link.kind,
        "between": list(link.between),
        "forward_bytes": int(link.forward_total),
        "backward_bytes": int(link.backward_total),
        "forward_bytes_by_class": plain(link.forward_bytes),
        "backward_bytes_by_class": plain(link.backward_bytes),
        "forward_wire_bytes": int(link.forward_wire_bytes),
        "backward_wire_bytes": int(link.backward_wire_bytes),
        "forward_utilisation": number(link.forward_utilisation),
        "backward_utilisation": number(link.backward_utilisation),
        "busy_ps": int(link.busy_ps),
        "energy_j": number(link.energy_j),
    }


def _unit(unit: UnitResult) -> dict[str, Any]:
    causes: dict[str, int] = {}
    for stall in unit.stalls:
        causes[stall.cause] = causes.get(stall.cause, 0) + int(stall.ps)
    details = [
        {"kind": s.kind, "place": s.place, "detail": s.detail, "object_class": s.object_class, "ps": int(s.ps)}
        for s in unit.stalls
    ]
    return {
        "kind": unit.kind,
        "near": unit.near,
        "busy_ps": int(unit.busy_ps),
        "busy_compute_ps": int(unit.busy_compute_ps),
        "busy_near_ps": int(unit.busy_near_ps),
        "stalled_ps": int(unit.stalled_ps),
        "idle_ps": int(unit.idle_ps),
        "stalls": dict(sorted(causes.items(), key=lambda item: (-item[1], item[0]))),
        "stall_details": details,
        "energy_j": number(unit.energy_j),
    }


def _latency(result: Result) -> dict[str, int | float | None]:
    """Return mean, p50, p90, p99 and max in picoseconds; all null without accesses."""
    found = result.latency_quantiles_ps()
    names = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    mean = number(result.mean_latency_ps) if found else None
    return {"mean": mean} | {name: found.get(share) for name, share in names.items()}


def number(value: float) -> float | None:
    """Return a float that JSON can hold: none for what is not finite."""
    return float(value) if math.isfinite(value) else None


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: NumPy's numbers and arrays, tuples, sets and paths become plain ones."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, float):
        return number(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)
