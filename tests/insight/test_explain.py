"""Explanations on machines whose answer is known: each sentence is held against what a simulation says."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from core.machines import FAR, NEAR
from insight.test_whatif import CONFIGS, US, scenario

import hiersim as hs
from hiersim.config.load import scenario_of
from hiersim.errors import ConfigError
from hiersim.insight.explain import Explanation, explain
from hiersim.insight.whatif import whatif
from hiersim.machine import ClassRules, Replay, TierRules
from hiersim.report.outputs import write_all

MADE = {"page": ClassRules(flops_per_byte=3.0)}


def explained(what, objects, size=US, **columns):
    """Return the result, its explanation, and a function that asks what if."""
    trace = hs.AccessTrace.build(objects, size, {"object_class": 0, "group": 0, **columns}, classes=("page",))
    result = hs.Simulation(what).run(trace=trace)

    def ask(follow=False):
        return whatif(what, trace=trace, follow=follow, slopes=False)

    return result, explain(result), ask


def share(text: str) -> float:
    """Return the last share of a sentence."""
    return float(re.findall(r"([\d.]+)%", text)[-1]) / 100


def test_a_link_that_is_full():
    _, told, ask = explained(scenario(far={"read_bandwidth": 1e14}, replay=Replay(outstanding=4)), range(40))
    assert told == (
        "gpu waits 100% of the time.",
        "All of gpu's waiting is for the bytes that link.forward moves: it works 100% of the time, so only fewer bytes "
        "or more bandwidth there would help.",
        "link to near works 100% of the time: as long as it moves these bytes, all else can save 0% at most.",
    )
    found = ask()
    assert found["link bandwidth"].saves > 0.4
    assert max(effect.saves for effect in found.effects if effect.knob.name != "link bandwidth") == pytest.approx(0.0)


def test_latency_that_more_bandwidth_would_not_shorten():
    what = scenario(far={"read_latency": US}, link={"latency": 3 * US})
    _, told, ask = explained(what, range(40), 64)
    assert told[1] == (
        "75.0% of gpu's waiting is the latency of link.forward: a shorter latency, or more requests in flight, would "
        "help, more bandwidth would not."
    )
    found = ask()
    assert found["link latency"].saves > 0.3
    assert max(effect.saves for effect in found.effects if effect.knob.name.endswith("bandwidth")) < 0.01
    more = what.replace("replay.outstanding", 8)
    assert explained(more, range(40), 64)[0].elapsed_ps < 0.2 * explained(what, range(40), 64)[0].elapsed_ps


def test_a_queue_that_is_too_short():
    what = scenario(
        far={"read_latency": 1000, "queue_depth": 2}, link={"bandwidth": 1e15}, replay=Replay(outstanding=100)
    )
    _, told, ask = explained(what, range(100), 20)
    assert told[1] == (
        "96.2% of gpu's waiting is the latency of far: a shorter latency, or a longer queue at far, would help, "
        "more bandwidth would not."
    )
    found = ask()
    assert found["far queue depth"].saves > 0.3
    assert max(effect.saves for effect in found.effects if effect.knob.name.endswith("bandwidth")) < 0.05


def test_slots_of_a_full_link_are_not_called_too_few():
    """All four slots are taken because the bytes take long: more of them would change nothing, and nothing says so."""
    what = scenario(far={"read_bandwidth": 1e14, "queue_depth": 4}, replay=Replay(outstanding=40))
    _, told, ask = explained(what, range(40))
    assert not any("more slots" in sentence for sentence in told)
    assert ask()["far queue depth"].saves == pytest.approx(0.0)


def test_room_that_is_freed_too_slowly():
    """Every newcomer pushes a dirty object out over a slow link."""
    rules = {NEAR: TierRules(), FAR: TierRules()}
    slow = scenario(
        near={"capacity": 4 * US}, link={"bandwidth": 1e11}, tiers=rules, classes={}, replay=Replay(outstanding=2)
    )
    _, told, ask = explained(slow, range(40), write=1)
    assert "waiting is for room in near behind write-back: what it evicts leaves too slowly" in told[1]
    assert ask()["link bandwidth"].saves > 0.3


def test_computing_and_first_uses():
    result, told, ask = explained(scenario(classes=MADE), range(30))
    assert told[0] == "gpu computes 75.0% of the time and is at work on near 25.0%."
    assert (
        told[-1]
        == "30 of 30 accesses found their object nowhere, each for the first time: no capacity or policy avoids that."
    )
    assert result.created == 30
    assert ask()["near capacity"].saves == 0.0


def test_objects_that_might_have_been_kept():
    """A loop of 20 objects through room for 12 makes 180 objects again, all of which more room keeps."""
    rules = {NEAR: TierRules(on_evict="drop", capacity=12 * US)}
    what = scenario(tiers=rules, classes=MADE)
    result, told, _ = explained(what, np.arange(200) % 20)
    assert (
        "200 of 200 accesses found their object nowhere; at least 180 of them had been there before, which more room "
        "or another policy may keep." in told
    )
    assert "Full: near (188 evictions)." in told
    roomy, _, _ = explained(what.replace("tiers.near.capacity", 20 * US), np.arange(200) % 20)
    assert result.created - roomy.created == 180


def test_pauses_that_no_machine_shortens():
    what = scenario(replay=Replay(mode="open"))
    _, told, ask = explained(what, range(20), time_ps=np.arange(20) * 10 * US)
    limit = next(sentence for sentence in told if "no faster machine" in sentence)
    assert ask(follow=True).all_doubled <= share(limit)
    assert share(limit) == pytest.approx(1 - 9 * 19 / 191, abs=1e-3)


def test_energy_that_time_takes():
    """10 W for as long as it takes, and 0.51 pJ for each bit of 20 MB."""
    what = scenario(far={"background_power": 10.0, "read_energy": 0.5}, link={"energy": 0.01})
    result, told, _ = explained(what, range(20))
    moved = 20 * US * 8 * 0.51e-12
    passed = 10.0 * result.elapsed_ps / 1e12
    assert told[-2].startswith(f"{100 * (passed + moved * 0.5 / 0.51) / (passed + moved):.1f}% of the energy (")
    assert told[-2].endswith("goes into far.")
    assert share(told[-1]) == pytest.approx(passed / (passed + moved), abs=1e-3)
    assert 0.5 < share(told[-1]) < 0.95
    assert told[-1].endswith("of the energy is drawn while time passes, whatever moves: a shorter run takes less.")


def offloaded(*changes):
    return hs.load(CONFIGS / "layer_offload.yaml", ["replay.limit=320", *changes]).run()


def test_what_is_fetched_ahead_too_late():
    """One object ahead of a loop without pauses: the link is still at the last when the next is asked for."""
    late = offloaded("tiers.gddr.prefetch=next-n:n=1", "replay.think=0")
    told = explain(late)
    assert "99.7% of gpu0's waiting is for fetches into gddr that others began." in told
    assert "100% of what was fetched ahead into gddr and used came late." in told
    assert late.tiers["gddr"].prefetch.timeliness == 0.0
    assert "came late" not in str(explain(offloaded("tiers.gddr.prefetch=next-n:n=1")))


def test_what_is_fetched_ahead_in_vain():
    """The next in number of what is asked for at random is rarely what is asked for next."""
    generate = {"kind": "zipf", "params": {"accesses": 400, "objects": 300, "size": 4 << 20}}
    rules = {"gddr": {"capacity": "64 MiB", "prefetch": "next-n:n=4"}, "dram": {"capacity": "4 GiB"}}
    what = {"machine": "rtx-4090", "trace": {"generate": generate}, "tiers": rules}
    result = hs.Simulation(scenario_of(what | {"classes": {"page": {"on_miss": "home", "home": "dram"}}})).run()
    used = result.tiers["gddr"].prefetch.accuracy
    assert used < 0.5
    assert f"Of what was fetched ahead into gddr only {100 * used:.1f}% was used." in explain(result)


def test_the_limit_of_the_busiest_part_holds():
    """Whatever is made better but the busiest part, no more is saved than the sentence says."""
    what = scenario(far={"read_bandwidth": 1.2e12, "read_latency": US}, replay=Replay(outstanding=2))
    result, told, ask = explained(what, range(60))
    limit = next(sentence for sentence in told if "as long as it moves" in sentence)
    assert limit.startswith("link to near works")
    assert 0.05 < share(limit) < 0.5
    others = [effect.knob for effect in ask().effects if effect.knob.name != "link bandwidth"]
    best = what
    for knob in others:
        for path, value in knob.turned(1000.0).items():
            if not path.startswith("tiers."):
                best = best.replace(path, int(value) if isinstance(knob.value, int) else value)
    faster, _, _ = explained(best, range(60))
    assert 0.0 < 1 - faster.elapsed_ps / result.elapsed_ps <= share(limit) + 5e-4


def test_nothing_is_said_of_nothing(tmp_path):
    result, _, _ = explained(scenario(), range(3))
    assert explain(replace(result, elapsed_ps=0)) == Explanation()
    with pytest.raises(ConfigError, match="is not there"):
        explain(tmp_path / "none")


def test_a_result_explains_itself_and_so_does_its_folder(tmp_path):
    result, told, _ = explained(scenario(), range(3))
    assert result.explain() == told
    assert str(told) == "\n".join(told)
    write_all(result, tmp_path / "kept", pictures=False)
    assert hs.explain(tmp_path / "kept") == told
