"""Devices as documents for programs: JSON and CSV, values in base units beside the texts that people read."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hiersim.api.device_compare import Row
from hiersim.api.device_list import Entry
from hiersim.api.device_numbers import derived, requests
from hiersim.api.device_routes import Route, balance, devices_of, routes
from hiersim.api.devices import Device
from hiersim.machine import Machine
from hiersim.report.json import plain
from hiersim.units import DIMENSIONS


def document(found: Device | Machine) -> dict[str, Any]:
    """Return all about a part or a machine as JSON can hold it."""
    return _machine(found) if isinstance(found, Machine) else _part(found)


def listed(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return a list of machines and parts as JSON can hold it."""
    rows = [{key: value for key, value in asdict(each).items() if value is not None} for each in entries]
    machines = [row for row in rows if row["sort"] == "machine"]
    found: dict[str, Any] = plain({"machines": machines, "parts": [row for row in rows if row["sort"] != "machine"]})
    return found


def compared(names: Sequence[str], rows: Sequence[Row]) -> dict[str, Any]:
    """Return a comparison as JSON can hold it; absent values are null."""
    told = [
        {
            "figure": row.key,
            "name": row.name,
            "unit": _unit(row.dimension),
            "values": dict(zip(names, row.values, strict=True)),
            "ratios": dict(zip(names, row.ratios, strict=True)),
            "better": [names[i] for i in row.best],
            "derived": row.follows,
        }
        for row in rows
    ]
    found: dict[str, Any] = plain({"names": list(names), "rows": told})
    return found


def figure_rows(found: Device | Machine) -> list[dict[str, Any]]:
    """Return a row per figure: its part, its value as text and in the base unit, its confidence and source."""
    parts: Mapping[str, Device] = devices_of(found) if isinstance(found, Machine) else {found.name: found}
    return [
        {
            "part": path,
            "figure": figure.path,
            "value": figure.text,
            "amount": figure.value,
            "unit": figure.unit,
            "confidence": figure.confidence,
            "source": figure.source,
        }
        for path, part in parts.items()
        for figure in part.figures.values()
    ]


def figures_csv(found: Device | Machine) -> str:
    """Return the figures of a part or a machine as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(
        text, ["part", "figure", "value", "amount", "unit", "confidence", "source"], lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(figure_rows(found))
    return text.getvalue()


def _part(device: Device) -> dict[str, Any]:
    numbers = [
        {
            "key": number.key,
            "name": number.label,
            "value": number.value,
            "unit": _unit(number.dimension),
            "formula": number.formula,
            "estimates": list(device.estimates(number.uses)),
        }
        for number in derived(device)
    ]
    found: dict[str, Any] = plain(
        {
            "name": device.name,
            "is": device.sort,
            "kind": device.kind,
            "title": device.title,
            "figures": figure_rows(device),
            "required_but_absent": device.required(),
            "not_stated": device.unknown(),
            "derived": numbers,
            "requests": [asdict(each) for each in requests(device)],
        }
    )
    return found


def _machine(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = plain(
        {
            "name": machine.name,
            "is": "machine",
            "summary": machine.summary,
            "figures": figure_rows(machine),
            "routes": [_route(each) for way in ("read", "write") for each in routes(machine, way)],
            "balance_flop_per_byte": {name: balance(machine, name, unit.tier) for name, unit in machine.units.items()},
            "estimates": machine.estimates(),
        }
    )
    return found


def _route(each: Route) -> dict[str, Any]:
    found = asdict(each)
    for old, new in (
        ("latency", "latency_ps"),
        ("bandwidth", "bandwidth_bytes_per_s"),
        ("energy", "energy_pj_per_bit"),
    ):
        found[new] = found.pop(old)
    return found | {"in_flight_bytes": found.pop("in_flight")}


def _unit(dimension: str) -> str:
    return DIMENSIONS[dimension].base if dimension else ""
