"""A search finds what going through the whole space finds; it takes the same way again; what cannot be is one line."""

import io
import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiersim import sweep
from hiersim.cli.main import execute
from hiersim.errors import ConfigError
from hiersim.report.pareto import pareto
from hiersim.report.style import figure_of, save
from hiersim.sweep.files import Options
from hiersim.sweep.front import front

SEARCH = """\
scenario: small.yaml
cache: kept
workers: 1
space:
  tiers.gddr.policy: [lru, fifo]
  tiers.gddr.capacity: {from: 16 KiB, to: 128 KiB, step: 16 KiB}
  machine.links.pcie.bandwidth: {from: 8 GB/s, to: 32 GB/s, count: 3, scale: log}
define:
  price_usd: 1e-3 * tiers.gddr.capacity_bytes + 2e-9 * machine.links.pcie.bandwidth
minimise: [elapsed_ps, price_usd]
"""


def beaten(row, others, minimise):
    """Whether another row is no worse in all numbers and better in one: the definition, written out."""
    return any(
        all(other[name] <= row[name] for name in minimise) and any(other[name] < row[name] for name in minimise)
        for other in others
    )


def exhaustive(allowed=lambda row: True):
    """The front of the whole space by the definition, from a plain sweep."""
    values = {
        "tiers.gddr.policy": ["lru", "fifo"],
        "tiers.gddr.capacity": [f"{16 * i} KiB" for i in range(1, 9)],
        "machine.links.pcie.bandwidth": ["8 GB/s", "16 GB/s", "32 GB/s"],
    }
    rows = sweep.run(sweep.load({"scenario": "small.yaml", "cache": "kept", "vary": values})).table().to_dicts()
    for row in rows:
        row["price_usd"] = 1e-3 * row["tiers.gddr.capacity_bytes"] + 2e-9 * row["machine.links.pcie.bandwidth"]
    kept = [row for row in rows if allowed(row)]
    return {
        (row["elapsed_ps"], round(row["price_usd"], 6))
        for row in kept
        if not beaten(row, kept, ("elapsed_ps", "price_usd"))
    }


def found(result):
    return {(row["elapsed_ps"], round(row["price_usd"], 6)) for row in result.front().to_dicts()}


@pytest.mark.parametrize("more", ["trials: 48", "trials: 250\nsampler: tpe", "trials: 300\nsampler: nsga2\nseed: 3"])
def test_the_front_is_that_of_the_whole_space(folder, more):
    (folder / "f.yaml").write_text(SEARCH + more)
    result = sweep.search("f.yaml")
    assert result.search.size == 48
    assert result.search.chosen_sampler == ("all" if more == "trials: 48" else more.split()[3])
    assert found(result) == exhaustive()
    assert len(found(result)) > 3


def test_limits_take_points_out(folder):
    limit = "{price_usd: {least: 60, most: 120}, energy_j.total: {most: 1 kJ}, tiers.gddr.capacity: {most: 96 KiB}}"
    (folder / "f.yaml").write_text(f"{SEARCH}limits: {limit}\n")
    result = sweep.search("f.yaml")

    def allowed(row):
        return 60 <= row["price_usd"] <= 120 and row["tiers.gddr.capacity"] <= 96 * 1024

    assert found(result) == exhaustive(allowed)
    assert [row["within_limits"] for row in result.table().to_dicts()] == [
        allowed(row) for row in result.table().to_dicts()
    ]
    assert 0 < sum(result.within) < 48


def test_the_same_seed_takes_the_same_way_whatever_runs_it(folder):
    text = SEARCH.replace("count: 3, ", "") + "trials: 24\n"  # any bandwidth between the ends
    (folder / "f.yaml").write_text(text)
    ways = [sweep.search("f.yaml", options=Options(workers=w, cache=c)) for w, c in ((1, "a"), (2, "b"), (2, "a"))]
    assert [way.computed for way in ways] == [len(ways[0].points)] * 2 + [0]
    assert ways[0].search.chosen_sampler == "tpe"
    for way in ways[1:]:
        assert way.table().equals(ways[0].table())
    (folder / "f.yaml").write_text(text.replace("trials: 24", "trials: 40"))
    longer = sweep.search("f.yaml", options=Options(cache="a"))  # a search that goes on finds the first points kept
    assert longer.table()["address"][:16].to_list() == ways[0].table()["address"][:16].to_list()
    assert longer.computed == len(longer.points) - len(ways[0].points)
    (folder / "f.yaml").write_text(text + "seed: 1\n")
    other = sweep.search("f.yaml", options=Options(cache="a"))
    assert other.table()["address"].to_list() != ways[0].table()["address"].to_list()
    bandwidths = ways[0].table()["machine.links.pcie.bandwidth"]
    assert 8e9 <= bandwidths.min() < bandwidths.max() <= 32e9


def test_failing_points_do_not_stop_a_search(folder):
    (folder / "f.yaml").write_text(SEARCH.replace("from: 16 KiB", "from: 1 KiB") + "trials: 30\nsampler: tpe\n")
    result = sweep.search("f.yaml")
    table = result.table()
    failed = table.filter(pl.col("error").is_not_null())
    assert 0 < len(failed) < len(table)
    assert not any(failed["on_front"])
    assert not any(failed["within_limits"])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("limits: {price_usd: {least: 9, most: 3}}", r"f.yaml:11  limits.price_usd  contradict each other: at least 9"),
        ("limits: {tiers.gddr.capacity: {most: 8 KiB}}", r"f.yaml:11 .*gddr.capacity` is at most 8 KiB"),
        ("limits: {machine.links.pcie.bandwidth: {least: 50 GB/s}}", r"pcie.bandwidth` is at least 50 GB/s"),
        ("limits: {energy_j.total: {most: 2 kB}}", r"f.yaml:11 .*`2 kB` is not a value of `energy_j.total`"),
        ("limits: {elapsed_ps: {most: 2 kB}}", r"`2 kB` is a size; expected a time"),
        ("limits: {elapsed_ps: {mst: 2 s}}", r"unknown key; did you mean `most`"),
        ("limits: {elapsed_ps: 3}", r"expected {least"),
        ("maximise: [price_usd]", r"f.yaml:11 .*`price_usd` stands under `minimise` too"),
        ("sampler: all\ntrials: 9", r"f.yaml:11  sampler  `all` has 48 points, more than `trials`, which is 9"),
        ("sampler: best", r"f.yaml:11  sampler  `best` is not one of auto, all, tpe"),
        ("limits: {energy_j.totl: {most: 3 J}}", r"have no number `energy_j.totl`; did you mean `energy_j.total`"),
        ("maximise: [hits]", r"results have no number `hits`; did you mean `tiers.gddr.hits`"),
        ("limits: {elapsed_ps: {most: 1 ns}}", r"f: none of 48 points keeps .*; nearest is .*, not at most 1 ns"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(folder, text, what):
    (folder / "f.yaml").write_text(f"{SEARCH}{text}\n")
    with pytest.raises(ConfigError, match=what) as caught:
        sweep.search("f.yaml")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("minimise: [elapsed_ps, price_usd]", "", "nothing is better or worse"),
        ("space:", "space: {}\nset:", "f.yaml:4  space  has no directions"),
        ("tiers.gddr.policy: [lru, fifo]", "tiers.gddr.polcy: [lru, fifo]", "f.yaml:5  tiers.gddr.polcy  unknown key"),
        ("[lru, fifo]", "[]", "f.yaml:5  space.tiers.gddr.policy  expected a list of values"),
    ],
)
def test_wrong_spaces(folder, old, new, what):
    (folder / "f.yaml").write_text(SEARCH.replace(old, new))
    with pytest.raises(ConfigError, match=what):
        sweep.search("f.yaml")


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), max_size=25),
    st.tuples(*[st.booleans()] * 3),
)
def test_the_front_by_its_definition(values, maximise):
    signed = [tuple(-v if large else v for v, large in zip(row, maximise, strict=True)) for row in values]
    expected = [
        not any(all(a <= b for a, b in zip(other, row, strict=True)) and other != row for other in signed)
        for row in signed
    ]
    assert front(values, maximise).tolist() == expected


def test_the_command_line(folder, capsys):
    (folder / "f.yaml").write_text(SEARCH + "limits: {price_usd: {most: 120}}\n")
    assert execute(["search", "f.yaml", "--out", "found"]) == 0
    out, err = capsys.readouterr()
    assert "f · 48 points, the whole space: 48 computed, 0 kept from before" in out
    assert "wrote found/: points.parquet, front.parquet, front.png, front.svg" in err
    best = pl.read_parquet("found/front.parquet")
    assert best["elapsed_ps"].is_sorted()
    assert best.equals(
        pl.read_parquet("found/points.parquet").filter(pl.col("on_front")).sort("elapsed_ps", maintain_order=True)
    )
    before = {path.name: path.read_bytes() for path in (folder / "found").iterdir()}
    assert execute(["search", "f.yaml", "--out", "found", "--json", "-", "-q", "--workers", "1"]) == 0
    assert {path.name: path.read_bytes() for path in (folder / "found").iterdir()} == before


def picture(rows, **more):
    ax = pareto(rows, "elapsed_ps", "energy_j.total", **more)
    file = io.BytesIO()
    save(figure_of(ax), file, "png")
    return ax, file.getvalue()


def test_the_picture_shows_each_point_as_what_it_is():
    rows = [
        {"elapsed_ps": 10**12 * x, "energy_j.total": float(y), "on_front": x + y == 6, "within_limits": y < 5}
        for x, y in itertools.product(range(1, 6), repeat=2)
        if x + y >= 6
    ]
    rows.append({"elapsed_ps": None, "energy_j.total": None, "on_front": False, "within_limits": False})
    ax, image = picture(rows, title="small")
    drawn = {each.get_label(): np.asarray(each.get_offsets()) for each in ax.collections}
    assert {label: len(places) for label, places in drawn.items()} == {
        "outside the limits": 5, "beaten by another": 6, "Pareto front": 5,
    }  # fmt: skip
    assert picture(rows, title="small")[1] == image
    assert [tick.get_text() for tick in ax.get_xticklabels()][1:3] == ["1 s", "2 s"]
    bars = [
        row | {"elapsed_ps.low": row["elapsed_ps"] * 0.9, "elapsed_ps.high": row["elapsed_ps"] * 1.2}
        for row in rows[:-1]
    ]
    ax, _ = picture(bars)
    segments = [line for each in ax.containers for line in each[2][0].get_segments()]
    assert sorted(line[:, 0].tolist() for line in segments)[0] == pytest.approx([0.9e12, 1.2e12])


def test_an_empty_picture_says_so():
    ax, _ = picture([])
    assert "no points" in [text.get_text() for text in ax.texts]
