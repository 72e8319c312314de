"""The twin on random scenarios: it keeps its own laws, repeats itself, and times do tie in what is drawn."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from oracle.core import StuckError, run
from strategies import scenario, scenarios
from strategies.agents import acted_scenario

SEEDS = range(120)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(scenarios())
def test_every_run_keeps_the_laws(drawn):
    try:
        run(drawn)  # checks them itself
    except StuckError:
        assume(False)


def test_a_run_repeats_itself():
    for seed in range(20):
        assert run(scenario(seed)) == run(scenario(seed))


def test_the_scenarios_reach_what_is_worth_comparing():
    outcomes = [run(scenario(seed)) for seed in SEEDS]
    tiers = [tier for outcome in outcomes for tier in outcome.tiers.values()]
    for counter in ("hits", "merged", "misses", "dropped", "written_back", "lost", "refused", "passed_over"):
        assert any(getattr(tier, counter) for tier in tiers), counter
    kinds = {kind for outcome in outcomes for unit in outcome.units.values() for kind, *_ in unit.stalls}
    assert kinds == {"room", "slot", "latency", "bandwidth", "joined"}
    ties = [len(outcome.transfers) - len({move.done for move in outcome.transfers}) for outcome in outcomes]
    assert sum(1 for tied in ties if tied) > len(outcomes) // 3


def test_agents_keep_the_laws_too():
    moved = 0
    for seed in SEEDS:
        drawn, agents = acted_scenario(seed)
        try:
            outcome = run(drawn, agents)
        except StuckError:
            continue
        moved += sum(move.traffic_class == 2 for move in outcome.transfers)
        again = [agent.again() for agent in agents]
        assert run(drawn, again) == outcome
        assert [agent.log for agent in again] == [agent.log for agent in agents]
    assert moved > 5


@pytest.mark.parametrize("seed", range(3))
def test_tight_scenarios_run_or_say_that_they_are_stuck(seed):
    for number in range(seed * 40, seed * 40 + 40):
        drawn = scenario(number, tight=True)
        try:
            run(drawn)
        except StuckError as stuck:
            assert "outstanding" in str(stuck)  # noqa: PT017


def test_the_effects_of_devices_happen():
    """Each effect changes what some runs do; tiers that state none report nothing of it."""
    dies = caches = programmed = activations = asked = media = 0
    for seed in range(300):
        drawn = scenario(seed)
        outcome = run(drawn)
        details = {detail for unit in outcome.units.values() for _, _, detail, _ in unit.stalls}
        dies, caches = dies + ("dies" in details), caches + ("cache" in details)
        for name, tier in drawn.machine.tiers.items():
            found = outcome.tiers[name]
            assert found.programmed_bytes == 0 or tier.nand
            assert found.activations == 0 or tier.activation
            programmed, activations = programmed + (found.programmed_bytes > 0), activations + (found.activations > 0)
        hops = outcome.hops.items()
        media += any(hop.bytes["read"] for name, hop in hops if name.endswith(".media"))
        asked += any(hop.wire_bytes[way].keys() - hop.bytes[way].keys() for _, hop in hops for way in hop.bytes)
    assert min(dies, caches, programmed, activations, asked, media) > 2, (dies, caches, programmed, asked, media)
