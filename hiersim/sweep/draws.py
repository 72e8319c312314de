"""Draws machines from the ranges of their figures; a draw depends on the seed, its number and the figure alone."""

from __future__ import annotations

import functools
import operator
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hiersim.config import Scenario
from hiersim.config.load import replaced
from hiersim.errors import ConfigError
from hiersim.machine.mistakes import validated
from hiersim.machine.record import Part
from hiersim.sweep.figures import COUNTS, Uncertain, uncertain
from hiersim.units import DIMENSIONS

TRIES = 100
"""Draws after which a part that is never possible is given up."""


def drawn(scenario: Scenario, number: int) -> Scenario:
    """Return a scenario with the machine of a draw.

    Draw ``number`` moves a figure by the same part of its range in every scenario of one seed, so that two scenarios
    can be compared draw by draw. A part that cannot be, say whose cache is faster than its peak, is drawn again.

    Raises:
        ConfigError: a part came out impossible ``TRIES`` times.
    """
    figures = uncertain(scenario)
    tries = dict.fromkeys((figure.group for figure in figures), 0)
    parts = scenario.machine.parts()
    while True:
        values = {f.path: _value(f, share(scenario.seed, number, f.group, tries[f.group])) for f in figures}
        wrong = [path for path, part in parts.items() if not _possible(part, path, values)]
        if not wrong:
            return replaced(scenario, {f"machine.{path}": value for path, value in values.items()})
        again = {f.group for f in figures if _part_of(f.path) in wrong}
        tries |= {group: tries[group] + 1 for group in again}
        if max(tries.values()) >= TRIES:
            raise ConfigError(f"machine.{wrong[0]}: {TRIES} draws from the ranges of its figures are all impossible")


def share(seed: int, number: int, group: str, tries: int = 0) -> float:
    """Return a number from 0 to 1 that is drawn for a group of figures."""
    return float(np.random.default_rng([seed, number, zlib.crc32(group.encode()), tries]).random())


def _value(figure: Uncertain, at: float) -> float:
    """Return a drawn value as the figure can have it: whole where it is counted, and then at least 1."""
    value = figure.at(at)
    whole = figure.path.rpartition(".")[2] in COUNTS
    if whole or (figure.dimension and DIMENSIONS[figure.dimension].whole):
        return max(1, round(value))
    return value


def _part_of(path: str) -> str:
    return ".".join(path.split(".")[:2])


def _possible(part: Part, path: str, values: Mapping[str, Any]) -> bool:
    """Return whether a part with drawn figures can be."""
    changed = part.model_dump()
    for figure, value in values.items():
        if _part_of(figure) == path:
            *steps, last = figure.removeprefix(f"{path}.").split(".")
            functools.reduce(operator.getitem, steps, changed)[last] = value
    return validated(type(part), changed)[0] is not None


def told(figures: Sequence[Uncertain]) -> str:
    """Return in words how many figures are drawn, and from what."""
    stated = sum(figure.stated for figure in figures)
    by_class: dict[str, int] = {}
    for figure in figures:
        if not figure.stated:
            by_class[figure.confidence] = by_class.get(figure.confidence, 0) + 1
    classes = ", ".join(f"{count} {confidence}" for confidence, count in _sorted(by_class.items()))
    parts = [f"{stated} from stated ranges"] * bool(stated) + [f"{classes} by class defaults"] * bool(classes)
    return f"{len(figures)} figures drawn: {'; '.join(parts)}" if figures else "no figure of this machine has a source"


def _sorted(counts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(counts, key=lambda item: (-item[1], item[0]))
