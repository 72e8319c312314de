"""``hiersim roofline``: what binds a run, the time that each resource alone would need, and the gain without it."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from hiersim.cli.check import Set
from hiersim.cli.console import console, put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Json, Quiet, check_picture
from hiersim.cli.outputs import PICTURES, target_of

if TYPE_CHECKING:
    from hiersim.api.balance import Balance
    from hiersim.api.simulation import Simulation
    from hiersim.engine.result import Result
    from hiersim.machine import Machine


def roofline(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A scenario, which is run, or a folder of a run, or its result.json.")
    ],
    set: Set = None,
    without: Annotated[
        int, typer.Option("--without", metavar="N", help="Run it again without each of the N busiest resources.")
    ] = 0,
    unit: Annotated[
        str | None,
        typer.Option("--unit", metavar="NAME", help="Whose roofs are drawn; the machine's first when absent."),
    ] = None,
    json: Json = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The picture (.png, .svg).")] = None,
    quiet: Quiet = False,
) -> None:
    """Show what binds a run, and what could be gained without it.

    hiersim roofline configs/layer_offload.yaml --without 2 --out roofs.svg
    """
    from hiersim.api.balance import balance

    check_picture(out)
    target = target_of(out, PICTURES)
    kept = file.is_dir() or file.suffix == ".json"
    _check(kept, set or [], without)
    result, machine, simulation = _kept(file) if kept else _run(file, set or [], quiet)
    found = balance(result, machine)
    gains = _without(simulation, found, without, quiet) if simulation and without else {}
    if target is not None:
        _draw(result, machine, unit or "", target)
    if json:
        put_json(found.as_dict() | ({"without": gains} if without else {}), json)
    if json != "-":
        _show(found, gains)
    if target is not None and not quiet:
        warn(f"wrote {target}")


def _show(found: Balance, gains: dict[str, float]) -> None:
    from hiersim.report.balance_table import headline, resources_table, work_table

    print(f"{fill(headline(found), console().width)}\n")
    for table in (resources_table(found, gains), work_table(found)):
        if table.row_count:
            show(table)
            print()


def _without(simulation: Simulation, found: Balance, most: int, quiet: bool) -> dict[str, float]:
    from hiersim.insight.without import without

    with working("without", quiet) as progress:
        return without(simulation, found, most, progress)


def _check(kept: bool, changes: list[str], without: int) -> None:
    """Raise ConfigError for options that cannot be, or that a run which was kept does not take."""
    from hiersim.errors import ConfigError, Mistake

    if without < 0:
        raise ConfigError([Mistake("", f"must be 0 or more, got {without}", "--without")])
    if kept and (changes or without):
        option = "--set" if changes else "--without"
        raise ConfigError([Mistake("", "a run that was kept cannot be run again; give its scenario", option)])


def _kept(file: Path) -> tuple[Result, Machine | None, None]:
    """Return a run that was kept, and its machine, where that is known."""
    from hiersim.report.reading import machine_of, read_result

    saved = read_result(file)
    return saved.result, machine_of(saved), None


def _run(file: Path, changes: list[str], quiet: bool) -> tuple[Result, Machine | None, Simulation]:
    """Run a scenario."""
    from hiersim.api.simulation import load

    with telling_of_compilation(quiet):
        simulation = load(file, changes)
        with working("running", quiet) as progress:
            return simulation.run(progress), simulation.scenario.machine, simulation


def _draw(result: Result, machine: Machine | None, unit: str, path: Path) -> None:
    """Draw the roofs of a unit, with a dot for each kind of its operations, or for each tier that a run read from."""
    from hiersim.errors import ConfigError, Mistake
    from hiersim.report.outputs import write_picture
    from hiersim.report.roofline import roofline as drawn

    if machine is None:
        what = "the run was kept without its scenario, so its machine's roofs are unknown"
        raise ConfigError([Mistake("", what, "--out")])
    write_picture(drawn(result, machine=machine, unit=unit), path)
