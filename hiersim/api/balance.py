"""Balance of a run: what each unit, tier and link alone would need, which binds, and what could be gained without it.

After the roofline (Williams, Waterman and Patterson, CACM 52(4), 2009): a run takes at least as long as its busiest
resource. Of operations the needs are exact sums over them; of other runs they follow from how much each part was used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from hiersim.engine.operations import KindResult, OperationsResult
from hiersim.engine.result import Result, Stall
from hiersim.machine import Machine

Sort = Literal["unit", "tier", "link"]


@dataclass(frozen=True)
class Resource:
    """Something that was used.

    Attributes:
        name: a unit, or a tier or link with its direction where they differ, such as ``pcie.forward``.
        sort: ``unit``, ``tier`` or ``link``.
        needs_ps: picoseconds that what it had to do takes with nothing else to wait for.
        share: of the run's time.
        at_most: how many times faster the run could be at most if it were infinitely fast; ``None``: without bound.
    """

    name: str
    sort: Sort
    needs_ps: int
    share: float
    at_most: float | None


@dataclass(frozen=True)
class Work:
    """Operations of a kind, or all that a unit did where a run has no operations.

    Attributes:
        name: of the kind, or of the unit.
        unit: who computed; empty of copies.
        count: operations, or accesses, or steps that served requests.
        flops: FLOPs; 0 where they are not known.
        bytes: read and written near the unit; of copies the bytes that they named.
        intensity: FLOPs for each byte near the unit; ``None`` without either.
        compute_ps, near_ps: picoseconds that the FLOPs alone, and the bytes alone, take.
        busy_ps: picoseconds in which they worked, one by one.
        stalled_ps: picoseconds that units waited before they could.
        binding: what took longest of these: the unit, its near tier, or what was waited for.
    """

    name: str
    unit: str
    count: int
    flops: int
    bytes: int
    intensity: float | None
    compute_ps: int
    near_ps: int
    busy_ps: int
    stalled_ps: int
    binding: str


@dataclass(frozen=True)
class Balance:
    """A run's balance.

    Attributes:
        name: of the run.
        machine: what it ran on.
        elapsed_ps: how long it took; of operations until the last was over.
        bound_ps: the least that it could take: its busiest resource, or its longest chain of operations.
        critical_path_ps: that chain; ``None`` where there are no operations.
        resources: most needed first.
        work: by kind of operation, or by unit.
    """

    name: str
    machine: str
    elapsed_ps: int
    bound_ps: int
    critical_path_ps: int | None
    resources: tuple[Resource, ...]
    work: tuple[Work, ...]

    @property
    def binding(self) -> str:
        """The resource that needs most; ``-`` where nothing was used."""
        return self.resources[0].name if self.resources else "-"

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain numbers and texts."""
        return {**asdict(self), "binding": self.binding}


def balance(result: Result, machine: Machine | None = None) -> Balance:
    """Return the balance of a run of any kind.

    Args:
        result: the run.
        machine: what it ran on, from which the FLOPs of a run without operations follow.
    """
    operations = result.operations
    elapsed = operations.makespan_ps if operations else result.elapsed_ps
    needs = _of_operations(result, operations) if operations else _of_parts(result)
    chain = operations.critical_path_ps if operations else None
    work = _kinds(result, operations) if operations else _units(result, machine)
    return Balance(
        name=result.name,
        machine=result.machine,
        elapsed_ps=elapsed,
        bound_ps=max([*needs.values(), chain or 0], default=0),
        critical_path_ps=chain,
        resources=tuple(_resources(result, needs, elapsed)),
        work=tuple(work),
    )


def _of_operations(result: Result, operations: OperationsResult) -> dict[str, int]:
    """Return what units compute, and what ports and links have to move; a unit's bytes are those of its near tier."""
    units = {
        name: operations.computing.get(name, ps) for name, ps in operations.resources.items() if name in result.units
    }
    return {name: ps for name, ps in (operations.resources | units).items() if ps}


def _of_parts(result: Result) -> dict[str, int]:
    """Return what each part of any run had to do, from the share of the time that it was at work on payload."""
    needs = {name: unit.busy_compute_ps for name, unit in result.units.items()}
    needs |= {name: round(tier.utilisation * result.elapsed_ps) for name, tier in result.tiers.items()}
    for name, link in result.links.items():
        needs[f"{name}.forward"] = round(link.forward_utilisation * result.elapsed_ps)
        needs[f"{name}.backward"] = round(link.backward_utilisation * result.elapsed_ps)
    return {name: ps for name, ps in needs.items() if ps}


def _resources(result: Result, needs: dict[str, int], elapsed: int) -> Iterator[Resource]:
    for name, ps in sorted(needs.items(), key=lambda item: (-item[1], item[0])):
        rest = max((other for key, other in needs.items() if key != name), default=0)
        yield Resource(
            name, _sort(result, name), ps, ps / elapsed if elapsed else 0.0, elapsed / rest if rest else None
        )


def _sort(result: Result, name: str) -> Sort:
    if name in result.units:
        return "unit"
    return "link" if name in result.links or name.rpartition(".")[0] in result.links else "tier"


def _kinds(result: Result, operations: OperationsResult) -> Iterator[Work]:
    """Return the work of each kind of operation, most time first."""
    for name, kind in sorted(operations.kinds.items(), key=lambda item: -item[1].busy_ps - item[1].stalled_ps):
        near = kind.read_bytes + kind.written_bytes
        yield Work(
            name=name,
            unit=kind.unit,
            count=kind.count,
            flops=kind.flops,
            bytes=near or kind.moved_bytes,
            intensity=kind.intensity if kind.flops else None,
            compute_ps=kind.compute_ps,
            near_ps=kind.near_ps,
            busy_ps=kind.busy_ps,
            stalled_ps=kind.stalled_ps,
            binding=_binding(result, kind),
        )


def _binding(result: Result, kind: KindResult) -> str:
    """Return what took longest of a kind's operations: computing, the near tier, or one place that was waited for."""
    took: dict[str, int] = {}
    if kind.unit:
        took = {kind.unit: kind.compute_ps, result.units[kind.unit].near: kind.near_ps}
    _add_stalls(took, kind.stalls)
    return max(took, key=lambda name: took[name]) if any(took.values()) else "-"


def _add_stalls(took: dict[str, int], stalls: Iterable[Stall]) -> None:
    """Add what was waited for; a fetch that others began is no work of the tier that it comes into."""
    for stall in stalls:
        name = f"fetches to {stall.place}" if stall.kind == "joined" else stall.place
        took[name] = took.get(name, 0) + stall.ps


def _units(result: Result, machine: Machine | None) -> Iterator[Work]:
    """Return what each unit did in a run without operations; FLOPs are its time computing, at its full rate."""
    for name, unit in result.units.items():
        if not unit.busy_ps and not unit.stalled_ps:
            continue
        tier, rate = result.tiers.get(unit.near), _rate(machine, name)
        near = tier.read_total + tier.written_total if tier else 0
        flops = round(unit.busy_compute_ps / 1e12 * rate)
        took = {name: unit.busy_compute_ps, unit.near: unit.busy_near_ps}
        _add_stalls(took, unit.stalls)
        yield Work(
            name=name,
            unit=name,
            count=result.requests.steps if result.requests else result.accesses,
            flops=flops,
            bytes=near,
            intensity=flops / near if flops and near else None,
            compute_ps=unit.busy_compute_ps,
            near_ps=round(tier.utilisation * result.elapsed_ps) if tier else 0,
            busy_ps=unit.busy_ps,
            stalled_ps=unit.stalled_ps,
            binding=max(took, key=lambda place: took[place]),
        )


def _rate(machine: Machine | None, unit: str) -> float:
    """Return the FLOP/s that a unit reaches in its fastest format of 16 bits, else its first; 0 if not known."""
    if machine is None or unit not in machine.units or not machine.units[unit].flops:
        return 0.0
    own = machine.units[unit]
    formats = {str(name): float(rate) for name, rate in own.flops.items()}
    peak = next((formats[name] for name in ("bf16", "fp16") if name in formats), next(iter(formats.values())))
    return peak * own.efficiency
