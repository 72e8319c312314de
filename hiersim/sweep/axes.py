"""From the axes of a sweep's file to its points: every combination, the last axis changing fastest."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hiersim.config.tree import KeyPath
from hiersim.machine.record import Problem
from hiersim.sweep.point import Point
from hiersim.sweep.spans import span_of

MOST = 1_000_000
"""Points that a sweep may have."""


@dataclass(frozen=True)
class Axis:
    """One direction of a grid.

    Attributes:
        key: where the file has it, for messages.
        settings: what each step along it sets: dotted path -> value.
    """

    key: KeyPath
    settings: tuple[Mapping[str, Any], ...]

    @property
    def paths(self) -> list[str]:
        """The dotted paths that it sets."""
        return list(dict.fromkeys(path for setting in self.settings for path in setting))


def read_axes(
    vary: Mapping[str, Any], together: Sequence[Mapping[str, Any]], points: Sequence[Mapping[str, Any]]
) -> tuple[list[Axis], list[Problem]]:
    """Return the axes of a file, and what is wrong with them.

    Args:
        vary: path -> list or span; each an axis of its own.
        together: groups of such lists; the lists of a group have one length and are walked in step.
        points: settings that are listed one by one; together they are one axis.
    """
    axes: list[Axis] = []
    problems: list[Problem] = []
    for path, given in vary.items():
        values, wrong = _values(given)
        problems += [(("vary", path, *below), what) for below, what in wrong]
        axes.append(Axis(("vary", path), tuple({path: value} for value in values)))
    for i, group in enumerate(together):
        axis, wrong = _in_step(i, group)
        problems += wrong
        axes.append(axis)
    if points:
        axes.append(Axis(("points",), tuple(dict(point) for point in points)))
    return axes, problems or _between(axes)


def _values(given: Any) -> tuple[list[Any], list[Problem]]:
    if isinstance(given, list):
        return given, [] if given else [((), "has no values")]
    if not isinstance(given, dict):
        what = "expected a list of values, or a span such as {from: 8 GiB, to: 64 GiB, count: 4}"
        return [], [((), f"{what}, not `{given}`")]
    span, problems = span_of(given)
    if span is None:
        return [], problems
    if not span.listed:
        return [], [((), "needs `count` or `step`: how many values there are from one end to the other")]
    return [span.text(value) for value in span.numbers()], []


def _in_step(i: int, group: Mapping[str, Any]) -> tuple[Axis, list[Problem]]:
    lists: dict[str, list[Any]] = {}
    problems: list[Problem] = []
    for path, given in group.items():
        lists[path], wrong = _values(given)
        problems += [(("together", i, path, *below), what) for below, what in wrong]
    if len({len(values) for values in lists.values()}) > 1 and not problems:
        lengths = ", ".join(f"{path} has {len(values)}" for path, values in lists.items())
        problems.append((("together", i), f"lists that are walked in step have one length; {lengths}"))
    steps = zip(*lists.values(), strict=not problems)
    return Axis(("together", i), tuple(dict(zip(lists, step, strict=True)) for step in steps)), problems


def _between(axes: Sequence[Axis]) -> list[Problem]:
    seen: dict[str, KeyPath] = {}
    problems: list[Problem] = []
    for axis in axes:
        for path in axis.paths:
            if path in seen:
                problems.append((axis.key, f"`{path}` is varied by `{'.'.join(map(str, seen[path]))}` already"))
            seen.setdefault(path, axis.key)
    count = math.prod(len(axis.settings) for axis in axes)
    if not axes:
        problems.append(((), "varies nothing: give `vary`, `together` or `points`"))
    elif count > MOST:
        problems.append(((), f"has {count:,} points; at most {MOST:,} are allowed"))
    return problems


def points_of(axes: Sequence[Axis]) -> list[Point]:
    """Return every combination of the axes' settings, in order."""
    combined = itertools.product(*(axis.settings for axis in axes))
    return [
        Point(index, {path: value for setting in settings for path, value in setting.items()})
        for index, settings in enumerate(combined)
    ]
