"""Prefetchers on random machines: core and twin agree to the picosecond, and agents that decide alike agree, too."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from core.parity import differences, disagreement, make_core, make_twin
from oracle.core.calendar import StuckError
from oracle.core.twin import run as run_twin
from strategies.agents import acted_scenario
from strategies.prefetch import prefetching, with_prefetchers

from hiersim.engine import columns as c
from hiersim.engine.clock import run_with_agents
from hiersim.engine.laws import check_laws
from hiersim.machine import PrefetchChoice

CHUNK = 50
SEEDS = range(0, 100, CHUNK)


@pytest.mark.parametrize("first", SEEDS)
def test_core_and_twin_agree(first):
    seeds = range(first, first + CHUNK)
    wrong = {seed: found[:3] for seed in seeds if (found := disagreement(prefetching(seed)))}
    wrong |= {f"tight {s}": f[:3] for s in seeds if s % 4 == 0 and (f := disagreement(prefetching(s, tight=True)))}
    assert not wrong


def test_every_prefetcher_and_every_fate_occurs():
    count: Counter[str] = Counter()
    for seed in range(200):
        drawn = prefetching(seed)
        count.update({rule.prefetch.name for rule in drawn.rules.values() if rule.prefetch})
        try:
            outcome = make_twin(drawn).run()
        except StuckError:
            continue
        for tier in outcome.tiers.values():
            count.update(key for key, number in tier.prefetches.items() if number)
    names = {"next-n", "stride", "leap", "successor", "layer-ahead", "oracle"}
    fates = {"named", "issued", "dropped", "in_time", "late", "unused", "left", "pollution", "bytes"}
    assert set(count) == names | fates
    assert {what: n for what, n in count.items() if n < 5} == {}


@pytest.mark.parametrize("first", range(0, 80, 40))
def test_prefetchers_and_agents_together(first):
    """Both may act at one instant: the prefetcher first."""
    for seed in range(first, first + 40):
        scenario, agents = acted_scenario(seed)
        scenario = with_prefetchers(scenario, seed)
        mine = [agent.again() for agent in agents]
        core = make_core(scenario, watched=True)
        run_with_agents(core, mine)
        try:
            twin = run_twin(scenario, agents)
        except StuckError:
            assert not core.finished
            continue
        assert core.finished
        check_laws(core)
        assert [b.log for b in mine] == [[tuple(step) for step in a.log] for a in agents]
        assert differences(core, twin) == []


def next_n_agent(near, n, limit=2):
    """The decision of ``next-n:when=miss``, by an agent."""

    def run(env, core):
        while True:
            for record in (yield core.watch("done")):
                if record.tier != near:
                    for key in range(record.object + 1, min(record.object + n + 1, core.objects)):
                        if core.prefetching(near) < limit:
                            core.prefetch(key, near)

    return run


def stride_agent(near, degree, limit=4):
    """The decision of ``stride``, by an agent; a table of what a right and a wrong guess lead to."""
    after = {"i": ("s", "t"), "t": ("s", "n"), "s": ("s", "i"), "n": ("t", "n")}

    def run(env, core):
        seen = {}
        while True:
            for record in (yield core.watch("done")):
                last, step, state = seen.get(record.stream, (None, 0, "i"))
                if last is not None:
                    right = record.object == last + step
                    step = step if right or state == "s" else record.object - last
                    state = after[state][not right]
                    for key in (record.object + i * step for i in range(1, degree + 1)):
                        wanted = state != "n" and step != 0 and 0 <= key < core.objects
                        if wanted and core.prefetching(near) < limit:
                            core.prefetch(key, near)
                seen[record.stream] = (record.object, step, state)

    return run


def with_prefetch(drawn, near, choice):
    rule = drawn.rules[near].model_copy(update={"prefetch": choice})
    return replace(drawn, rules=drawn.rules | {near: rule})


def of_core(core):
    """All that a run gives, without who asked for the prefetches and how often in vain."""
    w = core.world
    size, victims = w.clock[c.TIMELINE_SIZE], w.clock[c.VICTIMS_SIZE]
    kept = [c.AH_BYTES, c.AH_IN_TIME, c.AH_LATE, c.AH_UNUSED, c.AH_POLLUTION]
    tables = (w.timeline[:size], w.victims[:victims], w.issued, w.done, w.served, w.ahead[:, kept], w.stall, w.tiers)
    return [core.now, *(table.tolist() for table in tables)]


@pytest.mark.parametrize(
    ("spec", "agent"),
    [
        (PrefetchChoice(name="next-n", params={"n": 3, "when": "miss"}, outstanding=2), lambda t: next_n_agent(t, 3)),
        (PrefetchChoice(name="stride", params={"degree": 2}, outstanding=4), lambda t: stride_agent(t, 2)),
    ],
)
def test_an_agent_that_decides_alike_gives_the_same_run(spec, agent):
    begun = 0
    for seed in range(100):
        drawn = prefetching(seed)
        near = {unit.tier for unit in drawn.machine.units.values()}
        if len(near) > 1 or len(drawn.rules) == 1:
            continue
        name = near.pop()
        built_in = make_core(with_prefetch(drawn, name, spec), watched=True)
        built_in.run()
        by_agent = make_core(with_prefetch(drawn, name, None), watched=True)
        run_with_agents(by_agent, [agent(name)])
        assert of_core(built_in) == of_core(by_agent), seed
        begun += int(built_in.world.ahead[:, c.AH_BYTES].sum() > 0)
    assert begun > 5
