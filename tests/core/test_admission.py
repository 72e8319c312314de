"""Admission in timed runs: the core and its twin agree, and what is turned away goes where the specification says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from core.machines import FAR, NEAR, a_machine, done, run
from core.parity import disagreement, make_core, make_twin
from oracle.core.calendar import StuckError
from oracle.core.gates import Gates
from strategies.admission import PARAMS, admitting, refusing

from hiersim import jit
from hiersim.drivers.cache_study import study
from hiersim.drivers.replay import replay_timed
from hiersim.errors import PolicyError
from hiersim.machine import ClassRules, Replay, TierRules
from hiersim.policies import admission
from hiersim.traces.access import AccessTrace

CHUNK = 50
FLOPS = {"made": ClassRules(flops_per_byte=2)}


@pytest.mark.parametrize("first", range(0, 100, CHUNK))
def test_core_and_twin_agree(first):
    wrong = {seed: found[:3] for seed in range(first, first + CHUNK) if (found := disagreement(admitting(seed)))}
    assert not wrong


def test_core_and_twin_agree_where_a_run_may_stand_still():
    wrong = {seed: found[:3] for seed in range(50) if (found := disagreement(admitting(seed, tight=True)))}
    assert not wrong


def test_core_and_twin_agree_where_a_policy_refuses():
    wrong = {seed: found[:3] for seed in range(50) if (found := disagreement(refusing(seed)))}
    assert not wrong


def test_the_scenarios_bring_about_every_answer(monkeypatch):
    seen = Counter()

    def noting(name, words):
        plain = getattr(Gates, name)

        def noted(self, *given):
            answer = plain(self, *given)
            seen[words(self, answer, *given)] += 1
            return answer

        monkeypatch.setattr(Gates, name, noted)

    noting("_asked", lambda gates, answer, store, key: (type(gates.of[store.name]).__module__[17:], answer))
    noting("first_that_admits", lambda gates, store, a: store and ("near" if store is a.near else "further"))
    noting("turned_away", lambda gates, answer, store, key, dirty: ("sent", answer, dirty))
    for seed in range(80):
        try:
            make_twin(admitting(seed)).run()
        except StuckError:
            seen["stuck"] += 1
    names = {name.replace("-", "_") for name in PARAMS if name != "size-chance"}
    wanted = {(name, answer) for name in names for answer in (True, False)} | {None, "near", "further"}
    wanted |= {("sent", True, False), ("sent", False, False), ("sent", False, True)}
    assert {what for what in wanted if seen[what] < 3} == set()
    assert ("sent", True, True) not in seen  # what is dirty is never turned away


@pytest.mark.parametrize("spec", ["second-request", "second-request:window=40", "tinylfu", "size:c=900", "cost"])
def test_one_stream_misses_what_a_cache_study_misses(spec):
    """Reads, one at a time, of objects at home further out: the near tier sees what a cache of its size would see."""
    rng = np.random.default_rng(5)
    keys, size = np.minimum(rng.geometric(0.03, 1_500) - 1, 99), rng.choice([512, 1024, 2048], 100)
    found = run(a_machine(), keys, size, {NEAR: TierRules(capacity=20_000, admission=spec)}).tiers[NEAR]
    alone = study(keys, size, "lru", 20_000, objects=100, admission=spec)
    assert (found.misses, found.denied, found.evictions) == (alone.misses, alone.denied, alone.evictions)
    assert alone.denied > 0


def test_a_policy_that_refuses_misses_what_it_misses_in_a_cache_study():
    rng = np.random.default_rng(6)
    keys, size = np.minimum(rng.geometric(0.03, 1_500) - 1, 99), rng.choice([512, 1024, 2048], 100)
    rules = {NEAR: TierRules(capacity=20_000, policy="clock-pro-lcs")}
    found, alone = run(a_machine(), keys, size, rules).tiers[NEAR], study(keys, size, "clock-pro-lcs", 20_000)
    assert (found.misses, found.denied, found.evictions) == (alone.misses, alone.denied, 0)
    assert alone.denied > 0
    rules = {NEAR: TierRules(capacity=20_000, policy="clock-pro-lcs", admission="size:c=1024")}
    both = run(a_machine(), keys, size, rules)
    alone = study(keys, size, "clock-pro-lcs", 20_000, admission="size:c=1024")
    assert (both.tiers[NEAR].misses, both.tiers[NEAR].denied) == (alone.misses, alone.denied)


def test_none_is_no_rule():
    keys = np.arange(300) % 70
    plain, ruled = (run(a_machine(), keys, 512, {NEAR: TierRules(capacity=9_000, **rule)})
                    for rule in ({}, {"admission": "none"}))  # fmt: skip
    assert (ruled.latency_ps.tolist(), ruled.tiers) == (plain.latency_ps.tolist(), plain.tiers)
    assert plain.tiers[NEAR].denied is None


def test_a_promotion_that_is_denied_streams_past():
    """Two requests: the first streams from the far tier, the second brings it near, the third finds it there."""
    result = run(a_machine(), [0, 0, 0], 100, {NEAR: TierRules(admission="second-request")})
    assert [result.tiers[name].read_total for name in (NEAR, FAR)] == [100, 200]
    assert (result.tiers[NEAR].written_total, result.tiers[NEAR].denied, result.tiers[NEAR].placed_bytes) == (
        100,
        1,
        100,
    )
    assert done(result) == [100, 100, 100]


def test_what_nobody_admits_is_used_and_not_kept():
    """It is computed each time: 100 bytes x 2 FLOP at 1 FLOP/ps, and nothing is written."""
    rules = {name: TierRules(admission="second-request:requests=3") for name in (NEAR, FAR)}
    result = run(a_machine(), [0, 0, 0], 100, rules, classes=FLOPS, object_class=1)
    assert done(result) == [200, 200, 200 + 100]
    assert (result.created, result.created_bytes) == (3, 300)
    assert result.tiers[NEAR].written_total == 100
    assert result.tiers[FAR].written_total == 0


def test_what_the_near_tier_denies_is_made_for_the_next():
    result = run(a_machine(), [0, 0], 100, {NEAR: TierRules(admission="second-request")}, classes=FLOPS, object_class=1)
    assert done(result) == [200 + 100, 100]  # made and written past the near tier; then fetched from there
    assert (result.created, result.tiers[FAR].hits, result.tiers[FAR].placed_bytes) == (1, 1, 100)


def test_what_costs_nothing_to_make_is_done_at_once():
    rules = {name: TierRules(admission="probability:p=0") for name in (NEAR, FAR)}
    result = run(a_machine(), [0, 1], 100, rules, {"think": 7}, classes={}, object_class=1)
    assert done(result) == [0, 0]
    assert (result.created, result.elapsed_ps) == (2, 7)


def test_a_write_that_is_denied_goes_around_and_nothing_dirty_is_lost():
    rules = {NEAR: TierRules(admission="probability:p=0"), FAR: TierRules(admission="probability:p=0")}
    result = run(a_machine(), [0, 1, 0], 100, rules, classes=FLOPS, object_class=1, write=1)
    assert [result.tiers[name].written_total for name in (NEAR, FAR)] == [0, 300]
    assert (result.tiers[NEAR].denied, result.tiers[FAR].denied, result.tiers[FAR].resident_bytes) == (3, 0, 200)


def test_a_clean_victim_that_is_denied_is_dropped_and_a_dirty_one_is_not():
    rules = {NEAR: TierRules(capacity=100), FAR: TierRules(admission="probability:p=0")}
    read, written = (run(a_machine(), [0, 1, 2], 100, rules, classes=FLOPS, object_class=1, write=w) for w in (0, 1))
    assert (read.tiers[NEAR].dropped, read.tiers[FAR].denied, read.tiers[FAR].placed_bytes) == (2, 2, 0)
    assert (written.tiers[NEAR].dropped, written.tiers[FAR].denied, written.tiers[FAR].placed_bytes) == (0, 0, 200)


def test_equal_seeds_repeat_and_tiers_draw_apart():
    keys = np.arange(400) % 50
    trace = AccessTrace.build(keys, 512, {"object_class": 0}, classes=("page",))
    rules = {name: TierRules(capacity=12_000, admission="probability") for name in (NEAR, FAR)}
    runs = [replay_timed(a_machine(), rules, trace, Replay(), seed=seed) for seed in (3, 3, 4)]
    assert runs[0].tiers == runs[1].tiers
    assert runs[0].tiers != runs[2].tiers
    assert runs[0].tiers[FAR].denied > 0


def test_a_file_of_ones_own(tmp_path):
    file = tmp_path / "even.py"
    text = (
        "from typing import NamedTuple\nimport numpy as np\n"
        "class State(NamedTuple):\n    seen: np.ndarray\n"
        "def init(setup): return State(np.zeros(setup.objects, np.int64))\n"
        "def on_access(state, key, req): state.seen[key] += 1\n"
        "def admit(state, key, req): return key % 2 == 0\n"
    )
    file.write_text(text)
    result = run(a_machine(), [0, 1, 0, 1], 100, {NEAR: TierRules(admission=str(file))})
    assert (result.tiers[NEAR].denied, result.tiers[NEAR].hits) == (2, 1)
    if jit.DISABLED:
        return  # plain Python raises by itself
    file.write_text(text.replace("state.seen[key]", "state.seen[key + 9]"))
    with pytest.raises(PolicyError, match=r"admission `.*even\.py`: IndexError"):
        run(a_machine(), [0, 1], 100, {NEAR: TierRules(admission=str(file))})


def test_every_admission_runs_timed():
    scenario = admitting(3)
    for name in admission.TABLE:
        rules = {tier: rule.model_copy(update={"admission": TierRules(admission=name).admission})
                 for tier, rule in scenario.rules.items()}  # fmt: skip
        core = make_core(type(scenario)(**vars(scenario) | {"rules": rules}))
        core.run()
        assert core.finished
