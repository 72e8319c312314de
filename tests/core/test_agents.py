"""Agents: the same log on the merged clock as in pure SimPy, and what the built-in ones do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from core.parity import differences, make_core
from oracle.core.calendar import StuckError
from oracle.core.twin import run as run_twin
from strategies.agents import acted_scenario

from hiersim.agents import AGENTS, make_agent
from hiersim.drivers.replay import replay_timed
from hiersim.engine.clock import run_with_agents
from hiersim.engine.laws import check_laws
from hiersim.errors import ConfigError
from hiersim.machine import Machine, Replay, TierRules
from hiersim.traces.access import AccessTrace

CHUNK = 40


def disagreement(seed: int) -> list[str]:
    """Run a scenario with agents on both clocks; return what differs, the agents' logs first."""
    scenario, agents = acted_scenario(seed)
    mine = [agent.again() for agent in agents]
    core = make_core(scenario, watched=True)
    run_with_agents(core, mine)
    try:
        twin = run_twin(scenario, agents)
    except StuckError:
        return [] if not core.finished else ["the twin stands still, the core does not"]
    if not core.finished:
        return ["the core stands still, the twin does not"]
    check_laws(core)
    pairs = zip(agents, mine, strict=True)
    logs = [
        f"log: core {b.log} twin {a.log}" for a, b in pairs if [tuple(x) for x in a.log] != [tuple(x) for x in b.log]
    ]
    return logs + differences(core, twin)


@pytest.mark.parametrize("first", [pytest.param(0, marks=pytest.mark.xdist_group("engine")), *range(CHUNK, 400, CHUNK)])
def test_the_log_equals_that_of_pure_simpy(first):
    wrong = {seed: found[:2] for seed in range(first, first + CHUNK) if (found := disagreement(seed))}
    assert not wrong


def throttled(seed: int) -> Iterator[str]:
    """What is special about the hops that the agents of a seed throttle."""
    scenario, agents = acted_scenario(seed)
    machine = scenario.machine
    for _, hop, *_ in (step for agent in agents for step in agent.steps if step[0] == "throttle"):
        name, _, direction = hop.partition(".")
        part = machine.tiers.get(name) or machine.links[name]
        has_media = getattr(part, "media_bandwidth", None) is not None
        if direction == "media":
            yield "media"
        if part.sharpness is not None and direction != "media":
            yield "sharpness"
        if getattr(part, "turnaround", None) is not None and has_media == (direction == "media"):
            yield "turnaround"


def test_agents_throttle_hops_whose_bounds_hold_together():
    count = Counter(what for seed in range(400) for what in set(throttled(seed)))
    assert {what: n for what, n in count.items() if n < 5} == {}
    assert set(count) == {"media", "sharpness", "turnaround"}


TIER = {"kind": "ddr", "read_bandwidth": 1e12, "write_bandwidth": 1e12, "read_latency": 100, "write_latency": 0}
MACHINE = Machine(
    tiers={"near": {**TIER, "capacity": 2**30}, "mid": {**TIER, "capacity": 2**30}, "far": {**TIER, "capacity": 2**30}},
    links={
        "a": {"between": ("near", "mid"), "kind": "bus", "bandwidth": 1e12, "latency": 1000},
        "b": {"between": ("mid", "far"), "kind": "bus", "bandwidth": 1e11, "latency": 5000},
    },
    units={"u": {"kind": "gpu", "tier": "near", "flops": {"bf16": 1e12}}},
)


def rules(near: int, mid: int, far: int, **of_far) -> dict[str, TierRules]:
    return {
        "near": TierRules(capacity=near),
        "mid": TierRules(capacity=mid),
        "far": TierRules(capacity=far, **of_far),
    }


def test_next_n_brings_what_follows_before_it_is_asked_for():
    keys = list(range(40)) * 6
    trace = AccessTrace.build(keys, size=1000)
    tiers = rules(8_000, 8_000, 100_000)
    plain = replay_timed(MACHINE, tiers, trace, Replay(think=200_000))
    ahead = replay_timed(MACHINE, tiers, trace, Replay(think=200_000), agents=[make_agent("next_n", {"depth": 3})])
    assert ahead.tiers["near"].hits + ahead.tiers["near"].merged > 2 * plain.tiers["near"].hits + 50
    assert ahead.units["u"].stalled_ps < plain.units["u"].stalled_ps


def test_rebalance_moves_what_is_hit_most_and_only_that():
    keys = ([0, 1, *range(4, 30)] + [0, 1] * 20) * 4
    trace = AccessTrace.build(keys, size=1000)
    tiers = rules(2_000, 6_000, 100_000, promotion={"on_nth_hit": 0})
    tiers["mid"] = tiers["mid"].model_copy(update={"promotion": tiers["far"].promotion})
    agent = make_agent("rebalance", {"source": "far", "target": "mid", "every": 8, "moves": 2})
    plain = replay_timed(MACHINE, tiers, trace, Replay())
    moved = replay_timed(MACHINE, tiers, trace, Replay(), agents=[agent])
    assert moved.tiers["far"].hits < plain.tiers["far"].hits
    assert moved.links["b"].backward_bytes["page"] > 0
    assert moved.elapsed_ps < plain.elapsed_ps


def test_a_demand_fetch_takes_a_prefetchs_bandwidth():
    """A prefetch flows alone for a while, then a demand fetch takes all of the slowest hop, then the prefetch goes on.

    Link b carries 0.1 bytes/ps, so 10,000 bytes take 100,000 ps alone; latencies are 100 + 5000 + 1000 + 0 ps.
    """
    size, wait, alone = 10_000, 6_100, 100_000
    start = 10_000_000
    trace = AccessTrace.build([0, 1, 1], size=size, columns={"write": [1, 1, 0], "time_ps": [0, 0, start + 50_000]})

    def agent(env, core):
        yield core.watch("done", every=2)
        core.migrate(0, "near", "far")
        core.migrate(1, "near", "far")
        yield env.timeout(start - core.now)
        assert core.prefetch(0, "near")

    tiers = rules(2**20, 2**20, 2**20)
    result = replay_timed(MACHINE, tiers, trace, Replay(mode="open"), agents=[agent], timeline=True)
    done = {
        (int(t), int(o)): int(d)
        for t, o, d in zip(result.timeline.traffic, result.timeline.object, result.timeline.done_ps, strict=True)
        if d > start
    }
    demand_starts = start + 50_000 + wait
    assert result.latency_ps[2] == wait + alone
    assert done == {(0, 1): demand_starts + alone, (2, 0): start + wait + 2 * alone}


def test_an_agent_of_a_file(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from typing import NamedTuple\n"
        "class Params(NamedTuple):\n    pause: int = 10\n"
        "def run(env, core, params):\n"
        "    yield env.timeout(params.pause)\n"
        "    core.pin(0, core.tiers[0])\n"
    )
    result = replay_timed(
        MACHINE,
        rules(3000, 3000, 9000),
        AccessTrace.build([0, 1, 2, 3, 0], size=1000),
        Replay(),
        agents=[make_agent(str(file), {"pause": 5})],
    )
    assert result.accesses == 5


@pytest.mark.parametrize(
    ("kind", "params", "says"),
    [
        ("next", {}, r"no agent `next`; did you mean `next_n`\? \(next_n, rebalance, or a file\)"),
        ("next_n", {"dept": 3}, r"agent `next_n` has no parameter `dept`; did you mean `depth`\?"),
        ("nowhere.py", {}, "agent `nowhere.py`: no such file"),
    ],
)
def test_mistakes_say_what_is_right(kind, params, says):
    with pytest.raises(ConfigError, match=says):
        make_agent(kind, params)


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda core: core.prefetch(0, "nera"), "no tier `nera`; did you mean `near`"),
        (lambda core: core.prefetch(99, "near"), "objects are numbered 0 to 1, got 99"),
        (lambda core: core.throttle("b.forwrd", 0, 0.5), "no hop `b.forwrd`; did you mean `b.forward`"),
        (lambda core: core.throttle("near", 0, 1.5), "share of a hop is 0 to 1, got 1.5"),
        (lambda core: core.weight(0, 0.0), "a weight is above 0, got 0"),
        (lambda core: core.watch("hits"), "cannot watch `hits`; did you mean `hit`"),
    ],
)
def test_impossible_actions_are_refused(act, says):
    def agent(env, core):
        yield env.timeout(1)
        act(core)

    with pytest.raises(ConfigError, match=says):
        replay_timed(MACHINE, rules(9, 9, 9), AccessTrace.build([0, 1, 0], size=1), Replay(), agents=[agent])


def test_every_agent_has_parameters_and_a_source():
    for name in AGENTS:
        assert callable(make_agent(name))
