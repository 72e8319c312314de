"""A result as tables: tiers, links, units, stalls, energy, accesses, and its timeline when there is one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, BinaryIO

import polars as pl

from hiersim.engine.result import PrefetchResult, Result, TierResult
from hiersim.engine.timeline import KINDS, Timeline
from hiersim.report.files import Content
from hiersim.report.operation_tables import operations, resources
from hiersim.report.request_tables import occupancy, requests

TRAFFIC = ("demand", "write-back", "prefetch")
"""The classes of transfers, by number."""


def tables(result: Result) -> dict[str, pl.DataFrame]:
    """Return the tables of a result by name; sizes in bytes, times in picoseconds, energies in joules."""
    found = {
        "tiers": tiers(result),
        "links": links(result),
        "units": units(result),
        "stalls": stalls(result),
        "energy": energy(result),
        "accesses": accesses(result),
    }
    if result.requests is not None:
        found["requests"] = requests(result)
        found["occupancy"] = occupancy(result)
    if result.operations is not None:
        found["operations"] = operations(result)
        found["resources"] = resources(result)
    if any(tier.prefetch for tier in result.tiers.values()):
        found["prefetch"] = prefetch(result)
    if result.timeline is not None:
        found["timeline"] = timeline(result.timeline)
        found["spans"] = spans(result.timeline)
        found["levels"] = levels(result.timeline)
    return found


def tiers(result: Result) -> pl.DataFrame:
    """Return a row per tier; bytes are totals over the object classes."""
    columns: dict[str, type[pl.DataType]] = {
        field: _TYPES[kind] for field, kind in TierResult.__annotations__.items() if kind in _TYPES
    }
    rows = [
        {"tier": name, "read_bytes": tier.read_total, "written_bytes": tier.written_total}
        | {field: getattr(tier, field) for field in columns}
        for name, tier in result.tiers.items()
    ]
    schema = {"tier": pl.String, "read_bytes": pl.Int64, "written_bytes": pl.Int64} | columns
    return pl.DataFrame(rows, schema=schema)


def prefetch(result: Result) -> pl.DataFrame:
    """Return a row per tier that prefetched; counts of objects, bytes, and the ratios that they give."""
    ratios = ("accuracy", "coverage", "timeliness")
    columns = {field: _TYPES[kind] for field, kind in PrefetchResult.__annotations__.items()}
    rows = [
        {"tier": name} | {field: getattr(tier.prefetch, field) for field in (*columns, *ratios)}
        for name, tier in result.tiers.items()
        if tier.prefetch
    ]
    return pl.DataFrame(rows, schema={"tier": pl.String} | columns | dict.fromkeys(ratios, pl.Float64))


_TYPES: dict[str, type[pl.DataType]] = {"int": pl.Int64, "float": pl.Float64, "str": pl.String}


def links(result: Result) -> pl.DataFrame:
    """Return a row per link and direction, with payload, wire bytes and utilisation of that direction."""
    rows: list[dict[str, Any]] = []
    for name, link in result.links.items():
        for direction, ends in (("forward", link.between), ("backward", link.between[::-1])):
            rows.append(
                {
                    "link": name,
                    "kind": link.kind,
                    "direction": direction,
                    "source": ends[0],
                    "target": ends[1],
                    "bytes": getattr(link, f"{direction}_total"),
                    "wire_bytes": getattr(link, f"{direction}_wire_bytes"),
                    "utilisation": getattr(link, f"{direction}_utilisation"),
                    "link_busy_ps": link.busy_ps,
                    "link_energy_j": link.energy_j,
                }
            )
    texts = dict.fromkeys(("link", "kind", "direction", "source", "target"), pl.String)
    numbers = {"bytes": pl.Int64, "wire_bytes": pl.Int64, "utilisation": pl.Float64}
    return pl.DataFrame(rows, schema=texts | numbers | {"link_busy_ps": pl.Int64, "link_energy_j": pl.Float64})


def units(result: Result) -> pl.DataFrame:
    """Return a row per unit; computing + near + stalled + idle is the elapsed time."""
    times = ("busy_compute_ps", "busy_near_ps", "stalled_ps", "idle_ps")
    rows = [
        {"unit": name, "kind": unit.kind, "near": unit.near}
        | {field: getattr(unit, field) for field in times}
        | {"energy_j": unit.energy_j}
        for name, unit in result.units.items()
    ]
    schema = dict.fromkeys(("unit", "kind", "near"), pl.String) | dict.fromkeys(times, pl.Int64)
    return pl.DataFrame(rows, schema=schema | {"energy_j": pl.Float64})


def stalls(result: Result) -> pl.DataFrame:
    """Return a row per unit, cause and object class, most time first within a unit."""
    rows = [
        (name, stall.cause, stall.kind, stall.place, stall.detail, stall.object_class, stall.ps)
        for name, unit in result.units.items()
        for stall in sorted(unit.stalls, key=lambda stall: (-stall.ps, stall.cause, stall.object_class))
    ]
    texts = dict.fromkeys(("unit", "cause", "kind", "place", "detail", "object_class"), pl.String)
    return pl.DataFrame(rows, schema=texts | {"ps": pl.Int64}, orient="row")


def energy(result: Result) -> pl.DataFrame:
    """Return a row per part of the energy."""
    return pl.DataFrame(
        {"part": list(result.energy_j), "energy_j": list(result.energy_j.values())},
        schema={"part": pl.String, "energy_j": pl.Float64},
    )


def accesses(result: Result) -> pl.DataFrame:
    """Return a row per access in trace order: latency, and the tier that served it (null: none held the object)."""
    served = pl.Series(result.served_by, dtype=pl.Int64)
    held = served.to_frame("i").select(pl.when(pl.col("i") >= 0).then(pl.col("i"))).to_series()
    return pl.DataFrame({"latency_ps": result.latency_ps, "served_by": _names(tuple(result.tiers), held)})


def timeline(found: Timeline) -> pl.DataFrame:
    """Return a row per transfer, in order of completion."""
    numbers = ("created_ps", "slots_ps", "flow_ps", "done_ps", "object", "bytes")
    near = {f"near_{way}_bytes": found.near_bytes[:, i] for i, way in enumerate(("read", "written"))}
    frame = pl.DataFrame({name: getattr(found, name) for name in numbers} | near)
    return frame.with_columns(
        _names(found.places, found.source).alias("source"),
        _names(found.places, found.target).alias("target"),
        _names(TRAFFIC, found.traffic).alias("traffic"),
        _names(KINDS, found.kind).alias("kind"),
        _names(tuple(" ".join(route) for route in found.routes), found.route).alias("hops"),
    )


def spans(found: Timeline) -> pl.DataFrame:
    """Return a row per stretch of a unit's time; ``transfer`` is the row of the timeline that a stall waits for."""
    lines = found.spans
    causes = {name: tuple(getattr(cause, name) for cause in lines.causes) for name in ("state", *CAUSE)}
    return pl.DataFrame(
        {
            "unit": _names(lines.units, lines.unit),
            "start_ps": lines.start_ps,
            "end_ps": lines.end_ps,
            **{name: _names(texts, lines.cause) for name, texts in causes.items()},
            "access": _or_null(lines.access),
            "object": _or_null(lines.object),
            "transfer": _or_null(lines.transfer),
        }
    )


CAUSE = ("kind", "place", "detail", "object_class")


def levels(found: Timeline) -> pl.DataFrame:
    """Return a row per change of the bytes that a tier holds: from when on it holds how many."""
    lines = found.levels
    return pl.DataFrame(
        {"tier": _names(lines.tiers, lines.tier), "time_ps": lines.time_ps, "used_bytes": lines.used_bytes}
    )


def _or_null(index: Any) -> pl.Series:
    """Return numbers, null where they are negative."""
    return pl.Series(index).to_frame("i").select(pl.when(pl.col("i") >= 0).then(pl.col("i"))).to_series()


def _names(names: Sequence[str], index: Any) -> pl.Series:
    """Return the name of each index, stored as small numbers; null stays null."""
    return pl.Series(list(names), dtype=pl.String).gather(index).cast(pl.Enum(list(dict.fromkeys(names))))


def contents(result: Result, folder: str = "tables") -> dict[str, Content]:
    """Return the tables as files to write: ``tables/tiers.parquet`` and so on."""

    def writer(frame: pl.DataFrame) -> Content:
        def write(file: BinaryIO) -> None:
            buffer = io.BytesIO()  # so that a full disk raises the system's own error, which Polars would hide
            frame.write_parquet(buffer, compression="zstd")
            file.write(buffer.getbuffer())

        return write

    return {f"{folder}/{name}.parquet": writer(frame) for name, frame in tables(result).items()}
