"""What a sweep runs: a scenario's file that many points share, and the values in which one point differs from it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hiersim.config import Scenario
from hiersim.config.compose import override, read_composed
from hiersim.config.load import varied
from hiersim.config.tree import Place, Tree
from hiersim.errors import ConfigError, Mistake
from hiersim.sweep.draws import drawn


@dataclass(frozen=True)
class Point:
    """One run of many.

    Attributes:
        index: its place in the table.
        values: dotted path -> value, as YAML has it; quantities carry their units.
        draw: number of the machine that is drawn from the ranges of its figures; ``None`` for the machine as it is.
    """

    index: int
    values: Mapping[str, Any]
    draw: int | None = None


@dataclass(frozen=True)
class Base:
    """The scenario that all points share, so far as it is the same for all of them.

    Attributes:
        tree: its file with all that it extends; the places of its keys are absolute: any process finds its files.
        place: the file that varies it.
    """

    tree: Tree
    place: Place

    def scenario(self, point: Point) -> Scenario:
        """Return a point's scenario.

        Raises:
            ConfigError: it is wrong, or a value does not go together with another one.
        """
        made = varied(self.tree, point.values, self.place)
        return made if point.draw is None else drawn(made, point.draw)


def base_of(scenario: str | Path, settings: Mapping[str, Any], overrides: tuple[str, ...], place: Place) -> Base:
    """Read the scenario that points vary.

    Args:
        scenario: its file.
        settings: values for all points, by dotted path.
        overrides: the same from a command line, such as ``"tiers.dram.capacity=512 GiB"``; they win.
        place: the file that holds ``settings``, and that the points' values come from.

    Raises:
        ConfigError: a file cannot be read. Whether the scenario is right is seen at its points.
    """
    file = os.path.abspath(scenario)
    try:
        tree = read_composed(file)
    except ConfigError as why:
        raise ConfigError([_as_named(mistake, file, str(scenario)) for mistake in why.mistakes]) from None
    tree.data.setdefault("name", Path(file).stem)
    absolute = Place(os.path.abspath(place.file), place.line)
    tree = override(override(tree, list(settings.items()), absolute), overrides)
    return Base(tree, absolute)


def _as_named(mistake: Mistake, file: str, name: str) -> Mistake:
    return Mistake(mistake.where, mistake.what, name if mistake.file == file else mistake.file, mistake.line)


def here(mistake: Mistake) -> Mistake:
    """Return a mistake with its file as seen from the working directory, where it lies below that."""
    if mistake.file is None or not os.path.isabs(mistake.file):
        return mistake
    seen = os.path.relpath(mistake.file)
    return Mistake(mistake.where, mistake.what, mistake.file if seen.startswith("..") else seen, mistake.line)
