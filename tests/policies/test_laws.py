"""What holds for every policy, and between policies."""

import itertools

import numpy as np
import pytest
from oracle.policies import next_uses as naive_next_uses
from oracle.policies import replay
from policies.streams import EACH, HASHED, sizes_of, stream, told, twin

from hiersim import policies
from hiersim.drivers.cache_study import Study, next_uses, studies, study
from hiersim.errors import PolicyError, TraceError

SEEDS = range(5)


@pytest.mark.parametrize("seed", SEEDS)
def test_none_beats_the_optimum(seed):
    keys = stream(seed, 3_000, 300)
    for capacity in (3, 30, 120):
        least = study(keys, None, "opt", capacity).misses
        found = [study(keys, None, name, capacity, objects=300, **told(name, 300)) for name in policies.NAMES]
        assert all(result.misses >= least for result in found)


@pytest.mark.parametrize("seed", SEEDS)
def test_lfu_sieve_and_lru_2_agree_until_the_hand_first_wraps(seed):
    keys, capacity = stream(seed, 3_000, 400), 150
    naive = twin("sieve", capacity)
    before = None

    for end in range(1, len(keys) + 1):
        key = int(keys[end - 1])
        if key in naive.visited:
            naive.hit(key, None)
        else:
            if len(naive.queue) == capacity:
                naive.remove(naive.victim(key, 1))
            if naive.laps:
                before = end - 1
                break
            naive.insert(key, 1, None)
    names = ("sieve", "lfu", "lru-2")
    sieve, lfu, lru_2 = (study(keys[:before], None, name, capacity, victims=True) for name in names)
    assert sieve.evictions > 20
    assert sieve.victims.tolist() == lfu.victims.tolist() == lru_2.victims.tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_larger_lru_holds_what_a_smaller_one_holds(seed):
    keys = stream(seed, 2_000, 200)
    caches = [Study("lru", capacity, 200) for capacity in (1, 2, 5, 17, 60, 61, 150)]
    for piece in np.array_split(keys, 25):
        inside = []
        for cache in caches:
            cache.feed(piece)
            inside.append(set(cache.resident().tolist()))
        assert all(small <= large for small, large in itertools.pairwise(inside))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", EACH)
def test_sizes_of_one_are_no_sizes(name, seed):
    keys, known = stream(seed, 1_000, 120), told(name, 120)
    one, two = (
        study(keys, sizes, name, 40, objects=120, victims=True, **known) for sizes in (np.ones(120, np.int64), None)
    )
    assert one.victims.tolist() == two.victims.tolist()


@pytest.mark.parametrize("sized", [False, True])
@pytest.mark.parametrize("name", EACH)
def test_other_ids_change_nothing(name, sized):
    if name in HASHED:
        pytest.skip("it hashes ids")
    keys, sizes = stream(11, 1_500, 120), sizes_of(11, 120)
    other = np.random.default_rng(3).permutation(120).astype(np.int32)
    other_sizes = np.empty(120, np.int64)
    other_sizes[other] = sizes
    known, other_known = told(name, 120), {}
    if known:
        parents = known["parents"]
        other_known["parents"] = np.empty(120, np.int32)
        other_known["parents"][other] = np.where(parents < 0, -1, other[parents])
    one = study(keys, sizes if sized else None, name, 90, objects=120, victims=True, **known)
    two = study(other[keys], other_sizes if sized else None, name, 90, objects=120, victims=True, **other_known)
    assert max(one.evictions, one.denied) > 50
    assert other[one.victims].tolist() == two.victims.tolist()


@pytest.mark.parametrize("sized", [False, True])
@pytest.mark.parametrize("name", EACH)
def test_pieces_give_what_the_whole_gives(name, sized):
    keys, sizes = stream(12, 1_500, 120), sizes_of(12, 120) if sized else None
    whole = study(keys, sizes, name, 50, objects=120, victims=True, **told(name, 120))
    later = next_uses(keys, 120)
    pieces = Study(name, 50, 120, sizes=sizes, accesses=len(keys), victims=True, **told(name, 120))
    for start, end in ((0, 0), (0, 1), (1, 400), (400, 401), (401, 1_500)):
        pieces.feed(keys[start:end], later[start:end])
    assert pieces.result() == whole.__class__(**{**vars(whole), "seconds": pieces.result().seconds})
    assert pieces.result().victims.tolist() == whole.victims.tolist()


@pytest.mark.parametrize("name", EACH)
def test_counts_add_up(name):
    keys, sizes = stream(13, 1_500, 120), sizes_of(13, 120)
    result = study(keys, sizes, name, 70, objects=120, **told(name, 120))
    assert result.hits + result.misses == result.requests == 1_500
    assert result.bytes == sizes[keys].sum()
    assert 0 < result.missed_bytes < result.bytes
    assert result.miss_ratio == result.misses / 1_500
    assert result.byte_miss_ratio == result.missed_bytes / result.bytes


def test_workers_change_nothing():
    keys = stream(14, 5_000, 300)
    pairs = [(name, capacity) for name in ("lru", "sieve", "random", "opt") for capacity in (10, 100)]
    alone = studies(keys, None, pairs, workers=1, victims=True)
    together = studies(keys, None, pairs, workers=4, victims=True)
    assert [result.policy for result in alone] == [name for name, _ in pairs]
    for one, two in zip(alone, together, strict=True):
        assert (one.policy, one.capacity, one.misses) == (two.policy, two.capacity, two.misses)
        assert one.victims.tolist() == two.victims.tolist()


@pytest.mark.parametrize("name", EACH)
def test_too_large_an_object_only_misses(name):
    keys = np.array([0, 1, 1, 0, 0], np.int32)
    result = study(keys, np.array([3, 41]), name, 40, victims=True, **told(name, 2))
    assert (result.misses, result.evictions, result.resident) == (3, 0, 1)


@pytest.mark.parametrize("name", EACH)
def test_an_empty_trace(name):
    result = study(np.zeros(0, np.int32), None, name, 4)
    assert (result.requests, result.miss_ratio, result.byte_miss_ratio) == (0, 0.0, 0.0)


def test_twin_of_arc_by_hand():
    """Figure 4 of the paper, by hand: 4 pushes 3 out of T1; the ghost of 3 raises the target to 1, so 1 leaves T2."""
    keys = [1, 1, 2, 2, 3, 4, 3]
    victims, misses, inside = replay(twin("arc", 3), keys, [1] * 6, 3, naive_next_uses(keys))
    assert (victims, misses, inside) == ([3, 1], 5, {2, 3, 4})


def test_mistakes_are_told():
    keys = np.array([0, 5], np.int32)
    with pytest.raises(TraceError, match="keys must be 0 to 2, got 0 to 5"):
        study(keys, None, "lru", 4, objects=3)
    with pytest.raises(PolicyError, match="capacity must be at least 1, got 0"):
        study(keys, None, "lru", 0)
    with pytest.raises(TraceError, match="at least one byte"):
        study(keys, np.zeros(6, np.int64), "lru", 4)
    with pytest.raises(PolicyError, match="`opt` needs `next_use`"):
        Study("opt", 4, 6, accesses=2).feed(keys)
    with pytest.raises(TraceError, match="1 entries for 2 accesses"):
        Study("opt", 4, 6, accesses=2).feed(keys, np.array([-1]))
