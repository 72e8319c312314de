"""A sweep is its points run one by one, whatever runs them; failures are rows; nothing is done twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

import hiersim as hs
from hiersim import sweep
from hiersim.api.simulation import Simulation
from hiersim.cli.main import execute
from hiersim.errors import ConfigError, HiersimError
from hiersim.report.json import to_json
from hiersim.report.numbers import shown
from hiersim.sweep import evaluate
from hiersim.sweep.files import Options
from hiersim.sweep.spread import Where, spreading


def flat(node, prefix=""):
    """Numbers by dotted name, the slow way."""
    if isinstance(node, dict):
        return {k: v for key, child in node.items() for k, v in flat(child, f"{prefix}.{key}").items()}
    return {prefix[1:]: node} if type(node) in (int, float) else {}


def test_each_row_is_the_run_of_its_scenario(folder):
    table = sweep.run("sweep.yaml").table()
    assert table["tiers.gddr.policy"].to_list() == ["lru"] * 3 + ["fifo"] * 3
    assert table["tiers.gddr.capacity"].to_list() == [2**14, 2**15, 2**16] * 2
    for row in table.to_dicts():
        settings = [
            f"tiers.gddr.policy={row['tiers.gddr.policy']}",
            f"tiers.gddr.capacity={row['tiers.gddr.capacity']} B",
        ]
        document = to_json(hs.load("small.yaml", settings).run(), deterministic=True)
        del document["provenance"]
        expected = flat(document)
        assert {name: row[name] for name in expected} == expected
        others = set(row) - set(expected) - {"point", "tiers.gddr.policy", "tiers.gddr.capacity", "error", "address"}
        assert [name for name in others if row[name] is not None] == []


def test_workers_and_the_cache_change_no_byte(folder):
    files = []
    for i, (workers, cache) in enumerate([(1, "a"), (2, "b"), (1, "b"), (2, "a")]):
        found = sweep.run("sweep.yaml", options=Options(workers=workers, cache=cache))
        assert found.computed == (6 if i < 2 else 0)
        files.append(found.write(f"{i}.parquet").read_bytes())
    assert len(set(files)) == 1
    for path in folder.glob("a/*/*.json"):
        assert path.read_bytes() == (folder / "b" / path.relative_to(folder / "a")).read_bytes()


def test_a_failing_point_is_a_row(folder):
    (folder / "s.yaml").write_text(
        "scenario: small.yaml\ncache: kept\nvary: {tiers.gddr.capacity: [2 KiB, 64 KiB, 900 GiB], "
        "tiers.gddr.policy: [lru, lur]}\n"
    )
    found = sweep.run("s.yaml")
    errors = found.table()["error"].to_list()
    assert [error is None for error in errors] == [False, False, True, False, False, False]
    assert "did you mean `lru`?" in errors[1]
    assert "more than the 24 GiB that the machine has" in errors[4]
    assert "\n" not in "".join(filter(None, errors))
    assert sweep.run("s.yaml").table().equals(found.table())


def test_a_lasting_failure_is_kept_and_a_passing_one_is_not(folder, monkeypatch):
    (folder / "s.yaml").write_text("scenario: small.yaml\ncache: kept\nvary: {tiers.gddr.capacity: [2 KiB, 64 KiB]}\n")
    assert [outcome.how for outcome in sweep.run("s.yaml").outcomes] == ["computed", "computed"]
    assert [outcome.how for outcome in sweep.run("s.yaml").outcomes] == ["kept", "kept"]

    def exhausted(self, progress=None, *, trace=None):
        raise MemoryError

    (folder / "s.yaml").write_text("scenario: small.yaml\ncache: kept\nvary: {tiers.gddr.capacity: [32 KiB, 64 KiB]}\n")
    with monkeypatch.context() as patched:
        patched.setattr(Simulation, "run", exhausted)
        found = sweep.run("s.yaml", options=Options(workers=1))
        assert [(o.how, o.error) for o in found.outcomes] == [("computed", "MemoryError"), ("kept", "")]
    assert [(o.how, o.error) for o in sweep.run("s.yaml").outcomes] == [("computed", ""), ("kept", "")]


def test_a_worker_opens_a_trace_once(folder, monkeypatch):
    opened = []
    real = Simulation.trace
    monkeypatch.setattr(Simulation, "trace", lambda self: opened.append(self.scenario.seed) or real(self))
    evaluate._traces.clear()
    sweep.run("sweep.yaml", options=Options(workers=1))
    assert opened == [7]
    (folder / "s.yaml").write_text(
        "scenario: small.yaml\ncache: kept\nvary: {seed: [1, 2], tiers.gddr.policy: [lru, fifo]}\n"
    )
    sweep.run("s.yaml", options=Options(workers=1))
    assert opened == [7, 1, 2]


POLICY = """\
from typing import NamedTuple
import numpy as np
class State(NamedTuple):
    last: np.ndarray
def init(setup): return State(np.zeros(setup.objects, np.int64))
def on_insert(state, key, size, now): state.last[key] = now
def on_hit(state, key, size, now): state.last[key] = now
def on_remove(state, key, size, now): state.last[key] = 0
def victim(state, size, now): return np.argmax(state.last)
"""


def test_an_edited_policy_is_another_point(folder):
    from hiersim.sweep.address import address

    (folder / "mine.py").write_text(POLICY)
    (folder / "s.yaml").write_text("scenario: small.yaml\ncache: kept\nvary: {tiers.gddr.policy: [./mine.py]}\n")
    chosen = sweep.load("s.yaml")
    (point,) = chosen.points()
    scenario = chosen.setup.base.scenario(point)
    before = address(scenario, "f")
    assert address(scenario, "f") == before != address(scenario, "g")
    (folder / "mine.py").write_text(POLICY + "# better\n")
    assert address(scenario, "f") != before


def test_paths_in_a_sweep_are_relative_to_it(folder, monkeypatch):
    (folder / "deep").mkdir()
    (folder / "deep" / "mine.csv").write_text("object,size\n1,10\n2,10\n1,10\n")
    (folder / "deep" / "s.yaml").write_text(
        "scenario: ../small.yaml\ncache: here\nvary: {trace: [mine.csv, {path: ./mine.csv, limit: 2}]}\n"
    )
    found = sweep.run("deep/s.yaml")
    assert found.table()["accesses"].to_list() == [3, 2]
    assert (folder / "deep" / "here").is_dir()


def test_defined_numbers_and_columns(folder):
    (folder / "s.yaml").write_text(
        "scenario: small.yaml\ncache: kept\nvary: {tiers.gddr.capacity: [16 KiB, 64 KiB]}\n"
        "define: {mean_power_w: 1e12 * energy_j.total / elapsed_ps, double: 2 * mean_power_w, "
        "kib: tiers.gddr.capacity / 1024}\n"
        "columns: [elapsed_ps, units.*.stalled_ps, mean_power_w, double, kib]\n"
    )
    found = sweep.run("s.yaml")
    assert found.table().columns == [
        "point", "tiers.gddr.capacity", "elapsed_ps", "units.gpu0.stalled_ps", "mean_power_w", "double", "kib", "error",
        "address",
    ]  # fmt: skip
    for row, every in zip(found.table().to_dicts(), found.numbers(), strict=True):
        assert row["mean_power_w"] == 1e12 * every["energy_j.total"] / every["elapsed_ps"]
        assert row["double"] == 2 * row["mean_power_w"]
    assert found.table()["kib"].to_list() == [16, 64]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("vary: {tiers.gddr.polcy: [lru, fifo]}", r"s.yaml:2  tiers.gddr.polcy  unknown key; did you mean `policy`"),
        ("vary: {tiers.gddr.capacity: [1, 2]}", r"s.yaml:2  tiers.gddr.capacity  `1` has no unit"),
        ("vary: {tiers.gddr.policy.x.y: [1]}", r"s.yaml:2  tiers.gddr.policy"),
        ("vary: {seed: [1]}\ncolumns: [elapsed_pz]", r"columns: results have no number `elapsed_pz`; did you mean"),
        ("vary: {seed: [1]}\ncolumns: [stalled_ps]", r"did you mean `units.gpu0.stalled_ps`"),
        ("vary: {seed: [1]}\ndefine: {x: 2 * energy_j.totl}", r"define.x: .*did you mean `energy_j.total`"),
        ("vary: {tiers.gddr.capacity: [2 KiB, 3 KiB]}", r"all 2 points failed; the first: tiers.gddr.capacity: "),
    ],
)
def test_what_no_point_can_have_is_a_mistake(folder, text, what):
    (folder / "s.yaml").write_text(f"scenario: small.yaml\n{text}\ncache: kept\n")
    with pytest.raises(ConfigError, match=what):
        sweep.run("s.yaml", options=Options(workers=1))


def test_a_mistake_of_the_scenario_itself_names_its_line(folder):
    (folder / "small.yaml").write_text((folder / "small.yaml").read_text() + "wrong: 1\n")
    with pytest.raises(ConfigError, match="all 6 points failed; the first: wrong: unknown key"):
        sweep.run("sweep.yaml")


def test_the_command_line(folder, capsys):
    assert execute(["sweep", "sweep.yaml", "--json", "points.json", "--set", "tiers.dram.policy=fifo"]) == 0
    out, err = capsys.readouterr()
    assert "6 points: 6 computed, 0 kept from before, 0 failed" in out
    assert "wrote runs/sweep.parquet" in err
    table = pl.read_parquet("runs/sweep.parquet")
    assert json.loads((folder / "points.json").read_text()) == table.to_dicts()
    assert execute(["sweep", "sweep.yaml", "--json", "-", "--quiet", "--set", "tiers.dram.policy=fifo"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == table.to_dicts()
    assert err == ""
    assert execute(["sweep", "sweep.yaml", "--workers", "0", "--cluster", "dask"]) == 2
    err = capsys.readouterr().err
    assert "--workers  must be at least 1" in err
    assert "--cluster  `dask` has no address; write dask=tcp://HOST:PORT" in err


def test_numbers_are_shown_in_their_units():
    cases = {
        ("elapsed_ps", 1_500_000): "1.5 us",
        ("units.gpu0.stalls.cxl.read bandwidth", 2): "2 ps",
        ("latency_ps.p99", 2_000): "2 ns",
        ("requests.ttft_s.p99", 0.25): "250 ms",
        ("requests.output_tokens_per_s", 1500.0): "1500",
        ("tiers.dram.capacity_bytes", 2**30): "1 GiB",
        ("tiers.dram.read_bytes", 10**9): "1 GB",
        ("energy_j.total", 1500.0): "1.5 kJ",
        ("average_power_w", 0.5): "500 mW",
        ("accesses", 12_000): "12,000",
        ("miss_ratio", 0.21342): "21.3%",
    }
    assert {key: shown(*key) for key in cases} == cases
    assert shown("elapsed_ps", None) == "-"


def die(item):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_one_line():
    with spreading(Where(workers=2)) as spread, pytest.raises(HiersimError, match="a worker was killed"):
        list(spread(die, [1, 2]))


def test_an_interrupted_sweep_says_nothing_more(folder):
    (folder / "long.yaml").write_text(
        "scenario: small.yaml\ncache: kept\nvary: {seed: {from: 1, to: 3000, step: 1}}\nworkers: 2\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    call = [sys.executable, "-m", "hiersim.cli.main", "sweep", "long.yaml"]
    with subprocess.Popen(call, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and len(list(folder.glob("kept/*/*.json"))) < 5:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_serving_is_swept_too(folder, monkeypatch):
    """The numbers of requests are columns, and the requests are read once for all points."""
    opened = []
    real = Simulation.trace
    monkeypatch.setattr(Simulation, "trace", lambda self: opened.append(1) or real(self))
    root = Path(__file__).parents[2]
    (folder / "s.yaml").write_text(
        f"scenario: {root}/configs/vllm_rtx4090.yaml\ncache: kept\nset: {{trace.limit: 30}}\n"
        "vary: {serve.max_sequences: [4, 256]}\ncolumns: [requests.*]\n"
    )
    table = sweep.run("s.yaml", options=Options(workers=1)).table()
    assert len(opened) == 1
    assert table["requests.done"].to_list() == [30, 30]
    few, many = table["requests.ttft_s.p99"].to_list()
    assert few > many
