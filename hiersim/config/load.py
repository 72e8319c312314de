"""Reads a scenario: file, ``extends``, overrides, machine, sections; all its mistakes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from hiersim.config.checks import agent_problems, makes_operations, problems_between
from hiersim.config.compose import beside, compose_machine, is_path, override, read_as_machine, read_composed
from hiersim.config.parts import fill_parts
from hiersim.config.scenario import Scenario
from hiersim.config.serving import serving_problems
from hiersim.config.sorts import expect
from hiersim.config.tree import Place, Tree
from hiersim.errors import ConfigError, Mistake, nearest
from hiersim.machine import ClassRules, Machine, Replay, TierRules
from hiersim.machine.catalogue import absent, fill_in, find_machine
from hiersim.machine.mistakes import problems_of, validated
from hiersim.machine.record import Problem, Record
from hiersim.units import FROM_TEXT

R = TypeVar("R", bound=Record)


def load(path: str | Path, overrides: Sequence[str] = ()) -> Scenario:
    """Read a scenario from a YAML file.

    Args:
        path: the file.
        overrides: values set by dotted path, each as ``"tiers.dram.capacity=512 GiB"``; later ones win.

    Raises:
        ConfigError: with one mistake for each problem, each with its file, line and dotted key.
    """
    tree = read_composed(str(path))
    expect(tree, str(path), "scenario")
    tree.data.setdefault("name", Path(path).stem)
    return _build(override(tree, overrides), FROM_TEXT, all_tiers="tiers" not in tree.data)


def varied(tree: Tree, changes: Mapping[str, Any], place: Place) -> Scenario:
    """Return the scenario of a composed file with other values at dotted paths, each as YAML has it.

    Args:
        tree: what ``compose.read_composed`` returned.
        changes: path -> value.
        place: where the changes were written; a file that one of them names is looked for beside it.

    Raises:
        ConfigError: with one mistake for each problem.
    """
    return _build(override(tree, list(changes.items()), place), FROM_TEXT, all_tiers="tiers" not in tree.data)


def scenario_of(data: Mapping[str, Any]) -> Scenario:
    """Read a scenario from what a YAML file would hold: plain data, quantities as texts with their units.

    Raises:
        ConfigError: with one mistake for each problem.
    """
    return _build(Tree(dict(data)), FROM_TEXT, all_tiers="tiers" not in data)


def load_machine(name: str | Path) -> Machine:
    """Return a machine by its catalogue name or from its own YAML file.

    Raises:
        ConfigError: there is no such machine, or its description is wrong.
    """
    if not is_path(str(name)):
        return find_machine(str(name))
    tree = fill_parts(read_as_machine(str(name)))
    machine, problems = _machine(tree, FROM_TEXT)
    if machine is None:
        places = [tree.place(path) for path, _ in problems]
        raise ConfigError(
            [
                Mistake(".".join(map(str, path[1:])), what, place.file if place else str(name), place and place.line)
                for (path, what), place in zip(problems, places, strict=True)
            ]
        )
    return machine


def replaced(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """Return a scenario with other values at dotted paths; see ``Scenario.replace``."""
    try:
        return _build(override(Tree(scenario.model_dump()), list(changes.items())), {})
    except ConfigError as why:
        raise ConfigError([Mistake(mistake.where, mistake.what) for mistake in why.mistakes]) from None


def _build(tree: Tree, context: dict[str, Any], all_tiers: bool = False) -> Scenario:
    """Make a scenario of plain data, or raise all that is wrong with it.

    Args:
        tree: the data, before its machine is looked up.
        context: ``units.FROM_TEXT`` where quantities need their units.
        all_tiers: tiers that are not mentioned are managed too, by the default rules.
    """
    try:
        tree = fill_parts(compose_machine(tree))
        machine, problems = _machine(tree, context)
        mistakes: list[Mistake] = []
    except ConfigError as why:
        machine, problems, mistakes = None, [], why.mistakes
    _resolve_paths(tree)
    if machine is not None and all_tiers:
        mentioned = tree.data.get("tiers", {})
        if isinstance(mentioned, dict):
            tree.data["tiers"] = {tier: {} for tier in machine.tiers} | mentioned
    parts, more = _sections(tree.data, context)
    classes = {name: rules for name, rules in parts.get("classes", {}).items() if rules is not None}
    executed = tree.data.get("execute") is not None or makes_operations(parts.get("trace"))
    replay = parts.get("replay") if "replay" in tree.data else Replay()
    replay = None if executed and replay == Replay() else replay  # operations have their own units and formats
    tiers, serving = parts.get("tiers", {}), parts.get("serve")
    problems += more + problems_between(machine, tiers, classes, replay, parts.get("trace"))
    if machine is not None and serving is not None:
        problems += serving_problems(machine, tiers or dict.fromkeys(machine.tiers), serving)
    problems += agent_problems([agent.kind for agent in parts.get("agents") or ()])
    mistakes += [tree.mistake(path, what) for path, what in problems]
    if mistakes or machine is None:
        raise ConfigError(sorted(mistakes, key=lambda mistake: (mistake.file or "", mistake.line or 0)))
    return Scenario(machine=machine, **parts)


def _machine(tree: Tree, context: dict[str, Any]) -> tuple[Machine | None, list[Problem]]:
    data = tree.data.get("machine")
    if data is None:
        return None, [(("machine",), "required key is missing: a catalogue name, a path or a description")]
    if not isinstance(data, dict):
        return None, [(("machine",), f"expected a catalogue name, a path or a description, not `{data}`")]
    filled, problems = fill_in(data)
    machine, more = validated(Machine, filled, context)
    bad = {path[:-1] for path, _ in problems}
    problems += [(path, what) for path, what in absent(more, filled) if not any(path[: len(b)] == b for b in bad)]
    return (None if problems else machine), [(("machine", *path), what) for path, what in problems]


def _sections(data: dict[str, Any], context: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Validate every section but the machine by itself, so that one mistake does not hide another."""
    parts: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, value in data.items():
        if key == "machine":
            continue
        if key not in Scenario.model_fields:
            valid = [*Scenario.model_fields, "extends"]
            hint = nearest(key, valid) or f"; allowed are {', '.join(valid)}"
            problems.append(((key,), f"unknown key{hint}"))
        elif key in ("tiers", "classes") and isinstance(value, dict):
            parts[key] = _entries(TierRules if key == "tiers" else ClassRules, key, value, context, problems)
        else:
            _section(key, value, context, parts, problems)
    if "trace" not in data:
        problems.append((("trace",), "required key is missing: a trace's path, or how to make one"))
    return parts, problems


def _section(key: str, value: Any, context: dict[str, Any], parts: dict[str, Any], problems: list[Problem]) -> None:
    annotation: Any = Scenario.model_fields[key].rebuild_annotation()
    try:
        parts[key] = TypeAdapter(annotation).validate_python(value, context=context, strict=True)
    except ValidationError as error:
        problems += [((key, *path), what) for path, what in problems_of(error, annotation)]


def _entries(
    model: type[R], key: str, data: dict[str, Any], context: dict[str, Any], problems: list[Problem]
) -> dict[str, R | None]:
    """Validate the entries of a mapping one by one; a wrong one is ``None`` and adds to ``problems``."""
    entries: dict[str, R | None] = {}
    for name, value in data.items():
        entries[name], wrong = validated(model, value, context)
        problems += [((key, name, *path), what) for path, what in wrong]
    return entries


FILES = ("policy", "admission", "prefetch")
"""Rules of a tier that may name a user's file."""


def _resolve_paths(tree: Tree) -> None:
    """Turn paths of traces and of a user's Python files, relative to the file that names them, into paths from here."""
    trace = tree.data.get("trace")
    if isinstance(trace, str):
        trace = tree.data["trace"] = {"path": trace}
    if isinstance(trace, dict) and isinstance(trace.get("path"), str):
        tree.data["trace"] = trace | {"path": beside(tree, ("trace", "path"), trace["path"])}
    tiers = tree.data.get("tiers")
    for name, rules in tiers.items() if isinstance(tiers, dict) else ():
        for key in FILES if isinstance(rules, dict) else ():
            choice, path = rules.get(key), ("tiers", name, key)
            if isinstance(choice, str) and is_path(choice):
                rules = tiers[name] = rules | {key: beside(tree, path, choice)}
            elif isinstance(choice, dict) and isinstance(choice.get("name"), str) and is_path(choice["name"]):
                there = beside(tree, (*path, "name"), choice["name"])
                rules = tiers[name] = rules | {key: choice | {"name": there}}
    agents = tree.data.get("agents")
    for i, agent in enumerate(agents if isinstance(agents, list) else ()):
        kind = agent.get("kind") if isinstance(agent, dict) else None
        if isinstance(kind, str) and is_path(kind):
            agents[i] = agent | {"kind": beside(tree, ("agents", i, "kind"), kind)}
    serve = tree.data.get("serve")
    chosen = serve.get("scheduler") if isinstance(serve, dict) else None
    if isinstance(chosen, str):
        chosen = {"kind": chosen}
    if isinstance(chosen, dict) and isinstance(chosen.get("kind"), str) and is_path(chosen["kind"]):
        there = beside(tree, ("serve", "scheduler"), chosen["kind"])
        tree.data["serve"] = serve | {"scheduler": chosen | {"kind": there}}
