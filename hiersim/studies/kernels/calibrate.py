"""``hiersim calibrate``: from files of measured kernels to the constants of the cards in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hiersim.errors import ConfigError, Mistake
from hiersim.machine.catalogue.kernels import class_kernels
from hiersim.models import find_model
from hiersim.studies.calibrate_device import Calibration as Device
from hiersim.studies.calibrate_device import calibrate as calibrate_device
from hiersim.studies.kernels import kinds
from hiersim.studies.kernels.csvfile import CsvFile
from hiersim.studies.kernels.fit import Fitted, fit, gated, merged
from hiersim.studies.kernels.formats import FORMATS, Context
from hiersim.studies.kernels.kinds import Evaluator, Kind, beyond_l2
from hiersim.studies.kernels.sheet import Sheet, model_called, sheet_of
from hiersim.studies.kernels.table import CHUNKS, DECODES, TOKENS, Table

DEEP = 5
"""Folders above a file whose names may say what was measured."""
STORAGE = ("queue_depth", "size")
"""What the header of a file of storage measurements has, which ``calibrate device`` reads."""


@dataclass(frozen=True)
class Request:
    """What a user wants calibrated.

    Attributes:
        paths: files, or folders of them.
        machine: the card's machine; seen from the files when absent.
        model: of which layers were measured; seen from the folder's name when absent.
        ranks: on how many ranks that model was split; seen from a folder such as ``tp2`` when absent, else 1.
        unit: the card to take, where the files name several; all of them when absent.
        stated: figures of the sheet that the user gives.
    """

    paths: tuple[Path, ...]
    machine: str | None = None
    model: str | None = None
    ranks: int | None = None
    unit: str | None = None
    stated: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Calibration:
    """What was found of one card.

    Attributes:
        sheet: its data sheet.
        files: the files that its kernels are from, with the SHA-256 of each.
        found: the fits, in the order of the groups.
        skipped: what could not be fitted, and why.
    """

    sheet: Sheet
    files: dict[str, str]
    found: tuple[Fitted, ...]
    skipped: tuple[str, ...]

    def group(self, fitted: Fitted) -> str:
        """Return the name of a fit's first group in ``Kernels``."""
        return f"{fitted.kind.name}_8bit" if fitted.bits == 8 else fitted.kind.name


@dataclass(frozen=True)
class Found:
    """All that files hold: cards, and storage devices by file."""

    cards: tuple[Calibration, ...]
    storage: tuple[Device, ...]
    ignored: tuple[str, ...]


def calibrate(request: Request) -> Found:
    """Fit the constants of every card in some files.

    Raises:
        ConfigError: a file is wrong or of no known format, a sheet or a model is not known.
    """
    tables: list[Table] = []
    storage, ignored, hashes = [], [], {}
    for path, named in _files(request.paths):
        file = CsvFile.read(path)
        if all(any(word in column for column in file.header) for word in STORAGE):
            storage.append(calibrate_device(path, name=path.stem.replace("_", "-").lower()))
            continue
        reader = next((read for columns, read in FORMATS.items() if file.has(*columns)), None)
        if reader is None:
            what = f"no kernels that are known: {', '.join(file.header[:8])}"
            if named:
                raise ConfigError([Mistake("header", f"{what}; docs/calibrate.md has the formats", str(path), 1)])
            ignored.append(f"{path.name}: {what}")
            continue
        tables += reader(file, _context(request, path))
        hashes[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    if not tables and not storage:
        raise ConfigError([Mistake("DATA", "holds no measured kernels; docs/calibrate.md has the formats")])
    cards = tuple(_card(label, group, request, hashes) for label, group in _by_card(tables, request))
    return Found(cards, tuple(storage), tuple(ignored))


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Yield the files, and whether each was named itself."""
    for path in paths:
        if not path.is_dir():
            yield path, True
            continue
        inside = sorted(path.glob("*.csv"))
        if not inside:
            raise ConfigError([Mistake("DATA", "has no .csv file in it", str(path))])
        yield from ((each, False) for each in inside)


def _context(request: Request, path: Path) -> Context:
    """Return what is known beside a file: the model by its name or by that of the folders that it lies in."""
    folders = path.resolve().parts[-DEEP - 1 : -1]
    split = [int(each[2:]) for each in folders if re.fullmatch(r"tp\d+", each)]
    model = find_model(request.model) if request.model else model_called(" ".join(folders))
    return Context(model, request.ranks or (split[-1] if split else 1))


def _by_card(tables: Sequence[Table], request: Request) -> Iterator[tuple[str, list[Table]]]:
    """Yield the tables of each card; those that name none belong to all."""
    named = sorted({table.unit for table in tables if table.unit})
    if request.unit is not None:
        if request.unit not in named:
            what = f"no card `{request.unit}` in the files (they have {', '.join(named) or 'none by name'})"
            raise ConfigError([Mistake("--unit", what)])
        named = [request.unit]
    if len(named) > 1 and (request.machine or request.stated):
        what = f"the files hold {len(named)} cards ({', '.join(named)}); say which one is meant: --unit {named[0]}"
        raise ConfigError([Mistake("--unit", what)])
    for label in named or [""]:
        group = [table for table in tables if table.unit in ("", label)]
        if group:
            yield label, group


def _card(label: str, tables: Sequence[Table], request: Request, hashes: Mapping[str, str]) -> Calibration:
    folder = " ".join(dict.fromkeys(part for path in request.paths for part in path.resolve().parts[-DEEP:]))
    sheet = sheet_of(label, folder, request.machine, request.stated)
    known = _usual(sheet)
    found: list[Fitted] = []
    skipped: list[str] = []
    for sort, bits in _order(tables):
        table = merged([each for each in tables if each.sort == sort and each.bits == bits])
        evaluator = Evaluator(sheet, known, bits)
        rows, fell = gated(table, evaluator)
        kind = _kind(sort, rows, sheet)
        if len(rows.values) < 2 * len(kind.bounds):
            skipped.append(f"{kind.name}, {bits} bits: {len(rows.values)} rows for {len(kind.bounds)} constants")
            continue
        fitted = fit(kind, rows, evaluator, _parts(rows, sheet), fell)
        found.append(fitted)
        if bits == 16:
            known |= fitted.values
    files = {name: hashes[name] for name in sorted({part for t in tables for part in t.file.split(", ")})}
    return Calibration(sheet, files, tuple(found), tuple(skipped))


def _order(tables: Sequence[Table]) -> list[tuple[str, int]]:
    """Return sorts and bits in the order of the fits: sampling and attention need what was found before."""
    order = ("elementwise", "sampling", "linear", "decode", "attention")
    pairs = {(table.sort, table.bits) for table in tables if table.sort != "attention" or table.bits == 16}
    return sorted(pairs, key=lambda pair: (order.index(pair[0]), -pair[1]))


def _kind(sort: str, table: Table, sheet: Sheet) -> Kind:
    """Return the constants that a table determines."""
    if sort != "attention":
        return {
            "elementwise": kinds.ELEMENTWISE,
            "sampling": kinds.SAMPLING,
            "linear": kinds.LINEAR,
            "decode": kinds.DECODE,
        }[sort]
    bounds, taken = dict(kinds.PREFILL.bounds), dict(kinds.PREFILL.taken)
    if sheet.lanes:
        taken["prefill.lanes"] = float(sheet.lanes)
    else:
        bounds |= kinds.LANES
    if (table.values[:, DECODES] > 0).any():
        bounds |= kinds.MIXED.bounds
    return Kind("prefill", bounds, taken, kinds.PREFILL.tried)


def _parts(table: Table, sheet: Sheet) -> dict[str, Any]:
    """Return rows of which errors are told by themselves."""
    if table.sort == "linear":
        tokens = table.values[:, TOKENS]
        steps = {"up to 16 tokens": (0, 16), "17 to 256 tokens": (16, 256), "more tokens": (256, np.inf)}
        found = {name: (tokens > low) & (tokens <= high) for name, (low, high) in steps.items()}
    elif table.sort == "decode":
        beyond = beyond_l2(table, sheet)
        found = {"over 2x L2": beyond, "within 2x L2": ~beyond}
    elif table.sort == "attention":
        alone = (table.values[:, DECODES] == 0) & (table.values[:, CHUNKS] > 0)
        found = {"prefill alone": alone, "mixed batches": ~alone}
    else:
        return {}
    return {name: rows for name, rows in found.items() if rows.any()}


def _usual(sheet: Sheet) -> dict[str, float]:
    """Return the constants of a card's class by ``group.field``, for what is not measured."""
    usual = class_kernels("hbm" if sheet.bandwidth_bytes_per_s > 1.9e12 else "gddr")
    found = {}
    for group in kinds.GROUPS:
        for name, value in getattr(usual, group).model_dump(exclude={"provenance"}).items():
            found[f"{group}.{name}"] = float(value)
    return found
