"""What-if on machines whose answer is known with pen and paper: the right resource, and the right number within 1 %."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from core.machines import FAR, NEAR, STREAM, a_link, a_tier
from hypothesis import given, settings
from hypothesis import strategies as st

import hiersim as hs
from hiersim.config import Scenario
from hiersim.config.sections import Generate, TraceSection
from hiersim.errors import ConfigError
from hiersim.insight.knobs import applied, knobs
from hiersim.insight.whatif import WhatIf, whatif
from hiersim.machine import ClassRules, Machine, Replay, TierRules, Unit

CONFIGS = Path(__file__).parents[2] / "configs"
US = 10**6
AT_HOME = {"page": ClassRules(on_miss="home", home=FAR)}
EXACT = {"abs": 1e-4}


def scenario(near=None, far=None, link=None, unit=None, **sections: Any) -> Scenario:
    """Two tiers of 1 B/ps without latency, joined by a link of 1 B/ps, except what is given."""
    machine = Machine(
        tiers={NEAR: a_tier(**{"capacity": 10**12} | (near or {})), FAR: a_tier(**{"capacity": 10**12} | (far or {}))},
        links={"link": a_link(FAR, NEAR, **link or {})},
        units={"gpu": Unit(kind="gpu", tier=NEAR, **{"flops": {"bf16": 1e12}} | (unit or {}))},
    )
    rules = {"tiers": {NEAR: TierRules(), FAR: STREAM}, "classes": AT_HOME} | sections
    return Scenario(machine=machine, trace=TraceSection(generate=Generate(kind="loop", params={"objects": 1})), **rules)


def ask(what: Scenario, objects, size=10**6, **asked: Any) -> WhatIf:
    columns = {"object_class": 0, "group": asked.pop("group", 0), **asked.pop("columns", {})}
    trace = hs.AccessTrace.build(objects, size, columns, classes=("page",))
    return whatif(what, trace=trace, **asked)


def names(effects) -> list[str]:
    return [effect.knob.name for effect in effects]


def slopes(found: WhatIf, *turns: str) -> float:
    return sum(effect.slope["time"] for effect in found.effects if effect.knob.turn in turns)


def test_a_copy_is_bound_by_its_link_and_then_by_the_memory_behind_it():
    """Link 1 B/ps, memory 1.5 B/ps: T = 1 a byte; with the link doubled 1/1.5; with both 1/2."""
    found = ask(scenario(far={"read_bandwidth": 1.5e12}, replay=Replay(outstanding=4)), range(40))
    assert names(found.binding) == ["link bandwidth"]
    assert found["link bandwidth"].slope["time"] == pytest.approx(1.0, **EXACT)
    assert found["link bandwidth"].saves == pytest.approx(1 / 3, **EXACT)
    assert found["link bandwidth"].doubled["stalls"] == pytest.approx(1 / 3, **EXACT)
    assert names(found.following[:1]) == [f"{FAR} bandwidth"]
    assert found.following[0].saves == pytest.approx(1 / 4, **EXACT)
    assert found.sentences() == [
        "link bandwidth binds: doubling it saves 33.3% of the time.",
        "When that is done far bandwidth binds: doubling it saves 25.0% of what is left.",
    ]


def test_a_link_that_binds_still_binds_when_doubled_once():
    found = ask(scenario(far={"read_bandwidth": 1e14}, replay=Replay(outstanding=4)), range(40))
    assert found["link bandwidth"].saves == pytest.approx(1 / 2, **EXACT)
    assert names(found.following[:1]) == ["link bandwidth"]
    assert found.sentences()[1] == (
        "When that is done link bandwidth still binds: doubling it again saves 50.0% of what is left."
    )


def test_a_pointer_chase_is_bound_by_latency():
    """One access at a time: 900 ns of latency and 64 B at 1 B/ps after it."""
    chase = scenario(far={"read_latency": 900_000}, link={"latency": 100_000, "bandwidth": 1e15})
    found = ask(chase, range(50), 64)
    whole = 900_000 + 100_000 + 64
    assert names(found.binding) == [f"{FAR} latency"]
    assert found["tiers.far.latency"].slope["time"] == pytest.approx(900_000 / whole, **EXACT)
    assert found["tiers.far.latency"].saves == pytest.approx(450_000 / whole, **EXACT)
    assert found["links.link.latency"].slope["time"] == pytest.approx(100_000 / whole, **EXACT)
    assert found["link bandwidth"].saves == pytest.approx(0.0, **EXACT)
    assert names(found.following[:1]) == [f"{FAR} latency"]


def test_a_loop_is_bound_by_capacity_though_a_little_more_of_it_changes_nothing():
    """LRU on a loop of 20 objects with room for 12 never hits; with room for all it misses each once."""
    loop = scenario(
        near={"capacity": 12 * US, "read_bandwidth": 1e16, "write_bandwidth": 1e16},
        far={"read_bandwidth": 1e14},
        tiers={NEAR: TierRules(on_evict="drop"), FAR: TierRules(inclusion="inclusive")},
    )
    found = ask(loop, np.arange(200) % 20)
    assert names(found.binding) == [f"{NEAR} capacity"]
    hit = 100 / 10**6  # reading an object near, over fetching it
    assert found["tiers.near.capacity"].saves == pytest.approx(1 - (20 + 180 * hit) / 200, **EXACT)
    assert found["tiers.near.capacity"].slope["time"] == 0.0
    assert found["link bandwidth"].saves == pytest.approx(0.5, **EXACT)
    assert names(found.following[:1]) == ["link bandwidth"]
    assert found.following[0].saves == pytest.approx(20 / (20 + 180 * hit) / 2, **EXACT)


def test_capacity_has_a_slope_where_each_byte_helps():
    """MRU keeps 9 of 20 objects through each pass: n more objects save n of the 20 fetches of a pass."""
    rules = {NEAR: TierRules(on_evict="drop", policy={"name": "mru"}), FAR: TierRules(inclusion="inclusive")}
    loop = scenario(near={"capacity": 10 * US, "read_bandwidth": 1e16, "write_bandwidth": 1e16}, tiers=rules)
    passes = 2_000
    found = ask(loop, np.arange(20 * passes) % 20, step=0.1)
    before, after = (found.base["time"] * share for share in (1.0, 1 - found["tiers.near.capacity"].slope["time"] / 10))
    misses = (before - after) / (US * (1 - 1e-4))
    assert misses == pytest.approx(passes * 20 / 19, rel=0.01)  # one object in 19 less is fetched anew in each step


def test_an_operation_is_bound_by_what_it_computes():
    """Objects that nobody has are made: 3 us of compute for 1 us of writing."""
    made = scenario(classes={"page": ClassRules(flops_per_byte=3.0)})
    found = ask(made, range(30))
    assert names(found.binding) == ["gpu FLOP/s"]
    assert found["gpu FLOP/s"].slope["time"] == pytest.approx(3 / 4, **EXACT)
    assert found["gpu FLOP/s"].saves == pytest.approx(3 / 8, **EXACT)
    assert found["near bandwidth"].saves == pytest.approx(1 / 8, **EXACT)
    fixed = ask(scenario(classes={"page": ClassRules(compute_time=3 * US)}), range(30))
    assert names(fixed.binding) == ["page compute time"]
    assert fixed["page compute time"].saves == pytest.approx(3 / 8, **EXACT)
    assert fixed["gpu FLOP/s"].saves == 0.0  # the class says how long it takes, whatever the unit


def test_two_resources_in_turn_bind_alike():
    """1 us of latency, then 1 us of bytes: each is half of the time."""
    both = ask(scenario(far={"read_latency": US, "read_bandwidth": 1e15}), range(20))
    assert sorted(names(both.binding)) == ["far latency", "link bandwidth"]
    assert [round(effect.slope["time"], 4) for effect in both.binding] == [0.5, 0.5]
    assert both.sentences()[0].endswith("bind alike: each of them twice as good saves 25.0% of the time.")
    assert both.binding[0].saves == pytest.approx(0.25, **EXACT)


def test_two_resources_at_once_bind_together():
    """The bytes pass the memory and the link at the same time, at the same rate: only both together help."""
    found = ask(scenario(replay=Replay(outstanding=4)), range(40))
    assert found.binding == []
    assert sorted(knob.name for knob in found.together) == ["far bandwidth", "link bandwidth"]
    assert found.all_doubled == pytest.approx(0.5, **EXACT)
    assert max(effect.saves for effect in found.effects) == pytest.approx(0.0, **EXACT)


@pytest.mark.parametrize("depth", [1, 4])
def test_a_queue_that_is_too_short_binds(depth):
    """``depth`` requests wait for the latency together, and then share the bytes (Little's law)."""
    latency, size, rounds = 1000, 100, 24
    short = scenario(
        far={"read_latency": latency, "queue_depth": depth}, link={"bandwidth": 1e15}, replay=Replay(outstanding=1000)
    )
    found = ask(short, range(depth * rounds), size)
    before, after = rounds * (latency + depth * size), rounds // 2 * (latency + 2 * depth * size)
    assert sorted(names(found.binding)) == ["far latency", "far queue depth"]  # twice the depth is half the latency
    assert found["far queue depth"].saves == pytest.approx(1 - after / before, **EXACT)
    assert found["far latency"].saves == pytest.approx(1 - after / before, **EXACT)


def test_pauses_and_arrivals_bind_what_no_machine_can_change():
    paused = ask(scenario(replay=Replay(think=9 * US)), range(40))
    assert names(paused.binding) == ["pauses (replay.think)"]
    assert paused.binding[0].slope["time"] == pytest.approx(0.9, rel=0.01)
    assert "twice as good saves 5" in paused.sentences()[0]
    late = ask(scenario(replay=Replay(mode="open")), range(40), columns={"time_ps": np.arange(40) * 10 * US})
    assert names(late.binding) == ["time between arrivals"]
    assert late.binding[0].slope["time"] == pytest.approx(390 / 391, rel=0.01)


def served(*changes):
    return hs.load(CONFIGS / "vllm_rtx4090.yaml", ["trace.limit=60", *changes])


@pytest.mark.parametrize(
    ("changes", "binding", "doubled"),
    [
        (("serve.kv_pages=300",), "room for KV (serve.kv_pages)", "serve.kv_pages=600"),
        (("serve.kv_pages=2400", "serve.max_sequences=2"), "sequences in a step (serve.max_sequences)",
         "serve.max_sequences=4"),
    ],
)  # fmt: skip
def test_who_waits_for_room_or_for_the_batch_is_served_by_more_of_it(changes, binding, doubled):
    """And not by the other: each is what a run with twice as much of it says, in a memory that has room for it."""
    number = "requests.ttft_s.mean"
    found = whatif(served(*changes), number=number, slopes=False, follow=False)
    assert names(found.binding) == [binding]
    more = [change for change in changes if not change.startswith(doubled.partition("=")[0])]
    before, after = (served(*each).run().requests.ttft_ps.mean() for each in (changes, (*more, doubled)))
    assert found[binding].saves == pytest.approx(1 - after / before, abs=1e-6)
    other = {"room for KV (serve.kv_pages)", "sequences in a step (serve.max_sequences)"} - {binding}
    assert found[other.pop()].saves == pytest.approx(0.0, abs=1e-6)


def test_memory_grows_with_the_room_for_kv():
    """Twice the pages do not fit beside the weights; the memory is then as much larger."""
    what = served("serve.kv_pages=2587").scenario
    (room,) = [knob for knob in knobs(what) if knob.path == "serve.kv_pages"]
    roomy = applied(what, room.turned(8.0))
    assert roomy.serve.kv_pages == 8 * 2587
    assert roomy.machine.tiers["gddr"].capacity == 8 * what.machine.tiers["gddr"].capacity
    assert hs.Simulation(roomy).run().requests.done.all()


def test_nothing_is_said_to_be_next_where_nothing_is():
    """A copy bound by its link alone: doubled, the link again saves time; if it saved a thousandth, nothing would."""
    found = ask(scenario(far={"read_bandwidth": 1e14}, replay=Replay(outstanding=4)), range(40))
    assert found.sentences()[1].startswith("When that is done link bandwidth still binds: doubling it again saves 50")
    near = replace(found, following=[replace(found.following[0], doubled={"time": 0.001})])
    assert near.sentences()[1] == "When that is done no single resource saves 1% of what is left."


def test_another_number_may_count_as_time():
    """In an open loop the arrivals fix the time, but not how long an access waits."""
    what = scenario(far={"read_latency": US}, replay=Replay(mode="open"))
    columns = {"time_ps": np.arange(40) * 10 * US}
    found = ask(what, range(40), columns=columns, number="latency_ps.p99")
    assert sorted(names(found.binding)) == ["far latency"]
    assert found["far latency"].slope["time"] == pytest.approx(0.5, **EXACT)
    assert "of `latency_ps.p99`" in found.sentences()[0]


def test_energy_follows_the_time_as_far_as_it_is_background():
    """10 W for the time, and as many joules for the bytes: halving the time saves a quarter of the energy."""
    watts, bytes_ = 10.0, 40 * US
    per_bit = watts * (bytes_ * 1e-12) / bytes_ / 8 * 1e12
    far = {"read_energy": per_bit, "background_power": watts, "read_bandwidth": 1e14}
    found = ask(scenario(far=far, replay=Replay(outstanding=4)), range(40))
    assert found["link bandwidth"].doubled["energy"] == pytest.approx(0.25, **EXACT)
    assert found["link bandwidth"].slope["energy"] == pytest.approx(0.5, **EXACT)


FIGURES = st.permutations([1e11, 2e11, 5e11, 1e12]).flatmap(
    lambda rates: st.tuples(st.just(rates), st.lists(st.integers(0, 50) | st.just(0), min_size=5, max_size=5))
)


@settings(max_examples=12)
@given(FIGURES, st.floats(0, 3))
def test_slopes_of_rates_and_times_add_up_to_one(figures, flops_per_byte):
    """All rates k times as fast and all latencies 1/k make the time 1/k, so the slopes' sum is 1 (Euler)."""
    (near, far, link, unit), (a, b, c, d, e) = figures
    serial = scenario(
        near={"read_bandwidth": near, "write_bandwidth": near, "read_latency": a * US, "write_latency": b * US},
        far={"read_bandwidth": far, "read_latency": c * US},
        link={"bandwidth": link, "latency": d * US, "overhead": e * US},
        unit={"flops": {"bf16": unit}},
        tiers={NEAR: TierRules(), FAR: TierRules(inclusion="inclusive")},
        classes=AT_HOME | {"made": ClassRules(flops_per_byte=flops_per_byte)},
    )
    trace = hs.AccessTrace.build([0, 1, 2, 0, 1], US, {"object_class": [0, 1, 0], "group": 0}, classes=("page", "made"))
    found = whatif(serial, trace=trace, follow=False)
    assert slopes(found, "rate", "time") == pytest.approx(1.0, abs=2e-3)


def test_what_is_lost_in_the_jitter_is_not_told():
    """Sixteen streams over four tiers interleave otherwise after the smallest change; one stream does not."""
    small = ["trace.limit=300", "tiers.hbm.capacity=2 GiB", "tiers.dram.capacity=4 GiB", "tiers.cxl.capacity=6 GiB"]
    many = hs.load(CONFIGS / "kv_tiers.yaml", [*small, "classes.kv.compute_time=6 ms"])
    found = whatif(many, follow=False)
    assert 0.0005 < found.jitter["time"] < 0.1
    slopes = [(effect.slope["time"], effect.knob.change(1.05)) for effect in found.effects]
    assert any(slope is None for slope, _ in slopes)
    told = [abs(slope) * change for slope, change in slopes if slope]
    assert told
    assert min(told) > 2 * found.jitter["time"]
    assert not ask(scenario(far={"read_latency": 300_000}), range(40)).jitter


def test_what_had_no_part_is_not_run_and_would_change_nothing(monkeypatch):
    """The short cut is sound: with it and without it the effects are the same."""
    what = scenario(far={"write_latency": 77, "read_ops": 1e9}, link={"engines": 3}, replay=Replay(outstanding=4))
    quick = ask(what, range(40))
    monkeypatch.setattr("hiersim.insight.whatif.idle", lambda *_: False)
    whole = ask(what, range(40))
    assert quick.runs < whole.runs
    assert {effect.knob.path: effect.saves for effect in quick.effects} == pytest.approx(
        {effect.knob.path: effect.saves for effect in whole.effects}
    )


def test_every_figure_can_be_turned_by_itself():
    what = scenario(far={"read_latency": 5 * US, "write_latency": 7})
    apart = [knob.name for knob in knobs(what, apart=True)]
    assert {"far read latency", "far write latency", "far read bandwidth", "link bandwidth"} <= set(apart)
    found = ask(what, range(10), apart=True)
    assert names(found.binding) == ["far read latency"]
    assert found["far write latency"].saves == 0.0


def test_whole_figures_move_by_at_least_one():
    (depth,) = (knob for knob in knobs(scenario(far={"queue_depth": 3})) if knob.name == "far queue depth")
    assert list(depth.turned(1.05).values()) == [4]
    assert depth.change(1.05) == pytest.approx(1 - 3 / 4)
    (latency,) = (knob for knob in knobs(scenario(far={"read_latency": 3})) if knob.name == "far latency")
    assert list(latency.turned(1.05).values()) == [2]
    assert latency.change(1.05) == pytest.approx(1 / 3)


def test_the_table_and_the_picture_have_a_row_per_resource():
    found = ask(scenario(far={"read_latency": US}), range(10))
    ax = found.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["far latency", "link bandwidth", "far bandwidth"][
        : len(ax.patches)
    ]
    assert ax.patches[0].get_width() == pytest.approx(25.0, rel=1e-3)
    table = found.table()
    assert table.height == len(found.effects)
    assert {"resource", "path", "value", "slope_time", "doubled_time", "doubled_stalls"} <= set(table.columns)


def test_workers_change_nothing(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(
        "machine: rtx-4090\ntrace: {generate: {kind: zipf, params: {accesses: 300, objects: 40, size: 4 MiB}}}\n"
        "tiers:\n  gddr: {capacity: 64 MiB}\n  dram: {capacity: 400 MiB}\nseed: 7\n"
    )
    one, two = (whatif(file, workers=workers) for workers in (1, 2))
    assert one == two


def test_mistakes_are_told(tmp_path):
    with pytest.raises(ConfigError, match=r"no number `latency_p99`"):
        ask(scenario(), range(4), number="latency_p99")
    with pytest.raises(ConfigError, match="must be more than 0 and less than 1, got 2"):
        ask(scenario(), range(4), step=2)
    with pytest.raises(TypeError, match="no option `stop`; did you mean `step`"):
        ask(scenario(), range(4), stop=2)
    with pytest.raises(ConfigError, match="workers must be at least 1"):
        ask(scenario(), range(4), workers=0)
