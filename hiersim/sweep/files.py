"""Reads a sweep's file: the scenario, what is varied, what the table has, and where the points run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hiersim.config.compose import beside
from hiersim.config.sorts import expect
from hiersim.config.tree import KeyPath, Place, Tree, read
from hiersim.errors import ConfigError, Mistake
from hiersim.machine.mistakes import validated
from hiersim.machine.record import Problem, Record
from hiersim.sweep.axes import Axis, points_of, read_axes
from hiersim.sweep.formulas import Formula, formula
from hiersim.sweep.intervals import wrong_draws
from hiersim.sweep.point import Base, Point, base_of
from hiersim.sweep.spread import Where, where
from hiersim.sweep.store import Store, default_folder


class RunsFile(Record):
    """What files of many runs have in common."""

    name: str = ""
    """What it is called; the file's name when absent."""
    summary: str = ""
    """What it shows, in a sentence."""
    scenario: str
    """The scenario's file, relative to this one."""
    set: dict[str, Any] = {}
    """Values for all points, by dotted path."""
    define: dict[str, str] = {}
    """Further numbers, each a formula over the numbers of a result."""
    workers: int | None = None
    """Processes; all cores when absent."""
    cluster: str | None = None
    """A cluster that runs already, ``dask=tcp://HOST:PORT`` or ``ray=auto``."""
    cache: str | None = None
    """Folder where results are kept; the user's own when absent."""


class SweepFile(RunsFile):
    """A sweep's file."""

    vary: dict[str, Any] = {}
    """Dotted path -> list of values, or a span; every combination is a point."""
    together: list[dict[str, Any]] = []
    """Groups of such lists that are walked in step; each group is one more direction of the grid."""
    points: list[dict[str, Any]] = []
    """Settings listed one by one; the list is one more direction of the grid."""
    columns: list[str] = []
    """Numbers that the table has, ``*`` for any; all when empty."""
    uncertainty: int = 0
    """Machines to draw at each point; none when absent."""


@dataclass(frozen=True)
class Setup:
    """What runs of many points need, from a file and a command line.

    Attributes:
        name: what the whole is called.
        base: the scenario that the points vary.
        define: numbers by name, each from the result's own.
        at: where to run.
        store: where results are kept.
        file: the file as the user named it; empty for what was made in Python.
    """

    name: str
    base: Base
    define: Mapping[str, Formula] = field(default_factory=dict)
    at: Where = field(default_factory=Where)
    store: Store = field(default_factory=lambda: Store(default_folder()))
    file: str = ""


@dataclass(frozen=True)
class Options:
    """What a command line says over a file; what is absent is as in the file."""

    overrides: Sequence[str] = ()
    workers: int | None = None
    cluster: str | None = None
    cache: str | Path | None = None


@dataclass(frozen=True)
class Sweep:
    """A grid of points of one scenario, ready to run.

    Attributes:
        setup: the scenario, where it runs, and where results are kept.
        axes: the directions of the grid.
        columns: numbers that the table has, ``*`` for any; all when empty.
        draws: machines to draw at each point.
        tree: the file, for messages.
    """

    setup: Setup
    axes: Sequence[Axis]
    columns: Sequence[str] = ()
    draws: int = 0
    tree: Tree = field(default_factory=lambda: Tree({}))

    @property
    def name(self) -> str:
        """What the sweep is called."""
        return self.setup.name

    @property
    def paths(self) -> list[str]:
        """The dotted paths that are varied."""
        return [path for axis in self.axes for path in axis.paths]

    def points(self) -> list[Point]:
        """Return the points, the last axis changing fastest."""
        return points_of(self.axes)


def load(source: str | Path | Mapping[str, Any], options: Options | None = None) -> Sweep:
    """Read a sweep.

    Args:
        source: its YAML file, or what one would hold.
        options: what wins over it.

    Raises:
        ConfigError: all mistakes at once, each with its file, line and key.
    """
    tree, file = source_of(source, "sweep")
    content, problems = validated(SweepFile, tree.data)
    if content is None:
        raise ConfigError([tree.mistake(path, what) for path, what in problems])
    axes, problems = read_axes(content.vary, content.together, content.points)
    if content.uncertainty and (what := wrong_draws(content.uncertainty)):
        problems = [*problems, (("uncertainty",), what)]
    setup = set_up(content, tree, file, options or Options(), problems)
    return Sweep(setup, axes, tuple(content.columns), content.uncertainty, tree)


def single(scenario: str | Path, options: Options | None = None) -> Setup:
    """Return what runs of one scenario's file need, without a sweep's file around it.

    Raises:
        ConfigError: the file cannot be read, or an option is wrong.
    """
    content = RunsFile(scenario=str(scenario))
    setup = set_up(content, Tree({"scenario": str(scenario)}), "", options or Options())
    return replace(setup, name=Path(scenario).stem, file=str(scenario))


def source_of(source: str | Path | Mapping[str, Any], sort: str) -> tuple[Tree, str]:
    """Return a file's tree and its name, or those of what a file would hold; its name is then empty.

    Raises:
        ConfigError: the file cannot be read, or is no ``sort`` (sweep, search) but another one.
    """
    if isinstance(source, Mapping):
        return Tree(dict(source)), ""
    tree = read(source)
    expect(tree, str(source), sort)
    return tree, str(source)


def set_up(content: RunsFile, tree: Tree, file: str, options: Options, problems: Sequence[Problem] = ()) -> Setup:
    """Return what runs of many points need.

    Args:
        content: what the file says.
        tree: the same with the places of its keys.
        file: its name; empty if there is none.
        options: what wins over it.
        problems: what was found wrong before.

    Raises:
        ConfigError: with those problems and its own, all at once.
    """
    mistakes = [tree.mistake(path, what) for path, what in problems]
    define = _formulas(content.define, tree, mistakes)
    at = _collected(mistakes, lambda: _where(content, tree, options), Where())
    place = Place(file or os.path.join(os.getcwd(), "a mapping"), None)
    scenario = beside(tree, ("scenario",), content.scenario)
    base = _collected(mistakes, lambda: base_of(scenario, content.set, tuple(options.overrides), place), None)
    if mistakes or base is None:
        raise ConfigError(mistakes)
    cache = options.cache or (beside(tree, ("cache",), content.cache) if content.cache else default_folder())
    store = Store(Path(os.path.abspath(Path(cache).expanduser())))
    return Setup(content.name or Path(file or "sweep").stem, base, define, at, store, file)


def _collected(mistakes: list[Mistake], make: Any, otherwise: Any) -> Any:
    try:
        return make()
    except ConfigError as why:
        mistakes += why.mistakes
        return otherwise


def _formulas(define: Mapping[str, str], tree: Tree, mistakes: list[Mistake]) -> dict[str, Formula]:
    found: dict[str, Formula] = {}
    for name, text in define.items():
        try:
            found[name] = formula(text)
        except ValueError as why:
            mistakes.append(tree.mistake(("define", name), str(why)))
    return found


def _where(content: RunsFile, tree: Tree, options: Options) -> Where:
    """Return where to run; a mistake stands where it was written, in the file or on the command line."""

    def place(key: str, what: str) -> Mistake:
        said = getattr(options, key) is not None
        path: KeyPath = (key,)
        return Mistake("", what, f"--{key}") if said else tree.mistake(path, what)

    workers = content.workers if options.workers is None else options.workers
    return where(workers, content.cluster if options.cluster is None else options.cluster, place)
