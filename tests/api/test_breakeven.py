"""When fetching beats computing: closed forms on a plain machine, ends of ranges by trying, table, JSON and picture."""

import json

import pytest
from report import look
from serving.rig import KV, MACHINE, SECOND, costs, step_time

import hiersim
from hiersim.api.simulation import Simulation
from hiersim.cli.main import execute
from hiersim.config import Scenario
from hiersim.config.sections import TraceSection
from hiersim.machine import TierRules
from hiersim.machine.serving import Serving
from hiersim.report.breakeven_plot import breakeven_plot
from hiersim.report.breakeven_table import sentences

BLOCK = 64


def examined(machine=MACHINE, **options):
    serve = Serving(model="llama-3.1-8b", kv_pages=8000, **options.pop("serve", {}))
    tiers = {"hbm": TierRules()} | {name: TierRules(capacity=1 << 30) for name in ("dram", "flash")}
    scenario = Scenario(machine=machine, trace=TraceSection(path="none.jsonl"), serve=serve, tiers=tiers)
    return hiersim.breakeven(Simulation(scenario), **{"block_tokens": BLOCK, "new": 10} | options)


def test_fetching_takes_latencies_and_bytes_and_computing_takes_steps():
    found = examined(contexts=[640, 4096], busy=0.75)
    packed = costs()
    for point in found.points:
        size = point.context * KV
        assert point.kv_bytes == size
        dram, flash = point.tiers["dram"], point.tiers["flash"]
        assert dram.fetch_ps == pytest.approx(600_000 + size / 5e10 * SECOND, abs=100)
        assert dram.busy_ps == pytest.approx(600_000 + size / 1.25e10 * SECOND, abs=100)
        assert flash.fetch_ps == pytest.approx(51_500_000 + size / 2e9 * SECOND, abs=100)
        assert flash.busy_ps == pytest.approx(51_500_000 + size / 5e8 * SECOND, abs=100)
    whole = step_time(packed, chunks=[(650, 0)])[0]
    rest = step_time(packed, chunks=[(10, 640)])[0]
    assert found.points[0].compute_ps == whole - rest
    steps = [(2048, 0), (2048, 2048)]  # and one of the tokens behind them, as when they are near
    assert found.points[1].compute_ps == sum(step_time(packed, chunks=[each])[0] for each in steps)
    assert found.wins["flash"] == found.busy_wins["flash"] == ()


def test_ranges_end_where_it_turns():
    """A link that is slower than the unit on long prompts, and slower than weights on short ones."""
    pcie = MACHINE.links["pcie"].model_copy(update={"bandwidth": 8e9})
    machine = MACHINE.model_copy(update={"links": MACHINE.links | {"pcie": pcie}})
    found = examined(machine, contexts=[128, 512, 2048, 16_384], busy=0)
    (start, end), *others = found.wins["dram"]
    assert (others, end) == ([], 16_384)
    assert 128 < start < 2048
    (before,) = examined(machine, contexts=[start - BLOCK], busy=0).points
    (after,) = examined(machine, contexts=[start], busy=0).points
    assert before.compute_ps <= before.tiers["dram"].fetch_ps
    assert after.compute_ps > after.tiers["dram"].fetch_ps
    assert sentences(found)[0] == f"dram: fetching is faster from {start:,} tokens"


def test_a_layered_fetch_hides_under_the_step():
    blocking, layered = (
        examined(contexts=[256], serve={"fetch": which}).points[0] for which in ("blocking", "layered")
    )
    assert blocking.tiers["dram"].fetch_ps > 0
    assert layered.tiers["dram"].fetch_ps == 0
    assert 0 < layered.tiers["flash"].fetch_ps < blocking.tiers["flash"].fetch_ps


def test_picture_table_and_numbers():
    found = examined(contexts=[64, 1024, 16_384])
    assert look.faults(breakeven_plot(found)) == []
    table = found.table()
    assert table.columns[:4] == ["context", "tier", "kv_bytes", "compute_ps"]
    assert len(table) == 6
    told = json.loads(json.dumps(found.as_dict()))
    assert [each["tokens"] for each in told["contexts"]] == [64, 1024, 16_384]
    assert told["contexts"][1]["tiers"]["dram"]["fetch_s"] == found.points[1].tiers["dram"].fetch_ps / 1e12
    assert all(each["compute_j"] > 0 for each in told["contexts"])


WRONG = {
    "share": (["--busy", "1.5"], "--busy"),
    "contexts": (["--contexts", "1k,x"], "--contexts"),
    "new": (["--new", "0"], "new"),
    "too long": (["--contexts", "1000000"], "tiers.hbm"),
    "picture": (["--out", "x.pdf"], "--out"),
    "one tier": (["--set", "tiers.dram=null", "--set", "tiers.flash=null"], "tiers"),
    "replay": (["--set", "serve=null"], "serve"),
}


@pytest.mark.parametrize("name", WRONG)
def test_mistakes_are_a_line(name, capsys, tmp_path, monkeypatch):
    from serving.test_bad_serving import TIERS

    monkeypatch.chdir(tmp_path)
    arguments, where = WRONG[name]
    code = execute(["breakeven", str(TIERS), "--quiet", *arguments])
    lines = capsys.readouterr().err.splitlines()
    assert (code, len(lines)) == (2, 2), lines
    assert where in lines[0]
    assert list(tmp_path.iterdir()) == []
