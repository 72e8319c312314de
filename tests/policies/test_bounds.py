"""Bounds on what any policy can reach, against every schedule there is, the policies, and published counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import bounds as naive
from policies.streams import sizes_of, stream
from policies.test_golden import SHARED, trace

from hiersim import jit
from hiersim.drivers.bounds import bounds
from hiersim.drivers.cache_study import study
from hiersim.drivers.flow_bound import flow_bounds
from hiersim.drivers.prefetch_bound import prefetched
from hiersim.errors import PolicyError, TraceError

pytestmark = pytest.mark.xdist_group("policy-opt")
FEW = settings(max_examples=100, derandomize=True, deadline=None)
SHORT = st.lists(st.integers(0, 4), min_size=1, max_size=13)
SIZES, WORTH = (st.lists(st.integers(least, 4), min_size=5, max_size=5) for least in (1, 0))


@FEW
@given(keys=SHORT, sizes=SIZES, worth=WORTH, capacity=st.integers(1, 9))
def test_the_optimum_lies_between(keys, sizes, worth, capacity):
    found = bounds(np.array(keys), np.array(sizes), capacity, worth=np.array(worth, float))
    best = naive.best(keys, sizes, capacity, worth)
    assert found.least - 1e-9 <= best <= found.reached
    assert found.total == sum(worth[key] for key in keys)
    assert found.kept.tolist() == naive.packed(keys, sizes, capacity, worth)


@FEW
@given(keys=SHORT, sizes=SIZES, worth=WORTH, capacity=st.integers(1, 9), stretch=st.integers(1, 9))
def test_the_optimum_lies_between_those_of_flows(keys, sizes, worth, capacity, stretch):
    given_ = (np.array(keys), np.array(sizes), capacity)
    value = np.array(worth, float)
    found, before = flow_bounds(*given_, worth=value, stretch=stretch), bounds(*given_, worth=value)
    assert found.least - 1e-9 <= naive.best(keys, sizes, capacity, worth) <= found.reached
    assert before.least <= found.least
    assert found.reached <= before.reached
    kept = [gap for gap in naive.intervals(keys, sizes, capacity) if found.kept[gap[0]]]
    assert naive.fits(kept, capacity)
    assert found.reached == found.total - sum(worth[keys[start]] for start, _, _ in kept)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(keys=st.lists(st.integers(0, 9), min_size=1, max_size=60), capacity=st.integers(4, 20), seed=st.integers(0, 9))
def test_one_flow_is_the_fractional_optimum(keys, capacity, seed):
    sizes, worth = sizes_of(seed, 10) % 4 + 1, sizes_of(seed + 1, 10) % 5 + 1.0
    found = flow_bounds(np.array(keys), sizes, capacity, worth=worth, stretch=1000, passes=1)
    least = naive.fractional(keys, sizes.tolist(), capacity, worth.tolist())
    assert found.least == pytest.approx(min(least, found.reached))


@FEW
@given(keys=SHORT, capacity=st.integers(1, 5))
def test_of_one_size_the_optimum_is_belady_with_bypass(keys, capacity):
    keys = np.array(keys, np.int32)
    assert study(keys, None, "opt", capacity, admission="bypass").misses == naive.best(
        keys.tolist(), [1] * 5, capacity, [1] * 5
    )


@pytest.mark.parametrize("seed", range(3))
def test_packing_on_a_longer_trace(seed):
    keys, sizes = stream(seed, 200, 40), sizes_of(seed, 40)
    for capacity in (1, 13, 60, 10_000):
        found = bounds(keys, sizes, capacity, worth=sizes)
        assert found.kept.tolist() == naive.packed(keys.tolist(), sizes.tolist(), capacity, sizes.tolist())
        assert found.least <= found.reached <= found.total == sizes[keys].sum()
    assert found.least == found.reached == sum(sizes[key] for key in set(keys.tolist()))  # all fits: first uses only


@pytest.mark.parametrize("sized", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_no_policy_misses_less_than_the_bound(seed, sized):
    keys, sizes = stream(seed, 2_000, 200), sizes_of(seed, 200) if sized else None
    for capacity in (20, 120):
        least = bounds(keys, sizes, capacity).least
        for name in ("lru", "s3fifo", "opt"):
            assert study(keys, sizes, name, capacity).misses >= least, name


@pytest.mark.skipif(not SHARED.is_dir(), reason="the reference traces are not beside this checkout")
@pytest.mark.skipif(jit.DISABLED, reason="too slow as plain Python")
def test_flows_close_nearly_all_of_the_distance():
    keys, sizes = trace("golden_cloudphysics")
    before = bounds(keys[:40_000], sizes, 20_297_697)
    found = flow_bounds(keys[:40_000], sizes, 20_297_697, stretch=5_000)
    assert 0 < found.reached - found.least < 0.1 * (before.reached - before.least)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the reference traces are not beside this checkout")
@pytest.mark.skipif(jit.DISABLED, reason="too slow as plain Python")
def test_published_counts_with_and_without_bypass():
    keys, _ = trace("golden_mooncake")
    assert study(keys, None, "opt", 1_000).misses == 233_506
    assert study(keys, None, "opt", 1_000, admission="bypass").misses == 233_481
    found = bounds(keys, None, 1_000)
    assert found.least <= 233_481 <= found.reached


@FEW
@given(keys=st.lists(st.integers(0, 6), max_size=40), capacity=st.integers(1, 7), fetch=st.integers(1, 6))
@pytest.mark.parametrize("view", [1, 2, 5, 100])
def test_prefetching_is_its_naive_schedule(view, keys, capacity, fetch):
    found = prefetched(np.array(keys, np.int32), capacity, fetch=fetch, lookahead=view)
    assert (found.fetches, found.late, found.stalled) == naive.aggressive(keys, capacity, fetch, view)
    assert found.elapsed == len(keys) + found.stalled
    assert found.stalled <= found.fetches * fetch


@settings(max_examples=40, derandomize=True, deadline=None)
@given(keys=st.lists(st.integers(0, 4), max_size=9), capacity=st.integers(1, 3), fetch=st.integers(1, 3))
def test_prefetching_is_within_its_published_factor_of_the_best_schedule(keys, capacity, fetch):
    best = naive.best_time(tuple(keys), capacity, fetch)
    elapsed = prefetched(np.array(keys, np.int32), capacity, fetch=fetch).elapsed
    assert best <= elapsed <= (1 + fetch / capacity) * best


def test_a_view_of_the_next_access_alone_is_demand_fetching():
    keys = stream(3, 1_000, 80)
    found = prefetched(keys, 30, fetch=7, lookahead=1)
    lru = study(keys, None, "lru", 30)
    assert (found.fetches, found.late, found.stalled) == (lru.misses, lru.misses, 7 * lru.misses)
    all_seen = prefetched(keys, 30, fetch=7)
    assert all_seen.stalled < found.stalled / 2


def test_impossible_numbers_are_told():
    keys = np.array([0, 1, 0], np.int32)
    for given_, words in (
        ({"capacity": 0}, "capacity must be at least 1, got 0"),
        ({"capacity": 2, "sizes": np.array([1])}, "sizes has 1 entries for 2 objects"),
        ({"capacity": 2, "sizes": np.array([1, 0])}, "at least one byte"),
        ({"capacity": 2, "worth": np.array([1.0, np.nan])}, "worth must be finite and at least 0"),
        ({"capacity": 2, "worth": np.array([1.0, -1.0])}, "worth must be finite and at least 0"),
    ):
        with pytest.raises(TraceError, match=words):
            bounds(keys, **({"sizes": None} | given_))
    for capacity, wrong in ((2, {"fetch": 0}), (2, {"fetch": 1, "lookahead": 0}), (2, {"fetch": 10**30})):
        with pytest.raises(TraceError, match="must be at least 1, a whole number below 2\\^62, got"):
            prefetched(keys, capacity, **wrong)
    for capacity in (0, 1.5, float("nan")):
        with pytest.raises(TraceError, match="capacity must be at least 1"):
            prefetched(keys, capacity, fetch=1)
        with pytest.raises(TraceError, match="capacity must be at least 1"):
            bounds(keys, None, capacity)
        with pytest.raises(PolicyError, match="capacity must be at least 1"):
            study(keys, None, "lru", capacity)
