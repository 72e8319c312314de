"""The catalogue of parts and machines: YAML files, every figure with its source and confidence.

``parts/*.yaml`` holds one family of parts per file; ``machines/NAME.yaml`` puts parts together. A part reads:

    h100-hbm3:
      is: tier                                    # or link, or unit
      title: H100 SXM5 80 GB HBM3
      sources:
        sheet: {confidence: datasheet, source: "..."}
      figures:
        kind: hbm                                 # a choice has no source
        capacity: [80 GiB, sheet]                 # a figure names the source that it rests on
        loaded_latency:                           # a group of figures; a description may state some of them itself
          rise: [18.8 ns, fit]

A part may have figures that a run has no place for; they stand under `further`.

Nothing is read before it is asked for, and each file once.
"""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hiersim.errors import ConfigError, Mistake, nearest
from hiersim.machine.machine import Machine
from hiersim.machine.mistakes import validated
from hiersim.machine.record import Problem
from hiersim.units import FROM_TEXT

SORTS = {"tiers": "tier", "links": "link", "units": "unit"}
"""The groups of a machine, and what sort of part each is made of."""

_FOLDER = Path(__file__).parent
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def machine_names() -> tuple[str, ...]:
    """Return the names of the catalogue's machines, sorted."""
    return tuple(sorted(path.stem for path in (_FOLDER / "machines").glob("*.yaml")))


def part_names(sort: str | None = None) -> tuple[str, ...]:
    """Return the names of the catalogue's parts, sorted; of one sort (``tier``, ``link``, ``unit``) when given."""
    return tuple(sorted(name for name, part in _parts().items() if sort in (None, part["is"])))


def find_machine(name: str) -> Machine:
    """Return a machine of the catalogue.

    Raises:
        ConfigError: there is none of that name; the message has the nearest one.
    """
    return _machine(name)


def find_part(name: str) -> dict[str, Any]:
    """Return a part of the catalogue: ``is``, ``title`` and ``figures``, each figure with its provenance.

    A figure is ``{value, source, confidence}`` with its unit in the value's text; a choice is a plain word.

    Raises:
        ConfigError: there is none of that name; the message has the nearest one.
    """
    if name not in _parts():
        raise ConfigError(f"no part `{name}`{nearest(name, _parts())} (`hiersim devices` lists all {len(_parts())})")
    return copy.deepcopy(_parts()[name])


def machine_data(name: str) -> dict[str, Any]:
    """Return a machine of the catalogue as its file has it, its parts not filled in.

    Raises:
        ConfigError: there is none of that name; the message has the nearest one.
    """
    if name not in machine_names():
        known = machine_names()
        raise ConfigError(f"no machine `{name}`{nearest(name, known)} (the catalogue has {', '.join(known)})")
    return copy.deepcopy(_read(f"machines/{name}.yaml"))


def fill_in(data: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return a machine's description with the figures of the parts that it names, and what is wrong with those names.

    A part's figures come first; what the description itself says wins, and ``null`` takes a figure out. Parts in a
    user's files are left alone: they are filled in before (``config.parts``).
    """
    filled = dict(data)
    problems: list[Problem] = []
    for group, sort in SORTS.items():
        members = data.get(group)
        if not isinstance(members, dict):
            continue
        filled[group] = dict(members)
        for name, member in members.items():
            filled[group][name] = _stated(member)
            part = member.get("part") if isinstance(member, dict) else None
            if not isinstance(part, str) or in_a_file(part):
                continue
            what = _not_a_part(part, sort)
            if what:
                problems.append(((group, name, "part"), what))
            else:
                filled[group][name] = _stated(laid_on(find_part(part)["figures"], member))
    return filled, problems


def _stated(description: Any) -> Any:
    """Return a description without what it takes out by ``null``, in groups too."""
    if not isinstance(description, dict):
        return description
    return {key: _stated(value) for key, value in description.items() if value is not None}


def in_a_file(part: str) -> bool:
    """Return whether a part's name means a file: ``./my_drive.yaml``, ``parts.yaml#my-drive``."""
    return "/" in part or "\\" in part or part.partition("#")[0].endswith((".yaml", ".yml"))


def absent(problems: list[Problem], machine: dict[str, Any]) -> list[Problem]:
    """Return the problems of a machine; where a figure is absent that its part lacks too, that is said, and what to do.

    Args:
        problems: what a validation found.
        machine: what was validated, its parts filled in.
    """
    return [(path, _what_lacks(path, machine) or what) for path, what in problems]


def _what_lacks(path: tuple[str | int, ...], machine: dict[str, Any]) -> str:
    """Say which part lacks the figure at a path, or return an empty text where none does."""
    if len(path) < 3 or path[0] not in SORTS or path[2] in ("between", "tier"):
        return ""
    member: Any = machine[path[0]][path[1]]
    part = member.get("part") if isinstance(member, dict) else None
    for step in path[2:-1]:
        member = member.get(step) if isinstance(member, dict) else None
    if part is None or not isinstance(member, dict) or path[-1] in member:
        return ""
    figure = ".".join(map(str, path[2:]))
    return (
        f"part `{part}` has no figure for `{figure}`; give one, if need be as an estimate: "
        f"{path[-1]}: {{value: ..., source: ..., confidence: estimate}}"
    )


def laid_on(figures: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return a part's figures with those of a description laid on them, figure by figure in groups too."""
    laid = figures | over
    for key, group in over.items():
        if is_group(group) and is_group(figures.get(key)):
            laid[key] = laid_on(figures[key], group)
    return laid


def is_group(figure: object) -> bool:
    """Return whether something in a description is a group of figures, such as ``nand``, and no figure itself."""
    return isinstance(figure, dict) and "value" not in figure


def _not_a_part(name: str, sort: str) -> str:
    """Say why a name is not a part of a sort, or return an empty text."""
    names = part_names(sort)
    if name in names:
        return ""
    if name in _parts():
        return f"part `{name}` is a {_parts()[name]['is']}, not a {sort}"
    return f"no part `{name}`{nearest(name, names)} (`hiersim devices` lists all {len(names)} {sort} parts)"


@cache
def _machine(name: str) -> Machine:
    data, problems = fill_in(machine_data(name))
    machine, more = validated(Machine, data, FROM_TEXT)
    if machine is None or problems:
        file = f"machines/{name}.yaml"
        problems += absent(more, data)
        raise ConfigError([Mistake(".".join(map(str, path)), what, file) for path, what in problems])
    return machine


@cache
def _parts() -> dict[str, dict[str, Any]]:
    """Read all families: part name -> ``is``, ``title``, and figures with their provenance."""
    parts: dict[str, dict[str, Any]] = {}
    for path in sorted((_FOLDER / "parts").glob("*.yaml")):
        for name, entry in _read(f"parts/{path.name}").items():
            if name in parts:
                raise ConfigError([Mistake(name, "part stands in two files of the catalogue", path.name)])
            figures = traced(entry["figures"], entry["sources"])
            parts[name] = {"is": entry["is"], "title": entry["title"], "figures": figures}
    return parts


def traced(figures: dict[str, Any], sources: dict[str, Any]) -> dict[str, Any]:
    """Return an entry's figures with their provenance: ``[value, source]`` spelt out, in groups too."""
    spelt: dict[str, Any] = {}
    for field, figure in figures.items():
        if isinstance(figure, dict):
            spelt[field] = traced(figure, sources)
        else:
            spelt[field] = {"value": figure[0], **sources[figure[1]]} if isinstance(figure, list) else figure
    return spelt


@cache
def _read(name: str) -> dict[str, Any]:
    with (_FOLDER / name).open(encoding="utf-8") as file:
        data: dict[str, Any] = yaml.load(file, _LOADER)
    return data
