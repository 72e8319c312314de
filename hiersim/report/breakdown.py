"""Where a unit's time went, in parts that add up: computing, on its near tier, stalled by cause, idle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hiersim.engine.result import Result, Stall, UnitResult

COMPUTE = ".compute"
"""Ending of the hop at which a unit computes."""
State = Literal["compute", "near", "stall", "idle"]


@dataclass(frozen=True)
class Part:
    """Some of a unit's time.

    Attributes:
        state: what the unit was doing.
        label: the cause of a stall in words, else the state in words.
        place: the tier, link or hop that it was at or waited for; empty for idle time and for causes folded together.
        kind: the kind of stall (``latency``, ``bandwidth``, ``slot``, ``room``, ``joined``); empty otherwise.
        classes: the classes of the objects that were waited for, most time first.
        ps: the time in picoseconds.
    """

    state: State
    label: str
    place: str
    kind: str
    classes: tuple[str, ...]
    ps: int


def at_work(kind: str, place: str) -> bool:
    """Whether a wait is for the work of another unit: at the pace of its own, whatever binds that."""
    return kind == "bandwidth" and place.endswith(COMPUTE)


def cause_of(stall: Stall) -> str:
    """Return a stall's cause in words; of work that another unit does, that it is at work."""
    if at_work(stall.kind, stall.place):
        return f"{stall.place.removesuffix(COMPUTE)} at work"
    return stall.cause


def stalls(unit: UnitResult) -> list[Part]:
    """Return a unit's stalls by cause, most time first; the classes of objects are folded into one part per cause."""
    by_cause: dict[tuple[str, str, str], dict[str, int]] = {}
    labels: dict[tuple[str, str, str], str] = {}
    for stall in unit.stalls:
        key = (stall.kind, stall.place, stall.detail)
        labels[key] = cause_of(stall)
        classes = by_cause.setdefault(key, {})
        classes[stall.object_class] = classes.get(stall.object_class, 0) + stall.ps
    parts = [
        Part(
            "stall",
            labels[key],
            key[1],
            key[0],
            tuple(sorted(split, key=lambda c: (-split[c], c))),
            sum(split.values()),
        )
        for key, split in by_cause.items()
    ]
    return sorted((part for part in parts if part.ps), key=lambda part: (-part.ps, part.label))


def fold(parts: Sequence[Part], most: int) -> list[Part]:
    """Return the ``most`` largest parts and, if more are left, the rest as one part; order is kept."""
    if len(parts) <= most + 1:
        return list(parts)
    rest = parts[most:]
    classes = tuple(dict.fromkeys(name for part in rest for name in part.classes))
    return [*parts[:most], Part("stall", f"{len(rest)} other causes", "", "", classes, sum(part.ps for part in rest))]


def whole(name: str, unit: UnitResult, most: int) -> list[Part]:
    """Return all of a unit's time: compute, near tier, its ``most`` largest stalls and the rest of them, idle.

    Parts without time are left out.
    """
    parts = [
        Part("compute", "computing", name, "", (), unit.busy_compute_ps),
        Part("near", f"on {unit.near}", unit.near, "", (), unit.busy_near_ps),
        *fold(stalls(unit), most),
        Part("idle", "idle", "", "", (), unit.idle_ps),
    ]
    return [part for part in parts if part.ps]


def binding(result: Result) -> tuple[str, Part] | None:
    """Return the unit and the part of its time (busy or stalled) that is largest in the run; none without any."""
    found = [
        (name, part)
        for name, unit in result.units.items()
        for part in whole(name, unit, len(unit.stalls))
        if part.state != "idle"
    ]
    return max(found, key=lambda item: item[1].ps) if found else None


def owner(place: str, result: Result) -> tuple[str, str, str]:
    """Return group (``tiers``, ``links``, ``units`` or empty), name and direction of a place: ``pcie.forward``."""
    groups = (("tiers", result.tiers), ("links", result.links), ("units", result.units))
    name, _, direction = place.rpartition(".")
    for group, members in groups:
        if place in members:
            return group, place, ""
        if name in members:
            return group, name, direction
    return "", place, ""
