"""Stack distances against a plain list, and the curve of all capacities against one replay a capacity."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.curves import misses, stack_distances
from policies.streams import sizes_of, stream

from hiersim import jit
from hiersim.drivers.cache_study import study
from hiersim.drivers.curves.lru import LruCurve
from hiersim.errors import ConfigError, TraceError
from hiersim.traces.byte_stack import ByteStack
from hiersim.traces.stack import LruStack

pytestmark = pytest.mark.xdist_group("policy-lru")  # compiles the same loops
FEW = settings(max_examples=60, derandomize=True, deadline=None)


@pytest.mark.parametrize("seed", range(6))
def test_distances_are_those_of_a_list(seed):
    keys = stream(seed, 1_500, 150)
    assert LruStack(150).feed(keys).tolist() == stack_distances(keys.tolist())
    sizes = sizes_of(seed, 150, most=1_000)
    assert ByteStack(sizes).feed(keys).tolist() == stack_distances(keys.tolist(), sizes.tolist())


@FEW
@given(st.lists(st.integers(0, 9), max_size=80), st.lists(st.integers(1, 2**50), min_size=10, max_size=10))
def test_any_stream(keys, sizes):
    column = np.array(keys, np.int32)
    assert LruStack().feed(column).tolist() == stack_distances(keys)
    assert ByteStack(np.array(sizes)).feed(column).tolist() == stack_distances(keys, sizes)


@pytest.mark.skipif(jit.DISABLED, reason="long")
@pytest.mark.parametrize("objects", [300, 30_000])
def test_distances_stay_right_when_places_are_moved_together(objects):
    """So many accesses that places run out several times."""
    rng = np.random.default_rng(objects)
    keys = (objects * rng.random(250_000) ** 2).astype(np.int32)
    sizes = rng.integers(1, 2**40, objects)
    one, two = LruStack(), ByteStack(sizes)
    distances, in_bytes = one.feed(keys), two.feed(keys)
    unit = ByteStack(np.ones(objects, np.int64)).feed(keys)
    assert (distances == unit).all()
    assert one.live == two.live == len(np.unique(keys))
    for at in range(len(keys) - 1, len(keys) - 15, -1):
        key = int(keys[at])
        before = max(np.flatnonzero(keys[:at] == key), default=None)
        inside = np.unique(keys[before:at])
        assert distances[at] == len(inside)
        assert in_bytes[at] == sizes[inside].sum()


def test_memory_is_bound_by_the_objects():
    keys = np.random.default_rng(1).integers(0, 100_000, 500_000).astype(np.int32)
    one, two = LruStack(100_000), ByteStack(np.ones(100_000, np.int64))
    for piece in np.array_split(keys, 10):
        one.feed(piece)
        two.feed(piece)
    assert one.nbytes < 5.5 * 100_000
    assert two.nbytes < 40 * 100_000


@pytest.mark.parametrize("seed", range(5))
def test_every_capacity_is_what_a_cache_of_it_misses(seed):
    keys = stream(seed, 1_500, 120)
    curve = LruCurve()
    curve.feed(keys)
    capacities = range(1, 122)
    assert curve.misses(capacities).tolist() == [study(keys, None, "lru", size).misses for size in capacities]
    assert curve.misses([10**15]) == curve.first_uses == len(np.unique(keys))
    assert (np.diff(curve.misses(capacities)) <= 0).all()  # a larger LRU cache holds what a smaller one holds


@pytest.mark.parametrize("seed", range(5))
def test_every_capacity_in_bytes_from_the_largest_object_on(seed):
    keys, sizes = stream(seed, 1_500, 120), sizes_of(seed, 120, most=60)
    capacities = list(range(int(sizes.max()), 60 * 60, 97))
    curve = LruCurve(sizes, capacities)
    curve.feed(keys)
    replayed = [study(keys, sizes, "lru", size) for size in capacities]
    assert curve.misses(capacities).tolist() == [each.misses for each in replayed]
    assert curve.missed_bytes(capacities).tolist() == [each.missed_bytes for each in replayed]
    assert [misses(keys.tolist(), sizes.tolist(), size) for size in capacities[::9]] == [
        (each.misses, each.missed_bytes) for each in replayed[::9]
    ]


def test_below_the_largest_object_the_stack_counts_what_a_cache_lets_pass():
    """By hand: a cache of 4 keeps the object of 1 while the one of 9 passes; on the stack it is pushed out."""
    keys, sizes = np.array([0, 1, 0], np.int32), np.array([1, 9])
    curve = LruCurve(sizes, [4, 10])
    curve.feed(keys)
    assert curve.misses([4, 10]).tolist() == [3, 2]
    assert [study(keys, sizes, "lru", size).misses for size in (4, 10)] == [2, 2]


@pytest.mark.parametrize("sized", [False, True])
def test_pieces_give_what_the_whole_gives(sized):
    keys, sizes = stream(7, 3_000, 200), sizes_of(7, 200)
    capacities = [20, 100, 700]
    whole, pieces = (LruCurve(sizes if sized else None, capacities) for _ in range(2))
    whole.feed(keys)
    for start, end in ((0, 0), (0, 1), (1, 900), (900, 901), (901, 3_000)):
        pieces.feed(keys[start:end])
    assert whole.misses(capacities).tolist() == pieces.misses(capacities).tolist()
    assert whole.missed_bytes(capacities).tolist() == pieces.missed_bytes(capacities).tolist()


@pytest.mark.parametrize("sized", [False, True])
def test_other_ids_change_nothing(sized):
    keys, sizes = stream(8, 2_000, 150), sizes_of(8, 150)
    other = np.random.default_rng(5).permutation(150).astype(np.int32)
    moved = np.empty(150, np.int64)
    moved[other] = sizes
    one, two = (LruCurve(each if sized else None, [30, 90]) for each in (sizes, moved))
    one.feed(keys)
    two.feed(other[keys])
    assert one.misses([30, 90]).tolist() == two.misses([30, 90]).tolist()
    assert one.missed_bytes([30, 90]).tolist() == two.missed_bytes([30, 90]).tolist()


def test_the_histogram_is_of_all_accesses():
    keys = stream(9, 2_000, 100)
    curve = LruCurve()
    curve.feed(keys)
    plain = stack_distances(keys.tolist())
    assert curve.histogram().tolist() == np.bincount(plain, minlength=curve.first_uses + 1).tolist()
    assert curve.histogram().sum() == len(keys)


def test_an_empty_trace():
    assert LruCurve().misses([1, 5]).tolist() == [0, 0]
    assert LruStack().feed(np.zeros(0, np.int32)).tolist() == []


def test_mistakes_are_told():
    with pytest.raises(ConfigError, match="capacities must be given"):
        LruCurve(np.ones(3, np.int64))
    with pytest.raises(TraceError, match="at least one byte, got 0"):
        LruCurve(np.zeros(3, np.int64), [4])
    sized = LruCurve(np.ones(3, np.int64), [4])
    with pytest.raises(TraceError, match="keys must be 0 to 2, got 3"):
        sized.feed(np.array([3], np.int32))
    with pytest.raises(TraceError, match="0 or more, got -1"):
        LruCurve().feed(np.array([-1], np.int32))
    with pytest.raises(ConfigError, match="only at the capacities given"):
        sized.misses([5])
    with pytest.raises(ConfigError, match="not counted where objects have sizes"):
        sized.histogram()


@pytest.mark.skipif(jit.DISABLED or jit.REFCOUNT, reason="this is the run inside the run")
def test_as_plain_python():
    here = Path(__file__)
    command = [sys.executable, "-m", "pytest", "-x", "-n0", "-p", "no:cacheprovider", str(here), str(here.parent)]
    command += ["-k", "test_distances_are_those_of_a_list and 0 or fixed_size and 0 or working_sets and 0"]
    run = subprocess.run(
        command,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        cwd=here.parent.parent.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "passed" in run.stdout
