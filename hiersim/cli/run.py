"""``hiersim run``: a scenario through its machine, with time and energy."""

from __future__ import annotations

import threading
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hiersim.cli.check import Set, doubt
from hiersim.cli.console import console, put_json, say, show, telling_of_compilation, working
from hiersim.cli.options import Json, Kept, Processes, Quiet

if TYPE_CHECKING:
    from hiersim.api.simulation import Simulation
    from hiersim.engine.result import Result
    from hiersim.sweep.uncertainty import Uncertainty


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The scenario, a YAML file.")],
    set: Set = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for results; runs/NAME-HASH when absent and not --json -.")
    ] = None,
    json: Json = None,
    pictures: Annotated[bool, typer.Option(help="Draw the stall stack and the flow.")] = True,
    timeline: Annotated[bool, typer.Option("--timeline", help="Write a timeline for Perfetto.")] = False,
    timeline_window: Annotated[
        str | None, typer.Option("--timeline-window", metavar="A..B", help="Of this part of the run, as 1ms..2ms.")
    ] = None,
    timeline_shortest: Annotated[
        str | None, typer.Option("--timeline-shortest", metavar="TIME", help="Fold events shorter than this, as 5us.")
    ] = None,
    provenance: Annotated[bool, typer.Option("--provenance", help="Show what the result rests on.")] = False,
    whatif: Annotated[bool, typer.Option("--whatif", help="Say what would help most, in many runs.")] = False,
    uncertainty: Annotated[
        int, typer.Option("--uncertainty", metavar="N", help="Run on N machines drawn from the figures' ranges, too.")
    ] = 0,
    workers: Processes = None,
    cache: Kept = None,
    quiet: Quiet = False,
) -> None:
    """Run a scenario: what moved, what stalled, what it cost.

    hiersim run configs/kv_tiers.yaml --set tiers.dram.policy=s3fifo --set tiers.dram.capacity="16 GiB"
    """
    from hiersim.report.artist import Artist

    drawing = pictures and (out is not None or json != "-")
    check_draws(uncertainty)
    with telling_of_compilation(quiet), closing(Artist(drawing)) as artist:
        from hiersim.api.simulation import load

        with working("reading", quiet):
            simulation = load(file, [*(set or []), *_outputs(timeline, timeline_window, timeline_shortest)])
            simulation.check()
            trace = simulation.trace()
        doubt(simulation.scenario, quiet)
        threading.Thread(target=_prepare_to_report, args=(drawing and not artist.helped,), daemon=True).start()
        with working("simulating", quiet) as progress:
            result = simulation.run(progress, trace=trace)
        drawn = _drawn(file, set or [], uncertainty, (workers, cache), quiet) if uncertainty else None
        more, tables = ({"uncertainty": drawn.as_dict()}, drawn.files()) if drawn else ({}, {})
        folder = out or (None if json == "-" else Path("runs") / _folder_name(result))
        written = []
        if folder is not None:
            from hiersim.report.outputs import write_all

            with working("writing", quiet):
                scenario = simulation.scenario
                written = write_all(
                    result,
                    folder,
                    pictures=pictures,
                    artist=artist,
                    shortest_ps=scenario.outputs.timeline_shortest,
                    scenario=scenario,
                    more=more,
                    files=tables,
                )
    from hiersim.report.json import to_json

    if json:
        put_json(to_json(result) | more, json)
    if json != "-":
        _show(result, written, provenance)
        if drawn:
            _show_intervals(result, drawn)

    if whatif and json != "-":
        print(f"\n  Next: {_next(simulation, quiet)}.   (hiersim whatif)")


def _next(simulation: Simulation, quiet: bool) -> str:
    """Return what would help most, in words."""
    from hiersim.insight.whatif import whatif
    from hiersim.insight.whatif_words import next_line

    with working("what if", quiet) as progress:
        return next_line(whatif(simulation, progress=progress, slopes=False, follow=False))


def _outputs(timeline: bool, window: str | None, shortest: str | None) -> list[str]:
    """Return what the options about timelines set; the last two ask for one, too.

    Raises:
        ConfigError: one of them is no time, or no stretch of it.
    """
    from hiersim.config.window import window as stretch
    from hiersim.errors import ConfigError, Mistake
    from hiersim.units import parse

    for option, given, read in (
        ("--timeline-window", window, stretch),
        ("--timeline-shortest", shortest, lambda text: parse(text, "time")),
    ):
        try:
            if given:
                read(given)
        except ValueError as why:
            raise ConfigError([Mistake("", str(why), option)]) from None
    found = ["outputs.timeline=true"] if timeline or window or shortest else []
    found += [f"outputs.timeline_window={window}"] if window else []
    return found + ([f"outputs.timeline_shortest={shortest}"] if shortest else [])


def check_draws(draws: int) -> None:
    """Raise ConfigError for a number of draws that gives no intervals; 0 asks for none."""
    if draws:
        from hiersim.errors import ConfigError, Mistake
        from hiersim.sweep.intervals import wrong_draws

        if what := wrong_draws(draws):
            raise ConfigError([Mistake("--uncertainty", what)])


def _drawn(
    file: Path, overrides: list[str], draws: int, options: tuple[int | None, Path | None], quiet: bool
) -> Uncertainty:
    """Run the scenario on drawn machines."""
    from hiersim.sweep.files import Options, single
    from hiersim.sweep.uncertainty import draw_machines

    setup = single(file, Options(overrides, workers=options[0], cache=options[1]))
    with working("drawing machines", quiet) as progress:
        return draw_machines(setup, draws, progress=progress)


def _show_intervals(result: Result, drawn: Uncertainty) -> None:
    from hiersim.report.intervals import intervals_table
    from hiersim.report.json import to_json
    from hiersim.report.numbers import numbers

    print()
    show(intervals_table(numbers(to_json(result)), drawn.intervals))
    say(f"\n{drawn.told()}")


def _prepare_to_report(drawing: bool) -> None:
    """Import what reports, while the compiled loop has the time; with ``drawing`` also what draws."""
    for name in ("outputs", "summary", *(("flow", "stall_stack") if drawing else ())):
        import_module(f"hiersim.report.{name}")
    if drawing:
        import_module("hiersim.report.style").detached(1, 1)


def _folder_name(result: Result) -> str:
    return f"{result.name}-{str(result.provenance.get('scenario_hash', ''))[:4]}"


def _show(result: Result, written: list[Path], provenance: bool) -> None:
    from hiersim.report.policies_table import info
    from hiersim.report.summary import summary

    show(summary(result, written, console().options.ascii_only))
    if provenance:
        print()
        show(info(result.provenance, title="provenance"))
