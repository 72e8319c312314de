"""A machine: tiers, links and units, checked to be connected."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import model_validator

from hiersim.errors import nearest
from hiersim.machine.link import Link
from hiersim.machine.record import Name, Part, Problem, Record, problems_error
from hiersim.machine.tier import Tier
from hiersim.machine.unit import Unit


class Machine(Record):
    """Tiers, links and units by name, in order from near to far."""

    name: str = "machine"
    """What it is called in reports."""
    summary: str = ""
    """What it is, in a sentence."""
    tiers: dict[Name, Tier]
    """The places that store bytes."""
    links: dict[Name, Link] = {}
    """What connects them."""
    units: dict[Name, Unit]
    """What computes."""

    @model_validator(mode="after")
    def _connected(self) -> Machine:
        problems = [*self._empty(), *self._names_taken(), *self._dangling()]
        if not problems:
            problems = self._unreachable()
        if problems:
            raise problems_error(problems)
        return self

    def _empty(self) -> list[Problem]:
        groups = (("tiers", self.tiers, "tier"), ("units", self.units, "unit"))
        return [((key,), f"a machine needs at least one {noun}") for key, group, noun in groups if not group]

    def _names_taken(self) -> list[Problem]:
        """Find links and units that are called like another part: reports name parts without saying their sort."""
        taken: list[Problem] = []
        for name in self.links:
            if name in self.tiers:
                taken.append((("links", name), "a tier has this name too; names are unique in a machine"))
        for name in self.units:
            if name in self.tiers or name in self.links:
                sort = "tier" if name in self.tiers else "link"
                taken.append((("units", name), f"a {sort} has this name too; names are unique in a machine"))
        return taken

    def _dangling(self) -> list[Problem]:
        """Find link ends and near tiers that name no tier, and links from a tier to itself."""
        problems: list[Problem] = []
        for name, link in self.links.items():
            for end, tier in enumerate(link.between):
                if tier not in self.tiers:
                    problems.append((("links", name, "between", end), unknown_tier(tier, self.tiers)))
            if link.between[0] == link.between[1]:
                problems.append((("links", name, "between"), "a link connects two different tiers"))
        for name, unit in self.units.items():
            if unit.tier not in self.tiers:
                problems.append((("units", name, "tier"), unknown_tier(unit.tier, self.tiers)))
        return problems

    def _unreachable(self) -> list[Problem]:
        problems: list[Problem] = []
        for name, unit in self.units.items():
            reached = {unit.tier}
            for _ in self.links:
                reached |= {t for link in self.links.values() if reached & set(link.between) for t in link.between}
            lost = [tier for tier in self.tiers if tier not in reached]
            if lost:
                problems.append((("units", name), f"no link leads from `{unit.tier}` to {', '.join(lost)}"))
        return problems

    def parts(self) -> dict[str, Part]:
        """Return every tier, link and unit by dotted path, such as ``tiers.hbm``."""
        groups = (("tiers", self.tiers), ("links", self.links), ("units", self.units))
        return {f"{group}.{name}": part for group, members in groups for name, part in members.items()}

    def estimates(self) -> list[str]:
        """Return the dotted paths of all figures that are estimates, such as ``tiers.hbm.read_latency``."""
        return [f"{path}.{field}" for path, part in self.parts().items() for field in part.estimates()]

    def next_tier(self, tier: str, order: Sequence[str] | None = None) -> str | None:
        """Return the tier that a managed tier demotes to and misses to, or ``None`` for the last.

        It is the following one in ``order`` (managed tiers from near to far; all tiers in the machine's order when
        absent) that is not private. A tier is private when it is the near tier of a unit of some kind and another unit
        of that kind has another near tier: with two GPUs, ``hbm0`` and ``hbm1`` both lead to ``dram``.
        """
        order = list(self.tiers if order is None else order)
        near = [(unit.kind, unit.tier) for unit in self.units.values()]
        private = {tier for kind, tier in near if any(other == kind and far != tier for other, far in near)}
        return next((far for far in order[order.index(tier) + 1 :] if far not in private), None)

    def chain(self, unit: str, order: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return the tiers that a unit looks through: its near tier, the next of that, and so on.

        Args:
            unit: the unit's name.
            order: the managed tiers from near to far; all of the machine's in its own order when absent.
        """
        tier: str | None = self.units[unit].tier
        tiers: list[str] = []
        while tier is not None:
            tiers.append(tier)
            tier = self.next_tier(tier, order)
        return tuple(tiers)


def unknown_tier(name: str, tiers: Sequence[str] | dict[str, Tier]) -> str:
    """Return the message for a tier name that the machine lacks."""
    return f"no tier `{name}`{nearest(name, tiers)} (the machine has {', '.join(tiers) or 'none'})"
