"""``hiersim breakeven``: when fetching KV from a tier beats computing it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiersim.cli.check import Set
from hiersim.cli.console import console, put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Json, Quiet, check_picture, share_of
from hiersim.cli.outputs import target_of, write_found

if TYPE_CHECKING:
    from hiersim.api.breakeven import BreakEven


def breakeven(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A scenario that serves, a YAML file.")],
    set: Set = None,
    contexts: Annotated[
        str | None,
        typer.Option("--contexts", metavar="LIST", help="Tokens, as 1k,8k,100000; powers of two when absent."),
    ] = None,
    busy: Annotated[
        str, typer.Option("--busy", metavar="SHARE", help="Of tiers and links that others take in the second figure.")
    ] = "50%",
    new: Annotated[int, typer.Option("--new", metavar="N", help="Tokens of the prompt behind the context.")] = 64,
    json: Json = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The table as Parquet, or a picture (.png, .svg).")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Show when fetching KV from a tier beats computing it.

    hiersim breakeven configs/mooncake_tiers.yaml
    """
    from hiersim.api.breakeven import breakeven as examine
    from hiersim.api.simulation import load

    asked = {"contexts": _tokens(contexts), "busy": share_of(busy, "--busy", most=0.99), "new": new}
    check_picture(out)
    target = target_of(out)
    with telling_of_compilation(quiet):
        simulation = load(file, set or [])
        with working("serving", quiet) as progress:
            found = examine(simulation, progress=progress, **asked)  # type: ignore[arg-type]
    if target is not None:
        write_found(target, found.table, partial(_draw, found))
    if json:
        put_json(found.as_dict(), json)
    if json != "-":
        _show(found)
    if target is not None and not quiet:
        warn(f"wrote {target}")


def _tokens(text: str | None) -> list[int] | None:
    from hiersim.errors import ConfigError, Mistake

    if text is None:
        return None
    found = []
    for part in text.split(","):
        number, thousands = part.strip().lower(), 1
        if number.endswith("k"):
            number, thousands = number[:-1], 1024
        if not number.isdecimal() or not 0 < int(number) * thousands <= 1 << 30:
            raise ConfigError(
                [Mistake("", f"`{part.strip()}` is no number of tokens, such as 4096 or 4k", "--contexts")]
            )
        found.append(int(number) * thousands)
    return found


def _show(found: BreakEven) -> None:
    from hiersim.report.breakeven_table import breakeven_table, headline, sentences

    print(f"{fill(headline(found), console().width)}\n")
    show(breakeven_table(found))
    print()
    for line in sentences(found):
        print(fill(line, console().width, subsequent_indent="  "))


def _draw(found: BreakEven) -> Any:
    from hiersim.report.breakeven_plot import breakeven_plot

    return breakeven_plot(found)
