"""Where in a scenario's file a mistake stands that is found only when the scenario meets its trace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from hiersim.config.compose import override, read_composed
from hiersim.errors import ConfigError, Mistake

_KEY = re.compile(r"([a-z]+(?:\.[\w-]+)+): (.*)", re.DOTALL)


class Origin(NamedTuple):
    """The file that a scenario was read from, and what was set over it on the command line."""

    path: str
    overrides: tuple[str, ...] = ()


@contextmanager
def placing(origin: Origin | None) -> Iterator[None]:
    """Give each mistake that has no file the file and line of its key; without an origin leave it as it is.

    Raises:
        ConfigError: what the block raised, its mistakes with their places.
    """
    try:
        yield
    except ConfigError as why:
        if origin is None or all(mistake.file for mistake in why.mistakes):
            raise
        raise ConfigError([_placed(mistake, origin) for mistake in why.mistakes]) from why


def _placed(mistake: Mistake, origin: Origin) -> Mistake:
    where, what = mistake.where, mistake.what
    if not where and (match := _KEY.fullmatch(what)):
        where, what = match[1], match[2]
    if mistake.file or not where:
        return mistake
    try:
        tree = override(read_composed(origin.path), list(origin.overrides))
    except ConfigError:  # the file has changed since it was read
        return Mistake(where, what, origin.path)
    return tree.mistake(tuple(where.split(".")), what)
