"""A part explained for the terminal: its figures with their sources, what is not known, and what follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hiersim.api.device_numbers import Derived, Requests, derived, requests
from hiersim.api.devices import Device, Figure
from hiersim.report.format import capacity, count, duration, joules, traffic
from hiersim.units import show

GUESS = "~"
"""Stands before numbers that rest on an estimate."""


def explain_part(device: Device) -> RenderableType:
    """Return all about a part of the catalogue."""
    sources = numbered([device.figures])
    blocks: list[RenderableType] = [heading(device.name, f"{device.sort}, {device.kind}", device.title), ""]
    blocks += [figures_table(device.figures, sources), "", *_absent(device)]
    numbers = derived(device)
    if numbers:
        blocks += [each for made in number_tables(device, numbers) for each in ("", made)]
    found = requests(device)
    if found:
        blocks += ["", requests_table(found)]
    if any(device.estimates(number.uses) for number in numbers):
        blocks += ["", Text(f"{GUESS} rests on an estimate", style="dim")]
    return Group(*blocks, "", *source_lines(sources))


def heading(name: str, sort: str, title: str) -> RenderableType:
    """Return a device's name, its sort and what it is."""
    line = Text(name, style="bold")
    line.append(f"  {sort}", style="dim")
    return Group(line, Text(title)) if title else line


def plain_table(*columns: tuple[str, str], gap: int = 2) -> Table:
    """Return a table without lines; each column is a heading and where its text stands (``left``, ``right``, ``fold``).

    The first column is bold; ``gap`` blanks stand between two columns.
    """
    made = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    for i, (name, place) in enumerate(columns):
        made.add_column(
            name,
            justify="right" if place == "right" else "left",
            no_wrap=place != "fold",
            overflow="fold",
            style=None if i else "bold",
        )
    return made


def numbered(groups: Sequence[Mapping[str, Figure]]) -> dict[str, int]:
    """Return the number of each source, counted from 1 in the order in which figures first name it."""
    found = dict.fromkeys(figure.source for group in groups for figure in group.values() if figure.source)
    return {source: i for i, source in enumerate(found, 1)}


def source_lines(sources: Mapping[str, int]) -> Iterator[RenderableType]:
    """Yield each source with its number."""
    for source, number in sources.items():
        made = Table.grid(padding=(0, 1, 0, 0))
        made.add_column(no_wrap=True, style="dim")
        made.add_column(overflow="fold")
        made.add_row(Text(f"[{number}]"), Text(source))
        yield made


def figures_table(figures: Mapping[str, Figure], sources: Mapping[str, int]) -> Table:
    """Return every figure with its value, its confidence and the number of its source."""
    made = plain_table(("figure", "fold"), ("value", "fold"), ("confidence", "left"), ("source", "left"))
    for path, figure in figures.items():
        style = "yellow" if figure.confidence == "estimate" else ""
        reference = f"[{sources[figure.source]}]" if figure.source else ""
        name = Text(path.replace("_", " "))
        made.add_row(name, Text(figure.text), Text(figure.confidence, style=style), Text(reference))
    return made


def _absent(device: Device) -> Iterator[RenderableType]:
    """Yield lines that say what is not known of a part."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True, style="bold")
    made.add_column(overflow="fold")
    required, unknown = ([name.replace("_", " ") for name in names] for names in (device.required(), device.unknown()))
    if required:
        words = f"{', '.join(required)}; a run needs them, so a machine must state its own"
        made.add_row("not known", Text(words, style="yellow"))
    if unknown:
        made.add_row("not stated", Text(", ".join(unknown)))
    if not required and not unknown:
        made.add_row("not known", "nothing that matters for its kind")
    yield made


def amount(value: float | str | None, dimension: str) -> str:
    """Return a value as people read it: sizes of traffic in decimal units, capacities as they are exact."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if dimension == "time":
        return duration(value)
    if dimension == "energy":
        return joules(value / 1e12)
    if dimension == "bytes":
        return show(value, dimension) if value == int(value) else traffic(value)
    if dimension:
        return show(value, dimension)
    return count(int(value)) if value == int(value) else f"{value:.3g}" if abs(value) < 1000 else count(round(value))


def number_tables(device: Device, numbers: Sequence[Derived]) -> Iterator[Table]:
    """Yield the numbers that follow from a part's figures, each with its formula: by direction, then the others."""

    def written(number: Derived | None) -> Text:
        if number is None:
            return Text("-")
        return Text((GUESS if device.estimates(number.uses) else "") + amount(number.value, number.dimension))

    directions = list(dict.fromkeys(number.side for number in numbers if number.side))
    if directions:
        columns = [(side, "right") for side in directions]
        made = plain_table(("what follows", "fold"), *columns, ("how", "fold"))
        for name in dict.fromkeys(number.name for number in numbers if number.side):
            found = {number.side: number for number in numbers if number.name == name}
            formula = next(iter(found.values())).formula
            made.add_row(Text(name), *(written(found.get(side)) for side in directions), Text(formula))
        yield made
    rest = [number for number in numbers if not number.side]
    if rest:
        made = plain_table(("together" if directions else "what follows", "fold"), ("", "right"), ("how", "fold"))
        for number in rest:
            made.add_row(Text(number.name), written(number), Text(number.formula))
        yield made


def requests_table(found: Sequence[Requests]) -> RenderableType:
    """Return how many transfers fill the bandwidth, by direction and size, and what the queue lets through."""
    limited = any(each.depth is not None for each in found)
    columns = [("requests", "left"), ("of", "right"), ("in flight", "right")]
    columns += [("queue", "right")] * limited + [("one alone", "right"), ("at most", "right")]
    made = plain_table(*columns)
    before = ""
    for each in found:
        cells = ["" if each.side == before else each.side, capacity(each.size), f"{each.in_flight:,}"]
        before = each.side
        style = "red" if each.depth is not None and each.depth < each.in_flight else ""
        queue = [Text("-" if each.depth is None else f"{each.depth:,}", style=style)] if limited else []
        speeds = (show(each.alone, "bytes/s"), show(each.at_depth, "bytes/s"))
        made.add_row(*map(Text, cells), *queue, *map(Text, speeds))
    words = "in flight: those in their latency, and one that flows; at most: queue x one alone, within the limits"
    caption = Text(words, style="dim")
    return Group(made, Padding(caption, (0, 0, 0, 2)))
