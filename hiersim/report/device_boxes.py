"""The boxes of a machine's picture: tiers with what they hold and how fast they are, units with what they compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiersim.api.device_numbers import sides
from hiersim.api.devices import Device
from hiersim.report.device_explain import GUESS
from hiersim.report.flow_boxes import PAPER
from hiersim.report.format import duration
from hiersim.report.sheet import Sheet
from hiersim.report.style import FAINT, STATES, TIERS
from hiersim.report.ways import Box
from hiersim.units import show

if TYPE_CHECKING:
    from hiersim.machine import Unit


def draw_tier(sheet: Sheet, device: Device, box: Box) -> None:
    """Draw a tier: its name and kind, capacity, effective bandwidths and read latency; ``~`` marks estimates."""
    _frame(sheet, box, TIERS.get(device.kind, FAINT))
    x, right, inner = box.left + 0.24, box.right - 0.12, box.width - 0.36
    title = sheet.text(x, box.top - 0.24, device.name, 13, inner - 0.5, weight="bold")
    if device.kind != device.name:
        sheet.text(right, box.top - 0.24, device.kind, 11, inner - sheet.width(title) - 0.12, color=FAINT, ha="right")
    sheet.text(x, box.top - 0.56, _figure(device, "capacity", "bytes"), 12, inner)
    sheet.text(right, box.top - 0.56, _delay(device), 12, inner / 2, ha="right")
    sheet.text(x, box.top - 0.87, _rates(device), 12, inner)


def draw_unit(sheet: Sheet, device: Device, unit: Unit, box: Box, near: Box) -> None:
    """Draw a unit: its name, what it is, its peak, and a line to its near tier."""
    ends = ((box.x, box.x), (box.bottom, near.top)) if box.y > near.top else ((box.right, near.left), (box.y, box.y))
    sheet.ax.plot(*ends, color=STATES["compute"], linewidth=sheet.line(2.5), solid_capstyle="butt", zorder=0.5)
    _frame(sheet, box, STATES["compute"])
    x, inner = box.left + 0.22, box.width - 0.32
    title = sheet.text(x, box.top - 0.15, device.name, 11, inner / 2, weight="bold")
    rest = inner - sheet.width(title) - 0.12
    sheet.text(box.right - 0.1, box.top - 0.15, device.title, 10, rest, color=FAINT, ha="right")
    dtype, peak = next(iter(unit.flops.items()))
    guess = GUESS if device.estimates([f"flops.{dtype}"]) else ""
    sheet.text(x, box.top - 0.37, f"{guess}{show(peak, 'FLOP/s')} {dtype}", 10.5, inner)


def _figure(device: Device, path: str, dimension: str) -> str:
    value = device.number(path)
    guess = GUESS if device.estimates([path]) else ""
    return "not known" if value is None else guess + show(value, dimension)


def _delay(device: Device) -> str:
    latency = device.number("read_latency")
    guess = GUESS if device.estimates(["read_latency"]) else ""
    return "" if latency is None else guess + duration(latency)


def _rates(device: Device) -> str:
    """Return a tier's effective bandwidths: one where both are equal."""
    read, write = sides(device)
    texts = [show(side.bandwidth or 0.0, "bytes/s") for side in (read, write)]
    guesses = [GUESS if device.estimates(side.uses) else "" for side in (read, write)]
    if read.bandwidth == write.bandwidth:
        return guesses[0] + texts[0]
    number, _, unit = texts[0].partition(" ")
    first = number if texts[1].endswith(f" {unit}") else texts[0]
    return f"{guesses[0]}{first} read, {guesses[1]}{texts[1]} write"


def _frame(sheet: Sheet, box: Box, colour: str) -> None:
    """Draw a box with a strip in its kind's colour at the left."""
    sheet.rectangle(box, facecolor=PAPER, edgecolor=FAINT, linewidth=sheet.line(1.0))
    sheet.rectangle(Box(box.left + 0.06, box.y, 0.12, box.height), facecolor=colour, edgecolor="none")
