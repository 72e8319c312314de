"""``hiersim whatif``: what binds a run, and what would help."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiersim.cli.check import Set
from hiersim.cli.console import console, put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Json, Processes, Quiet, share_of
from hiersim.cli.outputs import target_of, write_found

if TYPE_CHECKING:
    from hiersim.insight.whatif import WhatIf


def whatif(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The scenario, a YAML file.")],
    set: Set = None,
    number: Annotated[
        str, typer.Option("--number", metavar="NAME", help="What counts as time, such as latency_ps.p99.")
    ] = "elapsed_ps",
    apart: Annotated[
        bool, typer.Option("--apart", help="Turn each figure by itself: reads apart from writes.")
    ] = False,
    step: Annotated[str, typer.Option("--step", metavar="SHARE", help="By how much better for the slope.")] = "5%",
    prices: Annotated[
        Path | None, typer.Option("--prices", metavar="FILE", help="A price list; finds the cheapest way to --save.")
    ] = None,
    save: Annotated[
        str | None, typer.Option("--save", metavar="SHARE", help="Of the time, with --prices; 20% when absent.")
    ] = None,
    workers: Processes = None,
    json: Json = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The table as Parquet, or a picture (.png, .svg).")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Simulate with each resource better: what binds, what is next.

    hiersim whatif configs/kv_tiers.yaml
    """
    from hiersim.api.simulation import load
    from hiersim.errors import ConfigError, Mistake

    asked: dict[str, Any] = {"number": number, "apart": apart, "workers": workers}
    asked |= {"step": share_of(step, "--step"), "save": share_of(save or "20%", "--save")}
    if save and prices is None:
        raise ConfigError([Mistake("", "needs --prices, a list of what things cost", "--save")])
    target = target_of(out)
    with telling_of_compilation(quiet):
        from hiersim.insight.whatif import whatif as study

        simulation = load(file, set or [])
        with working("simulating", quiet) as progress:
            found = study(simulation, progress=progress, prices=prices, **asked)
    if target is not None:
        write_found(target, found.table, found.plot)
    if json:
        put_json(document(found), json)
    if json != "-":
        _show(found)
    if target is not None and not quiet:
        warn(f"wrote {target}")


def document(found: WhatIf) -> dict[str, Any]:
    """Return a what-if as plain data."""
    return {
        "name": found.name,
        "number": found.number,
        "base": dict(found.base),
        "jitter": dict(found.jitter),
        "binding": [effect.knob.name for effect in found.binding] or [knob.name for knob in found.together],
        "next": [{"resource": effect.knob.name, "saves": effect.saves} for effect in found.following[:3]],
        "all_doubled": found.all_doubled,
        "sentences": found.sentences(),
        "resources": [effect.row() for effect in found.effects],
    }


def _show(found: WhatIf) -> None:
    from hiersim.insight.whatif_table import captions, headline, lines
    from hiersim.report.policies_table import table

    print(f"{headline(found)}\n")
    rows = lines(found)
    if rows:
        show(table(rows))
        print()
    for line in [*captions(found), "", *found.sentences()]:
        print(fill(line, console().width) if line else "")
