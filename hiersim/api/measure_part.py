"""What is to be measured: a part of the catalogue, of a file or of a machine, as a record that can run alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hiersim.api.measure_rig import ROOM
from hiersim.errors import ConfigError, Mistake, nearest
from hiersim.machine import Link, Tier
from hiersim.machine.mistakes import validated
from hiersim.units import FROM_TEXT

MEASURED: dict[str, type[Tier] | type[Link]] = {"tier": Tier, "link": Link}
"""The sorts of parts that can be measured."""
NEEDED = {
    "tier": ("kind", "read_bandwidth", "read_latency"),
    "link": ("kind", "bandwidth", "latency"),
}
"""Figures without which nothing can be measured."""
MIRRORED = {"write_bandwidth": "read_bandwidth", "write_latency": "read_latency"}
"""Figures of writes, and what stands in for them where only reads are measured."""


EXAMPLES = {
    "kind": "ddr",
    **dict.fromkeys(("read_bandwidth", "bandwidth"), "10GB/s"),
    **dict.fromkeys(("read_latency", "latency"), "1us"),
}
"""How figures that are needed are stated."""


@dataclass(frozen=True)
class Subject:
    """A part to measure.

    Attributes:
        name: what the user calls it.
        title: what it is, in a line.
        part: its figures; what is missing and not needed has a stand-in.
        reads_only: whether a figure of its writes is missing, so that they cannot be measured.
        unlimited: whether its capacity is not known.
        notes: what a reader of the results should know, one sentence each.
    """

    name: str
    title: str
    part: Tier | Link
    reads_only: bool = False
    unlimited: bool = False
    notes: tuple[str, ...] = ()


def subject(name: str | Tier | Link, given: Mapping[str, str] | None = None) -> Subject:
    """Find what is to be measured.

    Args:
        name: a part of the catalogue, ``./file.yaml`` with one part or ``./file.yaml#part``, a part of a machine as
            ``MACHINE:PART``, or the record of a tier or link itself.
        given: figures of a part of the catalogue or of a file that are stated here, such as ``read_latency: 90 us``.

    Raises:
        ConfigError: there is none of that name, it is no tier or link, or it lacks a figure that is needed.
    """
    if isinstance(name, Tier | Link):
        return Subject("part", name.part or f"a {name.kind} {'tier' if isinstance(name, Tier) else 'link'}", name)
    from hiersim.config.parts import read_part
    from hiersim.machine.catalogue import find_part, in_a_file, machine_names

    stated = dict(given or {})
    notes = [f"{field} is taken as {value}" for field, value in stated.items()]
    if in_a_file(name):
        read = read_part(name)
        source = _Source(name, read.is_, read.title or name, read.places)
        return _of_figures(source, read.figures, stated, notes)
    machine, colon, member = name.partition(":")
    if machine in machine_names():
        if stated:
            raise ConfigError([Mistake("--set", f"states figures of parts; those of `{machine}` are all there")])
        return _of_machine(machine, member if colon else "")
    part = find_part(name)
    return _of_figures(_Source(name, part["is"], part["title"]), part["figures"], stated, notes)


def _of_machine(machine: str, member: str) -> Subject:
    from hiersim.machine.catalogue import find_machine

    found = find_machine(machine)
    parts: dict[str, Tier | Link] = {**found.tiers, **found.links}
    if member not in parts:
        names = ", ".join(f"{machine}:{each}" for each in parts)
        what = f"has no tier or link `{member}`{nearest(member, parts)}" if member else "is a machine"
        raise ConfigError(f"`{machine}` {what}; one of its parts is measured: {names}")
    return Subject(f"{machine}:{member}", f"{member} of {machine}", parts[member])


@dataclass(frozen=True)
class _Source:
    """Where figures are from: a part's name and sort, and where in a file each of them stands."""

    name: str
    sort: str
    title: str
    places: Mapping[Any, Any] = field(default_factory=dict)

    def mistake(self, path: tuple[str | int, ...], what: str) -> Mistake:
        """Return a mistake at a figure: with its place in the file, or with the part's name."""
        place = next((self.places[path[:i]] for i in range(len(path), -1, -1) if path[:i] in self.places), None)
        key = ".".join(map(str, path))
        return Mistake(key, what, place.file, place.line) if place else Mistake(f"{self.name}.{key}", what)


def _of_figures(source: _Source, figures: dict[str, Any], stated: dict[str, str], notes: list[str]) -> Subject:
    name, sort = source.name, source.sort
    if sort not in MEASURED:
        raise ConfigError(f"part `{name}` is a {sort}, which is not measured: a tier or a link is")
    fields = MEASURED[sort].model_fields
    unknown = [Mistake("--set", f"no figure `{key}`{nearest(key, fields)}") for key in stated if key not in fields]
    if unknown:
        raise ConfigError(unknown)
    filled: dict[str, Any] = figures | stated
    missing = [key for key in NEEDED[sort] if key not in filled]
    if missing:
        what = f"has no {' and no '.join(f'`{key}`' for key in missing)}, which a run needs; state it: "
        example = f"--set {missing[0]}={EXAMPLES[missing[0]]}"
        raise ConfigError([Mistake(f"part {name}", what + example + _filled_by(name))])
    absent = [key for key in MIRRORED if key not in filled] if sort == "tier" else []
    unlimited = "capacity" not in filled
    if sort == "tier":
        filled = {"capacity": f"{ROOM} B"} | filled | {key: filled[MIRRORED[key]] for key in absent}
    else:
        filled["between"] = ["first", "second"]
    part, problems = validated(MEASURED[sort], filled, FROM_TEXT)
    if part is None or problems:
        raise ConfigError([source.mistake(path, what) for path, what in problems if path[:1] not in _keys(absent)])
    if absent:
        notes.append(f"it states no {' and no '.join(absent)}: only reads are measured")
    return Subject(name, source.title, part, bool(absent), unlimited, tuple(notes))


def _keys(names: list[str]) -> set[tuple[str, ...]]:
    return {(name,) for name in names}


def _filled_by(name: str) -> str:
    """Name a machine that uses the part and fills its gaps."""
    from hiersim.machine.catalogue import find_machine, machine_names

    for machine in machine_names():
        found = find_machine(machine)
        members: dict[str, Tier | Link] = {**found.tiers, **found.links}
        for member, part in members.items():
            if part.part == name:
                return f", or measure {machine}:{member}, which fills it"
    return ""
