"""``hiersim calibrate``: kernels of a card, or figures of a device, from a user's own measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from hiersim.cli.calibrate_kernels import calibrate_kernels
from hiersim.cli.console import plain_file, put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Json, Quiet

if TYPE_CHECKING:
    from hiersim.studies.calibrate_device import Calibration
    from hiersim.studies.device_report import Errors

NAME = r"^[a-z0-9][a-z0-9_-]*$"

DEFAULT = "kernels"
"""The command that is meant where none is named: ``hiersim calibrate DATA.csv``."""


class Commands(TyperGroup):
    """The commands below ``calibrate``; without the name of one, what follows is measured kernels."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command before arguments that name none."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    help="Fit figures of devices and kernels to measurements.",
    rich_markup_mode=None,
    no_args_is_help=True,
    cls=Commands,
)
app.command(DEFAULT)(calibrate_kernels)


@app.callback()
def _calibrate() -> None:
    """Fit figures of devices and kernels to measurements."""


@app.command("device")
def calibrate_device(
    data: Annotated[
        str, typer.Argument(metavar="DATA.csv", help="Measured points; docs/calibrate.md has the columns.")
    ],
    name: Annotated[str, typer.Option("--name", help="What the part is to be called.")] = "my-device",
    kind: Annotated[
        str | None,
        typer.Option("--kind", help="flash, ddr, hbm, cxl, link, pcie ...; seen from the points when absent."),
    ] = None,
    page: Annotated[str, typer.Option("--page", help="What a flash die reads at once.")] = "16 KiB",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write the entry; NAME.yaml when absent.")
    ] = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Fit a device's figures to measurements, and write them as a part that machines can use.

    hiersim calibrate device data.csv --name my-drive --kind flash
    """
    import re

    from hiersim.errors import ConfigError, Mistake
    from hiersim.report.files import write_files
    from hiersim.studies.calibrate_device import calibrate
    from hiersim.studies.device_entry import entry
    from hiersim.units import UnitError, parse

    if not re.fullmatch(NAME, name):
        what = f"`{name}` is not a name; names have lower-case letters, digits, `_` and `-`"
        raise ConfigError([Mistake("--name", what)])
    try:
        bytes_of_page = int(parse(page, "bytes"))
    except UnitError as why:
        raise ConfigError([Mistake("--page", str(why))]) from why
    if bytes_of_page < 1:
        raise ConfigError([Mistake("--page", "must be more than 0, such as `16 KiB`")])
    target = plain_file(out or f"{name.replace('-', '_')}.yaml")
    with telling_of_compilation(quiet), working("fitting", quiet):
        found = calibrate(data, name=name, kind=kind, page=bytes_of_page)
    write_files(target.parent, {target.name: entry(found).encode()})
    if json:
        put_json(_document(found), json)
    if json != "-":
        _show(found)
    if not quiet:
        warn(f"wrote {target}; try: hiersim devices measure {_as_path(target)}")


def _as_path(path: Path) -> str:
    return str(path) if path.is_absolute() or str(path).startswith(".") else f"./{path}"


def _document(found: Calibration) -> dict[str, Any]:
    return {
        "name": found.name,
        "kind": found.device.kind,
        "data": {"file": found.data.name, "sha256": found.data.sha256, "points": len(found.data.rows)},
        "parameters": {key: {"value": each.value, "standard_error": each.error} for key, each in found.found.items()},
        "undetermined": found.vague,
        "groups": [{"group": g.name, "fitted": _plain(g.used), "held_out": _plain(g.held)} for g in found.groups],
        "suspicious_lines": list(found.strange),
    }


def _plain(errors: Errors | None) -> dict[str, Any] | None:
    return None if errors is None else dict(vars(errors))


def _show(found: Calibration) -> None:
    from hiersim.report.policies_table import table
    from hiersim.studies.device_entry import NEVER, value_text

    print(f"{found.name} · {found.device.kind} · {len(found.data.rows)} points of {found.data.name}\n")
    show(
        table(
            [
                {"parameter": name, "value": value_text(name, each.value), "+-": f"{100 * each.error:.2g}%"}
                for name, each in found.found.items()
            ]
        )
    )
    print()
    show(table([_row(group.name, group.used, group.held) for group in found.groups]))
    print("\nnot determined, and left out:")
    for name, why in [*found.vague.items(), (NEVER, "no such measurement shows them")]:
        print(f"  {name}: {why}")
    for line in found.strange:
        warn(f"{found.data.name}:{line}: the fit misses it by more than a factor of 3; is a figure in another unit?")


def _row(name: str, used: Errors | None, held: Errors | None) -> dict[str, str]:
    row = {"points": name}
    for what, errors in (("fitted", used), ("held out", held)):
        row[what] = "" if errors is None else str(errors.points)
        mean, most, r2 = f"mean {what}", f"max {what}", f"R2 {what}"
        row |= {mean: "", most: "", r2: ""}
        if errors is not None:
            row[mean], row[most] = f"{100 * errors.mean:.2g}%", f"{100 * errors.largest:.2g}%"
            row[r2] = "-" if errors.r2 is None else f"{errors.r2:.4f}"
    return row
