"""The balance of a run: needs, intensities and what binds, against sums by hand; of every kind of run; read back."""

from __future__ import annotations

import json

import polars as pl
import pytest
from execute.machines import plain, run
from execute.test_laws import double_buffered

import hiersim as hs
from hiersim.api.balance import balance
from hiersim.report.json import to_json, write_json
from hiersim.report.reading import machine_of, read_result
from hiersim.traces.operation_builder import OperationBuilder

REPLAYED = """\
machine: rtx-4090
trace: {generate: {kind: loop, params: {accesses: 400, objects: 40, size: 4 MiB}}}
tiers:
  gddr: {capacity: 48 MiB, policy: lru}
  dram: {inclusion: inclusive}
classes: {page: {home: dram}}
"""
OPERATED = """\
machine: rtx-4090
trace: {generate: {kind: headwise_kv, params: {context: 4096, layers: 2}}}
tiers: {gddr: {}, dram: {inclusion: inclusive}}
"""


def two_operations():
    """One bound by FLOPs, one by bytes: 1 FLOP/ps, hbm 1 B/ps."""
    build = OperationBuilder("two")
    build.add("product", unit="gpu", flops=10_000_000, near_read=1_000_000, near_class="weight")
    build.add("copy", unit="gpu", flops=100_000, near_read=3_000_000, near_written=1_000_000, near_class="kv")
    return build.build()


def test_one_operation_is_bound_by_its_flops_and_one_by_its_bytes():
    found = balance(run(two_operations()))
    work = {each.name: each for each in found.work}
    assert (work["product"].binding, work["copy"].binding) == ("gpu", "hbm")
    assert (work["product"].intensity, work["copy"].intensity) == (10.0, 0.025)
    assert (work["product"].compute_ps, work["product"].near_ps) == (10_000_000, 1_000_000)
    assert (work["copy"].compute_ps, work["copy"].near_ps) == (100_000, 4_000_000)
    needs = {each.name: each.needs_ps for each in found.resources}
    assert needs == {"gpu": 10_100_000, "hbm": 5_000_000}
    assert found.elapsed_ps == found.critical_path_ps == found.bound_ps == 14_000_000
    assert found.binding == "gpu"
    gains = {each.name: each.at_most for each in found.resources}
    assert gains == pytest.approx({"gpu": 14 / 5, "hbm": 14 / 10.1})


def test_without_its_link_a_run_is_as_fast_as_its_compute():
    """Layers whose weights come over PCIe: with a link a thousand times as fast the gain is the one that was told."""
    trace = double_buffered(12, size=100_000, flops=400_000, buffers=2)
    slow = plain(hbm=250_000)
    first = run(trace, slow)
    found = balance(first)
    told = {each.name: each for each in found.resources}["pcie.forward"]
    assert found.binding == "pcie.forward"
    assert told.sort == "link"
    link = slow.links["pcie"].model_copy(update={"bandwidth": 1e14, "latency": 0})
    fast = run(trace, slow.model_copy(update={"links": {"pcie": link}}))
    gained = first.operations.makespan_ps / fast.operations.makespan_ps
    assert gained <= told.at_most
    assert gained == pytest.approx(told.at_most, rel=0.1)  # the first load is waited for still, and loads take from hbm


def test_a_given_duration_and_an_overhead_are_the_unit_s():
    build = OperationBuilder("one")
    build.add("given", unit="gpu", duration_ps=500)
    build.add("launched", unit="gpu", flops=100)
    found = balance(run(build.build(), plain(overhead=40)))
    assert {each.name: each.needs_ps for each in found.resources} == {"gpu": 500 + 140}


@pytest.fixture
def folder(tmp_path):
    for name, text in (("replayed", REPLAYED), ("operated", OPERATED)):
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def test_a_replay_is_bound_by_the_link_that_its_misses_cross(folder):
    simulation = hs.load(folder / "replayed.yaml")
    result = simulation.run()
    found = balance(result, simulation.scenario.machine)
    assert found.binding == "pcie.backward"
    assert found.critical_path_ps is None
    first = found.resources[0]
    wire = result.links["pcie"].backward_wire_bytes
    link = simulation.scenario.machine.links["pcie"]
    assert first.needs_ps == pytest.approx(wire / (link.bandwidth * link.efficiency) * 1e12, rel=0.01)
    assert first.needs_ps <= result.elapsed_ps
    assert [each.name for each in found.work] == ["gpu0"]


@pytest.mark.parametrize("name", ["replayed", "operated"])
def test_a_kept_run_has_the_same_balance(folder, name):
    simulation = hs.load(folder / f"{name}.yaml")
    result = simulation.run()
    write_json(result, folder / "result.json")
    saved = read_result(folder / "result.json")
    assert balance(saved.result) == balance(result)
    assert to_json(saved.result).get("operations") == to_json(result).get("operations")
    assert machine_of(saved) is None


def test_the_command_says_and_draws(cli, folder):
    code, out, err = cli("roofline", "operated.yaml", "--out", "roofs.svg", "-q")
    assert (code, err) == (0, "")
    assert "operated: pcie.backward binds, its work takes" in out
    assert [line.split()[0] for line in out.splitlines() if "fetches to gddr" in line] == ["attention"]
    assert b"attention" in (folder / "roofs.svg").read_bytes()
    code, out, _ = cli("roofline", "operated.yaml", "--json", "-", "-q")
    found = json.loads(out)
    assert found["binding"] == found["resources"][0]["name"] == "pcie.backward"
    assert {each["name"] for each in found["work"]} == {"upload", "attention", "matrices", "append", "free"}


def test_a_run_without_its_busiest_resources_gains_no_more_than_was_told(cli, folder):
    """By PCIe alone here: without it the run is as fast as the card's memory and DRAM let it be."""
    code, out, _ = cli("roofline", "operated.yaml", "--without", "3", "--json", "-", "-q")
    found = json.loads(out)
    assert code == 0
    told = {each["name"]: each["at_most"] for each in found["resources"]}
    assert list(found["without"]) == ["pcie.backward", "gddr", "dram"]
    assert all(1 <= found["without"][name] <= told[name] * 1.001 for name in found["without"])
    assert found["without"]["pcie.backward"] > 1.2
    _, out, _ = cli("roofline", "operated.yaml", "--without", "1", "-q")
    assert out.splitlines()[2].split()[-1] == "simulated"
    assert out.splitlines()[3].split()[-1].endswith("x")


def test_operations_do_not_ask_for_a_format_that_replays_use(cli, folder):
    """A T4 does not compute in bf16, the default of replays; changed scenarios of operations have that default too."""
    text = OPERATED.replace("rtx-4090", "t4-cloud")
    (folder / "t4.yaml").write_text(text)
    code, out, err = cli("roofline", "t4.yaml", "--without", "1", "--json", "-", "-q")
    assert (code, err) == (0, "")
    assert list(json.loads(out)["without"]) == ["gddr"]


def test_its_tables_are_kept_and_reported(cli, folder):
    assert cli("run", "operated.yaml", "--out", "kept", "-q", "--no-pictures")[0] == 0
    found = balance(read_result(folder / "kept").result)
    table = pl.read_parquet(folder / "kept" / "tables" / "operations.parquet")
    assert table["operation"].to_list() == [each.name for each in found.work]
    assert table["binding"].to_list() == [each.binding for each in found.work]
    table = pl.read_parquet(folder / "kept" / "tables" / "resources.parquet")
    assert table["needs_ps"].to_list() == [each.needs_ps for each in found.resources]
    assert cli("report", "kept", "-q")[0] == 0
    page = (folder / "kept" / "report.html").read_text()
    assert "What each resource alone needs" in page
    assert "fetches to gddr" in page


def test_the_command_takes_a_run_that_was_kept(cli, folder):
    assert cli("run", "replayed.yaml", "--out", "kept", "-q", "--no-pictures")[0] == 0
    told = [cli("roofline", name, "--out", "r.png")[:2] for name in ("kept", "replayed.yaml")]
    assert told[0] == told[1]
    assert told[0][0] == 0


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["none.yaml"], "none.yaml  no such file"),
        (["none.json"], "none.json  is not there; `hiersim run --out` makes one"),
        (["."], "has no result.json; `hiersim run --out` makes one"),
        (["replayed.yaml", "--out", "roofs.pdf"], "--out  pictures are drawn as .png or .svg, not as .pdf"),
        (["replayed.yaml", "--out", "roofs.txt"], "--out  `roofs.txt` ends in none of .png, .svg"),
        (["replayed.yaml", "--unit", "gpu1", "--out", "r.svg"], "no unit `gpu1`; did you mean `gpu0`?"),
        (["replayed.yaml", "--without", "-1"], "--without  must be 0 or more, got -1"),
        (["kept.json", "--without", "1"], "--without  a run that was kept cannot be run again; give its scenario"),
        (["kept.json", "--set", "name=x"], "--set  a run that was kept cannot be run again; give its scenario"),
    ],
)
def test_bad_input_is_a_line(cli, folder, words, what):
    code, out, err = cli("roofline", *words, "-q")
    assert (code, out) == (2, "")
    assert what in err
    assert [line for line in err.splitlines() if what not in line] == ["1 mistake, nothing was done."]
    assert not list(folder.glob("r*.svg"))


SERVED = """\
machine: rtx-4090
trace: {generate: {kind: requests, params: {requests: 40}}}
serve: {model: llama-3.2-1b}
tiers: {gddr: {}}
"""


def test_requests_are_bound_by_the_weights_that_each_step_reads(folder):
    """Decoding of small batches reads its weights at the rate of the card's memory; the unit computes little."""
    (folder / "served.yaml").write_text(SERVED)
    simulation = hs.load(folder / "served.yaml")
    result = simulation.run()
    found = balance(result, simulation.scenario.machine)
    (unit,) = found.work
    tier = simulation.scenario.machine.tiers["gddr"]
    moved = result.tiers["gddr"].read_total + result.tiers["gddr"].written_total
    needs = {each.name: each.needs_ps for each in found.resources}
    assert found.binding == "gddr"
    assert needs["gddr"] == pytest.approx(moved / (tier.read_bandwidth * tier.efficiency) * 1e12, rel=0.02)
    assert unit.count == result.requests.steps
    assert unit.intensity == pytest.approx(unit.flops / moved)
    assert all(0 < each.share <= 1 for each in found.resources)
