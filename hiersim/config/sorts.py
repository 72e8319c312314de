"""What a YAML file is: a scenario, a sweep or a search. One that goes to the wrong command is told to the right one."""

from __future__ import annotations

from collections.abc import Iterable

from hiersim.config.tree import Tree
from hiersim.errors import ConfigError, Mistake

COMMANDS = {"scenario": "run", "sweep": "sweep", "search": "search"}
"""Sort of file -> the command that reads it."""
TELLING = {"search": ("space",), "sweep": ("vary", "together", "points"), "scenario": ("machine", "trace", "extends")}
"""Sort of file -> keys that no other sort has."""


def sort_of(keys: Iterable[str], wanted: str) -> str | None:
    """Return what a file with these keys is: what is wanted, if any key says so; ``None`` where they do not tell."""
    present = set(keys)
    return next((sort for sort in (wanted, *TELLING) if present & set(TELLING[sort])), None)


def expect(tree: Tree, file: str, wanted: str) -> None:
    """Check that a file is what its command reads.

    Raises:
        ConfigError: it is another sort of file, with the command for that.
    """
    found = sort_of(tree.data, wanted)
    if found is not None and found != wanted:
        what = f"is a {found}, not a {wanted}; `hiersim {COMMANDS[found]} {file}` is for it"
        raise ConfigError([Mistake("", what, file)])
