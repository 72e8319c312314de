"""A machine explained for the terminal: drawn as a tree, its routes, estimates, and parts with their sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from hiersim.api.device_numbers import SIZES, sides
from hiersim.api.device_routes import Route, balance, devices_of, routes
from hiersim.api.devices import Device
from hiersim.machine import Machine
from hiersim.report.device_explain import GUESS, figures_table, heading, numbered, plain_table, source_lines
from hiersim.report.format import capacity, duration, plural, traffic
from hiersim.units import show


def explain_machine(machine: Machine) -> RenderableType:
    """Return all about a machine: its shape, what each unit sees of each tier, and every figure with its source."""
    parts = devices_of(machine)
    blocks: list[RenderableType] = [heading(machine.name, "machine", machine.summary), "", *machine_tree(machine), ""]
    for direction in ("read", "write"):
        blocks += [RoutesTable(routes(machine, direction)), ""]
    words = "in flight: bytes, and transfers of each size, that use the bandwidth; queue: what its parts let through"
    blocks += [Text(words, style="dim"), "", *_balances(machine), "", *_rests_on(machine), ""]
    sources = numbered([part.figures for part in parts.values()])
    for path, part in parts.items():
        title = Text.assemble((path, "bold cyan"), f"  {part.title}")
        blocks += [title, figures_table(part.figures, sources), ""]
    return Group(*blocks, *source_lines(sources))


def machine_tree(machine: Machine) -> Iterator[RenderableType]:
    """Yield a drawing of the machine: a tree from the first unit's near tier outwards, links on the branches."""
    parts = devices_of(machine)
    near = next(iter(machine.units.values())).tier
    root = Tree(Text.assemble(*_units(machine, parts, near)), guide_style="dim")
    branches, drawn = {near: root.add(_tier(near, parts, machine, near))}, set()
    frontier = [near]
    while frontier:
        tier = frontier.pop(0)
        for name, link in machine.links.items():
            if tier not in link.between or name in drawn:
                continue
            drawn.add(name)
            other = link.between[1] if link.between[0] == tier else link.between[0]
            words = _link(name, parts[f"links.{name}"], tier == link.between[0])
            if other in branches:
                branches[tier].add(words.append(f" to {other}", style="bold"))
            else:
                branches[other] = branches[tier].add(words).add(_tier(other, parts, machine, near))
                frontier.append(other)
    yield root


def _units(machine: Machine, parts: dict[str, Device], near: str) -> Iterator[tuple[str, str]]:
    """Yield the words of the units at a near tier."""
    for i, (name, unit) in enumerate((n, u) for n, u in machine.units.items() if u.tier == near):
        dtype, peak = next(iter(unit.flops.items()))
        title = parts[f"units.{name}"].title
        yield (", " if i else "") + name, "bold"
        yield f"  {title + ', ' if title else ''}{show(peak, 'FLOP/s')} {dtype}", "default"


def _tier(name: str, parts: dict[str, Device], machine: Machine, root: str) -> Text:
    """Return a tier's words: kind, capacity, effective bandwidths, read latency, units that are near it."""
    tier = machine.tiers[name]
    words = Text(name, style="bold")
    read, write = (side.bandwidth or 0.0 for side in sides(parts[f"tiers.{name}"]))
    rates = show(read, "bytes/s") if read == write else f"{show(read, 'bytes/s')} read, {show(write, 'bytes/s')} write"
    facts = [tier.kind] * (tier.kind != name) + [show(tier.capacity, "bytes"), rates, duration(tier.read_latency)]
    words.append(f"  {', '.join(facts)}", style="default")
    others = [unit for unit, each in machine.units.items() if each.tier == name != root]
    return words.append(f"  by {', '.join(others)}", style="dim") if others else words


def _link(name: str, device: Device, outwards: bool) -> Text:
    """Return a link's words; its bandwidths outwards and back are those of the two directions on the way."""
    forward, backward = (side.bandwidth or 0.0 for side in sides(device))
    out, back = (forward, backward) if outwards else (backward, forward)
    both = f"{show(out, 'bytes/s')} out, {show(back, 'bytes/s')} back"
    rates = f"{show(out, 'bytes/s')} each way" if out == back else both
    if device.choice("duplex", "full") == "half":
        rates = f"{show(out, 'bytes/s')} shared"
    delay = sides(device)[0].delay or 0.0
    return Text.assemble((name, "cyan"), f"  {device.kind}, {rates}, {duration(delay)}")


@dataclass(frozen=True)
class RoutesTable:
    """What each unit sees of each tier in one direction, end to end; narrower where the console is."""

    found: Sequence[Route]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        several = len({each.unit for each in self.found}) > 1
        first = "reads of" if self.found[0].direction == "read" else "writes to"
        sizes = [(capacity(size), "right") for size in SIZES]
        columns = [(first, "left"), ("latency", "right"), ("bandwidth", "right"), ("bound by", "left")]
        columns += [("in flight", "right"), *sizes, ("queue", "right"), ("pJ/bit", "right")]
        made = plain_table(*columns, gap=2 if options.max_width >= 100 else 1)
        unit = ""
        for each in self.found:
            if several and each.unit != unit:
                made.add_row(Text(f"by {each.unit}", style="cyan"))
            unit = each.unit
            made.add_row(*map(Text, _route_cells(each, "  " * several)))
        yield made


def _route_cells(each: Route, indent: str) -> list[str]:
    guess = GUESS if each.estimates else ""
    cells = [indent + each.tier, guess + duration(each.latency), show(each.bandwidth, "bytes/s"), each.bottleneck]
    cells += [guess + traffic(each.in_flight), *(f"{count:,}" for count in each.requests.values())]
    queue = "-" if each.depth is None else f"{each.depth:,}"
    return [*cells, queue, "-" if each.energy is None else f"{each.energy:.3g}"]


def _balances(machine: Machine) -> Iterator[RenderableType]:
    """Yield, per unit, the FLOPs per byte from which on its near tier does not bound it."""
    for name, unit in machine.units.items():
        balances = balance(machine, name, unit.tier)
        words = ", ".join(f"{dtype} {flops:.3g}" for dtype, flops in balances.items())
        made = Table.grid(padding=(0, 2, 0, 0))
        made.add_column(no_wrap=True, style="bold")
        made.add_column(overflow="fold")
        made.add_row("balance", Text(f"{name} computes as long as {unit.tier} reads at {words} FLOP per byte"))
        yield made


def _rests_on(machine: Machine) -> Iterator[RenderableType]:
    """Yield the estimates that the machine rests on, part by part."""
    estimates = machine.estimates()
    if not estimates:
        yield Text("rests on no estimate", style="bold")
        return
    yield Text.assemble(("rests on ", "bold"), plural(len(estimates), "estimate"), f", marked {GUESS} above:")
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for path in machine.parts():
        own = [each.removeprefix(f"{path}.").replace("_", " ") for each in estimates if each.startswith(f"{path}.")]
        if own:
            made.add_row(Text(path, style="bold"), Text(", ".join(own)))
    yield Padding(made, (0, 0, 0, 2))
