"""Runs beside one another: scenarios, one scenario varied, or results that were kept; who wins, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from hiersim.api.compare import Comparison
from hiersim.api.simulation import Simulation, load
from hiersim.config import Scenario
from hiersim.engine.result import Result
from hiersim.errors import ConfigError, Mistake
from hiersim.insight.planned import Planned, Run, Vary, figures, run_planned, varied
from hiersim.insight.runs import Progress
from hiersim.insight.way import ends, with_shares
from hiersim.report.better import better
from hiersim.report.numbers import Number, unknown

if TYPE_CHECKING:
    import polars as pl

    from hiersim.insight.plots import Plots

SHORT = {"elapsed": "elapsed_ps", "time": "elapsed_ps", "energy": "energy_j.total", "stalled": "stalled_ps"}
"""Names by which a few numbers may be called, too."""


class Runs(Sequence[Run]):
    """What a comparison returns: the runs in order; the first is what the others are held against."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = tuple(runs)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    def __getitem__(self, index: int | slice) -> Run | Runs:
        """Return a run, or some of them."""
        return self.runs[index] if isinstance(index, int) else Runs(self.runs[index])

    def __len__(self) -> int:
        return len(self.runs)

    def __repr__(self) -> str:
        return f"<Runs {', '.join(run.name for run in self.runs)}>"

    def table(self) -> pl.DataFrame:
        """Return a row per run: ``run``, what was varied, and every number by dotted name (null where it has none)."""
        import polars as pl

        rows = [{"run": run.name, **run.plain(), **run.numbers()} for run in self.runs]
        names = dict.fromkeys(name for row in rows for name in row)
        return pl.DataFrame([{name: row.get(name) for name in names} for row in rows], infer_schema_length=None)

    def best(self, number: str) -> Run:
        """Return the run that is best in a number, the first at a tie.

        Args:
            number: its dotted name, such as ``latency_ps.p99``; or ``elapsed``, ``energy`` or ``stalled``.

        Raises:
            ConfigError: results have no such number, or it cannot be said whether less or more of it is better.
        """
        name = SHORT.get(number, number)
        values = [run.numbers().get(name) for run in self.runs]
        if all(value is None for value in values):
            raise ConfigError(unknown(name, self.runs[0].numbers()))
        if not better(name):
            raise ConfigError(f"it cannot be said whether less or more of `{name}` is better")
        place = winners(name, values)[0]
        return self.runs[place]

    def changes(self, before: int = 0, after: int = -1) -> list[str]:
        """Return in words what changed between two runs, and why; by default between the first and the last."""
        from hiersim.insight.changes import changes

        return changes(self.runs[before], self.runs[after])

    @property
    def plot(self) -> Plots:
        """Pictures of the runs; each takes Matplotlib's axes, or makes new ones, and returns them."""
        from hiersim.insight.plots import Plots

        return Plots(self.runs)


def winners(name: str, values: Sequence[Number | None]) -> list[int]:
    """Return which values of a number are the best; none where all are equal or nobody can say what is better."""
    known = [value for value in values if value is not None]
    if not better(name) or not known:
        return []
    best = max(known) if better(name) > 0 else min(known)
    return [i for i, value in enumerate(values) if value == best]


def compare(*given: Any, vary: Vary | None = None, **options: Any) -> Comparison | Runs:
    """Compare scenarios, one scenario varied, results, or the policies over a trace.

    Args:
        given: scenarios (files, or what ``load`` returned), results (what ``run`` returned, or folders of runs); one
            scenario with ``vary``; or a trace, whose further arguments are those of ``hiersim.api.compare.compare``.
        vary: dotted path -> values, such as ``{"tiers.hbm.policy": ["lru", "mq"]}``; every combination is run.
        options: of scenarios ``workers``, processes, and ``progress``; of a trace see there.

    Raises:
        HiersimError: a scenario, a result, a value or an option is wrong.
    """
    if vary is None and given and not any(is_scenario(each) or is_result(each) for each in given):
        from hiersim.api.compare import compare as compare_policies

        return compare_policies(*given, **options)
    return compare_runs(given, vary or {}, **options)


def is_scenario(given: Any) -> bool:
    """Return whether something is a scenario, or names a scenario's file."""
    return isinstance(given, Scenario | Simulation) or (
        isinstance(given, str | Path) and Path(given).suffix in (".yaml", ".yml")
    )


def is_result(given: Any) -> bool:
    """Return whether something is a result, or names a run's folder or JSON."""
    if isinstance(given, str | Path):
        return Path(given).is_dir() or Path(given).suffix == ".json"
    return isinstance(given, Result | Run)


def compare_runs(
    given: Sequence[Any], vary: Vary, workers: int | None = None, progress: Progress | None = None
) -> Runs:
    """Run what is to be run, read what was kept, and return all in order.

    Raises:
        HiersimError: a scenario, a result or a value is wrong.
    """
    if vary:
        if len(given) != 1 or not is_scenario(given[0]):
            raise ConfigError("one scenario can be varied; give its file alone")
        simulation = _simulation(given[0])
        planned = varied(simulation, vary)
        beside = ends(simulation, vary, planned)
        runs = run_planned([*planned, *beside], workers, progress)
        return Runs(with_shares(runs[: len(planned)], runs[len(planned) :], vary))
    wrong = [str(each) for each in given if not is_scenario(each) and not is_result(each)]
    if wrong:
        raise ConfigError([Mistake("", f"`{each}` is neither a scenario (.yaml) nor a run's folder") for each in wrong])
    simulations: list[Planned] = [("", {}, _simulation(each)) for each in given if is_scenario(each)]
    done = iter(run_planned(simulations, workers, progress))
    return Runs(_named([next(done) if is_scenario(each) else kept(each) for each in given]))


def _simulation(given: Any) -> Simulation:
    if isinstance(given, Scenario):
        return Simulation(given)
    return given if isinstance(given, Simulation) else load(given)


def kept(given: Any) -> Run:
    """Return a result that exists as a run to compare: in memory, read, or in a folder."""
    if isinstance(given, Run):
        return given
    if isinstance(given, Result):
        return Run(given.name, {}, given, {})
    from hiersim.report.reading import Saved, read_result

    saved = given if isinstance(given, Saved) else read_result(given)
    name = saved.path.parent.name if saved.path.name == "result.json" else saved.path.stem
    return Run(name, {}, saved.result, _figures_of_text(saved.scenario))


def _figures_of_text(text: str) -> dict[str, Any]:
    """Return the figures of a scenario that a folder holds; none where it does not hold one that can be read."""
    from hiersim.config.load import scenario_of
    from hiersim.config.tree import parse

    try:
        return figures(scenario_of(parse(text, "").data)) if text else {}
    except ConfigError:
        return {}


def _named(runs: Sequence[Run]) -> list[Run]:
    """Return the runs with names that differ: those of the same name are counted."""
    names = [run.name for run in runs]
    seen: dict[str, int] = {}
    found = []
    for run in runs:
        seen[run.name] = seen.get(run.name, 0) + 1
        again = names.count(run.name) > 1
        found.append(replace(run, name=f"{run.name} ({seen[run.name]})") if again else run)
    return found
