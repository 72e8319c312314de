"""``hiersim compare TRACE --robustness``: from perfect predictions to the worst, as a table, JSON and pictures."""

import json
from pathlib import Path

import polars as pl
import pytest
from cli.conftest import snapshot

import hiersim as hs
from hiersim.studies.robustness import STEPS, robustness

POLICIES = ("predicted-opt", "mark-predict")


@pytest.fixture
def trace(tmp_path):
    hs.write_trace(hs.generate("zipf", accesses=600, objects=60, seed=1), tmp_path / "t.parquet")
    return "t.parquet"


def test_the_rows_are_those_of_the_study(cli, trace):
    words = ("compare", trace, "--robustness", "-p", ",".join(POLICIES), "-c", "10")
    code, out, err = cli(*words, "--json", "-", "--out", "o", "-q")
    assert (code, err) == (0, "")
    rows = robustness(hs.open(trace), POLICIES, 10)
    assert json.loads(out) == rows
    assert pl.read_parquet("o/robustness.parquet").to_dicts() == rows
    assert sorted(snapshot(Path("o"))) == ["robustness.parquet", "robustness.png", "robustness.svg"]
    code, out, _ = cli(*words)
    assert code == 0
    table = {line.split()[0]: line.split() for line in out.splitlines() if line.split()[:1] in ([p] for p in POLICIES)}
    for name in POLICIES:
        found = [f"{row['to_opt']:.3g}" for row in rows if row["policy"] == name]
        assert table[name][-len(found) :] == found
        assert len(found) == len(STEPS["bits"])
    assert table["predicted-opt"][-7] == "1"
    assert float(table["predicted-opt"][-1]) > 1.5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-p", "lru"), "policy  `lru` takes no predictions; predicted-opt, predictive-marker, discard-flush, "),
        (("-c", "5,6"), "--capacity  must be one, with --robustness"),
        (("-c", "0"), "capacity  must be at least 1, got `0`"),
        (("--predictions", "perfect"), "--predictions  says nothing of --robustness"),
        (("--flow",), "--flow  says nothing of --robustness"),
    ],
)
def test_mistakes(cli, trace, words, said):
    code, out, err = cli("compare", trace, "--robustness", *words)
    assert (code, out) == (2, "")
    assert err.splitlines()[0].startswith(said)
