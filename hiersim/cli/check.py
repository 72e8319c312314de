"""``hiersim check``: whether a scenario is right, and what it would run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiersim.cli.console import put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.options import Json, Quiet

if TYPE_CHECKING:
    from hiersim.config import Scenario
    from hiersim.traces.access import AccessTrace
    from hiersim.traces.operation import OperationStream, OperationTrace
    from hiersim.traces.request import RequestTrace

    Trace = AccessTrace | RequestTrace | OperationTrace | OperationStream

Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Set a value, such as tiers.dram.policy=arc.")
]


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The scenario, a YAML file.")],
    set: Set = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Check a scenario and its trace; say what would be run."""
    from hiersim.api.simulation import load

    with telling_of_compilation(quiet), working("checking", quiet):
        simulation = load(file, set or [])
        simulation.check()
        trace = simulation.trace()
    doubt(simulation.scenario, quiet)
    facts = plan(simulation.scenario, trace)
    if json:
        put_json(facts, json)
    if json != "-":
        from hiersim.report.policies_table import info

        show(info(facts, title=f"{simulation.name}: right; this is what would be run"))


def doubt(scenario: Scenario, quiet: bool) -> None:
    """Say on standard error, a line each, what no part of its kind is known to have, and what has no effect."""
    from hiersim.machine.plausible import implausible

    for doubtful in [] if quiet else [*implausible(scenario.machine), *without_effect(scenario)]:
        warn(f"warning: {doubtful}")


def without_effect(scenario: Scenario) -> list[str]:
    """Return what a scenario says of a replay although its requests are served."""
    if scenario.serve is None:
        return []
    said, usual = scenario.replay.model_dump(), type(scenario.replay)().model_dump()
    keys = [f"replay.{key}" for key, value in said.items() if value != usual[key] and key != "limit"]
    return [f"{key}  has no effect where requests are served" for key in keys]


def plan(scenario: Scenario, trace: Trace) -> dict[str, Any]:
    """Return what a run of a scenario would do, in words."""
    from hiersim.report.format import capacity, plural

    limit = scenario.replay.limit
    records = min(len(trace), limit) if limit else len(trace)
    facts: dict[str, Any] = {"machine": scenario.machine.summary or scenario.machine.name}
    from hiersim.traces.access import AccessTrace
    from hiersim.traces.request import RequestTrace

    if isinstance(trace, RequestTrace):
        tokens = f"{int(trace.prompt_tokens.sum()):,} prompt and {int(trace.output_tokens.sum()):,} output tokens"
        facts["trace"] = f"{trace.name}: {plural(records, 'request')}, {tokens}"
        facts["serve"] = _served(scenario)
    elif not isinstance(trace, AccessTrace):
        objects = f"{plural(len(trace.objects), 'object')}, {capacity(int(trace.objects.size.sum()))}"
        facts["trace"] = f"{trace.name}: {plural(len(trace), 'operation')} on {objects}"
        facts["execute"] = _executed(scenario, trace)
    else:
        objects = plural(trace.objects, "object")
        facts["trace"] = (
            f"{trace.name}: {plural(records, 'access', 'accesses')} to {objects}, {capacity(trace.footprint)}"
        )
        facts["replay"] = _how(scenario)
    for name, rules in scenario.tiers.items():
        promotion = {0: "never promotes", 1: "promotes"}.get(rules.promotion.on_nth_hit)
        promotion = promotion or f"promotes on hit {rules.promotion.on_nth_hit}"
        ahead = [f"prefetches by {rules.prefetch.spec}"] if rules.prefetch else []
        words = [capacity(scenario.capacity(name)), rules.policy.spec, rules.inclusion, f"write-{rules.write}"]
        words += [f"admits by {rules.admission.spec}"] if rules.admission else []
        facts[f"tier {name}"] = ", ".join([*words, f"evicts by {rules.on_evict}", promotion, *ahead])
    for name, choice in scenario.classes.items():
        what = "is computed" if choice.on_miss == "compute" else f"is read from {choice.home}"
        facts[f"class {name}"] = f"{what} when it is in no tier"
    if scenario.agents:
        facts["agents"] = ", ".join(agent.kind for agent in scenario.agents)
    return facts | {"seed": str(scenario.seed), "hash": scenario.scenario_hash[:16]}


def _executed(scenario: Scenario, trace: OperationTrace | OperationStream) -> str:
    """Return how operations are executed, in words; a trace that does not fit the machine is told here."""
    from hiersim.drivers.execute.check import check, check_names
    from hiersim.drivers.execute.run import setting_of
    from hiersim.report.format import plural

    setting = setting_of(scenario)
    check_names(setting, trace)
    check(setting, trace)
    ahead = f", inputs fetched {plural(setting.execute.ahead, 'operation')} ahead" if setting.execute.ahead else ""
    streams, units = plural(len(trace.header.streams), "stream"), ", ".join(trace.header.units)
    return f"{streams} on {units}{ahead}"


def _served(scenario: Scenario) -> str:
    """Return how requests are served, in words."""
    rules = scenario.serve
    assert rules is not None
    units = ", ".join(rules.units) or next(iter(scenario.machine.units))
    limits = f"at most {rules.max_batched_tokens:,} tokens and {rules.max_sequences:,} requests in a step"
    order = f"decided by {rules.scheduler.kind}" if rules.scheduler else rules.order
    return f"{rules.model or scenario.trace.model} on {units}: {limits}, {order}, KV {rules.allocation}"


def _how(scenario: Scenario) -> str:
    """Return how the trace is replayed, in words."""
    from hiersim.report.format import duration, plural

    replay = scenario.replay
    if replay.mode == "open":
        return f"open loop on {scenario.unit}, as the trace's times say" + (
            f", times x {replay.time_scale:g}" if replay.time_scale != 1 else ""
        )
    think = f", {duration(replay.think)} of thought" if replay.think else ""
    streams = f"{plural(replay.streams, 'stream')}, {replay.outstanding} outstanding each"
    return f"closed loop on {scenario.unit}: {streams}{think}"
