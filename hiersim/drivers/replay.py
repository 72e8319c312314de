"""Timed replay: an access trace through a machine's tiers, open or closed loop (docs/model.md, section 8)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hiersim.drivers.rehearsal import rehearse
from hiersim.engine import columns as c
from hiersim.engine.build import WHOLE, Options
from hiersim.engine.clock import Agent, run_with_agents
from hiersim.engine.core import Core
from hiersim.engine.laws import check_laws
from hiersim.engine.outcome import make_result
from hiersim.engine.result import Result
from hiersim.errors import ConfigError

if TYPE_CHECKING:
    from hiersim.machine import ClassRules, Machine, TierRules
    from hiersim.machine import Replay as ReplayRules
    from hiersim.traces import AccessTrace

Progress = Callable[[int, int], None]
BURST = 200_000  # events after which a run with a progress bar comes back to Python


def run_scenario(
    scenario: Any, trace: AccessTrace, *, agents: Sequence[Agent] = (), progress: Progress | None = None
) -> Result:
    """Run a scenario on an access trace.

    Args:
        scenario: a ``hiersim.config.Scenario``.
        trace: the accesses; at most ``scenario.replay.limit`` of them are replayed.
        agents: generator functions ``agent(env, core)`` that decide during the run.
        progress: told now and then how many accesses are done, and how many there are.

    Raises:
        ConfigError: the trace does not fit the machine, or the run stands still for want of room.
        PolicyError: a user's policy failed.
        LawError: a conservation law does not hold.
    """
    if scenario.replay.limit is not None:
        trace = trace.limit(scenario.replay.limit)
    outputs = scenario.outputs
    options = Options(outputs.timeline, outputs.timeline_window or WHOLE, watched=bool(agents))
    given = scenario.machine, scenario.tiers, scenario.classes, scenario.replay, trace, scenario.seed
    core = Core(*given, options, rehearse(*given))
    provenance = {"seed": scenario.seed, "scenario_hash": scenario.scenario_hash}
    return _finish(core, scenario.name, _run(core, agents, progress), provenance)


def replay_timed(
    machine: Machine,
    rules: dict[str, TierRules],
    trace: AccessTrace,
    replay: ReplayRules,
    *,
    classes: dict[str, ClassRules] | None = None,
    seed: int = 0,
    timeline: bool = False,
    window_ps: tuple[int, int] = WHOLE,
    agents: Sequence[Agent] = (),
) -> Result:
    """Run a trace on a machine that was built in Python; arguments and errors as ``run_scenario``.

    ``timeline`` keeps every transfer and what units did, of a window in picoseconds if one is given;
    ``agents`` are generator functions ``agent(env, core)``; see ``hiersim.agents``.
    """
    options = Options(timeline, window_ps, watched=bool(agents))
    given = machine, rules, classes or {}, replay, trace, seed
    core = Core(*given, options, rehearse(*given))
    return _finish(core, machine.name, _run(core, agents, None), {"seed": seed})


def _run(core: Core, agents: Sequence[Agent], progress: Progress | None) -> float:
    """Run a core to its end; return the wall time in seconds, without that of compiling."""

    def report() -> None:
        if progress is not None:
            progress(int(core.world.clock[c.DONE]), len(core.trace))

    core.warm_up()
    start = time.perf_counter()
    if agents:
        run_with_agents(core, agents, report)
    else:
        while core.run(budget=BURST) == c.PAUSE:
            report()
    return time.perf_counter() - start


def _finish(core: Core, name: str, seconds: float, provenance: dict[str, Any]) -> Result:
    if not core.finished:
        raise ConfigError(standstill(core))
    check_laws(core)
    return make_result(core, name, seconds, provenance)


def standstill(core: Core) -> str:
    """Say which tiers are too small for what is on its way at once, when nothing can happen any more."""
    rows = core.world.tiers
    full = [name for t, name in enumerate(core.plan.order) if rows[t, c.T_LINE_HEAD] != c.NONE]
    done, total = int(core.world.clock[c.DONE]), len(core.trace)
    names = " and ".join(f"tiers.{name}.capacity" for name in full) or "tiers"
    return (
        f"{names}: the run stands still at {core.now:,} ps with {done:,} of {total:,} accesses done: all that could "
        "make room is on its way or pinned; give it room for more objects than are in flight at once"
    )
