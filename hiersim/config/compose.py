"""Puts a scenario together: ``extends``, overrides by dotted path, and the machine by name, path or description."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hiersim.config.tree import KeyPath, Place, Tree, parse, read
from hiersim.errors import ConfigError, Mistake
from hiersim.machine.catalogue import SORTS, machine_data

OVERRIDE = "--set"
"""The file name of values that come from an override."""
ON_COMMAND_LINE = Place(OVERRIDE, None)
"""The place of values that come from an override."""


SHORT_FORMS = {"machine": "extends", "trace": "path"}
"""Sections that may be a text, and the key that the text stands for."""


def is_path(name: str) -> bool:
    """Return whether a name means a file rather than an entry of a table."""
    return name.endswith((".yaml", ".yml", ".py")) or "/" in name or "\\" in name


def beside(tree: Tree, path: KeyPath, name: str) -> str:
    """Return a file name that was written at a path, as seen from the working directory."""
    place = tree.place(path)
    if place is None or place.file == OVERRIDE:
        return name
    return os.path.normpath(Path(place.file).parent / name)


def read_composed(file: str, above: tuple[str, ...] = ()) -> Tree:
    """Read a scenario's file and everything that it extends.

    Raises:
        ConfigError: a file is wrong, or the files extend each other in a circle.
    """
    tree = read(file)
    base = tree.data.pop("extends", None)
    if base is None:
        return tree
    if not isinstance(base, str):
        raise ConfigError([tree.mistake(("extends",), "expected the path of another scenario")])
    name = beside(tree, ("extends",), base)
    return merge(read_composed(name, _descend(tree, ("extends",), name, (*above, file))), tree)


def _descend(tree: Tree, path: KeyPath, name: str, above: tuple[str, ...]) -> tuple[str, ...]:
    """Check that a file that is about to be read does not extend itself, directly or not."""
    seen = [Path(file).resolve() for file in above]
    target = Path(name).resolve()
    if target in seen:
        circle = [*above[seen.index(target) :], name]
        raise ConfigError([tree.mistake(path, "extends itself: " + " -> ".join(Path(file).name for file in circle))])
    if not target.is_file():
        raise ConfigError([tree.mistake(path, f"no such file: {name}")])
    return above


def merge(base: Tree, over: Tree) -> Tree:
    """Return ``base`` with ``over`` laid on it: mappings key by key, all else replaced; ``null`` takes a key out.

    In a machine's part it stays, and takes the figure out of the catalogue part too.
    """
    data, places = dict(base.data), dict(base.places)
    for key in SHORT_FORMS:
        if isinstance(over.data.get(key), dict):
            _write_out(data, key)
    return Tree(_merged(data, over, (), places), places)


def _write_out(data: dict[str, Any], key: str) -> None:
    """Turn the short form of a section into the long one, so that something can be added to it."""
    if isinstance(data.get(key), str):
        data[key] = {SHORT_FORMS[key]: data[key]}


def _merged(base: dict[str, Any], over: Tree, path: KeyPath, places: dict[KeyPath, Place]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in _at(over.data, path).items():
        here = (*path, key)
        if isinstance(value, dict) and isinstance(merged.get(key), dict) and "extends" not in value:
            merged[key] = _merged(merged[key], over, here, places)
            continue
        for known in [known for known in places if known[: len(here)] == here]:
            del places[known]
        places.update({known: place for known, place in over.places.items() if known[: len(here)] == here})
        merged.pop(key, None) if value is None and not _is_figure(here) else merged.update({key: value})
    return merged


def _is_figure(path: KeyPath) -> bool:
    """Return whether a path leads to a figure of a machine's tier, link or unit."""
    return len(path) > 3 and path[0] == "machine"


def _at(data: Any, path: KeyPath) -> Any:
    for step in path:
        data = data[step]
    return data


def override(tree: Tree, overrides: Iterable[str | tuple[str, Any]], place: Place = ON_COMMAND_LINE) -> Tree:
    """Return a tree with values set by dotted path.

    Args:
        tree: the scenario.
        overrides: ``"tiers.dram.capacity=512 GiB"``, the value as YAML; or the path and the value, from Python.
        place: where they were written; a file that one of them names is looked for beside it.

    Raises:
        ConfigError: one that is not ``path=value``, or whose path leads through something that is not a mapping.
    """
    tree = Tree(copy.deepcopy(tree.data), dict(tree.places))
    mistakes: list[Mistake] = []
    for each in overrides:
        try:
            path, value = _split(each) if isinstance(each, str) else each
            _set(tree, path, value, place)
        except ConfigError as why:
            mistakes += why.mistakes
    if mistakes:
        raise ConfigError(mistakes)
    return tree


def _split(text: str) -> tuple[str, Any]:
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        what = f'`{text}` is not a path and a value; write it as tiers.dram.capacity="512 GiB"'
        raise ConfigError([Mistake("", what, OVERRIDE)])
    try:
        return path.strip(), parse(value, OVERRIDE).data
    except ConfigError as why:
        raise ConfigError([Mistake(path.strip(), mistake.what, OVERRIDE) for mistake in why.mistakes]) from None


def _set(tree: Tree, dotted: str, value: Any, place: Place) -> None:
    steps = dotted.split(".")
    if "" in steps:
        raise ConfigError([Mistake(dotted, "has an empty name between its dots", *place)])
    if steps[0] in SHORT_FORMS and len(steps) > 1:
        _write_out(tree.data, steps[0])
    holder: Any = tree.data
    path: KeyPath = ()
    for step in steps[:-1]:
        key = _key(holder, step, path, place)
        path = (*path, key)
        if isinstance(holder, dict) and holder.get(step) is None:
            holder[step] = {}
        holder = holder[key]
    key = _key(holder, steps[-1], path, place)
    path = (*path, key)
    for known in [known for known in tree.places if known[: len(path)] == path]:
        del tree.places[known]
    tree.places[path] = place
    if value is None and isinstance(holder, dict) and not _is_figure(path):
        holder.pop(key, None)
    else:
        holder[key] = value


def _key(holder: Any, step: str, path: KeyPath, place: Place) -> str | int:
    """Return a step of a dotted path as a key of what it leads into: a name, or a position in a list."""
    where = ".".join(map(str, path))
    if isinstance(holder, Mapping):
        return step
    if isinstance(holder, list) and step.isdecimal() and int(step) < len(holder):
        return int(step)
    what = f"has {len(holder)} entries, counted from 0" if isinstance(holder, list) else "is not a mapping"
    raise ConfigError([Mistake(where, f"{what}, so there is no `{step}` in it", *place)])


def compose_machine(tree: Tree, above: tuple[str, ...] = ()) -> Tree:
    """Return a scenario's tree with its machine described in full: names and paths looked up, ``extends`` merged.

    Raises:
        ConfigError: no such machine, or machines that extend each other in a circle.
    """
    machine = tree.data.get("machine")
    if isinstance(machine, str):
        return _with_base(tree, ("machine",), machine, {}, above)
    if isinstance(machine, dict) and "extends" in machine:
        own = {key: value for key, value in machine.items() if key != "extends"}
        if not isinstance(machine["extends"], str):
            raise ConfigError([tree.mistake(("machine", "extends"), "expected a machine's name or path")])
        return _with_base(tree, ("machine", "extends"), machine["extends"], own, above)
    return tree


def _with_base(tree: Tree, path: KeyPath, name: str, own: dict[str, Any], above: tuple[str, ...]) -> Tree:
    here = tree.place(path[:1])
    if is_path(name):
        file = beside(tree, path, name)
        described = read_as_machine(file, _descend(tree, path, file, above))
    else:
        try:
            described = Tree({"machine": machine_data(name)}, {("machine",): here} if here else {})
        except ConfigError as why:
            raise ConfigError([tree.mistake(path, why.mistakes[0].what)]) from None
    over = {key: place for key, place in tree.places.items() if key[:1] == ("machine",) and len(key) > 1}
    _make_way(described, own)
    whole = merge(described, Tree({"machine": own}, over))
    others = {key: place for key, place in tree.places.items() if key[:1] != ("machine",)}
    return Tree(tree.data | whole.data, others | whole.places | ({("machine",): here} if here else {}))


def _make_way(described: Tree, own: dict[str, Any]) -> None:
    """Where a description names another part than the machine that it extends, drop what that says of the old part.

    A ready machine fills what its part lacks with estimates for that part; another one brings its own figures.
    """
    for group in SORTS:
        members, before = own.get(group), described.data["machine"].get(group)
        for name, member in members.items() if isinstance(members, dict) and isinstance(before, dict) else ():
            old, part = before.get(name), member.get("part") if isinstance(member, dict) else None
            if isinstance(old, dict) and isinstance(part, str) and part != old.get("part"):
                dropped = [key for key in old if key not in ("between", "tier")]
                before[name] = {key: value for key, value in old.items() if key not in dropped}
                gone = [p for p in described.places if p[1:3] == (group, name) and len(p) > 3 and p[3] in dropped]
                for path in gone:
                    del described.places[path]


def read_as_machine(file: str, above: tuple[str, ...] = ()) -> Tree:
    """Read a machine's own file as the ``machine`` section of a scenario."""
    alone = read(file)
    places: dict[KeyPath, Place] = {("machine", *path): place for path, place in alone.places.items()}
    return compose_machine(Tree({"machine": alone.data}, places), (*above, file))
