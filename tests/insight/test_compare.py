"""Runs beside one another: in order, the right winners, and words whose numbers add up to what changed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from insight.test_explain_work import served
from insight.test_whatif import US, scenario

import hiersim as hs
from hiersim.errors import ConfigError
from hiersim.insight.changes import _differences, _owners, _parts, _waits, changes
from hiersim.insight.planned import Run, figures
from hiersim.report.better import better
from hiersim.report.format import duration, traffic
from hiersim.report.outputs import write_all

SCENARIO = """\
machine: rtx-4090
trace: {generate: {kind: zipf, params: {accesses: 400, objects: 60, size: 4 MiB}}}
tiers:
  gddr: {capacity: 64 MiB}
  dram: {capacity: 400 MiB}
seed: 7
"""
VARY = {"tiers.gddr.policy": ["lru", "fifo"], "tiers.gddr.capacity": ["32 MiB", "64 MiB", "128 MiB"]}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("compare") / "small.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture(scope="module")
def runs(file):
    return hs.compare(file, vary=VARY)


def a_run(name: str, what, objects) -> Run:
    trace = hs.AccessTrace.build(objects, US, {"object_class": 0, "group": 0}, classes=("page",))
    return Run(name, {}, hs.Simulation(what).run(trace=trace), figures(what))


def test_every_combination_is_run_in_order(file, runs):
    assert [run.name for run in runs][:4] == [
        "policy=lru, capacity=32 MiB",
        "policy=lru, capacity=64 MiB",
        "policy=lru, capacity=128 MiB",
        "policy=fifo, capacity=32 MiB",
    ]
    settings = itertools.product(*([f"{path}={value}" for value in values] for path, values in VARY.items()))
    alone = [hs.load(file, setting).run() for setting in settings]
    assert [run.result.elapsed_ps for run in runs] == [result.elapsed_ps for result in alone]
    assert [run.result.provenance["scenario_hash"] for run in runs] == [r.provenance["scenario_hash"] for r in alone]


def test_the_table_has_a_row_per_run_and_every_number(runs):
    table = runs.table()
    assert table.height == 6
    assert table["tiers.gddr.capacity"].to_list()[:3] == VARY["tiers.gddr.capacity"]
    assert table["elapsed_ps"].to_list() == [run.result.elapsed_ps for run in runs]
    assert table["stalled_ps"].to_list() == [run.result.units["gpu0"].stalled_ps for run in runs]


def test_a_varied_policy_is_told_how_far_it_comes_from_lru_to_the_optimum(file, runs):
    def hits(policy, room):
        choices = (f"tiers.gddr.policy={policy}", f"tiers.gddr.capacity={room}")
        return hs.load(file, choices).run().tiers["gddr"].hits

    for run in runs:
        policy, room = run.settings.values()
        lru, mine, best = (hits(name, room) for name in ("lru", policy, "opt"))
        assert best > lru
        assert run.numbers()["to_opt_share"] == (mine - lru) / (best - lru)
    assert "to_opt_share" in runs.table().columns
    rooms = hs.compare(file, vary={"tiers.gddr.capacity": ["32 MiB", "64 MiB"]})
    assert all("to_opt_share" not in run.numbers() for run in rooms)


def test_where_nobody_knows_the_future_no_way_is_told():
    short = hs.load("configs/mooncake_tiers.yaml", ["trace.limit=20"])
    runs = hs.compare(short, vary={"tiers.dram.policy": ["lru", "fifo"]})
    assert [run.name for run in runs] == ["policy=lru", "policy=fifo"]
    assert all("to_opt_share" not in run.numbers() for run in runs)


def test_the_best_is_the_least_or_the_most(runs):
    assert runs.best("elapsed").result.elapsed_ps == min(run.result.elapsed_ps for run in runs)
    assert runs.best("tiers.gddr.hits").result.tiers["gddr"].hits == max(run.result.tiers["gddr"].hits for run in runs)
    with pytest.raises(ConfigError, match="no number `elapsd`"):
        runs.best("elapsd")
    with pytest.raises(ConfigError, match="cannot be said"):
        runs.best("tiers.gddr.capacity_bytes")


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("elapsed_ps", -1),
        ("units.gpu0.stalled_ps", -1),
        ("units.gpu0.stalls.dram latency", -1),
        ("energy_j.total", -1),
        ("tiers.hbm.energy_j", -1),
        ("latency_ps.p99", -1),
        ("requests.ttft_s.p99", -1),
        ("requests.tokens_per_s", 1),
        ("tiers.hbm.hits", 1),
        ("tiers.hbm.misses", -1),
        ("tiers.hbm.capacity_bytes", 0),
        ("accesses", 0),
    ],
)
def test_what_is_better_is_known_by_name(name, sign):
    assert better(name) == sign


def test_pictures_take_axes_and_return_them(runs):
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(2)
    assert runs.plot.stalls(axes[0]) is axes[0]
    assert runs.plot.number("elapsed", axes[1]) is axes[1]
    widths = [bar.get_width() for bar in axes[1].patches]
    assert widths == [run.result.elapsed_ps for run in runs]
    labels = [label.get_text() for label in axes[0].get_yticklabels()]
    assert len(labels) == 6
    plt.close("all")


def test_workers_change_nothing(file, runs):
    two = hs.compare(file, vary=VARY, workers=2)
    assert two.table().equals(runs.table())
    assert [run.name for run in two] == [run.name for run in runs]
    assert all(np.array_equal(a.result.latency_ps, b.result.latency_ps) for a, b in zip(two, runs, strict=True))


def test_scenarios_results_and_folders_stand_beside_one_another(file, runs, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(f"extends: {file}\ntiers: {{gddr: {{policy: fifo}}}}\n")
    write_all(runs[1].result, tmp_path / "kept", pictures=False)
    found = hs.compare(file, other, tmp_path / "kept", runs[4].result)
    assert [run.name for run in found] == ["small (1)", "other", "kept", "small (2)"]
    assert found[0].result.elapsed_ps == found[2].result.elapsed_ps == runs[1].result.elapsed_ps
    assert found[1].result.elapsed_ps == runs[4].result.elapsed_ps
    assert found.changes(0, 1)[0] == "other differs from small (1) in tiers.gddr.policy lru -> fifo."


def test_a_difference_is_told_cause_by_cause():
    """20 fetches over a link whose latency falls from 2 to 1 us, with 3 W of background power."""
    far = {"background_power": 3.0, "read_bandwidth": 1e14}
    slow, fast = (
        a_run(name, scenario(far=far, link={"latency": latency}), range(20))
        for name, latency in (("slow", 2 * US), ("fast", US))
    )
    found = hs.Runs([slow, fast])
    assert found.changes() == [
        "fast differs from slow in links.link.latency 2 us -> 1 us.",
        "fast takes 40 us, 20 us (33.3%) less than slow.",
        "gpu: 20 us less waiting for link.forward latency.",
        "Energy 120 uJ instead of 180 uJ (33.3% less): 60 uJ less by far.",
    ]
    assert found.changes(1, 0)[1] == "slow takes 60 us, 20 us (50.0%) more than fast."


def test_the_parts_of_a_difference_add_up(runs):
    for one in runs:
        assert sum(_parts(one.result, "gpu0").values()) == one.result.elapsed_ps
        assert sum(_owners(one.result).values()) == pytest.approx(one.result.total_energy_j)
    first, last = runs[0].result, runs[5].result
    parts = _differences(_parts(first, "gpu0"), _parts(last, "gpu0"))
    assert sum(parts.values()) == last.elapsed_ps - first.elapsed_ps


def test_hits_and_traffic_are_told(runs):
    told = " ".join(runs.changes(0, 2))
    first, last = runs[0].result, runs[2].result
    assert f"gddr answers {100 * last.tiers['gddr'].hits / 400:.1f}% of the accesses instead of" in told
    assert first.links["pcie"].forward_total > last.links["pcie"].forward_total
    assert first.links["pcie"].between[1] == "dram"
    less = first.links["pcie"].forward_total - last.links["pcie"].forward_total
    assert f"{traffic(less)} less over pcie to dram" in told


def test_settings_are_told_as_they_are_written(file):
    found = hs.compare(file, vary={"replay.think": [0, "1 us"], "trace.ignore_time": [True, False]})
    assert [run.name for run in found][:2] == ["think=0, ignore_time=yes", "think=0, ignore_time=no"]
    assert found[3].told() == {"replay.think": "1 us", "trace.ignore_time": "no"}
    assert found.table()["trace.ignore_time"].to_list() == [True, False, True, False]


def test_what_became_of_requests_is_told():
    """More room for KV: who waits less runs beside more others; the parts are all of the difference of the means."""
    small, large = (served(f"serve.kv_pages={pages}") for pages in (600, 1200))
    told = Run("small", {}, small, {}), Run("large", {}, large, {})
    sentences = changes(*told)
    first, each = (f"{duration(round(times.mean()))}" for times in (large.requests.ttft_ps, large.requests.tpot_ps))
    was, were = (f"{duration(round(times.mean()))}" for times in (small.requests.ttft_ps, small.requests.tpot_ps))
    assert (
        f"On average the first token comes after {first} instead of {was}, each further one takes {each} instead of "
        f"{were}." in sentences
    )
    parts = _differences(_waits(small.requests), _waits(large.requests))
    change = large.requests.latency_ps.mean() - small.requests.latency_ps.mean()
    assert sum(parts.values()) == pytest.approx(change, rel=1e-9)
    (spent,) = [sentence for sentence in sentences if sentence.startswith("A request spends ")]
    assert spent.startswith(f"A request spends {duration(-parts['waiting for a turn'])} less waiting for a turn, ")
    assert not any("request" in sentence for sentence in changes(told[0], told[0]))


def test_equal_runs_are_said_to_be_equal(file):
    again = hs.compare(file, file)
    assert again.changes() == [
        "small (2) and small (1) are the same scenario.",
        f"Both take {again[0].result.elapsed_ps / 1e9:.3g} ms.",
    ]


def test_policies_over_a_trace_are_still_compared(monkeypatch):
    asked = []
    monkeypatch.setattr("hiersim.api.compare.compare", lambda *given, **options: asked.append((given, options)))
    trace = hs.AccessTrace.build(np.arange(60) % 7, size=[10] * 7)
    hs.compare(trace, ["lru"], 30, ignore_size=True)
    hs.compare("some.parquet", "all")
    assert asked == [((trace, ["lru"], 30), {"ignore_size": True}), (("some.parquet", "all"), {})]


def test_mistakes_come_at_once_and_before_anything_is_run(file, tmp_path):
    with pytest.raises(ConfigError) as caught:
        hs.compare(file, vary={"tiers.gddr.policy": ["lru", "lur"], "tiers.dram.capcity": ["1 MiB"]})
    told = {(mistake.where, mistake.file) for mistake in caught.value.mistakes}
    assert told == {("tiers.gddr.policy", "--vary"), ("tiers.dram.capcity", "--vary")}
    with pytest.raises(ConfigError, match="has no values"):
        hs.compare(file, vary={"tiers.gddr.policy": []})
    with pytest.raises(ConfigError, match="one scenario can be varied"):
        hs.compare(file, file, vary=VARY)
    with pytest.raises(ConfigError, match="neither a scenario"):
        hs.compare(file, "nothing.parquet")
    with pytest.raises(ConfigError, match="2,000 runs are more than 1,000"):
        hs.compare(file, vary={"seed": list(range(2000))})


def test_a_run_that_cannot_end_says_which_it_was(file):
    vary = {"trace.generate.params.size": ["4 MiB", "1 GiB"]}
    with pytest.raises(ConfigError, match="size=1 GiB"):
        hs.compare(file, vary=vary)
