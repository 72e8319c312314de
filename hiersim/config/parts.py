"""Parts in a user's own files: ``part: ./my_drive.yaml``, or ``./parts.yaml#my-drive`` where a file holds several.

A file has its entries by name, each in the form of the catalogue's; or it is one entry itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hiersim.config.compose import beside
from hiersim.config.tree import KeyPath, Place, Tree, read
from hiersim.errors import ConfigError, Mistake, nearest
from hiersim.machine import Link, Provenance, Tier, Unit
from hiersim.machine.catalogue import SORTS, in_a_file, laid_on, traced
from hiersim.machine.mistakes import validated
from hiersim.machine.record import Part, Problem

KEYS = ("is", "title", "sources", "figures", "further")
"""What an entry may have."""

RECORDS: dict[str, type[Part]] = {"tier": Tier, "link": Link, "unit": Unit}
"""The record of each sort of part."""


class FilePart(NamedTuple):
    """A part that was read from a file."""

    is_: str
    """Its sort: tier, link or unit."""
    title: str
    """What it is, in a line; empty where the file does not say."""
    figures: dict[str, Any]
    """Each figure with its provenance, ``{value, source, confidence}``."""
    places: dict[KeyPath, Place]
    """Where each figure was written, by its path; ``()`` is where all of them begin."""


def read_part(reference: str) -> FilePart:
    """Read a part from a file.

    Args:
        reference: the file's path; ``path#name`` where it holds several parts.

    Raises:
        ConfigError: the file cannot be read, has no such part, or the part is not in the form of the catalogue's; one
            line for each problem. Whether its figures are possible is seen once they are in a machine.
    """
    file, _, name = reference.partition("#")
    tree = read(file)
    where = _entry_path(tree, file, name)
    entry: Any = tree.data
    for step in where:
        entry = entry[step]
    problems = _problems(entry)
    if problems:
        raise ConfigError([tree.mistake((*where, *path), what) for path, what in problems])
    begin = (*where, "figures")
    places = {path[len(begin) :]: place for path, place in tree.places.items() if path[: len(begin)] == begin}
    return FilePart(entry["is"], entry.get("title", ""), traced(entry["figures"], entry.get("sources", {})), places)


def _entry_path(tree: Tree, file: str, name: str) -> KeyPath:
    """Return where in a file the part stands that is meant."""
    if not name and "figures" in tree.data:
        return ()
    if name and name not in tree.data:
        has = f" (the file has {', '.join(tree.data)})"
        raise ConfigError([Mistake("", f"has no part `{name}`{nearest(name, tree.data)}{has}", file)])
    if not name and len(tree.data) > 1:
        first = next(iter(tree.data))
        what = f"holds {len(tree.data)} parts ({', '.join(tree.data)}); say which one, such as {file}#{first}"
        raise ConfigError([Mistake("", what, file)])
    return (name or next(iter(tree.data)),)


def _problems(entry: Any) -> list[Problem]:
    """Return what keeps an entry from being read: its keys, its sources, and figures without one."""
    if not isinstance(entry, dict):
        return [((), "expected a part: `is`, `sources` and `figures`")]
    problems: list[Problem] = [
        ((key,), f"unknown key{nearest(key, KEYS) or '; allowed are ' + ', '.join(KEYS)}")
        for key in entry
        if key not in KEYS
    ]
    sort = entry.get("is")
    if sort not in RECORDS:
        what = "required key is missing" if sort is None else f"`{sort}` is not one of {', '.join(RECORDS)}"
        problems.append((("is",), what + (": tier, link or unit" if sort is None else "")))
    if not isinstance(entry.get("title", ""), str):
        problems.append((("title",), "expected a text"))
    sources = entry.get("sources", {})
    if not isinstance(sources, dict):
        return [*problems, (("sources",), "expected a mapping of names to sources")]
    for name, source in sources.items():
        problems += [(("sources", name, *path), what) for path, what in validated(Provenance, source)[1]]
    if not isinstance(entry.get("figures"), dict):
        what = "required key is missing" if "figures" not in entry else "expected a mapping of keys to figures"
        return [*problems, (("figures",), what)]
    return problems + _untraced(entry["figures"], sources, ("figures",))


def _untraced(figures: dict[str, Any], sources: dict[str, Any], path: KeyPath) -> list[Problem]:
    """Return which figures are neither ``[value, source]``, with a source that the entry has, nor spelt out."""
    problems: list[Problem] = []
    for key, figure in figures.items():
        here = (*path, key)
        if isinstance(figure, dict):
            problems += _spelt_out(figure, here) if "value" in figure else _untraced(figure, sources, here)
        elif isinstance(figure, list) and (len(figure) != 2 or not isinstance(figure[1], str)):
            problems.append((here, "expected a value and the name of its source, such as [80 GiB, sheet]"))
        elif isinstance(figure, list) and figure[1] not in sources:
            has = f" (the part has {', '.join(sources)})" if sources else " (the part has no `sources`)"
            problems.append((here, f"no source `{figure[1]}`{nearest(figure[1], sources)}{has}"))
    return problems


def _spelt_out(figure: dict[str, Any], path: KeyPath) -> list[Problem]:
    """Return what is wrong with the source of ``{value, source, confidence}``."""
    said = {key: value for key, value in figure.items() if key != "value"}
    return [((*path, *below), what) for below, what in validated(Provenance, said)[1]]


def fill_parts(tree: Tree) -> Tree:
    """Return a scenario's tree with the figures of the parts that its machine names by path.

    What the machine says itself wins. A path is relative to the file that names it; a machine that does not come from a
    file has its figures already.

    Raises:
        ConfigError: with the mistakes of all those parts.
    """
    machine = tree.data.get("machine")
    if not isinstance(machine, dict):
        return tree
    filled, places, mistakes = dict(machine), dict(tree.places), list[Mistake]()
    for group, sort in SORTS.items():
        members = machine.get(group)
        for name, member in members.items() if isinstance(members, dict) else ():
            path = ("machine", group, name, "part")
            part = member.get("part") if isinstance(member, dict) else None
            if not isinstance(part, str) or not in_a_file(part) or tree.place(path) is None:
                continue
            try:
                figures = _figures(tree, path, part, sort, member, places)
                filled[group] = filled[group] | {name: figures}
            except ConfigError as why:
                mistakes += why.mistakes
    if mistakes:
        raise ConfigError(mistakes)
    return Tree(tree.data | {"machine": filled}, places)


def _figures(
    tree: Tree, path: KeyPath, part: str, sort: str, member: dict[str, Any], places: dict[KeyPath, Place]
) -> dict[str, Any]:
    """Return a member of a machine with the figures of its part; note in ``places`` where those were written."""
    file, hash_, name = part.partition("#")
    reference = beside(tree, path, file) + hash_ + name
    try:
        found = read_part(reference)
    except ConfigError as why:
        if why.mistakes[0].what == "no such file":
            raise ConfigError([tree.mistake(path, f"no such file: {reference.partition('#')[0]}")]) from None
        raise
    if found.is_ != sort:
        raise ConfigError([tree.mistake(path, f"part `{part}` is a {found.is_}, not a {sort}")])
    for below, place in found.places.items():
        if below:
            places.setdefault((*path[:-1], *below), place)
    laid = laid_on(found.figures, member | {"part": reference})
    for key, field in RECORDS[sort].model_fields.items():
        if field.is_required() and key not in laid and key not in ("between", "tier"):
            places[*path[:-1], key] = found.places[()]  # an absent figure is to be added there
    return laid
