"""Every admission policy against its naive twin, victim for victim and denial for denial, and what holds for all."""

import importlib

import numpy as np
import pytest
from oracle.admission import Open, replay
from oracle.admission.draws import spread
from oracle.policies import next_uses
from policies.streams import sizes_of, stream
from policies.streams import twin as replacement_twin

from hiersim import jit
from hiersim.drivers.cache_study import Study, study
from hiersim.errors import PolicyError
from hiersim.policies import admission
from hiersim.policies.contract import Setup

pytestmark = pytest.mark.xdist_group("admission")
VARIANTS = {  # spec -> the twin's module and options
    "second-request": ("second_request", {}),
    "second-request:requests=3,window=50": ("second_request", {"requests": 3, "window": 50}),
    "second-request:requests=1": ("second_request", {"requests": 1}),
    "tinylfu": ("tinylfu", {}),
    "tinylfu:sample=2": ("tinylfu", {"sample": 2}),
    "size": ("size", {}),
    "size:c=3": ("size", {"c": 3}),
    "size-chance:c=4": ("size", {"c": 4, "soft": 1}),
    "cost": ("cost", {}),
    "cost:k=1": ("cost", {"k": 1}),
    "expected-cost": ("expected_cost", {}),
    "probability": ("probability", {}),
    "probability:p=0.1": ("probability", {"p": 0.1}),
    "bypass": ("bypass", {}),
}
SEEDS = range(5)


def twin(spec, capacity, objects, seed=0, **more):
    module, options = VARIANTS[spec]
    made = importlib.import_module(f"oracle.admission.{module}").Twin
    return made(capacity, objects, seed=spread(seed) >> 1, **options, **more)


def compare(spec, keys, sizes, capacity, objects, policy="lru", seed=0):
    plain = [1] * objects if sizes is None else sizes.tolist()
    naive = replacement_twin(policy, capacity, sizes is None)
    gate = twin(spec, capacity, objects, seed)
    victims, misses, denied, inside = replay(naive, gate, keys.tolist(), plain, capacity, next_uses(keys.tolist()))
    found = study(keys, sizes, policy, capacity, objects=objects, victims=True, admission=spec, seed=seed)
    assert found.victims.tolist() == victims
    assert (found.misses, found.denied, found.evictions, found.resident) == (misses, denied, len(victims), len(inside))
    return found


def test_every_admission_has_a_twin():
    assert {spec.partition(":")[0] for spec in VARIANTS} == set(admission.TABLE)


@pytest.mark.parametrize("spec", VARIANTS)
def test_uniform(spec):
    denied = 0
    for seed in SEEDS:
        keys = stream(seed, 500, 60)
        denied += sum(compare(spec, keys, None, capacity, 60).denied for capacity in (1, 7, 20, 45))
    assert (denied > 0) == (spec not in ("second-request:requests=1", "size", "size:c=3"))


@pytest.mark.parametrize("spec", VARIANTS)
def test_sizes(spec):
    for seed in SEEDS:
        keys, sizes = stream(seed, 500, 60), sizes_of(seed, 60)
        found = [compare(spec, keys, sizes, capacity, 60) for capacity in (5, 13, 60, 130)]
        assert spec == "second-request:requests=1" or sum(each.denied for each in found) > 0


def test_victims_that_are_chosen_and_stay():
    """The hand of SIEVE has moved for a newcomer that was turned away."""
    for seed in SEEDS:
        compare("tinylfu", stream(seed, 500, 60), None, 20, 60, "sieve", seed)


def test_costs_weigh():
    keys, costs = stream(3, 800, 60), np.random.default_rng(3).uniform(0.1, 9, 60)
    gate = importlib.import_module("oracle.admission.cost").Twin(20, 60, costs=costs.tolist())
    naive = replay(replacement_twin("lru", 20), gate, keys.tolist(), [1] * 60, 20, [None] * len(keys))
    found = study(keys, None, "lru", 20, objects=60, victims=True, admission="cost", costs=costs)
    assert (found.victims.tolist(), found.misses, found.denied) == naive[:3]
    assert found.misses != study(keys, None, "lru", 20, objects=60, admission="cost").misses


def test_none_and_the_first_request_are_no_admission():
    keys = stream(4, 2_000, 120)
    plain = study(keys, None, "lru", 30, victims=True)
    for spec in ("none", "second-request:requests=1"):
        found = study(keys, None, "lru", 30, victims=True, admission=spec)
        assert (found.misses, found.denied, found.victims.tolist()) == (plain.misses, 0, plain.victims.tolist())


def test_pieces_give_what_the_whole_gives():
    keys = stream(5, 1_500, 120)
    whole = study(keys, None, "lru", 30, admission="tinylfu", seed=3)
    pieces = Study("lru", 30, 120, accesses=len(keys), admission="tinylfu", seed=3)
    for piece in np.split(keys, (0, 1, 400, 401)):
        pieces.feed(piece)
    found = pieces.result()
    assert (found.misses, found.denied, found.evictions) == (whole.misses, whole.denied, whole.evictions)


def test_seeds_and_their_independence_of_the_policy():
    """A policy that draws and an admission that draws do not draw the same."""
    keys = stream(6, 2_000, 120)
    misses = {seed: study(keys, None, "lru", 30, admission="probability", seed=seed).misses for seed in range(4)}
    assert len(set(misses.values())) > 1
    assert misses[2] == study(keys, None, "lru", 30, admission="probability", seed=2).misses
    seen = Study("lru", 30, 120, admission="probability", seed=2)._door.random[0]
    assert seen != admission.find("probability").init(Setup(30, 120, seed=2)).random[0]


def test_what_is_asked_for_once_stays_out():
    """A loop over few keys between scans of new ones: with the filter the loop alone is kept."""
    scans = np.arange(1_000, 3_000).reshape(200, 10)
    keys = np.concatenate([np.concatenate([np.arange(8), scan]) for scan in scans]).astype(np.int32)
    assert study(keys, None, "lru", 8).misses == len(keys)
    assert study(keys, None, "lru", 8, admission="second-request").misses == 200 * 10 + 2 * 8
    found = study(keys, None, "lru", 8, admission="tinylfu")
    assert found.misses < 200 * 10 + 8 * 8  # but for counters that several keys share
    assert isinstance(Open().admit(1, 1, 1), bool)


MINE = '''"""Admit even numbers.

Mine, 2026.
"""
from typing import NamedTuple

import numpy as np


class State(NamedTuple):
    seen: np.ndarray


def init(setup):
    return State(np.zeros(setup.objects, np.int64))


def on_access(state, key, req):
    state.seen[key] += 1


def admit(state, key, req):
    return key % 2 == 0
'''


@pytest.fixture
def write(tmp_path):
    def write_file(old="", new=""):
        assert old in MINE
        (tmp_path / "even.py").write_text(MINE.replace(old, new))
        return str(tmp_path / "even.py")

    return write_file


def test_a_file_of_ones_own(write):
    keys = stream(7, 800, 60)
    found = Study("lru", 20, 60, admission=write())
    found.feed(keys)
    assert set(found.resident().tolist()) <= set(range(0, 60, 2))
    assert found._door.seen.tolist() == np.bincount(keys, minlength=60).tolist()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("def admit(state, key, req)", "def admits(state, key, req)", r"admission `even\.py`: no admit\(state, key, r"),
        ("def admit(state, key, req)", "def admit(state, key)", r"admit takes \(state, key\), expected .* \(line 22\)"),
        ("state.seen[key] += 1", "state.sen[key] += 1", r"on_access does not compile: .*sen.* \(line 19\)"),
        ("return key % 2 == 0", "return key % 2", r"admit returns int64, expected True or False \(line 22\)"),
        ("return key % 2 == 0", "pass", r"admit returns none, expected True or False \(line 22\)"),
        ("np.zeros(setup.objects, np.int64)", "3", r"the state's `seen` must be a one-dimensional array.*\(line 14\)"),
    ],
)  # fmt: skip
def test_mistakes(write, old, new, message):
    if jit.DISABLED and "compile" in message + " compile" * ("returns" in message):
        pytest.skip("found when compiled")
    with pytest.raises(PolicyError, match=message) as caught:
        admission.find(write(old, new))
    assert "\n" not in str(caught.value)


def test_an_index_out_of_range(write):
    with pytest.raises(PolicyError, match=r"admission `.*even\.py`.*IndexError"):
        study(stream(7, 100, 60), None, "lru", 20, admission=write("state.seen[key]", "state.seen[key + 70]"))


def test_names():
    with pytest.raises(PolicyError, match=r"no admission `tinylfo`; did you mean `tinylfu`\? \(one of none, second-"):
        admission.find("tinylfo")
    for spec, message in (
        ("probability:p=2", "p must lie between 0 and 1, got 2.0"),
        ("second-request:window=-1", "window must be 0 or more"),
        ("size:soft=3", "soft must be 0 or 1"),
        ("cost:k=0", "k must be 1 to 64, got 0"),
        ("tinylfu:sample=99", "sample must be 1 to 15, got 99"),
        ("tinylfu:samples=9", r"no parameter `samples`; did you mean `sample`\?"),
    ):
        with pytest.raises(PolicyError, match=message):
            admission.find(spec)
