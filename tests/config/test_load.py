"""Scenarios that are right: what they become, how they compose, and how they change."""

from pathlib import Path

import pytest

from hiersim.config import Scenario, load, load_machine
from hiersim.errors import ConfigError
from hiersim.machine import TierRules
from hiersim.machine.catalogue import find_machine

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
BASE = """\
machine: h100-sxm-cxl
trace: {path: data/x.parquet}
replay: {streams: 16, think: 5 us}
tiers:
  hbm: {capacity: 40 GiB, policy: lru, promotion: {on_nth_hit: 2}}
  dram: {capacity: 256 GiB}
  cxl: {}
  flash: {capacity: 8 TiB, policy: fifo, write: through}
seed: 7
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write files into an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def write(**texts):
        for name, text in texts.items():
            path = Path(name.replace("__", "/") + ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def test_a_scenario_is_typed(files):
    files(base=BASE)
    scenario = load("base.yaml")
    assert scenario.name == "base"
    assert scenario.machine == find_machine("h100-sxm-cxl")
    assert scenario.trace.path == "data/x.parquet"
    assert (scenario.replay.streams, scenario.replay.think, scenario.seed) == (16, 5_000_000, 7)
    assert list(scenario.tiers) == ["hbm", "dram", "cxl", "flash"]
    assert scenario.tiers["hbm"].capacity == 40 * 2**30
    assert scenario.tiers["hbm"].promotion.on_nth_hit == 2
    assert scenario.tiers["cxl"] == TierRules()
    assert (scenario.tiers["flash"].policy.name, scenario.tiers["flash"].write) == ("fifo", "through")
    assert scenario.capacity("cxl") == 96 * 2**30
    assert scenario.unit == "gpu0"
    assert scenario.chain() == ("hbm", "dram", "cxl", "flash")


def test_without_rules_every_tier_is_managed(files):
    files(base="machine: rtx-4090\ntrace: x.csv\n")
    assert load("base.yaml").tiers == {"gddr": TierRules(), "dram": TierRules(), "flash": TierRules()}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_shipped_scenarios_load(path):
    scenario = load(path)
    assert scenario.name == path.stem
    assert scenario.summary
    if scenario.trace.path is not None:  # else it is generated
        assert scenario.trace.path.startswith(str(path.parents[1] / "traces"))


def test_paths_are_relative_to_the_file_that_names_them(files, monkeypatch):
    files(deep__base=BASE, over="extends: deep/base.yaml\n", own="extends: deep/base.yaml\ntrace: {path: y.csv}\n")
    assert load("over.yaml").trace.path == "deep/data/x.parquet"
    assert load("own.yaml").trace.path == "y.csv"
    assert load("over.yaml", ["trace.path=z.csv"]).trace.path == "z.csv"
    monkeypatch.chdir("deep")
    assert load("../over.yaml").trace.path == "../deep/data/x.parquet"


def test_policy_paths_are_relative_too(files):
    files(deep__base=BASE.replace("policy: lru", "policy: ./mine.py"))
    Path("deep/mine.py").write_text("")
    assert load("deep/base.yaml").tiers["hbm"].policy.name == "deep/mine.py"


def test_extends_merges_key_by_key(files):
    files(
        base=BASE, mid="extends: base.yaml\ntiers: {hbm: {policy: fifo}}\nseed: 8\n", top="extends: mid.yaml\nseed: 9\n"
    )
    scenario = load("top.yaml")
    assert scenario.seed == 9
    assert scenario.tiers["hbm"].policy.name == "fifo"
    assert scenario.tiers["hbm"].capacity == 40 * 2**30
    assert scenario.replay.streams == 16
    assert scenario.name == "top"


def test_null_takes_an_entry_out(files):
    files(base=BASE, top="extends: base.yaml\ntiers: {cxl: null}\n")
    assert list(load("top.yaml").tiers) == ["hbm", "dram", "flash"]
    assert list(load("base.yaml", ["tiers.cxl=null"]).tiers) == ["hbm", "dram", "flash"]


def test_an_extending_file_may_change_the_machine(files):
    files(base=BASE, top="extends: base.yaml\nmachine: {tiers: {hbm: {capacity: 141 GB}}}\n")
    scenario = load("top.yaml")
    assert scenario.machine.tiers["hbm"].capacity == 141 * 10**9
    assert scenario.machine.tiers["dram"] == find_machine("h100-sxm-cxl").tiers["dram"]
    assert "capacity" not in scenario.machine.tiers["hbm"].provenance


OWN_MACHINE = """\
name: toy
tiers:
  hbm: {part: h100-hbm3, capacity: 1 GiB}
  dram:
    {kind: ddr, capacity: 2 GiB, read_bandwidth: 1 GB/s, write_bandwidth: 1 GB/s, read_latency: 1 us, write_latency: 0}
links:
  bus: {part: pcie4-x16, between: [hbm, dram]}
units:
  gpu0: {part: h100-sxm-gpu, tier: hbm}
"""


def test_a_machine_may_be_a_file_or_a_description(files):
    inline = "\n".join("  " + line for line in OWN_MACHINE.splitlines())
    files(
        machines__toy=OWN_MACHINE,
        by_path="machine: machines/toy.yaml\ntrace: x\n",
        inline=f"machine:\n{inline}\ntrace: x\n",
    )
    files(
        machines__big="extends: toy.yaml\ntiers: {dram: {capacity: 4 GiB}}\n",
        extended="machine: {extends: machines/big.yaml}\ntrace: x\n",
    )
    toy = load("by_path.yaml").machine
    assert toy == load("inline.yaml").machine == load_machine("machines/toy.yaml")
    assert (toy.name, toy.tiers["hbm"].capacity, toy.tiers["hbm"].read_bandwidth) == ("toy", 2**30, 3.35e12)
    assert load("extended.yaml").machine.tiers["dram"].capacity == 2**32
    assert load_machine("rtx-4090") == find_machine("rtx-4090")


def test_overrides(files):
    files(base=BASE + "agents:\n- {kind: next_n, params: {depth: 2}}\n")
    changes = ["tiers.dram.capacity=128 GiB", "replay.mode=open", "seed=11", "seed=12", "agents.0.params.depth=4"]
    scenario = load("base.yaml", [*changes, "machine.tiers.hbm.read_latency=1 us", "outputs.timeline=true"])
    assert scenario.capacity("dram") == 128 * 2**30
    assert (scenario.replay.mode, scenario.seed, scenario.outputs.timeline) == ("open", 12, True)
    assert scenario.agents[0].params == {"depth": 4}
    assert scenario.machine.tiers["hbm"].read_latency == 1_000_000
    assert find_machine("h100-sxm-cxl").tiers["hbm"].read_latency == 400_000
    assert load("base.yaml", ["machine=h100-sxm", "tiers.cxl=null"]).machine.name == "h100-sxm"
    assert load("base.yaml", ["tiers.hbm.policy={name: lru}"]).tiers["hbm"].policy.spec == "lru"


def test_short_forms_can_be_added_to(files):
    files(base="machine: rtx-4090\ntrace: x.csv\n", top="extends: base.yaml\ntrace: {limit: 3}\n")
    assert (load("top.yaml").trace.path, load("top.yaml").trace.limit) == ("x.csv", 3)
    assert load("base.yaml", ["trace.limit=4"]).trace.limit == 4


def test_an_override_of_one_tier_leaves_the_others(files):
    files(base="machine: rtx-4090\ntrace: x.csv\n")
    scenario = load("base.yaml", ["tiers.dram.capacity=1 GiB"])
    assert scenario.tiers == {"gddr": TierRules(), "dram": TierRules(capacity="1 GiB"), "flash": TierRules()}


def test_replace_gives_a_changed_copy(files):
    files(base=BASE)
    scenario = load("base.yaml")
    larger = scenario.replace("tiers.dram.capacity", "512 GiB")
    assert (larger.capacity("dram"), scenario.capacity("dram")) == (512 * 2**30, 256 * 2**30)
    assert scenario.replace("tiers.dram.capacity", 2**30).capacity("dram") == 2**30
    assert scenario.replace("tiers.hbm.policy", "fifo").tiers["hbm"].policy.name == "fifo"
    assert scenario.replace("machine.tiers.flash.read_latency", 7).machine.tiers["flash"].read_latency == 7
    assert scenario.replace("trace.limit", 5).trace.limit == 5
    assert larger.replace("tiers.dram.capacity", "256 GiB") == scenario
    without_cxl = scenario.replace("tiers.cxl", None)
    assert without_cxl.replace("machine", "h100-sxm").machine == find_machine("h100-sxm")


def test_replace_refuses_in_the_same_words(files):
    files(base=BASE)
    with pytest.raises(ConfigError) as error:
        load("base.yaml").replace("tiers.dram.capcity", 5)
    assert str(error.value) == "tiers.dram.capcity  unknown key; did you mean `capacity`?"


def test_a_scenario_can_be_made_in_python():
    machine = find_machine("h100-sxm")
    scenario = Scenario(machine=machine, trace="x.csv", tiers={"hbm": TierRules(capacity="1 GiB"), "flash": {}})
    assert scenario.chain() == ("hbm", "flash")
    assert Scenario(machine=machine, trace="x.csv").tiers.keys() == machine.tiers.keys()
    with pytest.raises(ValueError, match=r"tiers\.hbm\.capacity: 1 TiB is more than the 80 GiB"):
        Scenario(machine=machine, trace="x.csv", tiers={"hbm": TierRules(capacity="1 TiB")})


def test_the_hash_tells_what_can_change_a_result(files, monkeypatch):
    files(
        base=BASE,
        deep__other=BASE.replace("data/x.parquet", "elsewhere/x.parquet"),
        same="extends: base.yaml\nsummary: other words\n",
    )
    scenario = load("base.yaml")
    known = scenario.scenario_hash
    assert len(known) == 64
    assert load("same.yaml").scenario_hash == known
    assert load("deep/other.yaml").scenario_hash == known
    assert load(Path("base.yaml").resolve()).scenario_hash == known
    assert scenario.replace("tiers.dram.capacity", "262144 MiB").scenario_hash == known
    changes = {"seed": 8, "tiers.dram.capacity": "1 GiB", "trace.path": "y.csv", "machine.tiers.hbm.read_latency": 1}
    changes |= {"tiers.hbm.policy": "fifo", "replay.streams": 3, "classes": {"kv": {"compute_time": 1}}}
    hashes = {scenario.replace(path, value).scenario_hash for path, value in changes.items()}
    assert len(hashes | {known}) == len(changes) + 1


def test_the_order_of_tiers_counts(files):
    swapped = BASE.replace("  cxl: {}\n", "").replace("  dram:", "  cxl: {}\n  dram:")
    files(base=BASE, swapped=swapped)
    assert load("swapped.yaml").scenario_hash != load("base.yaml").scenario_hash
    assert load("swapped.yaml").chain() == ("hbm", "cxl", "dram", "flash")


def test_the_trace_section_reads_like_the_readers_options(files):
    from hiersim.traces import ReadOptions

    files(base=BASE)
    section = load("base.yaml").trace
    assert ReadOptions.of(section.read_options()) == ReadOptions()
    section = load("base.yaml", ["trace.limit=9", "trace.block_bytes=4 KiB", "trace.columns={id: key}"]).trace
    assert ReadOptions.of(section.read_options()) == ReadOptions(limit=9, block_bytes=4096, columns={"id": "key"})


def test_numbers_anchors_and_merge_keys(files):
    text = "classes: {kv: {flops_per_byte: 1e3}}\ntiers:\n  hbm: &r {capacity: 2 GiB}\n  dram: {<<: *r, policy: fifo}\n"
    files(base="machine: h100-sxm\ntrace: 2024-05-01\n" + text)
    scenario = load("base.yaml")
    assert scenario.classes["kv"].flops_per_byte == 1000.0
    assert scenario.tiers["dram"] == TierRules(capacity="2 GiB", policy="fifo")
    assert scenario.trace.path == "2024-05-01"
