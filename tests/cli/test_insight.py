"""``whatif``, ``compare`` of scenarios and ``explain`` on the command line."""

import json

import polars as pl
import pytest

SCENARIO = """\
machine: rtx-4090
trace: {generate: {kind: zipf, params: {accesses: 300, objects: 40, size: 4 MiB}}}
tiers:
  gddr: {capacity: 48 MiB, policy: lru}
  dram: {capacity: 400 MiB, policy: lru}
seed: 7
"""
PRICES = """\
currency: EUR
years: 4
prices:
  - {of: tiers.*.capacity, price: 10, per: 1 GiB, source: mine, date: 2026-01-01}
  - {of: links.*.bandwidth, price: 5, per: 1 GB/s, source: mine, date: 2026-01-01}
"""


@pytest.fixture
def small(cli, tmp_path):
    (tmp_path / "small.yaml").write_text(SCENARIO)
    (tmp_path / "prices.yaml").write_text(PRICES)
    return cli


def test_whatif_shows_what_binds(small):
    code, out, err = small("whatif", "small.yaml")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("small · ")
    assert lines[2].split() == ["resource", "now", "slope", "time", "stalls", "energy"]
    assert any(" binds: doubling it saves " in line for line in lines)


def test_whatif_as_json_says_the_same(small, tmp_path):
    code, out, _ = small("whatif", "small.yaml", "--json", "-", "--out", "table.parquet", "-q")
    found = json.loads(out)
    assert code == 0
    first = found["resources"][0]
    assert first["resource"] in found["binding"]
    assert first["doubled_time"] == max(each["doubled_time"] for each in found["resources"])
    table = pl.read_parquet(tmp_path / "table.parquet")
    assert table["doubled_time"].to_list() == [each["doubled_time"] for each in found["resources"]]


def test_whatif_with_prices_draws_and_says_the_cheapest_way(small, tmp_path):
    code, out, err = small("whatif", "small.yaml", "--prices", "prices.yaml", "--save", "5%", "--out", "w.svg")
    assert code == 0
    assert "The cheapest way to save 5.0% of the time: " in out
    assert " EUR once." in out
    assert "cost" in out.splitlines()[2]
    assert err == "wrote w.svg\n"
    assert b"<svg" in (tmp_path / "w.svg").read_bytes()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--number", "elapsd_ps"], "number  results have no number `elapsd_ps`; did you mean `elapsed_ps`?"),
        (["--step", "300%"], "--step  `300%` is out of range; a share is at most 1"),
        (["--save", "30%"], "--save  needs --prices, a list of what things cost"),
        (["--save", "0%"], "--save  must be more than 0 and less than 100%, got 0%"),
        (["--prices", "none.yaml"], "none.yaml  no such file"),
        (["--out", "w.txt"], "--out  `w.txt` ends in none of .parquet, .png, .svg"),
        (["--workers", "0"], "workers must be at least 1, got 0"),
        (["--set", "tiers.gddr.policy=lur"], "unknown policy `lur`"),
    ],
)
def test_whatif_tells_a_mistake_in_one_line(small, options, what):
    code, out, err = small("whatif", "small.yaml", *options)
    assert (code, out) == (2, "")
    assert what in err.splitlines()[0]
    assert "nothing was" in err.splitlines()[-1]


def test_run_says_what_would_help_when_asked(small):
    code, out, _ = small("run", "small.yaml", "--whatif", "--no-pictures", "--out", "here")
    assert code == 0
    assert out.splitlines()[-1].startswith("  Next: doubling ")
    assert out.splitlines()[-1].endswith("(hiersim whatif)")
    assert "Next:" not in small("run", "small.yaml", "--no-pictures", "--out", "here")[1]


def test_compare_varies_a_scenario(small, tmp_path):
    policies, capacities = "tiers.gddr.policy=lru,fifo", "tiers.gddr.capacity=48 MiB,96 MiB"
    code, out, err = small("compare", "small.yaml", "--vary", policies, "--vary", capacities, "--out", "both")
    assert code == 0
    rows = out.splitlines()
    assert rows[0].split()[:2] == ["gddr.policy", "gddr.capacity"]
    assert sum(row.startswith(("lru ", "fifo ")) for row in rows[1:5]) == 4
    assert "*: the best of its column" in out
    assert "Why:" in out
    assert " less than " in out
    assert err.splitlines()[-3:] == [f"wrote both/{name}" for name in ("compare.parquet", "stalls.png", "stalls.svg")]
    assert pl.read_parquet(tmp_path / "both/compare.parquet").height == 4


def test_compare_takes_scenarios_and_folders(small, tmp_path):
    (tmp_path / "other.yaml").write_text("extends: small.yaml\ntiers: {gddr: {policy: fifo}}\n")
    small("run", "small.yaml", "--no-pictures", "--out", "kept")
    code, out, _ = small("compare", "other.yaml", "kept", "--column", "tiers.*.hits", "--json", "-")
    found = json.loads(out)
    assert code == 0
    assert [run["run"] for run in found["runs"]] == ["other", "kept"]
    assert "kept differs from other in tiers.gddr.policy fifo -> lru." in found["changes"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("tiers.hbm.policy=lru,s3fifo:small=0.2,ghost=0.5,mq", ["lru", "s3fifo:small=0.2,ghost=0.5", "mq"]),
        ("tiers.dram.capacity=128 GiB, 512 GiB", ["128 GiB", "512 GiB"]),
        ("replay.streams=1,16", [1, 16]),
        ("tiers.hbm.promotion=[always, {on_nth_hit: 2}]", ["always", {"on_nth_hit": 2}]),
    ],
)
def test_values_are_split_at_commas_that_part_them(text, values):
    from hiersim.cli.compare_runs import values_of

    assert values_of(text) == (text.partition("=")[0], values)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["small.yaml", "--vary", "tiers.gddr.policy"], "--vary  `tiers.gddr.policy` is not a path and values"),
        (["small.yaml", "--vary", "tiers.gddr.policy=lur"], "--vary  tiers.gddr.policy  unknown policy `lur`"),
        (["small.yaml", "--policy", "lru"], "--policy  is of a trace; of a scenario write --vary"),
        (["small.yaml", "none"], "`none` is neither a scenario"),
        (["small.yaml", "--column", "elapsd"], "--column  results have no number `elapsd`"),
        (["x.parquet", "--set", "seed=3"], "--set  is of scenarios; a trace has none"),
        (["small.yaml", "prices.yaml"], "prices.yaml"),
    ],
)
def test_compare_tells_a_mistake_in_one_line(small, options, what):
    code, out, err = small("compare", *options)
    assert (code, out) == (2, "")
    assert what in err.splitlines()[0]


def test_explain_reads_what_run_left(small):
    small("run", "small.yaml", "--no-pictures", "--out", "kept")
    code, out, _ = small("explain", "kept")
    assert code == 0
    assert out.startswith("gpu0 ")
    both = small("explain", "kept", "kept/result.json")[1]
    assert both.count(out.strip()) == 2
    sentences = json.loads(small("explain", "kept", "--json", "-")[1])[0]["sentences"]
    assert sentences == out.splitlines()


def test_explain_of_nothing_is_a_mistake(small, tmp_path):
    (tmp_path / "empty").mkdir()
    code, out, err = small("explain", "empty")
    assert (code, out) == (2, "")
    assert "has no result.json" in err
    assert "is not there" in small("explain", "none.json")[2]
