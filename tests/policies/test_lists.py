"""Laws of the policies made of lists and queues, checked through their twins after each request."""

import itertools

import numpy as np
import pytest
from oracle.policies import replay
from policies.streams import of, sizes_of, stream, twin

from hiersim.drivers.cache_study import Study, study

SEEDS = range(5)


@pytest.mark.parametrize("name", [of(name) for name in ["2q", "slru", "mq", "lirs", "car", "clock-pro"]])
@pytest.mark.parametrize("seed", SEEDS)
def test_lists_keep_their_sizes(name, seed):
    keys = stream(seed, 500, 60)
    for capacity in (1, 3, 8, 20, 40):
        naive, inside = twin(name, capacity, **({"lifetime": 30} if name == "mq" else {})), set()
        for key in keys.tolist():
            if key in inside:
                naive.hit(key, None)
            else:
                naive.miss(key)
                if len(inside) == capacity:
                    gone = naive.victim(key, 1)
                    naive.remove(gone)
                    inside.remove(gone)
                naive.insert(key, 1, None)
                inside.add(key)
            naive.check(capacity)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        of("clock", {"bits": 3, "start": 2}),
        of("slru", {"segments": 2}),
        of("2q", {"a1in": 0.5, "a1out": 2.0}),
        of("mq", {"queues": 4, "lifetime": 25, "history": 0.5}),
        of("lru-k", {"k": 3, "correlated": 6, "retained": 40}),
        of("lru-k", {"k": 1}),
        of("lru-k", {"k": 4, "retained": 100}),
        of("clock2q+", {"small": 0.3, "window": 0.2}),
        of("qdlp", {"small": 0.4, "ghost": 2.0, "bits": 1}),
        of("lirs", {"hir": 0.3, "stack": 1.0}),
        of("clock-pro", {"cold": 0.5}),
    ],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_parameters(name, options, seed):
    spec = name + ":" + ",".join(f"{key}={value}" for key, value in options.items())
    keys = stream(seed, 400, 60)
    for sizes, capacity in ((None, 20), (sizes_of(seed, 60), 120)):
        naive = twin(name, capacity, sizes is None, **options)
        plain = [1] * 60 if sizes is None else sizes.tolist()
        victims, _, _ = replay(
            naive, keys.tolist(), plain, capacity, [None] * len(keys), getattr(naive, "largest", None)
        )
        assert len(victims) > 20
        assert study(keys, sizes, spec, capacity, objects=60, victims=True).victims.tolist() == victims


@pytest.mark.parametrize(("name", "only"), [of("lru-k", "k=1"), of("slru", "segments=1"), of("mq", "queues=1")])
@pytest.mark.parametrize("seed", SEEDS)
def test_one_use_that_counts_or_one_segment_is_lru(name, only, seed):
    keys, sizes = stream(seed, 2_000, 200), sizes_of(seed, 200)
    for each, capacity in ((None, 40), (sizes, 300)):
        one, two = (study(keys, each, policy, capacity, victims=True) for policy in ("lru", f"{name}:{only}"))
        assert one.victims.tolist() == two.victims.tolist()


@pytest.mark.parametrize("name", [of(name) for name in ["lru-k", "mru"]])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_larger_cache_holds_what_a_smaller_one_holds(name, seed):
    """LRU-K that remembers all keys ranks them by the past alone and so is a stack algorithm; MRU ranks by recency.

    Forced insertion spoils it by one key for MRU: what both evict is the key before the last.
    """
    keys = stream(seed, 1_500, 200)
    caches = [Study(name, capacity, 200) for capacity in (2, 5, 17, 60, 61, 150)]
    for piece in np.array_split(keys, 300):
        inside = []
        for cache in caches:
            cache.feed(piece)
            inside.append(set(cache.resident().tolist()))
        assert all(small <= large for small, large in itertools.pairwise(inside))


@pytest.mark.xdist_group("policy-mru")
def test_mru_keeps_all_but_one_place_of_a_loop():
    keys = np.tile(np.arange(10, dtype=np.int32), 50)
    assert study(keys, None, "lru", 9).hits == 0
    assert study(keys, None, "mru", 9).hits > 0.8 * len(keys)


@pytest.mark.parametrize("name", [of(name) for name in ["slru", "lirs", "clock-pro", "lru-2", "car", "mq"]])
def test_a_scan_does_not_flush_what_is_used_again(name):
    often = np.tile(np.arange(12, dtype=np.int32), 30)
    once, scan = np.arange(100, 160, dtype=np.int32), np.arange(200, 1_200, dtype=np.int32)
    for policy, kept in (("lru", False), (name, True)):
        cache = Study(policy, 60, 1_200)
        cache.feed(np.concatenate([often, once, often, scan]))
        assert (set(range(12)) <= set(cache.resident().tolist())) is kept


@pytest.mark.xdist_group("policy-clock")
@pytest.mark.parametrize("seed", SEEDS)
def test_gclock_that_counts_to_one_from_zero_is_clock(seed):
    keys = stream(seed, 400, 60)
    one, two = (study(keys, None, name, 20, victims=True) for name in ("clock", "gclock:bits=1,start=0"))
    assert one.victims.tolist() == two.victims.tolist()
