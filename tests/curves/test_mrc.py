"""The curves of a trace as Python and the command line give them, their words, their table and their picture."""

import json
from pathlib import Path

import numpy as np
import pytest
from cli.conftest import cli  # noqa: F401
from policies.streams import sizes_of, stream
from report.look import faults, image

import hiersim as hs
from hiersim.api.curve_gains import knees
from hiersim.drivers.cache_study import study
from hiersim.drivers.curves.curve import whole
from hiersim.errors import ConfigError
from hiersim.report.curve_plot import curve_plot
from hiersim.report.curve_table import curve_table, rows_of
from hiersim.report.curve_words import sentences
from hiersim.traces import AccessTrace

pytestmark = pytest.mark.xdist_group("policy-lru")  # compiles the same loops
GIB = 2**30


@pytest.fixture(scope="module")
def chat():
    return hs.generate("chat", sessions=60, seed=3).blocks(block_bytes=GIB)


@pytest.fixture(scope="module")
def sized():
    return AccessTrace.build(stream(2, 3_000, 200), sizes_of(2, 200, most=400), name="sized")


@pytest.mark.parametrize("ignore", [False, True])
def test_every_point_is_what_a_replay_misses(sized, ignore):
    found = hs.mrc(sized, ["lru", "sieve"], ignore_size=ignore)
    assert found.unit == ("objects" if ignore else "bytes")
    assert found["lru"].method == "exact"
    sizes = None if ignore else sized.size
    if not ignore:
        assert found["lru"].capacity[0] < sized.size.max() < found["lru"].capacity[-1]
    for name in ("lru", "sieve"):
        curve = found[name]
        for i in range(0, len(curve.capacity), 3):
            true = study(sized.object, sizes, name, int(curve.capacity[i]))
            assert (curve.miss_ratio[i], curve.byte_miss_ratio[i]) == (true.miss_ratio, true.byte_miss_ratio)
    assert found["lru"].miss_ratio[-1] == found.first_uses


def test_sampled_curves_tell_their_error(sized):
    found = hs.mrc(sized, ["lru", "sieve"], rate=0.5, seeds=4, capacity=["20%", "40%", "80%"])
    for name, method in (("lru", "shards"), ("sieve", "miniature")):
        curve = found[name]
        assert (curve.method, curve.seeds, len(curve.checked)) == (method, 4, 3)
        true = hs.replay(sized, name, ["20%", "40%", "80%"])
        assert [ratio for _, ratio in curve.checked] == [each.miss_ratio for each in true]
        assert curve.off == max(abs(curve.miss_ratio - [each.miss_ratio for each in true]))
        assert (curve.error > 0).all() or (curve.rate == 1).all()
    assert (found["lru"].error > 0).all()
    words = "\n".join(sentences(found))
    assert "lru: SHARDS, mean of 4 samples of 50.0% of the objects; 95% interval of ±" in words
    assert "sieve: miniature simulation" in words
    few = hs.mrc(sized, sample_objects=60, seeds=3, checks=0)["lru"]
    assert (few.method, few.checked) == ("shards", ())
    assert few.rate[0] < 0.5


def test_tiers_and_what_more_of_them_would_buy(chat):
    footprint = chat.objects
    tiers = {"hbm": "40 GiB", "dram": "100 GiB", "cxl": "16 GiB"}
    found = hs.mrc(chat, "lru", machine="h100-sxm-cxl", tiers=tiers, add=["256 GiB", "dram=8GiB"])
    assert [(place.name, place.upto) for place in found.places][:3] == [("hbm", 40), ("dram", 140), ("cxl", 156)]

    def hits(size):
        return len(chat) - study(chat.object, None, "lru", size).misses

    told = {(gain.place, gain.more): gain for gain in found.gains}
    assert told["hbm", 40].hits == hits(80) - hits(40)
    assert told["hbm", 256].hits == hits(296) - hits(40)
    assert told["dram", 8].hits == hits(148) - hits(140)
    assert ("hbm", 8) not in told
    assert told["flash", 256].hits == 0
    assert told["hbm", 40].hit_ratio == pytest.approx(hits(40) / len(chat))
    words = sentences(found)
    rise = f"({hits(296) - hits(40):,} misses fewer)"
    assert any(line.startswith("hbm + 256 GiB: lru hits ") and line.endswith(rise) for line in words)
    assert any(line.startswith("hits by tier, lru: hbm (40 GiB) ") for line in words)
    assert footprint > 156


def test_what_is_added_to_a_capacity(sized):
    found = hs.mrc(sized, capacity=[2_000, 8_000], add="1 KiB")
    assert {(gain.capacity, gain.more) for gain in found.gains} >= {(2_000, 1_024), (8_000, 1_024)}
    gain = next(each for each in found.gains if (each.capacity, each.more) == (2_000, 1_024))
    misses = [study(sized.object, sized.size, "lru", size).misses for size in (2_000, 3_024)]
    assert gain.hits == misses[0] - misses[1]


def test_knees_are_where_doubling_stops_to_pay():
    size = 2.0 ** (np.arange(0, 81) / 8)
    cliff = np.where(size < 64, 0.9, 0.2) - 0.01 * np.log2(size)
    (knee,) = knees(whole("lru", "exact", (size * 1000).astype(np.int64), cliff, cliff))
    assert knee.capacity == 64_000
    assert knee.before == pytest.approx(0.71)
    assert knee.after == pytest.approx(0.01)
    straight = 1 - 0.04 * np.log2(size)
    assert knees(whole("lru", "exact", (size * 1000).astype(np.int64), straight, straight)) == []


def test_the_curve_of_a_loop_falls_at_its_length():
    loop = AccessTrace.build(np.tile(np.arange(500), 8))
    found = hs.mrc(loop)
    assert found["lru"].at(499) in (None, 1.0)
    assert found["lru"].miss_ratio.tolist()[-1] == found.first_uses == 1 / 8
    (knee,) = found.knees()["lru"]
    assert knee.capacity == 500


def test_the_same_input_gives_the_same_bytes(sized):
    one, two = (hs.mrc(sized, ["lru", "sieve"], rate=0.5, seeds=3, workers=workers) for workers in (1, 3))
    assert json.dumps(one.as_dict(), allow_nan=False) == json.dumps(two.as_dict(), allow_nan=False)
    assert image(curve_plot(one), "svg") == image(curve_plot(two), "svg")


def test_the_picture_is_readable(chat, sized):
    tiers = {"hbm": "40 GiB", "dram": "44 GiB", "cxl": "100 GiB"}
    marked = hs.mrc(chat, ["lru", "opt"], machine="h100-sxm-cxl", tiers=tiers)
    for found in (marked, hs.mrc(sized, ["lru", "sieve", "opt"]), hs.mrc(sized, rate=0.5, seeds=3, ignore_size=True)):
        assert faults(curve_plot(found)) == []
    ax = curve_plot(marked)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["lru", "optimum"]
    assert {text.get_text() for text in ax.texts} >= {"hbm 40 GiB", "dram 84 GiB", "cxl 184 GiB"}
    assert "flash beyond the right edge" in ax.get_xlabel()


def test_the_table_has_what_all_curves_have(chat):
    found = hs.mrc(chat, ["lru", "opt"], machine="h100-sxm-cxl", tiers={"hbm": "40 GiB"})
    assert 40 in rows_of(found)
    assert len(rows_of(found)) <= 24 + len(found.places) + 6
    assert curve_table(found).row_count == len(rows_of(found))
    assert found.table().height == sum(len(curve.capacity) for curve in found.curves)


def test_the_command_line(cli, sized):  # noqa: F811
    hs.write_trace(sized, "t.parquet")
    code, out, errors = cli("mrc", "t.parquet", "--policy", "lru,sieve", "--json", "-", "-q")
    document = json.loads(out)
    assert (code, errors) == (0, "")
    assert document["schema"] == "hiersim-mrc/1"
    assert document == json.loads(json.dumps(hs.mrc("t.parquet", ["lru", "sieve"]).as_dict()))
    code, out, errors = cli("mrc", "t.parquet", "--out", "made", "-q")
    assert (code, errors) == (0, "")
    assert "knee" in out or "first uses miss at any capacity" in out
    code, out, _ = cli("mrc", "t.parquet", "--working-set", "--json", "-", "-q")
    assert json.loads(out)["first_uses"] == len(np.unique(sized.object))
    code, out, _ = cli("mrc", "t.parquet", "--working-set", "-q")
    assert code == 0
    assert "mean working set" in out
    assert cli("mrc", "t.parquet", "--working-set", "--out", "sets", "-q")[0] == 0
    assert {path.name for path in Path("sets").iterdir()} == {f"working_set.{end}" for end in ("json", "png", "svg")}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--rate", "0"], "rate  must be more than 0 and at most 1, got 0"),
        (["--rate", "1.5"], "rate  must be more than 0 and at most 1, got 1.5"),
        (["--rate", "nan"], "rate  must be more than 0 and at most 1, got nan"),
        (["--rate", "x"], "hiersim mrc: invalid value for '--rate'"),
        (["--policy", "lur"], "policy  no policy `lur`; did you mean `lru`?"),
        (["--machine", "h100"], "machine  no machine `h100`; did you mean `h100-sxm`?"),
        (["--capacity", "0"], "capacity  must be at least 1, got `0`"),
        (["--capacity", "5Gb"], "capacity  unknown unit `Gb`; did you mean `GB`?"),
        (["--capacity", "nan"], "capacity  `nan` is not a capacity"),
        (["--add", "1GiB"], "add  needs something to add to"),
        (["--machine", "h100-sxm", "--add", "drm=1GiB"], "add  no tier `drm`; did you mean `dram`?"),
        (["--machine", "h100-sxm", "--tier", "drm=1GiB"], "tier  no tier `drm`; did you mean `dram`?"),
        (["--machine", "h100-sxm", "--tier", "dram=lots"], "tier dram  `lots` is not a size"),
        (["--tier", "dram"], "--tier  `dram` is not name=size"),
        (["--ignore-size", "--machine", "h100-sxm"], "machine  cannot be marked: its tiers are in bytes, but sizes"),
        (["--rate", "0.1", "--sample-objects", "9"], "rate  sets the size of a sample, and so does sample_objects"),
        (["--seeds", "1"], "seeds  must be 2 to 32, got 1"),
        (["--sample-objects", "0"], "sample_objects  must be 1 to 2,147,483,647, got 0"),
        (["--rate", "1e-9"], "a sample of 1e-09 of the objects resolves no capacity below"),
        (["--working-set", "--rate", "0.1"], "--rate  is of curves; --working-set shows none"),
        (["--working-set", "--out", "a.pdf"], "--out  pictures are drawn as .png or .svg"),
        (["--polcy", "lru"], "hiersim mrc: no such option: --polcy; did you mean `--policy`?"),
    ],
)
def test_mistakes_are_one_line(cli, sized, arguments, told):  # noqa: F811
    hs.write_trace(sized, "t.parquet")
    code, out, errors = cli("mrc", "t.parquet", *arguments, "-q")
    assert (code, out) == (2, "")
    assert errors.splitlines()[0].lower().startswith(told.lower()), errors
    assert len(errors.splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"rate": "x"}, "rate  must be more than 0 and at most 1, got 'x'"),
        ({"sample_objects": 1.5}, "sample_objects  must be 1 to 2,147,483,647, got 1.5"),
        ({"seeds": "a", "rate": 0.5}, "seeds  must be 2 to 32, got a"),
        ({"workers": 0}, "workers  must be at least 1, got 0"),
        ({"policy": 5}, "policy  must be a name or the path of a file, got 5"),
        ({"capacity": float("nan")}, "capacity  `nan` is not a capacity"),
    ],
)
def test_mistakes_of_callers_are_one_line(sized, options, told):
    with pytest.raises(ConfigError) as caught:
        hs.mrc(sized, **options)
    assert str(caught.value) == told or str(caught.value).startswith(f"{told};")
