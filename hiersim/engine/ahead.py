"""The prefetchers of a run's tiers: found, told what the run is like, and bound to its World."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.engine import columns as c
from hiersim.engine.world import I64, World
from hiersim.errors import ConfigError, LawError, PolicyError
from hiersim.policies import prefetch
from hiersim.policies.checks import line_of
from hiersim.policies.hooks import bind_prefetcher
from hiersim.policies.prefetch.contract import MOST, Setup
from hiersim.traces.layers import layers_of

if TYPE_CHECKING:
    from hiersim.engine.core import Core
    from hiersim.engine.plan import Plan
    from hiersim.machine import TierRules
    from hiersim.policies.loader import Policy


def make_prefetchers(plan: Plan, rules: Mapping[str, TierRules]) -> dict[int, Policy]:
    """Return the prefetchers by the number of their tier.

    Raises:
        ConfigError: a tier that is near to no unit has one.
        PolicyError: there is no such prefetcher, or a user's file is wrong.
    """
    near = {unit.tier for unit in plan.machine.units.values()}
    for name, rule in rules.items():
        if rule.prefetch and name not in near:
            raise ConfigError(f"tiers.{name}.prefetch: only the near tier of a unit prefetches")
    return {t: prefetch.find(rule.prefetch.spec) for t, rule in enumerate(rules.values()) if rule.prefetch}


def bind_prefetchers(core: Core, seeds: Any) -> list[Any]:
    """Initialise each tier's prefetcher and enter the address of its function; return what must live with the World.

    Args:
        core: the core, with its World.
        seeds: a seed for each tier.

    Raises:
        ConfigError: a prefetcher lacks something in this run, such as layers.
    """
    w, kept = core.world, []
    future = any(each.needs_future for each in core.prefetchers.values())
    setup = _setup(core, following(w, core.replay.mode == "open") if future else None)
    for t, each in core.prefetchers.items():
        mine = setup._replace(params=each.params, seed=int(seeds[t]))
        problem = getattr(each.module, "check_setup", lambda setup: "")(mine)
        if problem:
            raise ConfigError(f"tiers.{core.plan.order[t]}.prefetch: {problem}")
        state = each.init(mine)
        w.ahead[t, c.AH_HOOK], table = bind_prefetcher(each, state, w.told, w.named)
        w.ahead[t, c.AH_FIELDS] = table.ctypes.data
        kept.append((state, table))
    return kept


def _setup(core: Core, follow: I64 | None) -> Setup:
    trace, none = core.trace, np.empty(0, np.int64)
    return Setup(
        objects=trace.objects,
        accesses=len(trace),
        streams=len(core.world.streams),
        most=MOST,
        sizes=core.world.size,
        layers=layers_of(trace) if core.prefetchers else np.empty(0, np.int32),
        trace=core.world.trace_object if follow is not None else none.astype(np.int32),
        following=follow if follow is not None else none,
    )


def following(w: World, is_open: bool) -> I64:
    """Return for each access the one that is issued after it: by its stream, or in an open loop by the trace; or -1."""
    order = np.arange(len(w.trace_object)) if is_open else w.order
    after = np.full(len(order), -1, np.int64)
    after[order[:-1]] = order[1:]
    if not is_open:
        ends = w.streams[:, c.X_END]
        after[order[ends[ends > 0] - 1]] = -1
    return after


def wrong_answer(core: Core, tier: int, value: int) -> Exception:
    """Return what to raise when a prefetcher has named something that cannot be."""
    each, name = core.prefetchers[tier], core.plan.order[tier]
    if core.world.hearing[c.HD_WRONG] == c.WRONG_COUNT:
        what = f"says that it named {value:,} objects; `out` holds 0 to {MOST:,}"
    else:
        what = f"named object {value}; objects are numbered 0 to {core.trace.objects - 1}"
    message = f"prefetcher `{each.name}` of tier `{name}` {what}"
    return LawError(message) if each.builtin else PolicyError(message + line_of(each, "on_access"))
