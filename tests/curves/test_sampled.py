"""Curves from samples: a naive twin of the fixed size, no bias, and an error that says how far off they are."""

import itertools

import numpy as np
import pytest
from oracle.curves import fixed_size_sample
from policies.called import from_python
from policies.streams import sizes_of, stream

from hiersim import policies
from hiersim.drivers.cache_study import study
from hiersim.drivers.curves.curve import mean_and_error
from hiersim.drivers.curves.fixed_size import fixed_size
from hiersim.drivers.curves.lru import LruCurve
from hiersim.drivers.curves.miniature import miniature, rates_of
from hiersim.drivers.curves.sampling import draw, salt_of, scramble
from hiersim.drivers.curves.shards import shards
from hiersim.errors import ConfigError

pytestmark = pytest.mark.xdist_group("policy-lru")  # compiles the same loops
CAPACITIES = np.array([5, 20, 60, 110, 400], np.int64)
BIG = np.unique(np.geomspace(200, 20_000, 20).astype(np.int64))


@pytest.fixture(scope="module")
def skewed():
    """200,000 accesses to 20,000 objects with a Zipf law, and what LRU of BIG objects misses."""
    rng = np.random.default_rng(4)
    share = np.cumsum(np.arange(1, 20_001) ** -0.9)
    keys = np.searchsorted(share / share[-1], rng.random(200_000)).astype(np.int32)
    curve = LruCurve()
    curve.feed(keys)
    return keys, curve.misses(BIG) / len(keys)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("most", [1, 7, 40, 500])
def test_fixed_size_is_what_a_list_gives(most, seed):
    keys, sizes = stream(seed, 800, 120), sizes_of(seed, 120)
    hashes = [int(from_python(scramble)(key, salt_of(seed))) / 2**64 for key in range(120)]
    weighed, rate = fixed_size(keys, sizes, CAPACITIES, most, seed)
    plain_rate, missed, missed_bytes = fixed_size_sample(keys.tolist(), sizes.tolist(), hashes, most, CAPACITIES)
    assert rate == pytest.approx(plain_rate)
    assert weighed.total[0] - np.cumsum(weighed.hits)[:-1] == pytest.approx(missed)
    assert weighed.total[1] - np.cumsum(weighed.hit_bytes)[:-1] == pytest.approx(missed_bytes)


@pytest.mark.parametrize("sized", [False, True])
def test_a_sample_of_everything_is_exact(sized):
    keys, sizes = stream(3, 2_000, 150), sizes_of(3, 150) if sized else None
    true = LruCurve(sizes, CAPACITIES.tolist())
    true.feed(keys)
    for kind in ({"rate": 1.0}, {"most": 150}):
        found = shards(keys, 150, sizes, CAPACITIES, seeds=2, **kind)
        assert found.miss_ratio == pytest.approx(true.misses(CAPACITIES)[-len(found.capacity) :] / len(keys))
        assert found.byte_miss_ratio == pytest.approx(true.missed_bytes(CAPACITIES) / true.bytes)
        assert found.error == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", [{"rate": 0.05}, {"most": 800}])
def test_shards_is_without_bias_and_knows_its_error(skewed, kind):
    keys, true = skewed
    many = shards(keys, 20_000, None, BIG, seeds=32, seed=1_000, **kind)
    assert np.abs(many.miss_ratio - true[-len(many.capacity) :]).max() < 0.02  # the mean of many samples is right
    inside, each = [], []
    for seed in range(0, 100, 10):
        found = shards(keys, 20_000, None, BIG, seeds=10, seed=seed, **kind)
        off = np.abs(found.miss_ratio - true[-len(found.capacity) :])
        inside += (off <= found.error).tolist()
        each.append(off.mean())
    assert np.mean(inside) > 0.85  # of an interval that promises 0.95 of normal estimates; these are skewed
    assert max(each) < 0.02


def test_a_sample_has_all_accesses_of_its_objects_and_lies_in_the_larger_ones():
    keys = stream(5, 4_000, 1_000)
    inside = []
    for rate in (0.1, 0.3, 1.0):
        sample = draw(keys, 1_000, rate, 9)
        old = sample.chosen
        assert old[sample.keys].tolist() == keys[np.isin(keys, old)].tolist()
        assert len(old) == pytest.approx(1_000 * rate, rel=0.25)
        inside.append(set(old.tolist()))
    assert all(small <= large for small, large in itertools.pairwise(inside))
    assert len(inside[-1]) == 1_000


@pytest.mark.parametrize("name", ["lru", "sieve"])
def test_small_caches_miss_as_large_ones(skewed, name):
    keys, _ = skewed
    few = BIG[::4]
    true = np.array([study(keys, None, name, int(size)).miss_ratio for size in few])
    found = miniature(keys, 20_000, None, policies.find(name), few, rate=0.1, seeds=6)
    off = np.abs(found.miss_ratio - true)
    assert off.max() < 0.015
    assert (off <= found.error).mean() >= 0.8
    assert found.rate[0] > found.rate[-1] == 0.1


def test_small_caches_with_sizes():
    keys, sizes = stream(6, 20_000, 3_000), sizes_of(6, 3_000)
    capacities = np.array([1_000, 4_000, 8_000], np.int64)
    found = miniature(keys, 3_000, sizes, policies.find("lru"), capacities, rate=0.2, seeds=8)
    for i, size in enumerate(capacities.tolist()):
        true = study(keys, sizes, "lru", size)
        assert found.miss_ratio[i] == pytest.approx(true.miss_ratio, abs=0.06)
        assert found.byte_miss_ratio[i] == pytest.approx(true.byte_miss_ratio, abs=0.08)
    whole = miniature(keys, 3_000, sizes, policies.find("lru"), capacities, rate=1.0, seeds=3)
    true = [study(keys, sizes, "lru", size).miss_ratio for size in capacities.tolist()]
    assert whole.miss_ratio == pytest.approx(true, abs=1e-12)
    assert whole.error.max() < 1e-12


def test_the_rate_of_a_small_cache_leaves_it_room():
    assert rates_of(0.01, [100, 1_000, 5_000, 10_000, 10**6], 1.0).tolist() == [1.0, 0.16, 0.02, 0.01, 0.01]


def test_workers_and_seeds(skewed):
    keys, _ = skewed
    for make in (
        lambda **more: shards(keys, 20_000, None, BIG, rate=0.05, seeds=3, **more),
        lambda **more: miniature(keys, 20_000, None, policies.find("lru"), BIG[::5], rate=0.05, seeds=3, **more),
    ):
        one, two, other = make(workers=1), make(workers=3), make(seed=50)
        assert one.miss_ratio.tolist() == two.miss_ratio.tolist()
        assert one.error.tolist() == two.error.tolist()
        assert one.miss_ratio.tolist() != other.miss_ratio.tolist()


def test_the_error_of_a_mean():
    mean, error = mean_and_error(np.array([[0.1, 0.5], [0.3, 0.5], [0.2, 0.5]]))
    assert mean == pytest.approx([0.2, 0.5])
    assert error == pytest.approx([4.303 * 0.1 / 3**0.5, 0.0])
    assert np.isnan(mean_and_error(np.array([[0.1]]))[1][0])


def test_mistakes_are_told():
    keys = np.zeros(9, np.int32)
    for rate in (0.0, -0.5, 1.5, float("nan")):
        with pytest.raises(ConfigError, match="more than 0 and at most 1, got"):
            shards(keys, 1, None, CAPACITIES, rate=rate)
    with pytest.raises(ConfigError, match=r"resolves no capacity below 1,000, and the largest is 400"):
        shards(keys, 1, None, CAPACITIES, rate=0.001)
