"""Least expected cost with costs, alone and with the admission that makes it the paper's cache."""

import importlib

import numpy as np
import pytest
from oracle.admission import replay
from oracle.policies import next_uses
from oracle.policies import replay as replay_alone
from policies.streams import sizes_of, stream, twin

from hiersim.drivers.cache_study import study

pytestmark = pytest.mark.xdist_group("policy-lec")


@pytest.mark.parametrize("seed", range(3))
def test_alone(seed):
    keys, sizes = stream(seed, 600, 60), sizes_of(seed, 60)
    costs = np.random.default_rng(seed).integers(0, 9, 60).astype(np.float64)
    later = next_uses(keys.tolist())
    victims, misses, _ = replay_alone(
        twin("lec", 60, False, costs=costs.tolist()), keys.tolist(), sizes.tolist(), 60, later
    )
    found = study(keys, sizes, "lec", 60, objects=60, victims=True, costs=costs)
    assert (found.victims.tolist(), found.misses) == (victims, misses)


def test_the_paper_s_cache():
    keys, costs = stream(4, 600, 60), np.random.default_rng(4).integers(1, 9, 60).astype(np.float64)
    gate = importlib.import_module("oracle.admission.expected_cost").Twin(20, 60, costs=costs.tolist())
    naive = twin("lec", 20, costs=costs.tolist())
    victims, misses, denied, _ = replay(naive, gate, keys.tolist(), [1] * 60, 20, next_uses(keys.tolist()))
    found = study(keys, None, "lec", 20, objects=60, victims=True, admission="expected-cost", costs=costs)
    assert (found.victims.tolist(), found.misses, found.denied) == (victims, misses, denied)


def test_in_the_long_run_the_dearest_stay():
    """Independent draws: what is here in the end is what has the highest probability x cost."""
    rng = np.random.default_rng(1)
    worth = rng.permutation(np.arange(1, 31)) * 1.0
    costs = rng.integers(1, 5, 30) * 1.0
    chance = worth / costs / (worth / costs).sum()
    keys = rng.choice(30, 60_000, p=chance).astype(np.int32)
    found = study(keys, None, "lec", 10, objects=30, hits=True, admission="expected-cost", costs=costs)
    last = slice(50_000, None)
    assert set(keys[last][found.hit_map[last]].tolist()) == set(np.argsort(worth)[-10:].tolist())
