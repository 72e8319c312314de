"""Writes the report: one HTML file, with its pictures, its style and its script inside."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from hiersim.config.text import read_text
from hiersim.engine.result import Result
from hiersim.errors import ConfigError
from hiersim.report import gallery
from hiersim.report.files import write_files
from hiersim.report.format import count
from hiersim.report.known import told
from hiersim.report.page import words
from hiersim.report.page.cells import Table
from hiersim.report.page.tables import comparison, intervals, others, tables_of
from hiersim.report.reading import Saved
from hiersim.report.tables import tables

Tell = Callable[[Result], Sequence[str]]
Changed = Callable[[Saved, Saved], Sequence[str]]


def _nothing(result: Result) -> list[str]:
    return []


@dataclass(frozen=True)
class Words:
    """What says in sentences what results show.

    Attributes:
        tell: what a result shows.
        why: what bounds it.
        changed: what changed from one result to another, and why; when absent only which took longer.
    """

    tell: Tell = words.told
    why: Tell = _nothing
    changed: Changed | None = None


@dataclass(frozen=True)
class Drawn:
    """A picture as SVG to stand in the page."""

    id: str
    caption: str
    svg: str


@dataclass(frozen=True)
class Run:
    """A run in the page."""

    name: str
    machine: str
    told: list[str]
    why: Sequence[str]
    pictures: list[Drawn]
    tables: list[Table]
    scenario: str
    provenance: list[tuple[str, str]]


@dataclass(frozen=True)
class Page:
    """What the template is filled with; ``told``, ``tables`` and ``pictures`` compare several runs."""

    title: str
    subtitle: str
    runs: list[Run]
    told: list[str]
    tables: list[Table]
    pictures: list[Drawn]


def write_report(saved: Sequence[Saved], path: Path | str, say: Words | None = None) -> Path:
    """Write the report of one result, or of several that are compared, whole or not at all; return the path.

    Args:
        saved: what ``read_result`` returned.
        path: of the HTML file.
        say: says in sentences what results show.

    Raises:
        OutputError: it cannot be written.
    """
    path = Path(path)
    return write_files(path.parent, {path.name: html(saved, say).encode()})[0]


def html(saved: Sequence[Saved], say: Words | None = None) -> str:
    """Return the report as a text; arguments as ``write_report``."""
    from jinja2 import Environment, StrictUndefined

    here = files(__package__)
    style, script, template = (
        here.joinpath(name).read_text(encoding="utf-8") for name in ("style.css", "script.js", "report.html")
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    from markupsafe import Markup

    made = environment.from_string(template)
    return made.render(page=page_of(saved, say or Words()), style=Markup(style), script=Markup(script)) + "\n"


def page_of(saved: Sequence[Saved], say: Words) -> Page:
    """Return what the page shows."""
    names = names_of(saved)
    runs = [_run(name, each, f"run{i}", say) for i, (name, each) in enumerate(zip(names, saved, strict=True), 1)]
    pairs = [(name, each.result) for name, each in zip(names, saved, strict=True)]
    if len(saved) == 1:
        facts = f"hiersim {saved[0].result.provenance.get('hiersim', '')}".strip()
        return Page(names[0], f"{saved[0].result.machine} · {facts}", runs, [], [], [])
    alive = [(name, result) for name, result in pairs if result.elapsed_ps]
    known = {"intervals": [each.intervals for each in saved if each.result.elapsed_ps]}
    shown = [replace(result, name=name) for name, result in alive]
    compared = gallery.COMPARED if alive else ()
    pictures = [_drawn(each, shown, "compared", **(known if each.known else {})) for each in compared]
    title = f"{count(len(saved))} runs compared"
    return Page(title, " · ".join(names), runs, _changes(saved, pairs, say), [comparison(pairs)], pictures)


def _changes(saved: Sequence[Saved], pairs: Sequence[tuple[str, Result]], say: Words) -> list[str]:
    """Return what changed from the first result to each other."""
    if say.changed is None:
        return words.compared(pairs)
    results = [replace(result, name=name) for name, result in pairs]
    first, *others = [replace(each, result=result) for each, result in zip(saved, results, strict=True)]
    compared = [] if first.empty else [other for other in others if not other.empty]
    return [sentence for other in compared for sentence in say.changed(first, other)]


def names_of(saved: Sequence[Saved]) -> list[str]:
    """Return what to call each run: its name, with its folder where two have the same."""
    names = [each.result.name for each in saved]
    if len(set(names)) == len(names):
        return names
    return [f"{name} ({each.path.parent.name or each.path.stem})" for name, each in zip(names, saved, strict=True)]


def _run(name: str, saved: Saved, prefix: str, say: Words) -> Run:
    result = saved.result
    return Run(
        name=name,
        machine=result.machine,
        told=[*say.tell(result), *told(saved.document)],
        why=say.why(result),
        pictures=[] if saved.empty else _pictures(saved, prefix),
        tables=[] if saved.empty else _tables(saved, prefix),
        scenario=saved.scenario,
        provenance=_provenance(result),
    )


def _tables(saved: Saved, prefix: str) -> list[Table]:
    known = [intervals(saved, prefix)] if saved.intervals else []
    return [*tables_of(saved.result, prefix), *known, *others(saved.path.parent, set(tables(saved.result)), prefix)]


def _pictures(saved: Saved, prefix: str) -> list[Drawn]:
    """Draw what there is to be drawn of a run; what is of its machine, where the scenario is there and reads."""
    more: dict[str, Any] = {}
    with contextlib.suppress(ConfigError):
        if saved.scenario:
            scenario = read_text(saved.scenario)
            replayed = saved.result.operations is None and saved.result.requests is None
            more = {"machine": scenario.machine, "dtype": scenario.replay.dtype if replayed else ""}
    shown = [each for each in gallery.OF_A_RUN if each.fits(saved.result) and (more or not each.of_machine)]
    known = {"intervals": saved.intervals} if saved.intervals else {}
    return [
        _drawn(each, saved.result, prefix, **(more if each.of_machine else {}), **(known if each.known else {}))
        for each in shown
    ]


def _drawn(picture: gallery.Picture, shown: Any, prefix: str, **more: Any) -> Drawn:
    """Draw a picture, with ids that no other picture of the page has."""
    name = f"{prefix}-{picture.name}"
    svg = picture.file(shown, "svg", **more).decode()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return Drawn(name, picture.caption, svg.replace("<svg ", f'<svg role="img" aria-label="{picture.title}" ', 1))


def _provenance(result: Result) -> list[tuple[str, str]]:
    """Return what the result rests on, by name; what is empty is left out."""
    return [(name.replace("_", " "), text) for name, value in result.provenance.items() if (text := _text(value))]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name} {text}" for name, each in value.items() if (text := _text(each)))
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return "" if value is None else f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)
