"""Runs points where a setup says, from the store or anew, and checks beforehand that what they vary exists."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Generator, Iterator, Sequence

from hiersim import jitcache
from hiersim.config.tree import Tree
from hiersim.errors import ConfigError, Mistake
from hiersim.sweep.axes import Axis
from hiersim.sweep.evaluate import Job, Outcome, evaluate
from hiersim.sweep.files import Setup
from hiersim.sweep.point import Base, Point, here
from hiersim.sweep.spread import Spread, processes, spreading

Progress = Callable[[int, int], None]
"""Called now and then with the runs that are done and their number in all."""
RunAll = Callable[[Sequence[Point]], Generator[Outcome]]
"""Runs points and yields what became of each, in their order."""


@contextlib.contextmanager
def running(setup: Setup) -> Iterator[RunAll]:
    """Give what runs points where the setup says, and yields what became of each, in their order.

    Raises:
        ConfigError: the cluster that the setup names cannot be reached.
    """
    setup.store.tidy()
    work = functools.partial(evaluate, Job(setup.base, str(setup.store.folder), carry=bool(setup.at.cluster)))
    with spreading(setup.at) as spread:
        yield functools.partial(_run_all, setup, work, spread)


def _run_all(
    setup: Setup, work: Callable[[Point], Outcome], spread: Spread, points: Sequence[Point]
) -> Generator[Outcome]:
    first = 0
    if points and not setup.at.cluster and processes(setup.at, len(points)) > 1 and not compiled_before():
        yield work(points[0])  # compiles, once for all workers
        first = 1
    with contextlib.closing(spread(work, points[first:])) as outcomes:
        for outcome in outcomes:
            lasting = outcome.document is not None and outcome.document.get("keep", True)
            if lasting and outcome.document and not setup.store.path(outcome.address).exists():
                setup.store.write(outcome.address, outcome.document)
            yield outcome


def compiled_before() -> bool:
    """Return whether this version has compiled anything on this computer."""
    folder = jitcache.folder()
    return folder is not None and next(folder.glob("*.bin"), None) is not None


def check_paths(base: Base, axes: Sequence[Axis], tree: Tree) -> None:
    """Check that every varied path exists: that some value of each axis goes into the scenario.

    Raises:
        ConfigError: no value of an axis does, for a reason at one of its paths; the first value's mistakes.
    """
    first = {path: value for axis in axes for path, value in axis.settings[0].items()}
    mistakes: list[Mistake] = []
    for axis in axes:
        wrong = [mistakes_at(base, axis.paths, Point(0, first | dict(setting))) for setting in axis.settings[:10]]
        if all(wrong):
            place = tree.place(axis.key)
            at = (place.file, place.line) if place else (None, None)
            mistakes += [Mistake(mistake.where, mistake.what, *at) for mistake in wrong[0]]
    if mistakes:
        raise ConfigError([here(mistake) for mistake in mistakes])


def mistakes_at(base: Base, paths: Sequence[str], point: Point) -> list[Mistake]:
    """Return what is wrong with a point's scenario at or below some paths."""
    try:
        base.scenario(point)
    except ConfigError as why:
        return [each for each in why.mistakes if any(_related(each.where, path) for path in paths)]
    return []


def _related(where: str, path: str) -> bool:
    """Return whether one of two dotted paths leads through the other."""
    return bool(where) and (f"{where}.".startswith(f"{path}.") or f"{path}.".startswith(f"{where}."))
