"""Energy of a run: bytes on the wire x pJ/bit, background power x time, compute power x busy time (section 10)."""

from __future__ import annotations

from hiersim.engine import columns as c
from hiersim.engine.core import Core
from hiersim.machine import Link, Tier, Unit

JOULES_PER_PICOJOULE = 1e-12
SECONDS_PER_PICOSECOND = 1e-12


def energy_by_part(core: Core) -> dict[str, float]:
    """Return joules by part and cause, such as ``tiers.hbm.read`` or ``links.pcie.background``.

    A part whose figure is unknown has no entry: it is not counted as 0. See ``missing_figures``.
    """
    plan, machine = core.plan, core.plan.machine
    seconds = core.now * SECONDS_PER_PICOSECOND
    joules: dict[str, float] = {}
    for name in plan.order:
        joules.update(_tier(core, name, machine.tiers[name], seconds))
    for name in used_links(core):
        joules.update(_link(core, name, machine.links[name], seconds))
    for number, name in enumerate(plan.units):
        busy = int(core.world.units[number, [c.U_BUSY_COMPUTE, c.U_ACTIVE]].sum()) * SECONDS_PER_PICOSECOND
        joules.update(_unit(name, machine.units[name], busy, seconds))
    return joules


def used_links(core: Core) -> list[str]:
    """Return the links that some route of the run crosses, in the machine's order."""
    hops = {hop for _, steps in core.plan.routes for hop, _ in steps}
    return [name for name in core.plan.machine.links if core.plan.link_step[name, 0][0] in hops]


def missing_figures(core: Core) -> list[str]:
    """Return the energy figures that the run lacks, such as ``tiers.hbm.background_power``."""
    machine = core.plan.machine
    wanted: list[tuple[str, Tier | Link | Unit, tuple[str, ...]]] = []
    for name in core.plan.order:
        tier = machine.tiers[name]
        power = () if tier.energy_basis == "total" else ("background_power",)
        wanted.append((f"tiers.{name}", tier, ("read_energy", "write_energy", *power)))
    wanted += [(f"links.{name}", machine.links[name], ("energy",)) for name in used_links(core)]
    wanted += [(f"units.{name}", unit, ("active_power", "idle_power")) for name, unit in machine.units.items()]
    return [f"{path}.{field}" for path, part, fields in wanted for field in fields if getattr(part, field) is None]


def _dynamic(wire_bytes: int, pj_per_bit: float | None) -> float | None:
    return None if pj_per_bit is None else wire_bytes * 8 * pj_per_bit * JOULES_PER_PICOJOULE


def _present(path: str, parts: dict[str, float | None]) -> dict[str, float]:
    return {f"{path}.{name}": value for name, value in parts.items() if value is not None}


def _power(watts: float | None, seconds: float) -> float | None:
    return None if watts is None else watts * seconds


def _tier(core: Core, name: str, tier: Tier, seconds: float) -> dict[str, float]:
    wire = [int(core.world.wire[core.plan.tier_step[name, i]]) for i in (0, 1)]
    return _present(
        f"tiers.{name}",
        {
            "read": _dynamic(wire[0], tier.read_energy),
            "write": _dynamic(wire[1], tier.write_energy),
            "activation": _activation(core, name, tier),
            "background": _power(tier.background_power, seconds),
        },
    )


def _activation(core: Core, name: str, tier: Tier) -> float | None:
    if tier.activation is None:
        return None
    opened = sum(int(core.world.hops[hop, c.H_OPENED]) for hop in {core.plan.tier_step[name, i][0] for i in (0, 1)})
    return opened * tier.activation.energy * JOULES_PER_PICOJOULE


def _link(core: Core, name: str, link: Link, seconds: float) -> dict[str, float]:
    wire = sum(int(core.world.wire[core.plan.link_step[name, i]]) for i in (0, 1))
    return _present(
        f"links.{name}",
        {"transfer": _dynamic(wire, link.energy), "background": _power(link.background_power, seconds)},
    )


def _unit(name: str, unit: Unit, busy: float, seconds: float) -> dict[str, float]:
    return _present(
        f"units.{name}",
        {"compute": _power(unit.active_power, busy), "idle": _power(unit.idle_power, seconds - busy)},
    )
