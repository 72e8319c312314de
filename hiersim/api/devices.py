"""Devices as data: the figures of a part or of a machine's parts, each with its unit, source and confidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from hiersim.errors import ConfigError, Mistake, nearest
from hiersim.machine import Link, Machine, Tier, Unit
from hiersim.machine.catalogue import SORTS, find_machine, find_part, in_a_file, machine_names, part_names
from hiersim.machine.mistakes import validated
from hiersim.machine.record import Part
from hiersim.units import DIMENSIONS, FROM_TEXT, UnitError, exact, options_of, parse, quantity_in, show

RECORDS: dict[str, type[Part]] = {"tier": Tier, "link": Link, "unit": Unit}
"""The record of each sort of part."""

ORDER = (
    *("sram", "l2", "hbm", "gddr", "lpddr", "ddr", "cxl", "pmem", "flash", "remote"),
    *("c2c", "nvlink", "pcie", "nvme", "network", "bus"),
    *("gpu", "npu", "cpu", "near-memory"),
)
"""The kinds of parts from near to far."""

MISSING = "required key is missing"
"""What a validation says of an absent figure; a part need not have all that a machine must."""

EFFECTS = {
    "flash": ("read_ops", "write_ops", "queue_depth", "endurance", "nand", "slc_cache"),
    "pmem": ("read_ops", "write_ops", "queue_depth", "endurance"),
    "remote": ("read_ops", "write_ops"),
    "cxl": ("loaded_latency", "media_bandwidth"),
    "pcie": ("packets", "engines"),
    "network": ("ops",),
}
MEMORY = ("turnaround", "loaded_latency", "activation")
"""What a memory's kinds may state beyond the figures that every tier may."""

COMMON = {
    "tier": ("efficiency", "read_energy", "write_energy", "background_power"),
    "link": ("overhead", "efficiency", "energy", "background_power"),
    "unit": ("efficiency", "active_power", "idle_power"),
}
"""Figures that a run can do without, but with which it says more."""


@dataclass(frozen=True)
class Figure:
    """One figure of a device.

    Attributes:
        path: the dotted path of the figure, such as ``read_latency`` or ``nand.dies``.
        value: in the base unit of its dimension (bytes, picoseconds, bytes/s, pJ/bit, ...); a text for a choice.
        dimension: a key of ``hiersim.units.DIMENSIONS``, or empty for numbers without a unit and for choices.
        source: where it is from; empty for choices and plain figures.
        confidence: how far it can be trusted; empty where no source is stated.
    """

    path: str
    value: int | float | str
    dimension: str = ""
    source: str = ""
    confidence: str = ""

    @property
    def unit(self) -> str:
        """The symbol of the base unit that ``value`` is in; empty without one."""
        return DIMENSIONS[self.dimension].base if self.dimension else ""

    @property
    def text(self) -> str:
        """The value with its unit, exactly: with as few digits as say it."""
        if isinstance(self.value, str) or not self.dimension:
            return f"{self.value:,}" if isinstance(self.value, int) else str(self.value)
        if not self.value:
            return f"0 {self.unit}".rstrip()
        short = (show(self.value, self.dimension, digits) for digits in range(3, 7))
        told = (text for text in short if parse(text, self.dimension) == self.value)
        return next(told, None) or exact(self.value, self.dimension)


@dataclass(frozen=True)
class Device:
    """A part of the catalogue, or a tier, link or unit of a machine, as far as its figures are known.

    Attributes:
        name: its name in the catalogue or in the machine.
        sort: ``tier``, ``link`` or ``unit``.
        title: what it is in a line; empty where nobody says.
        figures: the figures stated, by path, in the order of the record's fields.
    """

    name: str
    sort: str
    title: str
    figures: Mapping[str, Figure]

    @property
    def kind(self) -> str:
        """What it is made of: ``hbm``, ``pcie``, ``gpu``; empty if it does not say."""
        found = self.figures.get("kind")
        return str(found.value) if found else ""

    def number(self, path: str, default: float | None = None) -> float | None:
        """Return a figure in its base unit, or the default where it is absent."""
        found = self.figures.get(path)
        return default if found is None or isinstance(found.value, str) else found.value

    def choice(self, path: str, default: str) -> str:
        """Return a choice, such as that of ``duplex``, or the default where it is absent."""
        found = self.figures.get(path)
        return default if found is None else str(found.value)

    def estimates(self, paths: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return which of the figures at the paths (all when absent) are estimates."""
        wanted = self.figures if paths is None else paths
        return tuple(p for p in wanted if p in self.figures and self.figures[p].confidence == "estimate")

    def required(self) -> tuple[str, ...]:
        """Return the absent figures without which no machine can use the part."""
        fields = RECORDS[self.sort].model_fields
        own = [name for name, field in fields.items() if field.is_required() and name not in ("between", "tier")]
        return tuple(name for name in own if not self.has(name))

    def unknown(self) -> tuple[str, ...]:
        """Return the other absent figures that matter for a part of this kind."""
        memory = MEMORY if self.kind in ("hbm", "gddr", "lpddr", "ddr") else ()
        return tuple(n for n in (*COMMON[self.sort], *memory, *EFFECTS.get(self.kind, ())) if not self.has(n))

    def has(self, field: str) -> bool:
        """Return whether a figure, or any figure of a group, is stated."""
        return field in self.figures or any(path.startswith(f"{field}.") for path in self.figures)


def find_device(name: str) -> Device | Machine:
    """Return a machine or a part by its catalogue name or from a file.

    Args:
        name: a name; or the path of a machine, of a part (``parts.yaml#my-drive`` where a file holds several), or of a
            scenario, which stands for its machine.

    Raises:
        ConfigError: there is none of that name, with the nearest one; or the file is wrong.
    """
    if in_a_file(name) or Path(name).is_file():
        return _from_file(name)
    if name in machine_names():
        return find_machine(name)
    if name in part_names():
        return device_of_entry(name, find_part(name))
    known = [*machine_names(), *part_names()]
    raise ConfigError(f"no machine or part `{name}`{nearest(name, known)} (hiersim devices lists them)")


def _from_file(reference: str) -> Device | Machine:
    """Return what a file holds: a part, a scenario's machine, or a machine."""
    from hiersim.config import load
    from hiersim.config.load import load_machine
    from hiersim.config.tree import read

    file, _, part = reference.partition("#")
    data = read(file).data
    if part or "figures" in data or all(isinstance(each, Mapping) and "figures" in each for each in data.values()):
        return _part_of_file(reference, part or (Path(file).stem if "figures" in data else next(iter(data))))
    return load(file).machine if "machine" in data else load_machine(file)


def _part_of_file(reference: str, name: str) -> Device:
    """Return a part of a user's file; figures may be absent, but those that are there must be possible."""
    from hiersim.config.parts import read_part

    found = read_part(reference)
    _, problems = validated(RECORDS[found.is_], found.figures, FROM_TEXT)
    mistakes = []
    for path, what in problems:
        place = next((found.places[path[:i]] for i in range(len(path), -1, -1) if path[:i] in found.places), None)
        if what != MISSING:
            file, line = (place.file, place.line) if place else (reference, None)
            mistakes.append(Mistake(".".join(map(str, path)), what, file, line))
    if mistakes:
        raise ConfigError(mistakes)
    return device_of_entry(name, {"is": found.is_, "title": found.title, "figures": found.figures})


def all_parts() -> list[Device]:
    """Return all parts of the catalogue, tiers first, then links and units, each from near to far."""
    found = [device_of_entry(name, find_part(name)) for sort in SORTS.values() for name in part_names(sort)]
    return sorted(found, key=lambda device: (list(RECORDS).index(device.sort), place_of(device.kind)))


def place_of(kind: str) -> int:
    """Return the place of a kind in the order from near to far; unknown ones come last."""
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def device_of_entry(name: str, entry: Mapping[str, Any]) -> Device:
    """Return a part of the catalogue as ``find_part`` gives it: its figures as texts, whichever are stated.

    Raises:
        ConfigError: a figure is no quantity of its dimension.
    """
    model = RECORDS[entry["is"]]
    try:
        figures = {figure.path: figure for figure in _read(model, {**entry["figures"], **(entry.get("further") or {})})}
    except UnitError as why:
        raise ConfigError([Mistake(name, str(why))]) from why
    return Device(name, entry["is"], entry["title"], figures)


def _read(model: type[BaseModel] | None, figures: Mapping[str, Any], prefix: str = "") -> Iterator[Figure]:
    """Yield the figures of a mapping as the catalogue has them; groups are taken apart."""
    for field, stated in figures.items():
        annotation = model.model_fields[field].annotation if model and field in model.model_fields else None
        metadata = model.model_fields[field].metadata if model and field in model.model_fields else []
        origin: Mapping[str, str] = {}
        value = stated
        if isinstance(stated, Mapping) and "value" in stated:
            value, origin = stated["value"], stated
        if isinstance(value, Mapping) and _record_in(annotation) is not None:
            yield from _read(_record_in(annotation), value, f"{prefix}{field}.")
            continue
        quantity = quantity_in(annotation, metadata)
        source, confidence = origin.get("source", ""), origin.get("confidence", "")
        for path, single in _singles(f"{prefix}{field}", value):
            amount = quantity.read(single, False) if quantity else single
            yield Figure(path, amount, quantity.dimension if quantity else "", source, confidence)


def device_of_record(name: str, sort: str, part: Part) -> Device:
    """Return a tier, link or unit of a machine with the figures that its description states."""
    figures = {figure.path: figure for figure in _stated(part, part.origins())}
    return Device(name, sort, part.part or "", figures)


def _stated(record: BaseModel, origins: Mapping[str, Any], prefix: str = "") -> Iterator[Figure]:
    for field, info in type(record).model_fields.items():
        value = getattr(record, field)
        if field in ("provenance", "part") or field not in record.model_fields_set or value is None:
            continue
        if isinstance(value, BaseModel):
            yield from _stated(value, origins, f"{prefix}{field}.")
            continue
        origin = origins.get(f"{prefix}{field}")
        quantity = quantity_in(info.annotation, info.metadata)
        for path, single in _singles(f"{prefix}{field}", value):
            dimension = quantity.dimension if quantity else ""
            yield Figure(path, single, dimension, origin.source if origin else "", origin.confidence if origin else "")


def _singles(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield a value by its path: of a mapping (FLOP/s by data type) one per key, of a list one text."""
    if isinstance(value, Mapping):
        yield from ((f"{path}.{key}", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        yield path, " - ".join(map(str, value))
    else:
        yield path, value


def _record_in(annotation: Any) -> type[BaseModel] | None:
    records = (each for each in options_of(annotation) if isinstance(each, type) and issubclass(each, BaseModel))
    return next(records, None)
