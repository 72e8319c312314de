"""The entry point: the table of commands, and what becomes of errors."""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.main import get_command

import hiersim
from hiersim.cli import (
    breakeven,
    cache,
    calibrate,
    catalogue,
    check,
    commands,
    compare,
    devices,
    explain,
    models,
    mrc,
    replay,
    report,
    roofline,
    run,
    schema,
    scratchpad,
    search,
    studies,
    sweep,
    trace,
    whatif,
)
from hiersim.cli.failures import BROKEN_PIPE, INTERRUPTED, MISTAKE, failure_lines

app = typer.Typer(
    name="hiersim",
    help="Simulate memory hierarchies for AI workloads: what moves, what stalls and why, what it costs in energy.",
    epilog="Start with: hiersim run configs/kv_tiers.yaml",
    rich_markup_mode=None,  # plain help needs no further import, and is there at once
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"hiersim {hiersim.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Simulate memory hierarchies for AI workloads: what moves, what stalls and why, what it costs in energy."""


app.command("run")(run.run)
app.command("report")(report.report)
app.command("replay")(replay.replay)
app.command("mrc")(mrc.mrc)
app.command("compare")(compare.compare)
app.command("whatif")(whatif.whatif)
app.command("explain")(explain.explain)
app.command("roofline")(roofline.roofline)
app.command("breakeven")(breakeven.breakeven)
app.command("sweep")(sweep.sweep)
app.command("search")(search.search)
app.command("check")(check.check)
app.add_typer(trace.app, name="trace")
app.command("policies")(catalogue.policies)
app.add_typer(devices.app, name="devices")
app.add_typer(calibrate.app, name="calibrate")
app.command("models")(models.models)
app.command("scratchpad")(scratchpad.scratchpad)
app.command("studies")(studies.studies)
app.command("schema")(schema.schema)
app.command("commands", hidden=True)(commands.commands)
app.add_typer(cache.app, name="cache")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0, 2 for a mistake, 130 when interrupted, 1 for a defect of hiersim."""
    _write_what_can_be_written()
    gc.set_threshold(200_000, 20, 100)  # imports make many objects that stay; looking through them again takes time
    code = execute(sys.argv[1:] if arguments is None else arguments)
    gc.freeze()  # nor is anything gained by looking through them at the end, which takes a quarter of a second
    sys.exit(code)


def execute(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; a mistake becomes clear lines on standard error."""
    try:
        code = _command().main(args=list(arguments), prog_name="hiersim", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        _let_go_of_stdout()
        return BROKEN_PIPE
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except SystemExit as why:  # how the library below leaves when nobody reads standard output any more
        _let_go_of_stdout()
        return BROKEN_PIPE if isinstance(why.__context__, BrokenPipeError) else int(why.code or 0)
    except Exception as why:
        lines, code = failure_lines(why, arguments)
        if not lines:
            raise
        with contextlib.suppress(OSError):
            print("\n".join(lines), file=sys.stderr)
        if isinstance(why, OSError):
            _let_go_of_stdout()
        return code
    return code if isinstance(code, int) else 0


def _write_what_can_be_written() -> None:
    """Let a terminal without Unicode have a question mark for each sign that it does not know."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@functools.cache
def _command() -> Any:
    """Build the commands from their functions, once in a process."""
    return get_command(app)


def _let_go_of_stdout() -> None:
    """Send what is still to be flushed nowhere, so that the interpreter's exit does not complain a second time."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


__all__ = ["MISTAKE", "app", "execute", "main"]

if __name__ == "__main__":
    main()
