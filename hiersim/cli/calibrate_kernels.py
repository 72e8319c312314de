"""``hiersim calibrate DATA``: the constants of a card's kernels from measured kernels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiersim.cli.console import plain_file, put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Json, Quiet

if TYPE_CHECKING:
    from hiersim.studies.calibrate_device import Calibration as Device
    from hiersim.studies.kernels.calibrate import Calibration, Found
    from hiersim.studies.kernels.fit import Errors

FIGURES = {"bandwidth": "bytes/s", "flops": "FLOP/s", "flops_8bit": "FLOP/s", "l2": "bytes"}
"""Options that state a figure of the sheet, and their dimensions."""


Data = Annotated[list[Path], typer.Argument(metavar="DATA.csv ...", help="Measured kernels: files, or folders.")]
Machine = Annotated[
    str | None, typer.Option("--machine", help="Whose sheet they are shares of; else seen from the data.")
]
Unit = Annotated[str | None, typer.Option("--unit", help="Which card, where the files name several.")]
Model = Annotated[str | None, typer.Option("--model", help="Whose layers were measured; else seen from the folder.")]
Ranks = Annotated[int | None, typer.Option("--ranks", help="On how many cards it was split; else seen (tp2).", min=1)]
Bandwidth = Annotated[str | None, typer.Option("--bandwidth", help="Sheet: reads of its memory, such as 1008 GB/s.")]
Flops = Annotated[str | None, typer.Option("--flops", help="Sheet: in 16 bits, such as 165.2 TFLOP/s.")]
Flops8 = Annotated[str | None, typer.Option("--flops-8bit", help="Sheet: in 8 bits.")]
L2 = Annotated[str | None, typer.Option("--l2", help="Sheet: its L2, such as 72 MiB.")]
Lanes = Annotated[int | None, typer.Option("--lanes", help="Sheet: its multiprocessors; else fitted.", min=1)]
Name = Annotated[str | None, typer.Option("--name", help="What the part is to be called.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to write; else NAME_kernels.yaml.")]


def calibrate_kernels(
    data: Data,
    machine: Machine = None,
    unit: Unit = None,
    model: Model = None,
    ranks: Ranks = None,
    bandwidth: Bandwidth = None,
    flops: Flops = None,
    flops_8bit: Flops8 = None,
    l2: L2 = None,
    lanes: Lanes = None,
    name: Name = None,
    out: Out = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Fit the constants of a card's kernels, and write them as a unit that machines can use.

    hiersim calibrate kernels/ --machine rtx-4090
    """
    from hiersim.report.files import write_files
    from hiersim.studies.kernels.calibrate import Request, calibrate

    _check_name(name)
    texts = {"bandwidth": bandwidth, "flops": flops, "flops_8bit": flops_8bit, "l2": l2}
    stated = _stated(texts) | ({"lanes": float(lanes)} if lanes else {})
    request = Request(tuple(data), machine, model, ranks, unit, stated)
    with telling_of_compilation(quiet), working("fitting", quiet):
        found = calibrate(request)
    target = plain_file(out or Path(f"{_title(found, name).replace('-', '_')}_kernels.yaml"))
    write_files(target.parent, {target.name: _entries(found, name).encode()})
    if json:
        put_json(_document(found), json)
    if json != "-":
        for card in found.cards:
            _show(card, name if name and len(found.cards) == 1 else card.sheet.name)
        for device in found.storage:
            _show_storage(device)
    if not quiet:
        for line in found.ignored:
            warn(f"left out: {line}")
        warn(f"wrote {target}; docs/calibrate.md says how a machine uses it")


def _stated(texts: dict[str, str | None]) -> dict[str, float]:
    """Return the figures of the sheet that were given, in base units."""
    from hiersim.errors import ConfigError, Mistake
    from hiersim.units import UnitError, parse

    found = {}
    for key, text in texts.items():
        if text is None:
            continue
        try:
            found[key] = float(parse(text, FIGURES[key]))
        except UnitError as why:
            raise ConfigError([Mistake(f"--{key.replace('_', '-')}", str(why))]) from why
        if not found[key]:
            raise ConfigError([Mistake(f"--{key.replace('_', '-')}", "must be more than 0")])
    return found


def _check_name(name: str | None) -> None:
    import re

    from hiersim.cli.calibrate import NAME
    from hiersim.errors import ConfigError, Mistake

    if name is not None and not re.fullmatch(NAME, name):
        what = f"`{name}` is not a name; names have lower-case letters, digits, `_` and `-`"
        raise ConfigError([Mistake("--name", what)])


def _title(found: Found, name: str | None) -> str:
    """Return what the file is called after: the only card, or all of them."""
    return name or (found.cards[0].sheet.name if len(found.cards) == 1 else "cards")


def _entries(found: Found, name: str | None) -> str:
    from hiersim.studies.device_entry import entry as device_entry
    from hiersim.studies.kernels.entry import entry

    several = len(found.cards) > 1
    parts = ["# Made by `hiersim calibrate`: docs/calibrate.md.\n"]
    for card in found.cards:
        own = name if name and not several else f"{card.sheet.name}-gpu"
        parts.append(entry(card, own))
    return "".join([*parts, *(device_entry(each) for each in found.storage)])


def _document(found: Found) -> dict[str, Any]:
    storage = [{"name": each.name, "kind": each.device.kind, "file": each.data.name} for each in found.storage]
    return {"cards": [_card(card) for card in found.cards], "storage": storage, "ignored": list(found.ignored)}


def _card(card: Calibration) -> dict[str, Any]:
    fits = {}
    for fitted in card.found:
        parts = {part: {"fitted": _plain(a), "held_out": _plain(b)} for part, (a, b) in fitted.parts.items()}
        fits[card.group(fitted)] = {
            "constants": fitted.values,
            "rows_left_out": fitted.fell,
            "fitted": _plain(fitted.fitted),
            "held_out": _plain(fitted.held_out),
            "parts": parts,
        }
    return {"name": card.sheet.name, "files": card.files, "kernels": fits, "skipped": list(card.skipped)}


def _plain(errors: Errors | None) -> dict[str, Any] | None:
    return None if errors is None else dict(vars(errors))


def _show(card: Calibration, name: str) -> None:
    from hiersim.report.policies_table import table
    from hiersim.studies.kernels.entry import constants, value_text

    print(f"{name} · {card.sheet.text}\n")
    rows = []
    for fitted in card.found:
        fell = str(fitted.fell or "")
        rows.append({"kernels": card.group(fitted), **_row(fitted.fitted, fitted.held_out), "left out": fell})
        rows += [{"kernels": f"  {part}", **_row(*pair), "left out": ""} for part, pair in fitted.parts.items()]
    show(table(rows))
    print()
    told = constants(card)
    show(table([{"kernels": each.group, "constant": each.name, "value": value_text(each)} for each in told]))
    for line in card.skipped:
        print(f"not fitted: {line}")
    print()


def _show_storage(device: Device) -> None:
    everything = device.groups[-1]
    pairs = (("fitted", everything.used), ("held out", everything.held))
    told = [f"{what} {100 * errors.mean:.2g}% of {errors.points} points" for what, errors in pairs if errors]
    print(f"{device.name} · {device.device.kind} · mean error {', '.join(told)}\n")


def _row(fitted: Errors | None, held_out: Errors | None) -> dict[str, str]:
    told = {"rows": str(fitted.rows) if fitted else ""}
    for what, errors in (("fitted", fitted), ("held out", held_out)):
        told[what] = f"{100 * errors.mean:.1f}%" if errors else ""
    return told | {"bias": f"{100 * fitted.bias:+.1f}%" if fitted else ""}
