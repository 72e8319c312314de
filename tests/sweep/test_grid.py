"""Which points a file gives: spans of quantities, lists in step, every combination, and what is wrong with a file."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiersim import sweep
from hiersim.errors import ConfigError
from hiersim.sweep.axes import read_axes
from hiersim.sweep.formulas import formula
from hiersim.sweep.spans import span_of
from hiersim.units import parse


def values(**data):
    span, problems = span_of({key.strip("_"): value for key, value in data.items()})
    assert problems == []
    return [span.text(value) for value in span.numbers()]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"from_": "8 GiB", "to": "64 GiB", "count": 4, "scale": "log"}, ["8 GiB", "16 GiB", "32 GiB", "64 GiB"]),
        ({"from_": "8 GiB", "to": "20 GiB", "step": "4 GiB"}, ["8 GiB", "12 GiB", "16 GiB", "20 GiB"]),
        ({"from_": "8 GiB", "to": "19 GiB", "step": "4 GiB"}, ["8 GiB", "12 GiB", "16 GiB"]),
        ({"from_": "1 us", "to": "2 us", "count": 3}, ["1 us", "1.5 us", "2 us"]),
        ({"from_": "1 GB/s", "to": "1 GB/s", "count": 1}, ["1 GB/s"]),
        ({"from_": 1, "to": 16, "count": 5, "scale": "log"}, [1, 2, 4, 8, 16]),
        ({"from_": 1, "to": 3, "count": 9}, [1, 2, 3]),  # whole numbers, each once
        ({"from_": 0.1, "to": 0.5, "step": 0.2}, [0.1, 0.3, 0.5]),
        ({"from_": "10%", "to": "30%", "count": 3}, ["0.1", "0.2", "0.3"]),
    ],
)
def test_spans(data, expected):
    assert values(**data) == expected


@given(st.integers(1, 10**9), st.integers(0, 10**12), st.integers(2, 50), st.sampled_from(["linear", "log"]))
def test_a_span_keeps_its_ends_and_its_order(low, more, count, scale):
    texts = values(from_=f"{low} B", to=f"{low + more} B", count=count, scale=scale)
    numbers = [parse(text, "bytes") for text in texts]
    assert (numbers[0], numbers[-1]) == (low, low + more)
    assert numbers == sorted(set(numbers))
    assert len(numbers) <= count
    if scale == "linear":
        exact = [Fraction(low) + Fraction(more * i, count - 1) for i in range(count)]
        assert set(numbers) <= {round(e) + d for e in exact for d in (-1, 0, 1)}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"from": "8 GiB"}, "required key is missing"),
        ({"from": "8 GiB", "to": "9 GB/s", "count": 2}, "does not go with `from: 8 GiB`, which is a size"),
        ({"from": "9 GiB", "to": "8 GiB", "count": 2}, "is less than `from`"),
        ({"from": 0, "to": 8, "count": 2, "scale": "log"}, "must be more than 0 on a log scale"),
        ({"from": 1, "to": 8, "count": 0}, "expected a whole number of 1 or more"),
        ({"from": 1, "to": 8, "count": 2, "step": 1}, "stands beside `count`"),
        ({"from": 1, "to": 8, "step": 0}, "must be more than 0"),
        ({"from": 1, "to": 8, "cuont": 3}, "did you mean `count`?"),
        ({"from": "a", "to": 8, "count": 3}, "neither a number nor a quantity"),
        ({"from": 1, "to": 8, "count": 3, "scale": "cubic"}, "not one of linear, log"),
    ],
)
def test_wrong_spans(data, what):
    span, problems = span_of(data)
    assert span is None
    assert what in problems[0][1]


def test_every_combination_the_last_axis_fastest(folder):
    (folder / "s.yaml").write_text(
        "scenario: small.yaml\nvary: {tiers.gddr.policy: [lru, fifo]}\n"
        "together: [{tiers.gddr.capacity: [16 KiB, 32 KiB], tiers.dram.capacity: [1 MiB, 2 MiB]}]\n"
        "points: [{seed: 1}, {seed: 2, replay.streams: 2}]\n"
    )
    found = [dict(point.values) for point in sweep.load("s.yaml").points()]
    assert len(found) == 8
    assert found[0] == {
        "tiers.gddr.policy": "lru",
        "tiers.gddr.capacity": "16 KiB",
        "tiers.dram.capacity": "1 MiB",
        "seed": 1,
    }
    assert found[1]["replay.streams"] == 2
    assert [point["tiers.dram.capacity"] for point in found] == ["1 MiB", "1 MiB", "2 MiB", "2 MiB"] * 2


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("vary: {seed: []}", 2, "has no values"),
        ("vary: {seed: 3}", 2, "expected a list of values, or a span"),
        ("vary: {seed: {from: 1, to: 3}}", 2, "needs `count` or `step`"),
        ("vary:\n  seed: {from: 3, to: 1, count: 2}", 3, "is less than `from`"),
        ("together: [{seed: [1, 2], replay.streams: [1]}]", 2, "one length; seed has 2, replay.streams has 1"),
        ("vary: {seed: [1]}\npoints: [{seed: 2}]", 3, "`seed` is varied by `vary.seed` already"),
        ("vary: {}", 1, "varies nothing"),
        ("vary: {seed: {from: 1, to: 90000, step: 1}, replay.streams: {from: 1, to: 90, step: 1}}", 1, "; at most"),
        ("varry: {seed: [1]}", 2, "did you mean `vary`?"),
        ("vary: {seed: [1]}\nworkers: 0", 3, "must be at least 1"),
        ("vary: {seed: [1]}\ncluster: dusk=tcp://a:1", 3, "did you mean `dask`?"),
        ("vary: {seed: [1]}\ncluster: ray", 3, "has no address; write ray=auto"),
        ("vary: {seed: [1]}\ndefine: {x: 2 +}", 3, "is not a formula"),
        ("vary: {seed: [1]}\ndefine: {x: '__import__(1)'}", 3, "the functions are min, max, abs"),
    ],
)  # fmt: skip
def test_wrong_files(folder, text, line, what):
    (folder / "s.yaml").write_text(f"scenario: small.yaml\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        sweep.load("s.yaml")
    (mistake,) = caught.value.mistakes
    assert (mistake.file, mistake.line) == ("s.yaml", line)
    assert what in mistake.what


def test_all_mistakes_at_once(folder):
    (folder / "s.yaml").write_text("scenario: missing.yaml\nvary: {seed: []}\nworkers: 0\ndefine: {x: 1 + 'a'}\n")
    with pytest.raises(ConfigError) as caught:
        sweep.load("s.yaml")
    assert len(caught.value.mistakes) == 4
    assert "missing.yaml  no such file" in str(caught.value)


def test_formulas():
    numbers = {"a.b": 6, "c": 3, "stalls.cxl read": 5}
    assert formula("2 * a.b / (c - 1) ** 2 + min(c, a.b, 7) - -1").value(numbers) == 2 * 6 / 4 + 3 + 1
    assert formula("`stalls.cxl read` + c").value(numbers) == 8
    assert formula("a.b / (c - 3)").value(numbers) is None
    assert formula("a.b ** 1000 ** c").value(numbers) is None
    assert formula("(0 - c) ** 0.5").value(numbers) is None  # not a real number
    assert formula("a.z").value(numbers) is None
    assert formula("max(a.b, `x y`, c) * a.b").names == ["a.b", "x y", "c"]


@pytest.mark.parametrize(
    "text", ["a if b else c", "a[0]", "'x'", "f(1)", "min()", "lambda: 1", "a.b()", "1 < 2", "True", "(" * 300]
)
def test_wrong_formulas(text):
    with pytest.raises(ValueError, match=r"is not a|cannot stand|functions are"):
        formula(text)


def test_axes_of_nothing_are_nothing():
    assert read_axes({}, [], [])[1][0][1].startswith("varies nothing")
