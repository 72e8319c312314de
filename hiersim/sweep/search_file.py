"""Reads a search's file: the scenario, the space, what is to be small or large, and what must not be exceeded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from hiersim.config.tree import Tree
from hiersim.errors import ConfigError
from hiersim.machine.mistakes import validated
from hiersim.machine.record import Problem
from hiersim.sweep.axes import Axis
from hiersim.sweep.files import Options, RunsFile, Setup, set_up, source_of
from hiersim.sweep.limits import Limit, read_limits
from hiersim.sweep.spans import Span, span_of
from hiersim.sweep.table import plain

Sampler = Literal["auto", "all", "tpe", "nsga2", "random"]
"""How points are chosen: ``all`` goes through the space; the others are Optuna's."""


class SearchFile(RunsFile):
    """A search's file."""

    space: dict[str, Any]
    """Dotted path -> list of values, or a span; without ``count`` or ``step`` any value of the span."""
    minimise: list[str] = []
    """Numbers that are better the smaller they are."""
    maximise: list[str] = []
    """Numbers that are better the larger they are."""
    limits: dict[str, Any] = {}
    """Number -> ``least`` and ``most``; a point outside is never on the front."""
    trials: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Points to try."""
    batch: Annotated[int, Field(ge=1, le=10_000)] = 8
    """Points that are chosen at a time, before any of them is known; they run side by side."""
    sampler: Sampler = "auto"
    """How points are chosen; ``auto`` goes through a space of no more points than ``trials``, else takes ``tpe``."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """The same seed chooses the same points."""


@dataclass(frozen=True)
class Dimension:
    """One direction of the space: values that are listed, or those of a span."""

    path: str
    values: tuple[Any, ...]
    span: Span | None = None
    ordered: bool = False

    @property
    def size(self) -> float:
        """How many values it has."""
        return len(self.values) if self.values else math.inf


@dataclass(frozen=True)
class Search:
    """A design space with objectives and limits, ready to be searched.

    Attributes:
        setup: the scenario, where it runs, and where results are kept.
        space: the directions of the space.
        objectives: number -> whether it is better the larger it is.
        limits: what a point must keep.
        trials, batch, sampler, seed: as in the file.
        tree: the file, for messages.
    """

    setup: Setup
    space: Sequence[Dimension]
    objectives: Mapping[str, bool]
    limits: Sequence[Limit]
    trials: int
    batch: int
    sampler: Sampler
    seed: int
    tree: Tree

    @property
    def name(self) -> str:
        """What the search is called."""
        return self.setup.name

    @property
    def size(self) -> float:
        """How many points the space has; infinite where a span has no ``count`` and no ``step``."""
        return math.prod(dimension.size for dimension in self.space)

    @property
    def chosen_sampler(self) -> Sampler:
        """The sampler, with ``auto`` made out."""
        if self.sampler != "auto":
            return self.sampler
        return "all" if self.size <= self.trials else "tpe"

    def axes(self) -> list[Axis]:
        """Return the space as axes of a grid; of a span that is not listed only its ends."""
        return [
            Axis(("space", each.path), tuple({each.path: value} for value in each.values or _ends(each.span)))
            for each in self.space
        ]


def load_search(source: str | Path | Mapping[str, Any], options: Options | None = None) -> Search:
    """Read a search.

    Args:
        source: its YAML file, or what one would hold.
        options: what wins over it.

    Raises:
        ConfigError: all mistakes at once, each with its file, line and key.
    """
    tree, file = source_of(source, "search")
    content, problems = validated(SearchFile, tree.data)
    if content is None:
        raise ConfigError([tree.mistake(path, what) for path, what in problems])
    space, problems = _space(content.space)
    problems += _objectives(content)
    ends = {each.path: plain(each.values or _ends(each.span)) for each in space}
    limits, wrong = read_limits(content.limits, ends)
    setup = set_up(content, tree, file, options or Options(), problems + wrong)
    objectives = dict.fromkeys(content.minimise, False) | dict.fromkeys(content.maximise, True)
    search = Search(
        setup, space, objectives, limits, content.trials, content.batch, content.sampler, content.seed, tree
    )  # fmt: skip
    if search.chosen_sampler == "all" and search.size > content.trials:
        what = f"`all` has {search.size:,} points, more than `trials`, which is {content.trials:,}"
        raise ConfigError([tree.mistake(("sampler",), what)])
    return search


def _ends(span: Span | None) -> list[Any]:
    return [] if span is None else [span.text(span.low), span.text(span.high)]


def _space(given: Mapping[str, Any]) -> tuple[list[Dimension], list[Problem]]:
    space: list[Dimension] = []
    problems: list[Problem] = [] if given else [(("space",), "has no directions")]
    for path, values in given.items():
        key = ("space", path)
        if isinstance(values, list) and values:
            space.append(Dimension(path, tuple(values)))
        elif isinstance(values, dict):
            span, wrong = span_of(values)
            problems += [((*key, *below), what) for below, what in wrong]
            if span is not None:
                listed = tuple(span.text(value) for value in span.numbers()) if span.listed else ()
                space.append(Dimension(path, listed, span, True))
        else:
            problems.append((key, "expected a list of values, or a span such as {from: 8 GiB, to: 64 GiB}"))
    return space, problems


def _objectives(content: SearchFile) -> list[Problem]:
    problems: list[Problem] = []
    if not content.minimise and not content.maximise:
        problems.append((("minimise",), "is missing, and so is `maximise`: nothing is better or worse"))
    both = [name for name in content.minimise if name in content.maximise]
    problems += [(("maximise",), f"`{name}` stands under `minimise` too") for name in both]
    return problems
