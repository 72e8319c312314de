"""Price lists: what a resource, a part or electricity costs, each with its source and date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from hiersim.config import Scenario
from hiersim.config.tree import read
from hiersim.errors import ConfigError, nearest
from hiersim.insight.knobs import RESOURCES, Knob, dimension, knobs
from hiersim.machine.mistakes import validated
from hiersim.machine.record import Problem, Record
from hiersim.report.numbers import Number
from hiersim.units import UnitError, parse

HOUR = 3600.0
"""Seconds."""
SECONDS = {"hour": HOUR, "month": 730 * HOUR}
"""What a price may be for; a month is a twelfth of 365 days, as clouds count it."""
JOULES_PER_KWH = 3.6e6
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PriceEntry(Record):
    """One price of a list."""

    of: str
    """A resource, such as ``tiers.dram.capacity`` or ``links.*.bandwidth``, or a whole part, such as ``units.gpu0``."""
    kind: str | None = None
    """Only of parts of this kind, such as ``ddr``; of any when absent."""
    price: Amount
    """In the list's currency."""
    per: str | None = None
    """How much of the resource that buys, such as ``1 GiB``; absent for a whole part."""
    every: Literal["hour", "month", "once"] = "once"
    """What the price is for: an hour or a month of use, or it is paid once."""
    source: str
    """Where it is from."""
    date: str
    """When it was valid."""


class ElectricityPrice(Record):
    """The price of energy."""

    price_per_kwh: Amount
    """In the list's currency."""
    source: str
    """Where it is from."""
    date: str
    """When it was valid."""


class PriceFile(Record):
    """A price list's file."""

    summary: str = ""
    """What the list is."""
    currency: str
    """Of all its prices."""
    years: Annotated[float, Field(gt=0, le=100)] | None = None
    """What is paid once is written off over so many years."""
    electricity: ElectricityPrice | None = None
    """Of the energy that a run takes; not counted when absent."""
    prices: list[PriceEntry]
    """The first that fits a resource counts."""


@dataclass(frozen=True)
class Prices:
    """A price list, ready to use."""

    file: PriceFile

    @property
    def currency(self) -> str:
        """The currency of all prices."""
        return self.file.currency

    def price(self, knob: Knob, scenario: Scenario) -> tuple[float, PriceEntry] | None:
        """Return the price of one base unit of a resource (a byte, a byte/s ...), and its entry; ``None`` without."""
        for entry in self.file.prices:
            if entry.per is not None and fnmatchcase(knob.path, entry.of) and _of_kind(entry, knob.path, scenario):
                return entry.price / parse(entry.per, dimension(knob.path)), entry
        return None

    def priced(self, scenario: Scenario) -> list[Knob]:
        """Return the resources of a scenario that have a price, and of which more can be bought."""
        return [knob for knob in knobs(scenario) if knob.turn != "time" and self.price(knob, scenario)]

    def per_second(self, entry: PriceEntry, amount: float) -> float:
        """Return an amount of money as money per second of use."""
        if entry.every == "once":
            return amount / ((self.file.years or 1.0) * 365 * 24 * HOUR)
        return amount / SECONDS[entry.every]

    def rate(self, scenario: Scenario) -> float:
        """Return what all that has a price costs per second of use."""
        total = 0.0
        for knob in self.priced(scenario):
            found = self.price(knob, scenario)
            if found is not None:
                total += self.per_second(found[1], found[0] * knob.value)
        return total + sum(self.per_second(entry, entry.price) for entry in self._parts(scenario))

    def _parts(self, scenario: Scenario) -> Iterator[PriceEntry]:
        for path in scenario.machine.parts():
            fits = (e for e in self.file.prices if e.per is None and fnmatchcase(path, e.of))
            yield from [entry for entry in fits if _of_kind(entry, path, scenario)][:1]

    def of_run(self, scenario: Scenario, found: Mapping[str, Number]) -> float:
        """Return what a run costs in the currency: what has a price, for the time that it took, and its energy."""
        power = self.file.electricity.price_per_kwh / JOULES_PER_KWH if self.file.electricity else 0.0
        seconds = float(found.get("elapsed_ps", 0)) * 1e-12
        return self.rate(scenario) * seconds + power * float(found.get("energy_j.total", 0))


def _of_kind(entry: PriceEntry, path: str, scenario: Scenario) -> bool:
    part = scenario.machine.parts().get(".".join(path.split(".")[:2]))
    return entry.kind is None or getattr(part, "kind", None) == entry.kind


def read_prices(path: str | Path) -> Prices:
    """Read a price list.

    Raises:
        ConfigError: all its mistakes at once, each with its line.
    """
    tree = read(path)
    content, problems = validated(PriceFile, tree.data)
    if content is not None:
        problems = [problem for i, entry in enumerate(content.prices) for problem in _wrong(i, entry)]
        if any(entry.every == "once" for entry in content.prices) and content.years is None:
            problems.append((("years",), "required key is missing: what is paid once is written off over `years`"))
    if content is None or problems:
        raise ConfigError([tree.mistake(path, what) for path, what in problems])
    return Prices(content)


def _wrong(i: int, entry: PriceEntry) -> list[Problem]:
    """Return what is wrong with an entry: a group or resource that does not exist, an amount in the wrong unit."""
    group, _, rest = entry.of.partition(".")
    name, _, resource = rest.partition(".")
    if group not in RESOURCES or not name:
        what = f"`{entry.of}` is no resource; expected such as tiers.dram.capacity, links.*.bandwidth or units.gpu0"
        return [(("prices", i, "of"), what)]
    if bool(resource) != (entry.per is not None):
        what = "needs `per`: how much that buys, such as 1 GiB" if resource else "a whole part has no `per`"
        return [(("prices", i, "of"), f"`{entry.of}` {what}" if resource else f"`{entry.of}`: {what}")]
    if resource and resource not in RESOURCES[group]:
        known = RESOURCES[group]
        what = f"no resource `{resource}`{nearest(resource, known)} ({group} have {', '.join(known)})"
        return [(("prices", i, "of"), what)]
    if resource and entry.per is not None:
        try:
            if not parse(entry.per, dimension(entry.of)):
                return [(("prices", i, "per"), "must be more than 0")]
        except UnitError as why:
            return [(("prices", i, "per"), str(why))]
    return []
