"""Runs several simulations, in this process or on all cores, and returns their results in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hiersim.api.simulation import Simulation
from hiersim.engine.result import Result
from hiersim.errors import ConfigError, HiersimError
from hiersim.sweep.address import trace_key
from hiersim.sweep.spread import Where, cores, spreading

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Called now and then with the runs that are done and their number in all."""
WORTH = 4.0
"""Seconds of simulation under which other processes would take longer to start than they save."""
_opened: dict[str, Any] = {}


@dataclass(frozen=True)
class Task:
    """One run of several.

    Attributes:
        simulation: what to run.
        give: what to make of its result before it is handed back.
        trace: accesses to replay instead of the scenario's own.
        folder: the working directory, which paths in the scenario are relative to.
    """

    simulation: Simulation
    give: Callable[[Result], Any]
    trace: Any
    folder: str


def run_all(
    simulations: Sequence[Simulation],
    give: Callable[[Result], T],
    *,
    trace: Any = None,
    workers: int | None = None,
    seconds: float = 0.0,
    progress: Progress | None = None,
) -> Iterator[T | HiersimError]:
    """Run simulations and yield what each gives, or the mistake that kept it from ending; the same for any workers.

    Args:
        simulations: what to run.
        give: what to make of each result, a function that other processes can import.
        trace: accesses to replay instead of the scenarios' own.
        workers: processes; absent: all cores where that is worth their start.
        seconds: what all of them will take one after another, as far as known.
        progress: called now and then with the runs done and their number in all.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"workers must be at least 1, got {workers}")
    tasks = [Task(simulation, give, trace, os.getcwd()) for simulation in simulations]
    count = workers or (cores() if seconds > WORTH else 1)
    with spreading(Where(count)) as spread:
        for done, outcome in enumerate(spread(_run, tasks), 1):
            if progress is not None:
                progress(done, len(tasks))
            yield outcome


def _run(task: Task) -> Any:
    """Run one task, wherever a worker is; a worker that was started elsewhere goes to the task's folder."""
    os.chdir(task.folder)  # where a worker stood before may be gone
    try:
        trace = opened(task.simulation) if task.trace is None else task.trace
        return task.give(task.simulation.run(trace=trace))
    except HiersimError as why:
        return why


def opened(simulation: Simulation) -> Any:
    """Return the trace of a simulation, opened once while simulations that follow each other share it."""
    path = simulation.scenario.trace.path
    state = os.stat(path)[:] if path and os.path.exists(path) else ()
    key = f"{os.getcwd()} {trace_key(simulation.scenario)} {state}"
    if key not in _opened:
        _opened.clear()
        _opened[key] = simulation.trace()
    return _opened[key]
