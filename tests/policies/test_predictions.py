"""Policies that are told the future, rightly or wrongly: their twins on wrong predictions, and their papers' bounds."""

import json

import numpy as np
import pytest
from oracle.policies import foretold, replay
from oracle.policies import next_uses as naive_next_uses
from policies.streams import sizes_of, stream, twin

from hiersim import policies
from hiersim.api.replay import replay as replay_trace
from hiersim.cli.main import execute
from hiersim.drivers.cache_study import study
from hiersim.drivers.predictions import Errors, Predictor, absolute_error, with_errors, wrong_bits
from hiersim.errors import HiersimError
from hiersim.traces import write_trace
from hiersim.traces.access import AccessTrace

FOLLOWERS = ("predicted-opt", "predictive-marker")
BITS = ("discard-flush", "mark-discard", "mark-predict")
EACH = [pytest.param(name, marks=pytest.mark.xdist_group(f"policy-{name}")) for name in (*FOLLOWERS, *BITS)]


def wrong_predictions(name, keys, seed):
    """Next uses or bits, some right and some not, as the list of a twin: None for never, or for a key that may go."""
    rng = np.random.default_rng([seed, 5])
    later = naive_next_uses(keys.tolist())
    for i in np.flatnonzero(rng.random(len(keys)) < 0.6):
        later[i] = int(rng.integers(len(keys))) if rng.random() < 0.6 else None
    return later


@pytest.mark.parametrize("sized", [False, True])
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", EACH)
def test_twins_on_wrong_predictions(name, seed, sized):
    keys = stream(seed, 400, 60)
    said = wrong_predictions(name, keys, seed)
    array = np.array([-1 if each is None else each for each in said], np.int32)
    sizes = sizes_of(seed, 60) if sized else np.ones(60, np.int64)
    seeds = {} if name in ("predicted-opt", "discard-flush") else {"seed": seed}
    for capacity in (13, 60, 130) if sized else (1, 2, 7, 20, 45):
        naive = twin(name, capacity, not sized, **seeds)
        victims, misses, _ = replay(naive, keys.tolist(), sizes.tolist(), capacity, said)
        result = study(
            keys, sizes if sized else None, name, capacity, objects=60, next_use=array, seed=seed, victims=True
        )
        assert result.victims.tolist() == victims
        assert result.misses == misses


def harmonic(k):
    return sum(1 / i for i in range(1, k + 1))


def hard(seed, requests, capacity):
    """One page more than fits, drawn evenly: what marking and every other policy without predictions does badly."""
    return np.random.default_rng([seed, 9]).integers(0, capacity + 1, requests).astype(np.int32)


def traces(requests=400):
    return [(stream(1, requests, 40), 8), (stream(2, requests, 60), 20), (hard(3, requests, 10), 10)]


def mean_misses(name, keys, capacity, said, draws=12):
    return np.mean([study(keys, None, name, capacity, next_use=said, seed=seed).misses for seed in range(draws)])


def told(keys, capacity, name, errors, seed=0):
    """Return what a policy is told, and the truth."""
    predictor = Predictor(keys, int(keys.max()) + 1, None, Errors.of(errors), seed)
    policy = policies.find(name)
    return predictor.predictions(policy, capacity), predictor.truth(policy.predicts, capacity)


@pytest.mark.parametrize("seed", range(5))
def test_true_bits_are_what_their_definitions_say(seed):
    keys = stream(seed, 300, 30)
    predictor = Predictor(keys, 30)
    for capacity in (1, 4, 11, 40):
        discard, phase = (predictor.truth(kind, capacity) for kind in ("discard", "phase"))
        assert (discard < 0).tolist() == foretold.discard_bits(keys.tolist(), capacity)
        assert (phase < 0).tolist() == foretold.phase_bits(keys.tolist(), capacity)


@pytest.mark.parametrize("seed", range(3))
def test_next_uses_that_come_true_give_the_optimum(seed):
    keys, sizes = stream(seed, 600, 60), sizes_of(seed, 60)
    for capacity, each in ((7, None), (30, None), (120, sizes)):
        told, best = (study(keys, each, name, capacity, victims=True) for name in ("predicted-opt", "opt"))
        assert told.victims.tolist() == best.victims.tolist()


@pytest.mark.parametrize("name", ["discard-flush", "mark-discard"])
def test_discard_bits_that_are_true_give_the_optimum(name):
    for keys, capacity in traces():
        said, _ = told(keys, capacity, name, "perfect")
        least = study(keys, None, "opt", capacity).misses
        assert study(keys, None, name, capacity, next_use=said).misses == least


@pytest.mark.parametrize("errors", ["perfect", "flip:p=0.02", "flip:p=0.1", "flip:p=0.5", "adversarial"])
def test_wrong_bits_cost_no_more_than_their_papers_say(errors):
    """Competitive with the optimum's faults, the bits wrongly to keep and those wrongly to discard, as a triple."""
    bounds = {
        "discard-flush": lambda k: (1, k - 1, 1),
        "mark-discard": lambda k: (1, 2 * harmonic(k), 1),
        "mark-predict": lambda k: (2, harmonic(k), 1),
    }
    for keys, capacity in traces():
        least = study(keys, None, "opt", capacity).misses
        for name, triple in bounds.items():
            said, truth = told(keys, capacity, name, errors)
            keep, discard = wrong_bits(said, truth)
            most = np.dot(triple(capacity), (least, keep, discard))
            assert mean_misses(name, keys, capacity, said) <= most, (name, capacity)


@pytest.mark.parametrize("errors", ["adversarial", "random"])
def test_marking_is_never_far_from_the_optimum(errors):
    """Marking pays H_k for each new page of a phase; chains of trusted evictions, or two sets to draw from, twice."""
    for keys, capacity in [*traces(), (hard(4, 2_000, 16), 16)]:
        least = study(keys, None, "opt", capacity).misses
        for name, factor in (("predictive-marker", 4), ("mark-predict", 4)):
            said, truth = told(keys, capacity, name, "adversarial")
            said = said if errors == "adversarial" else np.random.default_rng(1).permutation(truth)
            assert mean_misses(name, keys, capacity, said, 6) <= factor * harmonic(capacity) * least + capacity
        alone = mean_misses("mark-predict", keys, capacity, np.zeros(len(keys), np.int32), 6)
        assert alone <= 2 * harmonic(capacity) * least + capacity


def test_blind_trust_has_no_such_bound():
    keys = hard(4, 2_000, 16)
    least = study(keys, None, "opt", 16).misses
    said, _ = told(keys, 16, "predicted-opt", "adversarial")
    assert study(keys, None, "predicted-opt", 16, next_use=said).misses > 4 * harmonic(16) * least


def test_predictive_marker_profits_from_what_is_true():
    keys = hard(4, 2_000, 16)
    right, wrong = (
        mean_misses("predictive-marker", keys, 16, told(keys, 16, "predictive-marker", errors)[0], 6)
        for errors in ("perfect", "adversarial")
    )
    assert right < 0.7 * wrong


def test_errors_of_next_uses():
    truth = np.array([3, 2, 5, -1, -1, -1], np.int32)
    predictor = Predictor(np.array([0, 1, 1, 0, 2, 1], np.int32), 3)
    assert predictor.truth("next_use", 1).tolist() == truth.tolist()
    rng = np.random.default_rng(0)
    assert with_errors("next_use", truth, Errors("noisy", 0.0), rng).tolist() == truth.tolist()
    reverse = with_errors("next_use", truth, Errors("adversarial"), rng)
    assert reverse.tolist() == [3, 4, 1, 0, 0, 0]
    assert absolute_error(truth, truth) == 0
    assert absolute_error(reverse, truth) == 0 + 2 + 4 + 6 + 6 + 6


def test_noise_multiplies_distances():
    keys = np.arange(20_000, dtype=np.int32) % 500
    said, truth = told(keys, 10, "predicted-opt", "noisy:sigma=0.3")
    known = (truth >= 0) & (said >= 0) & (np.arange(20_000) < 15_000)
    ratio = np.log((said - np.arange(20_000))[known] / 500)
    assert abs(ratio.mean()) < 0.01
    assert ratio.std() == pytest.approx(0.3, rel=0.03)
    assert (said[said >= 0] > np.flatnonzero(said >= 0)).all()


def test_flips_and_their_count():
    keys = stream(5, 3_000, 50)
    said, truth = told(keys, 10, "mark-discard", "flip:p=0.1")
    assert sum(wrong_bits(said, truth)) == (said != truth).sum() == pytest.approx(300, rel=0.2)
    assert wrong_bits(np.array([0, -1, 0, -1]), np.array([0, 0, -1, -1])) == (1, 1)
    every, _ = told(keys, 10, "mark-discard", "adversarial")
    assert ((every < 0) != (truth < 0)).all()


def test_the_seed_decides_the_errors():
    keys = stream(5, 3_000, 50)
    one, two, other = (told(keys, 10, "mark-predict", "flip:p=0.3", seed)[0] for seed in (1, 1, 2))
    assert one.tolist() == two.tolist()
    assert one.tolist() != other.tolist()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"predictions": "nosy"}, "`nosy` is not one of perfect, noisy:sigma=.., flip:p=.., adversarial; did you mean"),
        ({"predictions": "noisy"}, "predictions  `noisy` should be `noisy:sigma=..`"),
        ({"predictions": "perfect:p=1"}, "predictions  `perfect:p=1` should be `perfect`"),
        ({"predictions": "flip:p=1.5"}, "predictions  p must be 0 to 1, got `1.5`"),
        ({"predictions": "flip:p=nan"}, "predictions  p must be 0 to 1, got `nan`"),
        ({"predictions": "noisy:sigma=-1"}, "predictions  sigma must be 0 to 100, got `-1`"),
        ({"predictions": "noisy:sigma=x"}, "predictions  sigma must be a number, got `x`"),
        (
            {"predictions": "noisy:sigma=1"},
            "policy `mark-predict` takes phase bits: predictions are perfect, flip:p=..",
        ),
        ({"predictions": np.zeros(3, np.int32)}, "predictions  must be one for each of 300 accesses, got 3"),
        ({"predictions": [0.5] * 300}, "predictions  must be whole numbers, got float64"),
        ({"predictions": np.full(300, np.nan)}, "predictions  must be whole numbers, got float64"),
        ({"predictions": np.zeros((300, 2), np.int32)}, "must be one for each of 300 accesses, got 300 x 2"),
        ({"costs": [1.0, 2.0]}, "costs  must be one for each of 30 objects, got 2"),
        ({"costs": np.ones(31)}, "costs  must be one for each of 30 objects, got 31"),
        ({"costs": np.ones((30, 2))}, "costs  must be one for each of 30 objects, got 30 x 2"),
        ({"costs": "dear"}, "costs  must be numbers from 0, one for each object"),
        ({"costs": np.where(np.arange(30) == 7, np.nan, 1)}, "costs must be numbers from 0, got nan for object 7"),
        ({"costs": np.where(np.arange(30) == 4, -2.0, 1)}, "costs must be numbers from 0, got -2.0 for object 4"),
    ],
)
def test_mistakes_are_one_line(options, what):
    trace = AccessTrace.build(stream(1, 300, 30), np.ones(30, np.int64))
    with pytest.raises(HiersimError) as caught:
        replay_trace(trace, "mark-predict", 5, **options)
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_costs_of_misses_add_up():
    keys = stream(1, 300, 30)
    trace, costs = AccessTrace.build(keys, np.ones(30, np.int64)), np.arange(30) / 8
    found = replay_trace(trace, "lru", [5, 12], costs=costs, hits=True)
    for result in found:
        assert result.missed_cost == costs[keys[~result.hit_map]].sum()
        assert result.cost == costs[keys].sum()
    assert found.rows()[0]["missed_cost"] == found[0].missed_cost
    assert found.rows()[0]["cost_miss_ratio"] == found[0].missed_cost / costs[keys].sum()
    priced = AccessTrace.build(keys, np.ones(30, np.int64), {"flops": costs + 1})
    assert replay_trace(priced, "lru", 5)[0].cost == (costs + 1)[keys].sum()
    assert "missed_cost" not in replay_trace(trace, "lru", 5).rows()[0]


def test_the_command_takes_predictions(tmp_path, capsys):
    path = write_trace(AccessTrace.build(stream(1, 300, 30), np.ones(30, np.int64)), tmp_path / "t.parquet")
    words = ["replay", str(path), "--policy", "opt,mark-discard", "--capacity", "8", "--json", "-"]
    rows = []
    for errors in ("perfect", "adversarial"):
        assert execute([*words, "--predictions", errors]) == 0
        rows.append([row["misses"] for row in json.loads(capsys.readouterr().out)])
    assert rows[0][0] == rows[0][1] == rows[1][0] < rows[1][1]
