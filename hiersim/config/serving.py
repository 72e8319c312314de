"""Checks between the section that serves requests and the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hiersim.config.checks import unknown_file
from hiersim.errors import ConfigError, nearest
from hiersim.machine import Machine, TierRules
from hiersim.machine.record import Problem
from hiersim.machine.serving import Serving

if TYPE_CHECKING:
    from hiersim.models import Model

GIB = 1 << 30


def serving_problems(machine: Machine, tiers: Mapping[str, TierRules | None], serving: Serving) -> list[Problem]:
    """Return what does not fit: units and links that are not there, policies that must know the future.

    Rules of a tier that are wrong in themselves are ``None``; its name still counts.
    """
    problems: list[Problem] = []
    for name in serving.units or tuple(machine.units)[:1]:
        unit = machine.units.get(name)
        if unit is None:
            what = f"no unit `{name}`{nearest(name, machine.units)} (the machine has {', '.join(machine.units)})"
            problems.append((("serve", "unit"), what))
        elif unit.tier not in tiers:
            problems.append((("tiers",), f"`{unit.tier}` is missing: it is the near tier of {name}, which serves"))
    if serving.rank_link is not None and serving.rank_link not in machine.links:
        has = f" (the machine has {', '.join(machine.links)})"
        problems.append(
            (("serve", "rank_link"), f"no link `{serving.rank_link}`{nearest(serving.rank_link, machine.links)}{has}")
        )
    if serving.ranks > 1 and serving.rank_link is None:
        problems.append((("serve", "rank_link"), f"is needed: {serving.ranks} ranks add up numbers over a link"))
    if serving.kv_pages is not None and serving.kv_pool is not None:
        problems.append((("serve", "kv_pool"), "give either `kv_pages` or `kv_pool`"))
    for name in serving.codecs:
        if name not in tiers:
            what = f"no tier `{name}`{nearest(name, tiers)} (this run manages {', '.join(tiers)})"
            problems.append((("serve", "codecs", name), what))
    near = [machine.units[name].tier for name in serving.units or tuple(machine.units)[:1] if name in machine.units]
    for name in {tier for tier in near if tier in serving.codecs}:
        codec = serving.codecs[name]
        if codec.encode_rate or codec.decode_rate:
            what = (
                "is a unit's near tier, where coding is part of the kernels; leave `encode_rate` and `decode_rate` out"
            )
            problems.append((("serve", "codecs", name), what))
        if any(serving.codecs.get(other) != codec for other in near):
            problems.append((("serve", "codecs", name), "the near tiers of all units that serve are coded alike"))
    if serving.allocation == "contiguous" and serving.disaggregate is not None:
        what = "rooms in one piece do not move between units; leave out `disaggregate`, or take `reserved`"
        problems.append((("serve", "allocation"), what))
    return problems + _model(machine, serving) + _tiers(tiers) + _scheduler(serving)


def _scheduler(serving: Serving) -> list[Problem]:
    if serving.scheduler is None:
        return []
    from hiersim.agents.schedulers import SCHEDULERS

    what = unknown_file("scheduler", serving.scheduler.kind, SCHEDULERS)
    return [(("serve", "scheduler"), what)] if what else []


def _model(machine: Machine, serving: Serving) -> list[Problem]:
    from hiersim.models import find_model

    if serving.model is None:
        return []
    try:
        model = find_model(serving.model)
    except ConfigError as why:
        return [(("serve", "model"), mistake.what) for mistake in why.mistakes]
    problems: list[Problem] = []
    for unit in dict.fromkeys(serving.units or tuple(machine.units)[:1]):
        problems += _weights(machine, unit, model, serving) if unit in machine.units else []
    return problems


def _weights(machine: Machine, unit: str, model: Model, serving: Serving) -> list[Problem]:
    """Return whether the weights fit the near tier, which nothing else asks where the room for KV is given."""
    from hiersim.models import Dtypes, work_of

    near = machine.units[unit].tier
    room = machine.tiers[near].capacity - (serving.kv_pool or 0)
    try:
        weights = work_of(model, serving.ranks, Dtypes(weights=serving.dtype)).weight_bytes
    except ConfigError as why:
        return [(("serve", "ranks"), mistake.what) for mistake in why.mistakes]
    if weights < room:
        return []
    there = f"{near} with {room / GIB:,.1f} GiB" + (" beside `kv_pool`" if serving.kv_pool else "")
    what = f"weights of {weights / GIB:,.1f} GiB in {serving.dtype} do not fit {there}"
    return [(("serve", "model"), f"{what}; more `ranks` or a smaller `dtype` make them less")]


def _tiers(tiers: Mapping[str, TierRules | None]) -> list[Problem]:
    """Return rules that serving does not know: what must see the whole trace, and prefetchers of single accesses."""
    from hiersim import policies

    problems: list[Problem] = []
    for name, rules in tiers.items():
        if rules is None:
            continue
        if rules.policy.name in policies.REPLACEMENT.table and _needs_future(rules.policy.name):
            what = (
                f"`{rules.policy.name}` must know the future, which serving does not: what is asked when depends on it"
            )
            problems.append((("tiers", name, "policy"), what))
        if rules.prefetch is not None:
            what = "is for replays of accesses; when blocks are fetched is said by `serve.fetch`"
            problems.append((("tiers", name, "prefetch"), what))
    return problems


def _needs_future(name: str) -> bool:
    from importlib import import_module

    from hiersim import policies

    module = import_module(policies.REPLACEMENT.table[name].partition(":")[0])
    return bool(getattr(module, "NEEDS_FUTURE", False))
