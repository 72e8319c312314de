"""Checks between the sections of a scenario: names that must exist elsewhere, and sizes that must fit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from hiersim.config.compose import is_path
from hiersim.config.sections import Generate, TraceSection
from hiersim.errors import ConfigError, HiersimError, nearest
from hiersim.machine import ClassRules, Machine, PolicyChoice, Replay, TierRules
from hiersim.machine.machine import unknown_tier
from hiersim.machine.record import Problem
from hiersim.units import exact

if TYPE_CHECKING:
    from hiersim.policies.family import Family


def problems_between(
    machine: Machine | None,
    tiers: Mapping[str, TierRules | None],
    classes: Mapping[str, ClassRules],
    replay: Replay | None,
    trace: TraceSection | None,
) -> list[Problem]:
    """Return what does not fit together among sections that are right in themselves.

    A section that is wrong in itself is ``None``; its name still counts.
    """
    problems: list[Problem] = []
    for name, rules in tiers.items():
        problems += _policy(("tiers", name, "policy"), rules.policy) if rules else []
        problems += _admission(("tiers", name, "admission"), rules.admission) if rules and rules.admission else []
        problems += _prefetcher(("tiers", name, "prefetch"), rules.prefetch) if rules and rules.prefetch else []
    problems += _trace(trace) if trace else []
    if machine is not None:
        problems += [problem for name, rules in tiers.items() for problem in _tier(machine, list(tiers), name, rules)]
        for name, choice in classes.items():
            problems += _home(machine, tiers, name, choice)
        if replay is not None:
            problems += _unit(machine, tiers, replay)
    return problems


def _home(machine: Machine, tiers: Mapping[str, TierRules | None], name: str, choice: ClassRules) -> list[Problem]:
    if choice.home is None:
        return []
    if choice.home not in machine.tiers:
        return [(("classes", name, "home"), unknown_tier(choice.home, machine.tiers))]
    if choice.home not in tiers:
        return [(("classes", name, "home"), f"`{choice.home}` is not managed by this run; list it under `tiers`")]
    return []


def agent_problems(kinds: list[str]) -> list[Problem]:
    """Return which agents of a scenario do not exist, by their place in the list."""
    known = import_module("hiersim.agents").AGENTS
    found = [(("agents", i, "kind"), unknown_file("agent", kind, known)) for i, kind in enumerate(kinds)]
    return [(where, what) for where, what in found if what]


def unknown_file(sort: str, kind: str, known: Collection[str]) -> str:
    """Say why a name, or the path of a user's Python file, stands for nothing; empty where it does."""
    if kind.endswith(".py"):
        return "" if Path(kind).is_file() else f"no {sort} file `{kind}`"
    return "" if kind in known else f"no {sort} `{kind}`{nearest(kind, known)} ({', '.join(known)}, or a file)"


def _tier(machine: Machine, order: list[str], name: str, rules: TierRules | None) -> list[Problem]:
    if name not in machine.tiers:
        return [(("tiers", name), unknown_tier(name, machine.tiers))]
    problems: list[Problem] = []
    near = {unit.tier for unit in machine.units.values()}
    before = set(order[: order.index(name)])
    if name not in near and near & set(order) and not near & before:
        problems.append((("tiers", name), "stands before the near tier of every unit; list tiers from near to far"))
    physical = machine.tiers[name].capacity
    if rules and rules.capacity is not None and rules.capacity > physical:
        what = f"{exact(rules.capacity, 'bytes')} is more than the {exact(physical, 'bytes')} that the machine has"
        problems.append((("tiers", name, "capacity"), what))
    last = [tier for tier in order if tier in machine.tiers][-1]
    if rules and rules.prefetch and name not in near:
        what = f"only the near tier of a unit prefetches, which is {' or '.join(sorted(near))}"
        problems.append((("tiers", name, "prefetch"), what))
    if rules and rules.when_full == "refuse" and name != last:
        problems.append((("tiers", name, "when_full"), f"`refuse` is for the last tier only, which is {last}"))
    elif rules and rules.when_full == "refuse" and name in near:
        what = "a unit's near tier cannot refuse what the unit needs; use evict"
        problems.append((("tiers", name, "when_full"), what))
    return problems


def _unit(machine: Machine, tiers: Mapping[str, TierRules | None], replay: Replay) -> list[Problem]:
    names = replay.units or tuple(machine.units)[:1]
    return [problem for name in names for problem in _one_unit(name, machine, tiers, replay)]


def _one_unit(name: str, machine: Machine, tiers: Mapping[str, TierRules | None], replay: Replay) -> list[Problem]:
    unit = machine.units.get(name)
    if unit is None:
        what = f"no unit `{name}`{nearest(name, machine.units)} (the machine has {', '.join(machine.units)})"
        return [(("replay", "unit"), what)]
    problems: list[Problem] = []
    if tiers and unit.tier not in tiers:
        problems.append((("tiers",), f"`{unit.tier}` is missing: it is the near tier of {name}, which does the replay"))
    if replay.dtype not in unit.flops:
        what = f"{name} does not compute in {replay.dtype}; it has {', '.join(unit.flops)}"
        problems.append((("replay", "dtype"), what))
    return problems


def _policy(path: tuple[str, str, str], policy: PolicyChoice) -> list[Problem]:
    from hiersim import policies

    return _choice(path, policy, policies.REPLACEMENT, f"hiersim policies lists all {len(policies.NAMES)}")


def _prefetcher(path: tuple[str, str, str], choice: PolicyChoice) -> list[Problem]:
    from hiersim.policies.prefetch import PREFETCH

    return _choice(path, choice, PREFETCH, PREFETCH.listed)


def _admission(path: tuple[str, str, str], choice: PolicyChoice) -> list[Problem]:
    from hiersim.policies.admission import ADMISSION, NONE

    return [] if choice.name == NONE else _choice(path, choice, ADMISSION, ADMISSION.listed)


def _choice(path: tuple[str, str, str], choice: PolicyChoice, family: Family, listed: str) -> list[Problem]:
    """Check a name and its parameters' names, without compiling it; of a user's file only that it exists."""
    if is_path(choice.name):
        return [] if Path(choice.name).is_file() else [(path, f"no such file: {choice.name}")]
    if choice.name not in family.table:
        hint = nearest(choice.name, tuple(family.table))
        return [(path, f"unknown {family.kind} `{choice.name}`{hint} ({listed})")]
    if not choice.params:
        return []
    module = import_module(family.table[choice.name].partition(":")[0])
    known = getattr(getattr(module, "Params", None), "_fields", ())
    strange = [name for name in choice.params if name not in known]
    has = f" (it has {', '.join(known)})" if known else " (it has none)"
    return [(path, f"`{choice.name}` has no parameter `{name}`{nearest(name, known)}{has}") for name in strange]


def _trace(trace: TraceSection) -> list[Problem]:
    """Check the names of the format, the model and the generator."""
    from hiersim import models
    from hiersim.traces.arrivals import ArrivalProcess
    from hiersim.traces.formats import find_format

    problems: list[Problem] = []
    if trace.model is not None:
        problems += _refusals(("trace", "model"), lambda: models.find_model(str(trace.model)))
    if trace.format is not None:
        problems += _refusals(("trace", "format"), lambda: find_format(str(trace.format)))
    if trace.arrivals is not None:
        problems += _refusals(("trace", "arrivals"), lambda: ArrivalProcess.parse(str(trace.arrivals)))
    return problems + (_generate(trace.generate) if trace.generate else [])


def makes_operations(trace: TraceSection | None) -> bool:
    """Return whether a generator makes the trace, and it is one of operations."""
    if trace is None or trace.generate is None:
        return False
    from hiersim.workloads import GENERATORS

    known = GENERATORS.get(trace.generate.kind.replace("-", "_"))
    return known is not None and known.operations


def _generate(generate: Generate) -> list[Problem]:
    from hiersim.traces.generators.generator import typed
    from hiersim.workloads import GENERATORS

    kind = generate.kind.replace("-", "_")
    if kind not in GENERATORS:
        what = f"unknown generator `{generate.kind}`{nearest(kind, GENERATORS)} (one of {', '.join(GENERATORS)})"
        return [(("trace", "generate", "kind"), what)]
    try:
        typed(GENERATORS[kind], generate.params)
    except ConfigError as why:
        here = ("trace", "generate", "params")
        return [((*here, mistake.where.rpartition(".")[2]), mistake.what) for mistake in why.mistakes]
    return []


def _refusals(path: tuple[str, ...], look_up: Callable[[], object]) -> list[Problem]:
    """Return what a look-up refuses, as problems at a path."""
    try:
        look_up()
    except ConfigError as why:
        return [(path, mistake.what) for mistake in why.mistakes]
    except HiersimError as why:
        return [(path, str(why))]
    return []
