"""Curves from perfect to adversarial predictions, as rows and as a picture."""

import pytest

from hiersim.drivers.cache_study import study
from hiersim.errors import ConfigError
from hiersim.report.robustness import robustness as picture
from hiersim.studies.robustness import STEPS, robustness
from hiersim.traces import generate

pytestmark = pytest.mark.xdist_group("policy-predicted-opt")


@pytest.fixture(scope="module")
def rows():
    trace = generate("zipf", seed=1, accesses=6_000, objects=400, alpha=0.8)
    return robustness(trace, ["predicted-opt", "mark-discard"], 40, draws=2)


def test_rows_go_from_perfect_to_the_worst(rows):
    assert [row["predictions"] for row in rows] == [*STEPS["next_use"], *STEPS["bits"]]
    for name in ("predicted-opt", "mark-discard"):
        mine = [row for row in rows if row["policy"] == name]
        assert (mine[0]["to_opt"], mine[0]["error"]) == (1.0, 0.0)
        ratios = [row["to_opt"] for row in mine]
        assert ratios == sorted(ratios)
        assert ratios[-1] > mine[0]["to_opt"] / mine[0]["to_lru"]


def test_misses_are_held_against_the_optimum_and_lru(rows):
    trace = generate("zipf", seed=1, accesses=6_000, objects=400, alpha=0.8)
    opt, lru = (study(trace.object, None, name, 40).misses for name in ("opt", "lru"))
    assert opt < lru
    for row in rows:
        assert (row["to_opt"], row["to_lru"]) == (row["misses"] / opt, row["misses"] / lru)


def test_errors_are_those_asked_for(rows):
    flips = {row["predictions"]: row["error"] for row in rows if row["policy"] == "mark-discard"}
    assert flips["flip:p=0.1"] == pytest.approx(0.1, rel=0.1)
    assert flips["adversarial"] == 1.0


def test_a_policy_without_predictions_is_refused():
    with pytest.raises(ConfigError, match="`lru` takes no predictions"):
        robustness(generate("loop", accesses=10, objects=5), ["lru"], 2)


def test_the_picture_names_all(rows):
    ax = picture(rows, title="zipf")
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert told == ["predicted-opt", "mark-discard"]
    assert [tick.get_text() for tick in ax.get_xticklabels()][1] == "sigma=0.25\np=0.01"
    assert ax.get_title(loc="left") == "Faults by quality of predictions: zipf"


def test_the_picture_of_nothing():
    assert picture([]).get_legend_handles_labels()[1] == []
