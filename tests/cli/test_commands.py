"""What the commands print and write when all is well."""

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from cli.conftest import SCENARIO, records, snapshot

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
GOLDEN = SHARED / "reference" / "golden"
needs_shared = pytest.mark.skipif(not GOLDEN.is_dir(), reason="../shared, with the published traces, is not here")
NAMES = {"lru": "LRU", "fifo": "FIFO", "clock": "CLOCK", "sieve": "SIEVE", "opt": "Belady", "s3fifo": "S3-FIFO"}
KEYS = ["policy", "capacity", "requests", "misses", "miss_ratio", "byte_miss_ratio", "seconds", "accesses_per_second"]


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "t.oracleGeneral.bin"
    path.write_bytes(records(500))
    return path.name


@pytest.fixture
def scenario(tmp_path):
    (tmp_path / "small.yaml").write_text(SCENARIO)
    return "small.yaml"


def golden(file):
    with (GOLDEN / file).open() as lines:
        return {(row["policy"], int(row["cache_size"])): row for row in csv.DictReader(lines)}


def replayed(cli, trace, *options):
    code, out, err = cli("replay", trace, *options, "--json", "-", "--quiet")
    assert (code, err) == (0, "")
    return json.loads(out)


@needs_shared
def test_golden_counts_of_mooncake(cli):
    policies = ",".join(NAMES)
    rows = replayed(
        cli, SHARED / "traces" / "mooncake_conversation.jsonl", "--policy", policies, "--capacity", "1000,5000,10000"
    )
    expected = golden("golden_mooncake.csv")
    assert len(rows) == 18
    for row in rows:
        want = expected[NAMES[row["policy"]], row["capacity"]]
        assert (row["requests"], row["misses"]) == (int(want["requests"]), int(want["misses"])), row


@needs_shared
def test_golden_counts_of_the_original_s3fifo(cli):
    trace = SHARED / "traces" / "mooncake_conversation.jsonl"
    rows = replayed(cli, trace, "--policy", "s3fifo-2023", "--capacity", "1000,50000")
    expected = golden("golden_mooncake_c2024.csv")
    assert [row["misses"] for row in rows] == [int(expected["S3-FIFO", size]["misses"]) for size in (1000, 50000)]


@needs_shared
def test_golden_counts_with_sizes(cli):
    sizes = [20297697, 101488486, 202976972]
    rows = replayed(
        cli,
        SHARED / "traces" / "cloudPhysicsIO.oracleGeneral.bin",
        *("--policy", ",".join(NAMES), "--capacity", f"{sizes[0]},5%,10%"),
    )
    expected = golden("golden_cloudphysics.csv")
    assert [row["capacity"] for row in rows] == sizes * len(NAMES)
    for row in rows:
        want = expected[NAMES[row["policy"]], row["capacity"]]
        assert row["misses"] == int(want["misses"]), row
        assert row["byte_miss_ratio"] == pytest.approx(float(want["bytes_miss_ratio"]), abs=1e-9)


def test_replay_prints_a_list_of_rows(cli, trace):
    rows = replayed(
        cli, trace, "--policy", "lru,sieve", "--policy", "s3fifo:small=0.3,ghost=0.5", "--capacity", "3,100%"
    )
    assert [list(row) for row in rows] == [KEYS] * 6
    assert [(row["policy"], row["capacity"]) for row in rows] == [
        (policy, size) for policy in ("lru", "sieve", "s3fifo:small=0.3,ghost=0.5") for size in (3, 7)
    ]
    for row in rows:
        assert row["requests"] == 500
        assert row["miss_ratio"] == row["misses"] / 500
        assert row["accesses_per_second"] == pytest.approx(500 / row["seconds"])
    assert [row["misses"] for row in rows if row["capacity"] == 7] == [7, 7, 7]  # a loop over 7 objects fits
    assert rows[0]["misses"] == 500  # and LRU never hits in a smaller cache


def test_replay_writes_hits_victims_and_series(cli, trace):
    import hiersim as hs

    kept = ("--hits", "--victims", "--interval", "30")
    rows = replayed(cli, trace, "-p", "lru,opt", "-c", "3,8589934592", *kept, "--out", "o")
    expected = hs.replay(trace, ["lru", "opt"], [3, 2**33], hits=True, victims=True, interval=30)
    with np.load("o/hits.npz") as hits, np.load("o/victims.npz") as victims:
        assert list(hits) == list(victims) == [f"{each.policy}@{each.capacity}" for each in expected]
        for result in expected:
            name = f"{result.policy}@{result.capacity}"
            assert np.array_equal(hits[name], result.hit_map)
            assert np.array_equal(victims[name], result.victims)
    series = pl.read_parquet("o/series.parquet")
    assert series.columns[:3] == ["policy", "capacity", "start"]
    assert series["misses"].to_list() == [n for result in expected for n in result.series.misses.tolist()]
    assert [row["series"]["misses"] for row in rows] == [result.series.misses.tolist() for result in expected]
    assert rows[0]["series"]["every"] == 30


def test_what_would_not_be_written_is_refused(cli, trace):
    for words, said in (
        (("--hits",), "--hits  needs a folder to write into: --out FOLDER"),
        (("--victims", "--out", "a.png"), "--victims  needs a folder to write into: --out FOLDER"),
        (("--interval", "5"), "--interval  needs a folder to write into: --out FOLDER, or --json"),
        (("--interval", "0", "--json", "-"), "interval  must be a number of accesses, at least 1, got 0"),
    ):
        code, out, err = cli("replay", trace, "-c", "3", *words)
        assert (code, out, err.splitlines()[0]) == (2, "", said)


def test_replay_counts_objects_or_bytes(cli, tmp_path):
    (tmp_path / "t.csv").write_text("id,size\n" + "".join(f"{i % 3},{(i % 3 + 1) * 100}\n" for i in range(30)))
    by_bytes, by_count = (replayed(cli, "t.csv", "-c", "50%", *more)[0] for more in ([], ["--ignore-size"]))
    assert (by_bytes["capacity"], by_count["capacity"]) == (300, 1)
    assert by_bytes["byte_miss_ratio"] == pytest.approx(1.0)
    assert replayed(cli, "t.csv", "-c", "0.5KiB,512 B,512")[0]["capacity"] == 512


def test_replay_shows_a_table_and_writes_files(cli, trace, tmp_path):
    options = ["--policy", "lru,opt,./mine.py", "--capacity", "3,5"]
    (tmp_path / "mine.py").write_text((ROOT / "hiersim/policies/replacement/fifo.py").read_text())
    code, out, err = cli("replay", trace, *options, "--out", "o", "--json", "o.json", "--quiet")
    assert (code, err) == (0, "")
    assert "opt" in out
    assert "./mine.py" in out
    assert pl.read_parquet("o/replay.parquet")["misses"].to_list() == [
        row["misses"] for row in json.loads(Path("o.json").read_text())
    ]
    assert {path.name for path in Path("o").iterdir()} == {
        "replay.parquet",
        "misses.png",
        "misses.svg",
        "map.png",
        "map.svg",
    }
    assert cli("replay", trace, "-c", "3", "--out", "one.svg")[0] == 0
    assert "<svg" in Path("one.svg").read_text()


def test_convert_scales_requests_and_draws_their_arrivals(cli):
    assert cli("trace", "generate", "chat", "c.parquet", "--set", "sessions=30", "--quiet") == (0, "", "")
    shape = ("--rate-scale", "2", "--length-scale", "0.5", "--arrivals", "gamma:rate=1,cv=2", "--seed", "3")
    assert cli("trace", "convert", "c.parquet", "d.parquet", *shape, "--quiet") == (0, "", "")
    facts = json.loads(cli("trace", "info", "d.parquet", "--json", "-")[1])
    plain = json.loads(cli("trace", "info", "c.parquet", "--json", "-")[1])
    assert facts["tokens"]["prompt"]["total"] == pytest.approx(plain["tokens"]["prompt"]["total"] / 2, rel=0.01)
    assert (facts["waiting"], facts["think_ps"]["max"]) == (plain["waiting"], plain["think_ps"]["max"])
    assert facts["notes"][1:] == [
        "arrivals drawn anew: gamma, 1 a second, cv 2",
        "scaled: 2 times as many a second, texts 0.5 times as long",
    ]


def test_a_model_is_shown_as_one_rank_holds_it(cli):
    out = json.loads(cli("models", "deepseek-v3", "--ranks", "8", "--json", "-")[1])
    assert out["published"]["active_parameters"]["value"] == 37e9
    assert out["work"]["kv_bytes_per_token"] == 70_272
    assert out["work"]["mixings"][0]["window"] is None
    shown = cli("models", "deepseek-v3", "--ranks", "8")[1]
    assert "each of 8 ranks" in shown
    assert "expert_gate_up" in shown


def test_convert_keeps_a_trace(cli, trace):
    assert cli("trace", "convert", trace, "t.parquet", "--quiet") == (0, "", "")
    assert cli("trace", "convert", "t.parquet", "back.bin.zst", "--limit", "100")[0] == 0
    infos = [json.loads(cli("trace", "info", name, "--json", "-")[1]) for name in (trace, "t.parquet")]
    assert [(info["accesses"], info["objects"], info["footprint_bytes"]) for info in infos] == [(500, 7, 700)] * 2
    assert replayed(cli, "back.bin.zst", "-c", "3")[0]["requests"] == 100


def test_generate_is_the_same_every_time(cli):
    for name in ("a.parquet", "b.parquet"):
        code, out, err = cli("trace", "generate", "zipf", name, "--set", "accesses=5_000", "--seed", "3")
        assert (code, out) == (0, "")
        assert f"wrote {name}: 5,000 records" in err
    assert Path("a.parquet").read_bytes() == Path("b.parquet").read_bytes()


def test_info_says_what_a_trace_is_like(cli, trace):
    code, out, _ = cli("trace", "info", trace)
    assert code == 0
    for fact in (
        "accesses  ",
        "500 (500 reads, 0 writes)",
        "objects",
        "footprint",
        "reuse distance",
        "popularity",
        "inter-arrival",
    ):
        assert fact in out  # fmt: skip


def test_check_says_what_would_be_run(cli, scenario, tmp_path):
    before = snapshot(tmp_path)
    code, out, _ = cli("check", scenario, "--set", "tiers.dram.policy=arc")
    assert code == 0
    assert "RTX 4090" in out
    assert "100 accesses" in out
    assert "tier dram" in out
    assert "arc" in out
    assert snapshot(tmp_path) == before


def test_the_lists(cli):
    from hiersim.machine.catalogue import machine_names, part_names
    from hiersim.models import model_names
    from hiersim.policies import NAMES as POLICIES

    for command, names in (
        ("policies", POLICIES),
        ("models", model_names()),
        ("devices", machine_names() + part_names()),
    ):
        code, out, err = cli(command)
        assert (code, err) == (0, "")
        assert [name for name in names if name not in out] == []
        step = {"models": 8, "devices": len(names)}.get(command, 1)  # test_devices.py asks for each device
        for name in names[::step]:  # models differ in numbers only
            code, out, err = cli(command, name)
            assert (code, err) == (0, ""), name
            assert json.loads(cli(command, name, "--json", "-")[1])


def test_a_device_names_its_sources(cli):
    out = cli("devices", "h100-sxm-cxl")[1]
    rows = json.loads(cli("devices", "h100-sxm-cxl", "--json", "-")[1])["figures"]
    assert "80 GiB" in out
    assert all(row["source"] for row in rows if row["confidence"])
    assert {row["confidence"] for row in rows} >= {"datasheet", "estimate", "measured"}


def test_schema_is_the_published_one(cli):
    from hiersim.config import schema

    assert json.loads(cli("schema")[1]) == schema()


def test_cache_is_shown_and_cleared(cli, tmp_path, monkeypatch):
    from hiersim import jitcache

    monkeypatch.setenv("HIERSIM_CACHE_DIR", str(tmp_path / "code"))
    folder = tmp_path / "code" / jitcache.digest()
    folder.mkdir(parents=True)
    (folder / "x.bin").write_bytes(b"1234")
    found = json.loads(cli("cache", "show", "--json", "-")[1])
    assert [(entry["files"], entry["bytes"], entry["current"]) for entry in found["entries"]] == [(1, 4, True)]
    assert "current" in cli("cache")[1]
    assert "4 B" in cli("cache", "clear")[1]
    assert not folder.exists()


def test_run_prints_json_alone_and_writes_nothing(cli, scenario, tmp_path):
    before = snapshot(tmp_path)
    code, out, err = cli("run", scenario, "--json", "-", "--quiet")
    assert (code, err) == (0, "")
    assert snapshot(tmp_path) == before
    found = json.loads(out)
    assert found["schema"].startswith("hiersim-result/")
    tier, unit = found["tiers"]["gddr"], found["units"]["gpu0"]
    assert set(tier) >= {
        "read_bytes",
        "written_bytes",
        "hits",
        "misses",
        "evictions",
        "peak_bytes",
        "busy_ps",
        "energy_j",
    }
    assert set(found["links"]["pcie"]) >= {"forward_bytes", "backward_bytes", "busy_ps", "energy_j"}
    assert unit["busy_ps"] + unit["stalled_ps"] + unit["idle_ps"] == found["elapsed_ps"]
    assert sum(unit["stalls"].values()) == unit["stalled_ps"]
    assert found["energy_j"]["total"] == pytest.approx(sum(v for k, v in found["energy_j"].items() if k != "total"))
    assert found["seconds"] > 0
    about = found["provenance"]
    assert about["scenario_hash"] == found["scenario_hash"]
    assert about["trace"]["accesses"] == found["accesses"] == 100
    assert len(about["trace"]["fingerprint"]) == 64
    assert set(about["versions"]) >= {"hiersim", "python", "numpy", "numba"}
    assert "tiers.dram.capacity" in about["estimates"]


def test_run_writes_a_folder_named_by_its_content(cli, scenario):
    code, out, _ = cli("run", scenario, "--provenance")
    assert code == 0
    (folder,) = Path("runs").iterdir()
    found = json.loads((folder / "result.json").read_text())
    assert folder.name == f"small-{found['scenario_hash'][:4]}"
    pictures = {f"{name}.{ending}" for name in ("stalls", "flow") for ending in ("png", "svg")}
    assert {path.name for path in folder.iterdir()} == {"result.json", "scenario.yaml", "tables"} | pictures
    assert f"runs/{folder.name}/" in out
    for words in ("gddr", "stalled", "provenance", "fingerprint"):
        assert words in out


def test_overrides_change_the_run_and_the_hash(cli, scenario):
    small, large = (
        json.loads(cli("run", scenario, "--set", f"tiers.gddr.capacity={size}", "--json", "-")[1])
        for size in ("8 KiB", "1 MiB")
    )
    assert small["scenario_hash"] != large["scenario_hash"]
    assert small["tiers"]["gddr"]["misses"] > large["tiers"]["gddr"]["misses"]
    assert small["tiers"]["gddr"]["capacity_bytes"] == 8192


def test_the_same_run_gives_the_same_bytes(cli, scenario):
    for name in ("a", "b"):
        assert cli("run", scenario, "--out", name, "--json", f"{name}.json")[0] == 0
    one, two = (json.loads(Path(f"{name}.json").read_text()) for name in ("a", "b"))
    one.pop("seconds")
    two.pop("seconds")
    assert one == two
    files = {path: content for path, content in snapshot(Path("a")).items() if not path.endswith("result.json")}
    assert {path: content for path, content in snapshot(Path("b")).items() if path in files} == files


def in_process(*arguments, **options):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=300, **options)


def test_help_is_light_and_quick():
    code = (
        "import sys; from hiersim.cli.main import execute; assert execute(['--help']) == 0; "
        "heavy = {'numba', 'matplotlib', 'pydantic', 'polars', 'simpy', 'yaml', 'numpy', 'rich'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert in_process("-c", code).stdout.splitlines()[-1] == "[]"
    times = []
    for _ in range(5):
        start = time.perf_counter()
        assert in_process("-m", "hiersim.cli.main", "--help").returncode == 0
        times.append(time.perf_counter() - start)
    assert min(times) < 0.4 + 4 * bare_start(), times


def bare_start():
    """Seconds that an interpreter needs to start, which a busy machine stretches."""
    start = time.perf_counter()
    in_process("-c", "pass")
    return time.perf_counter() - start


@pytest.mark.parametrize(
    "command", ["run", "replay", "check", "policies", "devices", "models", "schema", "trace", "cache"]
)
def test_every_command_has_help(cli, command):
    code, out, err = cli(command, "--help")
    assert (code, err) == (0, "")
    assert f"Usage: hiersim {command}" in out


def test_version(cli):
    import hiersim

    assert cli("--version") == (0, f"hiersim {hiersim.__version__}\n", "")


def test_the_first_run_says_that_it_compiles(tmp_path, trace):
    environment = os.environ | {"HIERSIM_CACHE_DIR": str(tmp_path / "code")}
    command = ["-m", "hiersim.cli.main", "replay", trace, "--capacity", "3", "--json", "-"]
    first, second = (in_process(*command, cwd=tmp_path, env=environment) for _ in range(2))
    assert first.stderr == "compiling for this computer; later runs start at once\n"
    assert second.stderr == ""
    assert [json.loads(done.stdout)[0]["misses"] for done in (first, second)] == [500, 500]


def test_a_bar_appears_after_a_second_and_goes(monkeypatch, capsys):
    from hiersim.cli import console

    monkeypatch.setattr(console, "PATIENCE", 0.02)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with console.working("simulating", quiet=False) as update:
        for done in range(20):
            update(done, 20)
            time.sleep(0.02)
    assert "simulating" in capsys.readouterr().err
    with console.working("simulating", quiet=True) as update:
        time.sleep(0.05)
        update(1, 2)
    monkeypatch.setattr(console, "PATIENCE", 60)
    with console.working("simulating", quiet=False) as update:
        update(1, 2)
    assert capsys.readouterr().err == ""


def test_opened_traces_have_dense_objects(cli, trace):
    import hiersim

    assert np.array_equal(hiersim.open(trace).object[:8], [0, 1, 2, 3, 4, 5, 6, 0])


def test_a_streamed_replay_prints_what_the_plain_one_does(cli):
    sample = ROOT / "traces" / "zipf_sample.oracleGeneral.bin.zst"
    chosen = ("replay", sample, "--policy", "lru,opt", "--capacity", "1%,10%", "--json", "-")
    (_, plain, _), (code, streamed, _) = cli(*chosen, "--no-stream"), cli(*chosen, "--stream", "--memory", "1 MiB")
    counted = [
        [{k: v for k, v in row.items() if "second" not in k} for row in json.loads(text)] for text in (plain, streamed)
    ]
    assert code == 0
    assert counted[0] == counted[1]


def test_a_policy_states_what_it_keeps(cli):
    assert json.loads(cli("policies", "sieve", "--json", "-")[1])["state"]["most_bytes_per_object"] == 15.0
    assert "state.most_bytes_per_object" in cli("policies", "sieve")[1]
