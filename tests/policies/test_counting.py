"""Loops that only count misses count what the policies' hooks do, in one piece or many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policies.streams import group, stream
from policies.test_footprint import NOT_SIMPLE, SIMPLE

from hiersim import policies
from hiersim.drivers.cache_study import Study, next_uses, study
from hiersim.errors import ConfigError, TraceError
from hiersim.policies.counting import TABLE, find
from hiersim.policies.footprint import footprint

SPECS = [*(name.replace("_", "-") for name in TABLE if name != "clock_pro"), "slru:segments=1", "slru:segments=2"]
SPECS += ["clock-pro-lcs", "clock-pro-lcs:cold=1", "clock-pro-lcs:cold=0.1"]
SPECS += ["mq:queues=1", "mq:lifetime=9", "mq:lifetime=40,history=0.3", "mq:queues=20,lifetime=2"]
SPECS += ["lhd:period=50", "lhd:period=200,sample=3,admissions=1", "lhd:period=150,sample=11,admissions=20"]
COUNTED = [pytest.param(spec, marks=group(spec.partition(":")[0])) for spec in SPECS]
FAST = settings(max_examples=60, derandomize=True, deadline=None)


def counts(name, keys, capacity, objects, ends, accesses=None):
    """Return the result of a replay in pieces that end at ``ends``, of which only counts are asked."""
    later = next_uses(keys, objects)
    one = Study(name, capacity, objects, accesses=accesses or len(keys), counts_only=True)
    for start, end in zip((0, *ends), (*ends, len(keys)), strict=True):
        one.feed(keys[start:end], later[start:end])
    return one.result()


def numbers(result):
    """Return all that is counted."""
    return {name: value for name, value in vars(result).items() if name not in ("seconds", "victims")}


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_the_hooks(name, seed):
    keys = stream(seed, 3_000, 300)
    for capacity in (1, 2, 7, 45, 150, 299, 300, 1_000):
        hooks = study(keys, None, name, capacity, objects=300, victims=True)
        assert numbers(counts(name, keys, capacity, 300, ())) == numbers(hooks)
        assert numbers(counts(name, keys, capacity, 300, (0, 1, 700, 701, 2_000))) == numbers(hooks)


@pytest.mark.parametrize("name", COUNTED)
@FAST
@given(keys=st.lists(st.integers(0, 12), max_size=200), capacity=st.integers(1, 13), cut=st.integers(0, 200))
def test_counts_of_any_trace(name, keys, capacity, cut):
    keys = np.array(keys, np.int32)
    hooks = study(keys, None, name, capacity, objects=13, victims=True)
    assert numbers(counts(name, keys, capacity, 13, (min(cut, len(keys)),))) == numbers(hooks)


@group("lhd")
@pytest.mark.parametrize(("objects", "capacity"), [(2_000, 299), (2_000, 640), (20_000, 6_000), (3_700, 3_500)])
def test_lhd_has_learnt_the_same(objects, capacity):
    keys = np.random.default_rng(capacity).zipf(1.1, 200_000).astype(np.int64) % objects
    both = [Study("lhd:period=9000", capacity, objects, accesses=len(keys), counts_only=each) for each in (False, True)]
    for piece in np.split(keys, [70_001]):
        for one in both:
            one.feed(piece)
    hooks, loop = both[0]._state, both[1]._counter._state
    assert both[0].result().misses == both[1].result().misses
    for name in ("keys", "hits", "evictions", "past_hits", "past_evictions", "means", "random", "chance", "clock"):
        assert np.array_equal(getattr(hooks, name), getattr(loop, name)), name


@pytest.mark.parametrize("name", COUNTED)
def test_counts_of_a_trace_that_is_part_of_a_very_long_one(name):
    keys = stream(5, 2_000, 100)
    if name == "opt":
        pytest.skip("it keeps a bit for each access to come")
    assert counts(name, keys, 30, 100, (), 2**31).misses == study(keys, None, name, 30, victims=True).misses


@pytest.mark.parametrize("name", [each for each in COUNTED if each.values[0] not in NOT_SIMPLE])
def test_little_is_kept_of_an_object(name):
    assert footprint(find(policies.find(name))).most <= SIMPLE


def test_what_only_counts_says_so():
    keys = stream(6, 100, 10)
    one = Study("sieve", 4, 10, counts_only=True)
    one.feed(keys)
    with pytest.raises(ConfigError, match="does not know what is resident"):
        one.resident()


@group("opt")
def test_a_trace_longer_than_announced_is_told():
    keys = np.array([0, 1, 2, 3, 4], np.int32)
    one = Study("opt", 2, 5, accesses=5, counts_only=True)
    one.feed(keys, np.full(5, -1))
    with pytest.raises(TraceError, match="more than the 5 accesses that were announced"):
        one.feed(keys, np.full(5, -1))
