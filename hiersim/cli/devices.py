"""``hiersim devices``: lists, explains, draws and compares parts and machines; sub-commands do more with one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from hiersim.cli.console import plain_file, put_json, say, show
from hiersim.cli.failures import warn
from hiersim.cli.measure import measure
from hiersim.cli.options import Json

if TYPE_CHECKING:
    from hiersim.api.devices import Device
    from hiersim.machine import Machine

SHOW = "show"
"""The sub-command that is meant when none is named: ``hiersim devices NAME`` is ``hiersim devices show NAME``."""


class DevicesGroup(TyperGroup):
    """A group whose sub-command may be left out: what follows is then the name and options of ``show``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``show`` before arguments that begin with no sub-command."""
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [SHOW, *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write both usages: of ``show``, and with a sub-command."""
        formatter.write_usage(ctx.command_path, "[OPTIONS] [NAME]")
        formatter.write_usage(ctx.command_path, "COMMAND [ARGS]...", prefix="       ")

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options of ``show``, then the other sub-commands."""
        self.commands[SHOW].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


app = typer.Typer(cls=DevicesGroup, rich_markup_mode=None)

Csv = Annotated[
    str | None, typer.Option("--csv", metavar="-|FILE", help="Write CSV: alone on standard output (-), or to a file.")
]


@app.callback()
def _devices() -> None:
    """List machines and parts, or explain one, with its sources."""


@app.command(SHOW, hidden=True)
def show_devices(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A machine or a part in full, or the path of one.")
    ] = None,
    kind: Annotated[
        str, typer.Option("--kind", metavar="KINDS", help="List only these, such as hbm,ddr,machine.")
    ] = "",
    match: Annotated[str, typer.Option("--match", metavar="WORDS", help="List only what has all words.")] = "",
    sort: Annotated[
        str,
        typer.Option("--sort", metavar="BY", help="name, capacity, bandwidth, latency, energy, flops or distance."),
    ] = "distance",
    draw: Annotated[str | None, typer.Option("--draw", metavar="FILE", help="Draw a machine, as .svg or .png.")] = None,
    json: Json = None,
    csv: Csv = None,
) -> None:
    """List machines and parts, or explain one, with its sources."""
    if name is None:
        _list(kind, match, sort, draw, json, csv)
    else:
        _refuse({"--kind": kind, "--match": match, "--sort": sort != "distance"}, f"is for lists; leave out `{name}`")
        _explain(name, draw, json, csv)


def _refuse(options: dict[str, object], why: str) -> None:
    """Refuse options that do not go with what is asked for."""
    from hiersim.errors import ConfigError, Mistake

    mistakes = [Mistake(option, why) for option, given in options.items() if given]
    if mistakes:
        raise ConfigError(mistakes)


def _list(kind: str, match: str, sort: str, draw: str | None, json: str | None, csv: str | None) -> None:
    _refuse({"--draw": draw}, "needs the name of a machine")
    _refuse({"--csv": (json, csv) == ("-", "-")}, "standard output is taken by --json; write one of them to a file")
    from hiersim.api.device_list import listing
    from hiersim.report.device_json import listed
    from hiersim.report.device_list import DeviceList, as_csv, summary_line

    found = listing(kind, match, sort)
    if json:
        put_json(listed(found), json)
    if csv:
        put_text(as_csv(found), csv)
    if "-" in (json, csv):
        return
    if not found:
        print("nothing in the catalogue matches")
        return
    show(DeviceList(found, grouped=sort == "distance"))
    say(f"\n{summary_line(found)}; -: not known. hiersim devices NAME explains one.")


def _explain(name: str, draw: str | None, json: str | None, csv: str | None) -> None:
    from hiersim.api.devices import Device, find_device
    from hiersim.report.device_json import document, figures_csv

    _refuse({"--csv": (json, csv) == ("-", "-")}, "standard output is taken by --json; write one of them to a file")
    found = find_device(name)
    if draw:
        _draw(found, draw)
    if json:
        put_json(document(found), json)
    if csv:
        put_text(figures_csv(found), csv)
    if draw or "-" in (json, csv):
        return
    if isinstance(found, Device):
        from hiersim.report.device_explain import explain_part

        show(explain_part(found))
    else:
        from hiersim.report.device_machine import explain_machine

        show(explain_machine(found))


def _draw(found: Device | Machine, target: str) -> None:
    """Draw a machine into a file, and say so."""
    from hiersim.errors import ConfigError, Mistake
    from hiersim.machine import Machine

    path = plain_file(target)
    if not isinstance(found, Machine):
        raise ConfigError([Mistake("--draw", f"draws machines; `{found.name}` is a {found.sort}")])
    if path.suffix not in (".svg", ".png"):
        raise ConfigError([Mistake("--draw", f"`{target}` ends in neither .svg nor .png")])
    from hiersim.report.device_picture import picture
    from hiersim.report.files import write_files

    write_files(path.parent, {path.name: picture(found, path.suffix[1:])})
    warn(f"wrote {path}")


app.command("measure")(measure)


@app.command("compare")
def compare(
    names: Annotated[list[str], typer.Argument(metavar="A B...", help="Parts of one sort, or machines.")],
    json: Json = None,
) -> None:
    """Show parts or machines side by side: figures, ratios, the better one marked.

    hiersim devices compare h100-hbm3 h200-hbm3e b200-hbm3e
    """
    from hiersim.api.device_compare import compare
    from hiersim.api.devices import Device, find_device
    from hiersim.report.device_compare import comparison
    from hiersim.report.device_json import compared

    found = [find_device(name) for name in names]
    rows = compare(found)
    if json:
        put_json(compared(names, rows), json)
    if json != "-":
        titles = [each.title if isinstance(each, Device) else each.summary for each in found]
        show(comparison(names, titles, rows))


def put_text(text: str, target: str) -> None:
    """Write a text to standard output (``-``) or, whole or not at all, to a file."""
    if target == "-":
        sys.stdout.write(text)
        return
    from hiersim.report.files import write_files

    path = plain_file(target)
    write_files(path.parent, {path.name: text.encode()})
