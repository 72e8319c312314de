"""A calibration as an entry of the catalogue: the YAML that ``hiersim devices measure ./FILE.yaml`` reads."""

from __future__ import annotations

import json

from hiersim.studies.calibrate_device import Calibration
from hiersim.studies.device_model import LINKS
from hiersim.studies.device_report import Errors
from hiersim.units import show

DIMENSIONS = {
    **dict.fromkeys(("read_latency", "write_latency", "latency", "rise", "mixed_rise"), "time"),
    **dict.fromkeys(("read_bandwidth", "write_bandwidth", "bandwidth", "backward_bandwidth"), "bytes/s"),
    "media_bandwidth": "bytes/s",
    **dict.fromkeys(("read_ops", "write_ops", "ops"), "ops/s"),
}
"""What the parameters measure; the others are plain numbers."""
LOADED = ("rise", "mixed_rise", "asymptote")
NEVER = "capacity, queue depth, energy and endurance"
"""Figures that no such measurement shows."""


def value_text(name: str, value: float) -> str:
    """Return a parameter with its unit, as it is written in an entry."""
    return show(value, DIMENSIONS[name], digits=5) if name in DIMENSIONS else f"{value:.5g}"


def entry(found: Calibration) -> str:
    """Return the entry as YAML; figures that the points do not determine are not in it."""
    values = {name: each.value for name, each in found.found.items()}
    figures = [f"kind: {LINKS.get(found.device.kind, found.device.kind)}", *_fixed(found)]
    figures += [_figure(name, value) for name, value in values.items() if name not in (*LOADED, "dies")]
    if any(name in values for name in ("read_ops", "write_ops", "ops", "dies")):
        figures.append(f"sharpness: [{found.device.sharpness}, taken]")
    if "dies" in values:
        dies = max(1, round(values["dies"]))
        read = value_text("read_latency", values["read_latency"] * dies / values["dies"])
        figures.append(f"nand: {{dies: [{dies}, fit], page: [{found.device.page} B, taken], read: [{read}, fit]}}")
    if "rise" in values:
        inner = ", ".join(_figure(name, values[name]) for name in LOADED if name in values)
        figures.append(f"loaded_latency: {{{inner}}}")
    lines = [f"# Made by `hiersim calibrate device {found.data.name}`. Not in the data, and so not here: {NEVER}."]
    lines += [f"# {name}: {why}" for name, why in found.vague.items()]
    lines += [f"{found.name}:", f"  is: {'link' if found.device.link else 'tier'}"]
    lines += [f"  title: {json.dumps(f'{found.name}, calibrated from {found.data.name}', ensure_ascii=False)}"]
    lines += [
        "  sources:",
        f"    fit: {{confidence: measured, source: {json.dumps(_source(found), ensure_ascii=False)}}}",
    ]
    why = "no such measurement shows it: usual for the kind"
    lines += [f'    taken: {{confidence: estimate, source: "{why}"}}', "  figures:"]
    return "\n".join([*lines, *(f"    {line}" for line in figures)]) + "\n"


def _fixed(found: Calibration) -> list[str]:
    lines = [f"duplex: {'full' if found.device.full else 'half'}"]
    if found.device.granularity > 1:
        lines.append(f"granularity: [{found.device.granularity} B, taken]")
    return lines


def _figure(name: str, value: float) -> str:
    return f"{name}: [{value_text(name, value)}, fit]"


def _source(found: Calibration) -> str:
    """Return where the figures are from: the file, its hash, and how close the simulator comes to its points."""
    everything = found.groups[-1] if found.groups else None
    used, held = (everything.used, everything.held) if everything else (None, None)
    parts = [f"{found.data.name} (sha256 {found.data.sha256})", _words(used, "fitted")]
    return "; ".join([*parts, _words(held, "held out")] if held else parts)


def _words(errors: Errors | None, what: str) -> str:
    if errors is None:
        return f"no points {what}"
    return f"{errors.points} points {what}: mean error {100 * errors.mean:.2g}%, largest {100 * errors.largest:.2g}%"
