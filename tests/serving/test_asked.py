"""A scheduler in Python: the first-come example decides as the compiled rules do, one's own decides otherwise."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from serving.rig import MODEL, drawn, random_trace, rules, run, server, trace
from serving.test_moving import two_cards
from serving.test_scheduler import MACHINE as CARD
from serving.test_scheduler import requests as independent

import hiersim as hs
from hiersim.agents.schedulers import SCHEDULERS, make_scheduler
from hiersim.drivers.serve import columns as c
from hiersim.drivers.serve.run import serve
from hiersim.engine.laws import check_laws
from hiersim.errors import ConfigError
from hiersim.machine import TierRules
from hiersim.machine.serving import Disaggregation, Serving

ALIKE = ("queries", "engines", "served", "waits", "fate", "service", "used", "samples", "line", "extent")
OF_THE_CORE = ("clock", "tiers", "payload", "units", "state", "pins")
SEEDS = range(30)


def given_by(seed):
    requests, tiers, given = drawn(seed)
    rng = np.random.default_rng(seed)
    given |= {"preemption": rng.choice(["recompute", "swap"]), "order": rng.choice(["fcfs", "fcfs", "shortest"])}
    return requests, tiers, given


@pytest.mark.parametrize("seed", SEEDS)
def test_first_come_first_served_in_python_is_the_compiled_one(seed):
    """Every number of every request, and every byte, time and counter of the core."""
    requests, tiers, given = given_by(seed)
    compiled, asked = server(requests, tiers, **given), server(requests, tiers, **given)
    asked.ask(make_scheduler("fcfs"))
    for each in (compiled, asked):
        each.run()
        check_laws(each.core)
    for name in ALIKE:
        assert (getattr(compiled.state, name) == getattr(asked.state, name)).all(), name
    for name in OF_THE_CORE:
        assert (getattr(compiled.core.world, name) == getattr(asked.core.world, name)).all(), name


def test_the_draws_reach_what_they_are_for():
    seen = Counter()
    for seed in SEEDS:
        requests, tiers, given = given_by(seed)
        compiled = server(requests, tiers, **given)
        compiled.run()
        seen["preempted"] += int(compiled.state.queries[:, c.Q_PREEMPTIONS].sum())
        seen["swapped"] += int(compiled.state.waits[:, c.W_MOVE].sum())
        seen["reused"] += int(compiled.state.served.sum())
    assert min(seen["preempted"], seen["swapped"], seen["reused"]) > 0


LAST = """
from typing import NamedTuple

class Params(NamedTuple):
    most: int = 8

def schedule(step, params):
    for number in step.running:
        if step.missing(number) and step.budget and not step.give(number, min(step.missing(number), step.budget)):
            step.preempt(step.running[-1])
            return
    for number in reversed(step.waiting):
        if len(step.running) >= params.most or not step.budget:
            return
        if not step.admit(number) and (step.running or not step.unburden(number) or not step.admit(number)):
            return
"""


def test_ones_own_decides_otherwise(tmp_path):
    """Last come, first served: the later of two that wait goes first."""
    path = tmp_path / "last.py"
    path.write_text(LAST)
    requests = trace((0, [], 500, 20), (1, [], 500, 20), (2, [], 500, 20))
    first = run(requests, kv_pages=400, max_sequences=1).requests
    scheduler = make_scheduler(str(path), {"most": 1})
    last = server(requests, kv_pages=400, max_sequences=2)
    last.ask(scheduler)
    last.run()
    assert first.first_ps.argsort().tolist() == [0, 1, 2]
    assert last.state.queries[:, c.Q_FIRST].argsort().tolist() == [0, 2, 1]
    assert last.left == 0
    assert last.core.now == first.last_ps.max()


def test_its_path_is_beside_the_scenario(tmp_path):
    (tmp_path / "last.py").write_text(LAST)
    shipped = (Path(__file__).parents[2] / "configs" / "vllm_rtx4090.yaml").read_text()
    scenario = tmp_path / "mine.yaml"
    sample = Path(__file__).parents[2] / "traces" / "requests_sample.parquet"
    text = shipped.replace("../traces/requests_sample.parquet", str(sample)) + "replay: {limit: 10}\n"
    scenario.write_text(text.replace("serve:\n", "serve:\n  scheduler: {kind: ./last.py, params: {most: 1}}\n"))
    alone = hs.load(scenario).run()
    assert alone.requests.samples["running"].max() == 1
    assert alone.requests.done.all()


def test_under_load_it_keeps_the_laws(tmp_path):
    path = tmp_path / "last.py"
    path.write_text(LAST)
    requests = random_trace(np.random.default_rng(3), 60, 10**11)
    last = server(requests, rules(dram={"capacity": 40 << 20}), kv_pages=80, max_batched_tokens=256)
    last.ask(make_scheduler(str(path)))
    last.run()
    check_laws(last.core)
    assert last.left == 0
    rows = last.state.queries
    assert (last.state.waits.sum(axis=1) == rows[:, c.Q_LAST] - rows[:, c.Q_ARRIVE]).all()
    assert rows[:, c.Q_PREEMPTIONS].sum() > 0


HEAD = """
from typing import NamedTuple
class Params(NamedTuple):
    a: int = 1
def schedule(step, params):
    """


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("pass", "2 requests are never admitted by `scheduler` (2 wait, none runs)"),
        ("step.give(0, 5)", "serve.scheduler: request 0 does not run"),
        ("step.preempt(1)", "serve.scheduler: request 1 does not run"),
        ("step.admit(7)", "serve.scheduler: request 7 does not wait"),
        ("step.request(7)", "serve.scheduler: requests are numbered 0 to 1, got 7"),
        ("step.admit(0); step.give(0, 1)", "serve.scheduler: request 0 is in this step already"),
        ("step.admit(0); step.preempt(0)", "serve.scheduler: request 0 is in this step, and cannot be preempted"),
        ("step.admit(0); step.admit(1)", "serve.scheduler: request 1 cannot be admitted: the step is full"),
        ("if step.running: step.give(0, 9)\n    else: step.admit(0)", "request 0 can be given 1 to 1 tokens, got 9"),
        ("1 / 0", "mine.py:6: ZeroDivisionError: division by zero"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, body, says):
    path = tmp_path / "mine.py"
    path.write_text(f"{HEAD}{body}\n")
    requests = trace((0, [], 50, 20), (0, [], 50, 20))
    with pytest.raises(ConfigError) as caught:
        run(requests, kv_pages=400, max_batched_tokens=50, asked=make_scheduler(str(path)))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "params", "says"),
    [
        ("fcsf", {}, r"no scheduler `fcsf`; did you mean `fcfs`\? \(fcfs, or a file\)"),
        ("fcfs", {"most": 3}, r"scheduler `fcfs` has no parameter `most` \(it has none\)"),
        ("nowhere.py", {}, "scheduler `nowhere.py`: no such file"),
    ],
)
def test_mistakes_say_what_is_right(kind, params, says):
    with pytest.raises(ConfigError, match=says):
        make_scheduler(kind, params)


def test_every_scheduler_is_one():
    for name in SCHEDULERS:
        assert callable(make_scheduler(name))


FAIR = {"kv_pages": 4000, "max_sequences": 8, "fair_every": 10}
ELSEWHERE = {
    "prompts here, answers there": (two_cards(), {"disaggregate": Disaggregation(prefill="gpu0", decode="gpu1")}),
    "two units": (two_cards(), {"unit": ("gpu0", "gpu1"), "kv_pages": 60, "max_batched_tokens": 256}),
    "fair": (CARD, FAIR),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_so_it_is_with_several_units_and_users(name):
    machine, settings = ELSEWHERE[name]
    tiers = {tier: TierRules() for tier in ("gddr", "gddr1", "dram") if tier in machine.tiers}
    requests = independent(np.random.default_rng(2), 40, 300, 150, 10**11)
    object.__setattr__(requests, "session", np.arange(40, dtype=np.int32) % 3)
    rules = Serving(max_tokens=100_000, **({"kv_pages": 400} | settings))
    compiled, asked = (
        serve(machine, tiers, rules, MODEL, requests, scheduler=scheduler)
        for scheduler in (None, make_scheduler("fcfs"))
    )
    for column in ("first_ps", "last_ps", "waits_ps", "computed_tokens", "preemptions", "started_ps"):
        assert (getattr(compiled.requests, column) == getattr(asked.requests, column)).all(), column
    assert (compiled.tiers, compiled.links, compiled.units) == (asked.tiers, asked.links, asked.units)
    assert compiled.energy_j == asked.energy_j
