"""Comparisons: LRU and the optimum are always there, shares and ratios are those of the misses, and all is printed."""

import json

import numpy as np
import pytest
from policies.streams import sizes_of, stream

import hiersim as hs
from hiersim.cli.main import execute
from hiersim.drivers.prefetch_bound import prefetched
from hiersim.errors import ConfigError
from hiersim.traces.access import AccessTrace

pytestmark = pytest.mark.xdist_group("policy-opt")


def trace_of(sized, accesses=3_000):
    sizes = sizes_of(5, 200) if sized else np.ones(200, np.int64)
    return AccessTrace.build(stream(5, accesses, 200), sizes, {})


def test_of_one_size_opt_is_the_optimum():
    found = hs.compare(trace_of(False), "fifo", [10, 60])
    assert [each.policy for each in found] == ["fifo", "fifo", "lru", "lru", "opt", "opt"]
    by = {(row["policy"], row["capacity"]): row for row in found.rows()}
    for size in (10, 60):
        fifo, lru, opt = (by[name, size] for name in ("fifo", "lru", "opt"))
        assert fifo["regret"] == fifo["misses"] - opt["misses"] > 0
        assert fifo["competitive_ratio"] == fifo["misses"] / opt["misses"]
        assert fifo["to_optimum"] == (lru["misses"] - fifo["misses"]) / (lru["misses"] - opt["misses"])
        assert (lru["to_optimum"], opt["to_optimum"], opt["competitive_ratio"]) == (0, 1, 1)
        assert opt["least_misses"] == opt["misses"]
    assert found.offline() == []
    assert found.table()["regret"].to_list() == [row["regret"] for row in found.rows()]


def test_what_prefetching_could_hide():
    trace = trace_of(False)
    found = hs.compare(trace, "fifo", [10, 60], fetch=5, lookahead=40)
    for row in found.rows():
        bound = prefetched(trace.object, row["capacity"], fetch=5, lookahead=40)
        assert row["demand_time"] == len(trace) + 5 * row["misses"]
        assert row["prefetched_time"] == bound.elapsed < row["demand_time"]
    assert "demand_time" not in hs.compare(trace, "fifo", 10).rows()[0]
    for options, message in (
        ({"fetch": 0}, "fetch  must be a number of accesses, at least 1, got 0"),
        ({"fetch": 2, "lookahead": -1}, "lookahead  must be a number of accesses, at least 1, got -1"),
        ({"lookahead": 5}, "lookahead  says how far a view reaches; give the time of a fetch, too"),
    ):
        with pytest.raises(ConfigError, match=message):
            hs.compare(trace, "fifo", 10, **options)
    with pytest.raises(ConfigError, match="fetch  is of objects that all count the same; ignore their sizes"):
        hs.compare(trace_of(True), "fifo", "10%", fetch=5)


def test_of_several_sizes_the_optimum_lies_between_two_bounds():
    found = hs.compare(trace_of(True), "lru,gdsf", "20%")
    offline, bound = found.offline()
    assert (offline["policy"], bound["policy"]) == ("offline", "bound")
    assert bound["misses"] < offline["misses"]
    lru = next(row["misses"] for row in found.rows() if row["policy"] == "lru")
    for row in found.rows():
        assert row["competitive_ratio"] == row["misses"] / offline["misses"]
        assert row["to_optimum"] == (lru - row["misses"]) / (lru - offline["misses"])
        assert bound["misses"] == row["least_misses"] <= offline["misses"]
        assert row["regret"] == row["misses"] - offline["misses"]
        assert bound["byte_miss_ratio"] <= offline["byte_miss_ratio"] <= row["byte_miss_ratio"] + 1e-12
    assert found.optima.keys() == {row["capacity"] for row in found.rows()}
    nearer = hs.compare(trace_of(True), "lru,gdsf", "20%", flow=True).offline()
    for name in ("misses", "byte_miss_ratio"):
        assert bound[name] < nearer[1][name] <= nearer[0][name] <= offline[name]


def test_a_short_trace_says_that_it_is_short():
    short, long = hs.compare(trace_of(False, 100), "lru", 20), hs.compare(trace_of(False, 3_000), "lru", 20)
    assert (short.short(), long.short()) == ([20], [])
    all_fits = hs.compare(trace_of(False), "lru", 200)
    assert all_fits.short() == []
    assert all_fits.rows()[0]["to_optimum"] is None


def test_the_order_of_blocks_is_that_of_the_replay():
    trace = hs.open("traces/chat_sample.parquet", model="llama-3.1-8b", limit=300)
    for order in ("head", "tail"):
        rows = hs.compare(trace, "lru", "5%", order=order).rows()
        assert {row["policy"] for row in rows if row["regret"] < 0} == set()
        assert rows[0]["usable"] <= rows[0]["requests"] - rows[0]["misses"]


def test_the_command(capsys, tmp_path):
    sample = "traces/zipf_sample.oracleGeneral.bin.zst"
    assert execute(["compare", sample, "-p", "fifo", "-c", "5%", "--limit", "5000", "--json", "-", "-q"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["policy"] for row in rows] == ["fifo", "lru", "opt"]
    picture = tmp_path / "misses.png"
    assert execute(["compare", sample, "-p", "fifo", "-c", "50%", "--limit", "5000", "--out", str(picture), "-q"]) == 0
    out = capsys.readouterr().out
    names = [line.split()[0] for line in out.splitlines() if line]
    assert names.index("bound") < names.index("offline") < names.index("opt") < names.index("fifo")
    assert "turns over fewer than 3 times" in out
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-p", "s3fif"], "did you mean `s3fifo`"),
        (["-c", "0"], "must be at least 1"),
        (["--workers", "0"], "must be at least 1"),
        (["--seed", "-1"], "must be 0 or more"),
        (["--order", "tail"], "order"),
    ],
)
def test_mistakes_are_one_line_each(words, told, capsys):
    assert execute(["compare", "traces/zipf_sample.oracleGeneral.bin.zst", "--limit", "100", "-q", *words]) == 2
    assert told in capsys.readouterr().err


def test_an_unknown_option_is_told():
    with pytest.raises(ConfigError, match="is open already"):
        hs.compare(trace_of(False), "lru", 5, modle="x")
